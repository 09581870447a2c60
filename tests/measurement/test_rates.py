"""What became of messages, counted by hand; a segment as it was at sending."""

from __future__ import annotations

import pytest
from tests.measurement.messaging import at, bought, cancel, heard, segment, sent, was_in
from tests.outbox.people import profiles

from pusula.measurement.attribution.touches import Span
from pusula.measurement.reports.rates import KINDS, Asked, of, page, rates
from pusula.outbox.models import Message

pytestmark = pytest.mark.django_db
WHOLE = Span(at(0), at(30))


def listed(asked: Asked, kind: str) -> list[Message]:
    """Return the messages behind a count, however many pages they fill."""
    found, after = [], None
    while True:
        some = page(asked, kind, after=after, limit=2)
        found, after = found + some.ids, some.after
        if after is None:
            return [Message.objects.get(pk=pk) for pk in found]


@pytest.fixture
def people():
    return profiles(5)


@pytest.fixture
def mailed(people):
    """Five mails: opened and clicked, opened by a machine, bounced, refused, unsubscribed."""
    made = [sent(who, 1) for who in people[:3]]
    made.append(sent(people[3], 1, state="failed"))
    made.append(sent(people[4], 1))
    heard(made[0], "opened", 2)
    heard(made[0], "opened", 3)
    heard(made[0], "clicked", 2)
    heard(made[1], "opened", 1.1, machine=True)
    heard(made[1], "clicked", 1.1, machine=True)
    heard(made[2], "bounced", 1.2)
    heard(made[4], "unsubscribed", 2)
    heard(made[4], "complained", 2)
    return made


def test_each_end_is_counted_once_and_machines_apart(mailed):
    found = of(Asked(WHOLE))
    counts = {kind: getattr(found, f"n_{kind}") for kind in KINDS}
    assert counts == {
        "tried": 5, "sent": 4, "delivered": 3, "opened": 1, "opened_any": 2, "clicked": 1,
        "converted": 0, "unsubscribed": 1, "complained": 1, "bounced": 2,
    }  # fmt: skip
    assert found.share("delivered").value == pytest.approx(3 / 5)
    assert found.share("opened").value == pytest.approx(1 / 3)
    low, high = found.interval("opened").low, found.interval("opened").high
    assert (low, high) == pytest.approx((0.0615, 0.7923), abs=1e-3)  # Wilson's of 1 in 3


def test_the_messages_behind_every_count_are_as_many(mailed, people):
    bought(people[0], 2)
    asked = Asked(WHOLE)
    found = of(asked)
    for kind in KINDS:
        assert len(listed(asked, kind)) == getattr(found, f"n_{kind}"), kind


def test_an_sms_is_delivered_when_its_network_says_so(people):
    silent, confirmed = (sent(who, 1, channel="sms") for who in people[:2])
    heard(confirmed, "delivered", 1.1)
    assert of(Asked(WHOLE)).n_delivered == 1
    assert listed(Asked(WHOLE), "delivered") == [confirmed]
    assert silent.state == "sent"


def test_orders_behind_messages_count_once_and_while_they_live(people):
    ayse, mehmet = people[:2]
    for day in (1, 2):
        sent(ayse, day, origin=f"campaign:{day}")
    sent(mehmet, 1)
    about = bought(ayse, 3, 200_00)
    sent(ayse, 2.5, origin="journey:1", step="m", order=about)
    bought(ayse, 20, 999_00)  # too late
    lost = bought(mehmet, 2, 50_00)
    found = of(Asked(WHOLE))
    assert (found.n_converted, found.n_orders, found.revenue_minor) == (3, 2, 250_00)
    assert found.order_minor == 125_00
    cancel(lost)
    assert of(Asked(WHOLE)).n_orders == 1
    by_origin = rates(Asked(WHOLE), ["origin"])
    assert by_origin["campaign:1",].n_orders == by_origin["campaign:2",].n_orders == 1
    assert by_origin["journey:1",].n_converted == 0  # the order it writes about


def test_a_message_before_two_orders_converted_once(people):
    sent(people[0], 1)
    for day in (2, 3):
        bought(people[0], day, 100_00)
    found = of(Asked(WHOLE))
    assert (found.n_converted, found.n_orders, found.revenue_minor) == (1, 2, 200_00)


def test_a_segment_is_whoever_was_in_it_at_sending(people):
    loyal = segment()
    was_in(loyal, people[0], 0, 5)
    was_in(loyal, people[1], 5)
    for who in people[:3]:
        heard(sent(who, 3), "opened", 4)
    for who in people[:2]:
        sent(who, 6, origin="campaign:2")
    asked = Asked(WHOLE, segment=loyal)
    by_origin = rates(asked, ["origin"])
    assert by_origin["campaign:1",].n_sent == by_origin["campaign:1",].n_opened == 1
    assert by_origin["campaign:2",].n_sent == 1
    assert {one.profile_id for one in listed(asked, "sent")} == {people[0].pk, people[1].pk}


def test_days_are_told_between_the_bounds_that_are_given(people):
    for day, who in zip((0.5, 1.5, 1.6, 29), people, strict=False):
        sent(who, day)
    bounds = [at(0), at(1), at(2), at(30)]
    found = rates(Asked(WHOLE), ["day"], bounds=bounds)
    assert {key: one.n_sent for key, one in found.items()} == {(0,): 1, (1,): 2, (2,): 1}


def test_what_is_asked_narrows_to_step_channel_and_wording(people):
    one = sent(people[0], 1, origin="journey:1", step="a")
    sent(people[0], 1, origin="journey:1", step="b", channel="sms")
    assert of(Asked(WHOLE, origin="journey:1")).n_sent == 2
    assert of(Asked(WHOLE, step="a")).n_sent == 1
    assert of(Asked(WHOLE, channel="sms")).n_sent == 1
    assert of(Asked(WHOLE, content_id=one.content_id)).n_sent == 1
    assert of(Asked(Span(at(2), at(3)))).n_sent == 0
    assert of(Asked(Span(at(2), at(3)))).interval("opened") is None
