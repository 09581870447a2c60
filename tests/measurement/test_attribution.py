"""What is ascribed to messages, counted by hand in a small world, on every side of it."""

from __future__ import annotations

import pytest
from tests.measurement.messaging import at, bought, cancel, heard, segment, sent, was_in
from tests.outbox.people import mailing, profiles

from pusula.campaigns.models import Assignment, Campaign
from pusula.journeys.models import Enrollment, Journey, JourneyVersion
from pusula.lib import clock
from pusula.measurement.attribution import calibration, touches
from pusula.measurement.attribution.credit import Model, Rules
from pusula.measurement.attribution.queries import (
    Credit,
    Narrowed,
    attributed,
    attributed_to,
    credited_orders,
)
from pusula.measurement.attribution.touches import Span
from pusula.measurement.experiments import queries as experiments
from pusula.measurement.reports import rates
from pusula.measurement.results.campaign import result
from pusula.outbox.models import Message

pytestmark = pytest.mark.django_db
WHOLE = Span(at(0), at(60))
LAST = Rules()
LINEAR = Rules(Model.LINEAR, {"sent": 30, "opened": 30, "clicked": 30})


@pytest.fixture
def people():
    return profiles(6)


def test_an_order_goes_to_the_last_message_its_person_clicked(people):
    ayse = people[0]
    first, second = sent(ayse, 1), sent(ayse, 2, origin="campaign:2")
    heard(first, "clicked", 3)
    heard(second, "opened", 2.5)
    bought(ayse, 4)
    found = attributed(WHOLE, LAST)
    assert found.by("origin") == {"campaign:1": Credit(1, 100_00), "campaign:2": Credit(0, 0)}
    assert (found.n_orders, found.net_minor, found.n_touched) == (1, 100_00, 1)


def test_what_machines_did_is_no_touch(people):
    one = sent(people[0], 1)
    heard(one, "opened", 4, machine=True)
    heard(one, "clicked", 4, machine=True)
    bought(people[0], 5)
    assert attributed(WHOLE, LAST).total == Credit()
    heard(one, "opened", 4.5)
    assert attributed(WHOLE, LAST).total == Credit(1, 100_00)


def test_messages_that_did_not_leave_earn_nothing(people):
    for state in ("failed", "skipped", "unknown", "pending"):
        sent(people[0], 1, origin=f"campaign:{len(state)}{state}", state=state)
    bought(people[0], 1.5)
    assert attributed(WHOLE, LAST).by_key == {}


def test_a_later_cancellation_lowers_the_credit(people):
    for who in people[:2]:
        heard(sent(who, 1), "clicked", 1.5)
    kept, lost = bought(people[0], 2), bought(people[1], 2, 300_00)
    assert attributed(WHOLE, LAST).total == Credit(2, 400_00)
    cancel(lost)
    found = attributed(WHOLE, LAST)
    assert found.total == Credit(1, 100_00)
    assert found.net_minor == kept.net_base_minor


def test_the_sides_of_a_credit_add_up_to_the_same(people):
    content = mailing(subject="Bahar")
    for who in people[:3]:
        sent(who, 1, origin="journey:5", step="mail", key=f"journey:5:mail:{who.pk}")
        sent(who, 2, origin="campaign:2", channel="sms", content=content)
        bought(who, 3, 99_99)
    found = attributed(WHOLE, LINEAR)
    for side in ("origin", "message", "channel", "content_id"):
        assert sum(found.by(side).values(), Credit()).revenue_minor == 3 * 99_99
    assert found.by("message")["journey:5", "mail"].n_orders == pytest.approx(1.5)
    assert found.by("channel")["sms"].n_orders == pytest.approx(1.5)
    assert content.pk in found.by("content_id")


def test_the_trigger_is_how_the_person_came_in(people):
    journey = Journey.objects.create(key="welcome", state="live", created_at=0)
    version = JourneyVersion.objects.create(journey=journey, number=1, definition={}, created_at=0)
    for number, who in enumerate(people[:3]):
        ride = Enrollment.objects.create(
            journey=journey, version=version, profile=who, entry_key=f"x:{number}",
            entry=f"entry:{number % 2}", state="finished", entered_at=at(0), moved_at=at(0),
            finished_at=at(0), outcome="done",
        )  # fmt: skip
        sent(who, 1, origin=journey.origin, step="m", key=f"{journey.origin}:m:{ride.pk}")
        bought(who, 1.5)
    found = attributed(WHOLE, LAST)
    assert found.by("trigger") == {
        (journey.origin, "entry:0"): Credit(2, 200_00),
        (journey.origin, "entry:1"): Credit(1, 100_00),
    }
    narrowed = Narrowed(origin=journey.origin, trigger="entry:1")
    listed, _end = credited_orders(WHOLE, LAST, narrowed, limit=50)
    assert [one.profile_id for one in listed] == [people[1].pk]


def test_a_segment_is_whoever_was_in_it_when_the_message_left(people):
    loyal = segment()
    was_in(loyal, people[0], 0, 2)  # left behind the message
    was_in(loyal, people[1], 2)  # entered behind it
    was_in(loyal, people[2], 0)
    was_in(loyal, people[3], 0, 0.5)  # had left before it
    for who in people[:4]:
        heard(sent(who, 1), "clicked", 3)
        bought(who, 4)
    found = attributed(WHOLE, LAST)
    assert found.by_segment == {loyal.pk: Credit(2, 200_00)}
    assert attributed(WHOLE, LAST, segment=loyal).total == found.by_segment[loyal.pk]
    listed, _end = credited_orders(WHOLE, LAST, Narrowed(segment=loyal), limit=50)
    assert {one.profile_id for one in listed} == {people[0].pk, people[2].pk}


def test_the_segments_of_those_are_read_whose_messages_may_count(people):
    loyal = segment()
    for who in people[:4]:
        was_in(loyal, who, 0)
        bought(who, 4)
    heard(sent(people[2], 1), "clicked", 3)
    (block,) = touches.blocks(WHOLE, LAST.longest)
    held = touches.memberships([loyal.pk], block)
    assert held["profile_id"].to_pylist() == [people[2].pk]


@pytest.mark.parametrize("longest", [None, -1])
def test_the_rows_behind_a_credit_come_to_it_page_by_page(people, monkeypatch, longest):
    monkeypatch.setattr("pusula.measurement.attribution.queries._A_FEW", 2)
    for who in people:
        sent(who, 1)
        sent(who, 2, origin="campaign:2")
        for day in (3, 3.5):
            bought(who, day, 77_77)
    found = attributed(WHOLE, LINEAR)
    listed, after, narrowed = [], (0, 0), Narrowed(origin="campaign:2")
    while after is not None:
        page, after = credited_orders(
            WHOLE, LINEAR, narrowed, after=after, limit=3, longest=longest
        )
        listed += page
    assert len({one.order_id for one in listed}) == len(listed) == 12
    assert sum(one.credit_minor for one in listed) == found.by("origin")["campaign:2"].revenue_minor
    assert attributed_to("campaign:2", WHOLE, LINEAR) == found.by("origin")["campaign:2"]


def test_of_one_origin_nobody_is_read_who_stands_between_its_people(people):
    sent(people[0], 1)
    sent(people[-1], 1)
    for who in people:
        sent(who, 1, origin="campaign:2")
        bought(who, 1.5)
    (block,) = touches.blocks(WHOLE, LAST.longest, origin="campaign:1")
    ends = {people[0].pk, people[-1].pk}
    assert set(block.orders["profile_id"].to_pylist()) == ends
    assert set(block.messages["profile_id"].to_pylist()) == ends
    assert set(block.signs["profile_id"].to_pylist()) == ends
    assert len(block.messages) == 4


def test_a_segment_that_sending_itself_leaves_counts_as_it_was_at_the_gate(people):
    unwritten = segment()
    message = sent(people[0], 1)
    Message.objects.update(gated_at=at(0.9))
    was_in(unwritten, people[0], 0, 0.95)
    heard(message, "clicked", 3)
    bought(people[0], 4)
    assert attributed(WHOLE, LAST).by_segment == {unwritten.pk: Credit(1, 100_00)}
    asked = rates.Asked(WHOLE, segment=unwritten)
    assert rates.of(asked).n_sent == 1  # the same people as told by rates


def test_reading_by_blocks_of_people_changes_nothing(people, monkeypatch):
    for number, who in enumerate(people):
        heard(sent(who, number), "opened", number + 1)
        bought(who, number + 2, 10_000 + number)
    whole = attributed(WHOLE, LINEAR)
    monkeypatch.setattr(touches, "BLOCK", 1)
    blocks = list(touches.blocks(WHOLE, LINEAR.longest, size=1))
    assert len(blocks) == len(people)
    monkeypatch.setattr(touches.blocks, "__kwdefaults__", {"after": 0, "origin": "", "size": 1})
    assert attributed(WHOLE, LINEAR).by_key == whole.by_key


def campaign(people, n_held: int) -> Campaign:
    made = Campaign.objects.create(
        key="bahar", title="Bahar", goal="loyalty", state="finished", currency="TRY",
        created_at=at(0), started_at=at(0), window_ends_at=at(14), holdout_share=0.5,
    )  # fmt: skip
    for number, who in enumerate(people):
        is_held = number < n_held
        Assignment.objects.create(
            campaign=made, profile=who, arm="holdout" if is_held else "treated",
            assigned_at=at(0),
        )  # fmt: skip
        if not is_held:
            sent(who, 0, origin=made.origin)
    return made


def test_calibrated_credit_of_a_whole_life_is_the_measured_lift(people):
    made = campaign(people, 3)
    bought(people[0], 2, 50_00)  # held out
    for who in people[3:]:
        bought(who, 0.5, 100_00)
    lifts = calibration.lifts({made.origin, "journey:99"}, LAST, at=at(20))
    lift = lifts[made.origin]
    assert set(lifts) == {made.origin}
    measured = result(made, at(20)).overall
    assert lift.revenue_minor == measured.gained.revenue == pytest.approx(250_00)
    found = attributed(WHOLE, LAST).by("origin")[made.origin]
    scaled = lift.calibrated(found)
    assert scaled.revenue_minor == pytest.approx(250_00)
    assert (scaled.interval.low, scaled.interval.high) == pytest.approx(
        (measured.gained.interval.low, measured.gained.interval.high)
    )
    half = lift.calibrated(Credit(1, found.revenue_minor // 2))
    assert half.revenue_minor == pytest.approx(125_00)
    assert lift.is_final


def test_before_the_end_lift_has_the_interval_that_holds_at_every_look():
    people = profiles(60)
    made = campaign(people, 30)
    assert calibration.lifts({made.origin}, LAST, at=at(7)) == {}  # nobody has ordered yet
    for who in (*people[:5], *people[30:42]):
        bought(who, 0.5, 100_00 + who.pk)
    lift = calibration.lifts({made.origin}, LAST, at=at(7))[made.origin]
    seen = experiments.course_so_far(made, at(7)).last[1]
    fixed = result(made, at(7)).overall.gained
    assert lift.revenue_minor == pytest.approx(fixed.revenue)
    assert lift.interval == seen.interval.scaled(30)
    assert lift.interval.low < fixed.interval.low < fixed.interval.high < lift.interval.high
    assert not lift.is_final


def test_the_lift_of_a_journey_is_of_those_whose_days_are_over_at_every_look():
    journey = Journey.objects.create(key="welcome", state="live", created_at=at(0))
    journey.version = JourneyVersion.objects.create(
        journey=journey, number=1, definition={"title": {"tr": "a", "en": "a"}, "holdout": "50 %"},
        created_at=0,
    )  # fmt: skip
    journey.save()
    for number, who in enumerate(profiles(80)):
        day = 1 if number < 60 else 15
        Enrollment.objects.create(
            journey=journey, version=journey.version, profile=who, entry_key="x", entry="entry:0",
            state="finished", is_holdout=number % 2 == 1, entered_at=at(day), moved_at=at(day),
        )  # fmt: skip
        if number % 2 == 0 or number < 10:
            bought(who, day + 1, 100_00 + number)
    (lift,) = calibration.lifts({journey.origin}, LAST, at=at(20)).values()
    per_head = sum(100_00 + n for n in range(0, 60, 2)) - sum(100_00 + n for n in range(1, 10, 2))
    assert lift.revenue_minor == pytest.approx(per_head)
    assert not lift.is_final


def test_without_credit_or_holdout_nothing_is_scaled(people):
    made = campaign(people, 0)
    assert calibration.lifts({made.origin}, LAST, at=at(20)) == {}
    held = calibration.Lift(100.0, result_interval(), is_final=True, credit_minor=0)
    assert held.calibrated(Credit(0, 0)) is None


def result_interval():
    return calibration.Interval(-1.0, 1.0)


def test_a_message_from_long_before_counts_by_a_fresh_click_only(people):
    old = sent(people[0], 0)
    heard(old, "clicked", 40)
    bought(people[0], 42)
    late = Span(at(41), at(43))
    assert attributed(late, LAST).total == Credit(1, 100_00)
    assert touches.OLDEST == 90 * clock.DAY
