"""People choose by a link of their own mail; nobody else can, and looking changes nothing."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from tests.outbox.people import consented, in_line, profiles

from pusula.consent.actions import Decision, record
from pusula.consent.models import Consent, ConsentEntry
from pusula.lib import clock, ids
from pusula.outbox import links
from pusula.outbox.models import Message
from pusula.pipeline import live
from pusula.profiles.models import Identifier

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "log"])


@pytest.fixture
def message() -> Message:
    [person] = profiles(1)
    consented([person])
    return in_line([person])[0]


def path_of(message: Message) -> str:
    url = links.MessageLinks(message.token).preferences_url
    return re.sub(r"^https?://[^/]+", "", url)


def held(message: Message) -> dict[tuple[str, str], str]:
    rows = Consent.objects.filter(profile_id=message.profile_id)
    return {(one.channel, one.purpose): one.status for one in rows}


def with_phone(message: Message) -> None:
    Identifier.objects.create(
        profile_id=message.profile_id, kind="phone", value="+905321234567", source="pms",
        recorded_at=0,
    )  # fmt: skip


def test_the_page_shows_what_holds_in_both_languages_without_a_script(message):
    page = Client().get(path_of(message), headers={"Accept-Language": "tr-TR,tr;q=0.9"})
    text = page.content.decode()
    assert page.status_code == 200
    assert 'lang="tr"' in text
    assert 'value="marketing:email"' in text
    assert "checked" in text
    assert "<script" not in text
    assert "unsafe" not in page["Content-Security-Policy"]
    assert page["Referrer-Policy"] == "no-referrer"
    assert 'lang="en"' in Client().get(path_of(message) + "?lang=en").content.decode()


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_looking_changes_nothing(message, method):
    getattr(Client(), method)(path_of(message))
    getattr(Client(), method)(path_of(message) + "?nothing=1")
    assert ConsentEntry.objects.count() == 1
    assert held(message) == {("email", "marketing"): "granted"}


def test_nothing_more_refuses_every_channel_at_once(message):
    with_phone(message)
    now = clock.now()
    record(
        [
            Decision(
                profile_id=message.profile_id, channel="sms", purpose="marketing", source="web",
                status="granted", decided_at=now - clock.DAY, evidence="form",
            )
        ],
        at=now,
    )  # fmt: skip
    page = Client().post(path_of(message), {"nothing": "1", "yes": ["marketing:email"]})
    assert page.status_code == 200
    assert held(message) == {("email", "marketing"): "refused", ("sms", "marketing"): "refused"}


def test_a_choice_is_one_record_for_each_purpose_with_the_words_that_were_read(message):
    Client().post(path_of(message), {}, REMOTE_ADDR="203.0.113.77")
    refusal = ConsentEntry.objects.latest("pk")
    assert (refusal.status, refusal.address) == ("refused", message.address)
    assert refusal.proof["network"] == "203.0.113.0/24"
    Client().post(path_of(message), {"yes": ["marketing:email"]})
    grant = ConsentEntry.objects.latest("pk")
    assert (grant.status, grant.address) == ("granted", message.address)
    assert len(grant.proof["text_digest"]) == 64
    assert held(message) == {("email", "marketing"): "granted"}
    Client().post(path_of(message), {"yes": ["marketing:email"]})
    assert ConsentEntry.objects.count() == 3, "the same choice again is no decision"


def test_a_link_by_mail_opens_no_other_channel(message):
    with_phone(message)
    page = Client().get(path_of(message)).content.decode()
    assert re.search(r'value="marketing:sms"[^>]*disabled', page)
    Client().post(path_of(message), {"yes": ["marketing:email", "marketing:sms", "ads:email"]})
    assert held(message) == {("email", "marketing"): "granted"}


def test_segments_hear_of_a_choice(message):
    Client().post(path_of(message), {})
    stepped = live.step()
    assert stepped is not None
    assert held(message) == {("email", "marketing"): "refused"}


def hostile(message: Message) -> dict[str, str]:
    good = links.MessageLinks(message.token)
    signed = path_of(message).split("/")[2]
    unsubscribe = re.sub(r"^https?://[^/]+", "", good.unsubscribe_url).split("/")[2]
    flipped = signed[:-1] + ("A" if signed[-1] != "A" else "B")
    return {
        "guess": ids.random_id(),
        "guess with a signature": f"{ids.random_id()}.{ids.random_id()}",
        "flipped bit": flipped,
        "other person": f"{ids.random_id()}.{signed.split('.')[1]}",
        "other purpose": unsubscribe,
        "old key": ids.sign(b"an older key", message.token),
        "number": "1",
        "mail": "p1@example.com",
        "empty parts": "..",
        "letters beyond": "ğüşiöç.İ",
    }


def test_every_link_that_is_not_ours_gets_one_and_the_same_page(message):
    answers = set()
    for signed in hostile(message).values():
        for method in ("get", "post"):
            page = getattr(Client(), method)(f"/p/{signed}/")
            answers.add((page.status_code, page.content))
    erased = path_of(message)
    Message.objects.all().delete()
    for method in ("get", "post"):
        page = getattr(Client(), method)(erased)
        answers.add((page.status_code, page.content))
    assert len(answers) == 1
    assert next(iter(answers))[0] == 200
    assert ConsentEntry.objects.count() == 1


def test_the_address_says_nothing_of_the_person(message):
    signed = path_of(message).split("/")[2]
    assert message.address not in signed
    token, mac = signed.split(".")
    assert (len(token), len(mac)) == (22, 22), "128 bits each"


def test_the_preview_changes_nothing(message):
    assert Client().post("/p/preview/").status_code == 200
    assert ConsentEntry.objects.count() == 1


def test_the_unsubscribe_page_leads_to_the_choices(message):
    url = links.MessageLinks(message.token).unsubscribe_url
    page = Client().get(re.sub(r"^https?://[^/]+", "", url)).content.decode()
    assert path_of(message) in page


def form_of(message: Message) -> dict[str, list[str]]:
    """Return what a browser would send from the page as it is now."""
    page = Client().get(path_of(message)).content.decode()
    boxes = re.findall(r'<input type="checkbox"[^>]*>', page)
    return {
        "is_new": re.findall(r'name="is_new" value="(\w+)"', page),
        "was": re.findall(r'name="was" value="([^"]+)"', page),
        "yes": [re.findall(r'value="([^"]+)"', one)[0] for one in boxes if "checked" in one],
    }


def test_a_page_that_stood_open_takes_nothing_back_that_was_decided_meanwhile(message):
    old = form_of(message)
    assert old["yes"] == ["marketing:email"]
    Client().post(path_of(message), {"nothing": "1"})
    Client().post(path_of(message), old)
    assert held(message) == {("email", "marketing"): "refused"}, "nobody ticked it anew"
    new = form_of(message)
    assert new["yes"] == new["was"] == []
    Client().post(path_of(message), {**new, "yes": ["marketing:email"]})
    assert held(message) == {("email", "marketing"): "granted"}


def test_a_page_that_stood_open_still_withdraws_what_is_unticked(message):
    old = form_of(message)
    Client().post(path_of(message), {**old, "yes": []})
    assert held(message) == {("email", "marketing"): "refused"}
    n = ConsentEntry.objects.count()
    Client().post(path_of(message), {**old, "yes": []})
    assert ConsentEntry.objects.count() == n, "pressed twice"
