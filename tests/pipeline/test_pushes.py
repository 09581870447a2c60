"""Browsers that subscribe: whom they reach, what was agreed to, and what is kept of them."""

from __future__ import annotations

import pytest
from tests.pipeline.company import NOW
from tests.pipeline.sent import come_in, holder, reasons, track
from tests.simulators.push_service import Browser

from pusula.consent.actions import refuse
from pusula.consent.models import Consent, ConsentEntry
from pusula.events.models import Event
from pusula.lib import clock
from pusula.outbox import machine, person, subscriptions
from pusula.outbox.models import Content, Message, PushSubscription, Receipt
from pusula.outbox.reach import reach

pytestmark = pytest.mark.django_db(databases=["default", "log"])
ENDPOINT = "https://fcm.googleapis.com/fcm/send/abc"


def subscribed(endpoint: str = ENDPOINT, visitor: str = "a-1", **told: object):
    properties = {
        "endpoint": endpoint, **Browser().keys, "vapid_key": "BKey", "asked": True, **told,
    }  # fmt: skip
    return track("Push Subscribed", properties, anonymousId=visitor)


def reached(profile_id: int) -> tuple[str, str]:
    found = reach([profile_id], channel="webpush", purpose="marketing", is_commercial=True, at=NOW)
    return found[profile_id].address, found[profile_id].reason


def test_a_browser_that_subscribed_is_reached_by_its_permission(company) -> None:
    come_in(NOW, subscribed())
    visitor = holder("anonymous", "web:a-1")
    assert reached(visitor) == (subscriptions.address_of(ENDPOINT), "")
    assert Consent.objects.get().status == "granted"
    kept = Event.objects.get().properties
    assert set(kept) == {"vapid_key", "asked"}  # nothing that leads to the browser


def test_coming_back_with_a_subscription_decides_nothing(company) -> None:
    come_in(NOW, subscribed())
    visitor = holder("anonymous", "web:a-1")
    refuse(
        [visitor], channel="webpush", purpose="marketing", source="pusula", evidence="page",
        at=NOW + clock.HOUR,
    )  # fmt: skip
    come_in(NOW + 2 * clock.HOUR, subscribed(asked=False))
    come_in(NOW + 2 * clock.HOUR, subscribed(f"{ENDPOINT}2", asked=False))
    assert reached(visitor)[1] == "refused"
    assert ConsentEntry.objects.count() == 2
    come_in(NOW + 3 * clock.HOUR, subscribed(f"{ENDPOINT}3", asked=True))
    assert reached(visitor) == (subscriptions.address_of(f"{ENDPOINT}3"), "")


def test_a_browser_that_renews_itself_takes_the_place_of_what_it_was(company) -> None:
    come_in(NOW, subscribed())
    come_in(NOW + clock.HOUR, subscribed(f"{ENDPOINT}2", replaces=ENDPOINT, asked=None))
    assert [one.endpoint for one in PushSubscription.objects.all()] == [f"{ENDPOINT}2"]
    assert ConsentEntry.objects.count() == 1


def test_nobody_can_replace_the_browser_of_another(company) -> None:
    come_in(NOW, subscribed())
    come_in(NOW, subscribed(f"{ENDPOINT}2", visitor="a-2", replaces=ENDPOINT))
    assert PushSubscription.objects.count() == 2


def test_a_browser_belongs_to_who_uses_it_now(company) -> None:
    come_in(NOW, subscribed())
    come_in(NOW + clock.HOUR, subscribed(visitor="a-2"))
    owner = PushSubscription.objects.get().profile_id
    assert owner == holder("anonymous", "web:a-2")


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"endpoint": "https://169.254.169.254/x"}, "no push service"),
        ({"endpoint": ""}, "no push service"),
        ({"endpoint": f"{ENDPOINT}{'x' * 2_000}"}, "no push service"),
        ({"p256dh": "AAAA"}, "no point on P-256"),
        ({"auth": "şş"}, "not base64url"),
    ],
)
def test_what_is_no_subscription_is_put_aside_and_its_event_stays(company, told, why) -> None:
    come_in(NOW, track("Push Subscribed", {
        "endpoint": ENDPOINT, **Browser().keys, "vapid_key": "BKey", **told,
    }, anonymousId="a-1"))  # fmt: skip
    assert why in reasons()[0]
    assert not PushSubscription.objects.exists()


def test_a_person_has_no_more_browsers_than_people_have(company) -> None:
    come_in(NOW, *(subscribed(f"{ENDPOINT}{n}") for n in range(25)))
    assert PushSubscription.objects.count() == 20
    assert "known already" in reasons()[0]


def test_what_becomes_of_a_push_is_heard_from_its_browser_once(company) -> None:
    come_in(NOW, subscribed())
    visitor = holder("anonymous", "web:a-1")
    content = Content.objects.create(channel="webpush", sender="", subject="", text="x", html="",
                                     created_at=NOW)  # fmt: skip
    message = Message.objects.create(
        dedupe_key="k", origin="campaign:1", profile_id=visitor, content=content,
        channel="webpush", purpose="marketing", address="a", token="t" * 22, state=machine.SENT,
        due_at=NOW, not_after_at=NOW, created_at=NOW,
    )  # fmt: skip
    tapped = {"push_id": message.token, "url": "/oda"}
    come_in(NOW + clock.HOUR, track("Push Notification Tapped", tapped, anonymousId="a-1"))
    come_in(NOW + clock.HOUR, track("Push Notification Tapped", tapped, anonymousId="a-1"))
    come_in(NOW + clock.HOUR, track("Push Notification Tapped", {"push_id": 7}, anonymousId="a-1"))
    receipt = Receipt.objects.get()
    assert (receipt.kind, receipt.url, receipt.message_id) == ("clicked", "/oda", message.pk)


def test_an_erased_person_s_browsers_are_gone_and_told_ones_are_told(company) -> None:
    come_in(NOW, subscribed())
    visitor = holder("anonymous", "web:a-1")
    assert any(ENDPOINT in str(record) for record in person.told_of(visitor))
    person.erase([visitor])
    assert not PushSubscription.objects.exists()
