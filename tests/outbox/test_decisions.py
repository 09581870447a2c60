"""One place decides: each candidate becomes a row, in line or with the reason why not."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.outbox.asking import NOW, asked, content, limits
from tests.outbox.people import consented, profiles

from pusula.consent import actions as consent
from pusula.lib import clock
from pusula.outbox import decisions, known, machine
from pusula.outbox.candidates import Way
from pusula.outbox.decisions import decide
from pusula.outbox.models import Message
from pusula.outbox.rules.policy import Budget
from pusula.profiles.models import Identifier, IdentifierKind, Profile, Trait, TraitKind
from pusula.profiles.objections import OBJECTED

pytestmark = pytest.mark.django_db
DAY, HOUR = clock.DAY, clock.HOUR
ONE_A_WEEK = "caps: [{most: 1, in: 7d}]"


@pytest.fixture
def ayse() -> Profile:
    [person] = profiles(1)
    consented([person])
    return person


def agreed(profile: Profile, channel: str) -> None:
    consent.record(
        [
            consent.Decision(
                profile_id=profile.pk, channel=channel, purpose="marketing", status="granted",
                source="test", decided_at=1, evidence="form",
            )
        ],
        at=1,
    )  # fmt: skip


def reach_by_phone(profile: Profile, number: str = "+905321112233") -> None:
    Identifier.objects.create(
        profile=profile, kind=IdentifierKind.PHONE, value=number, source="test", recorded_at=1
    )


def sent(message_key: str, at: int) -> None:
    Message.objects.filter(dedupe_key=message_key).update(state="sent", gated_at=at, settled_at=at)


def test_a_message_that_nothing_speaks_against_is_put_in_line(ayse):
    [decided] = decide([asked(ayse.pk, order_id=7, variables={"coupon": "A1"}, priority=2)], at=NOW)
    message = Message.objects.get()
    assert (decided.state, decided.reason, decided.due_at) == ("pending", "", NOW)
    assert (message.state, message.due_at, message.address) == (
        "pending", NOW, f"p{ayse.pk}@example.com",
    )  # fmt: skip
    assert (message.order_id, message.variables, message.priority, message.step) == (
        7, {"coupon": "A1"}, 2, "hello",
    )  # fmt: skip
    assert message.settled_at is None


def test_what_was_decided_once_is_not_decided_again(ayse):
    one = asked(ayse.pk)
    [first] = decide([one], at=NOW)
    sent(one.dedupe_key, NOW)
    [again, twin] = decide([one, one], at=NOW + DAY)
    assert (again.state, again.is_new, twin) == ("sent", False, again)
    assert first.is_new
    assert Message.objects.count() == 1


def test_the_same_key_twice_in_one_call_is_one_message(ayse):
    one = asked(ayse.pk)
    first, second = decide([one, one], at=NOW)
    assert first == second
    assert Message.objects.count() == 1


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda p: p.consents.all().delete(), "no_consent"),
        (lambda p: p.identifiers.all().delete(), "no_address"),
        (
            lambda p: consent.suppress(
                "email", f"p{p.pk}@example.com", reason="complaint", at=NOW
            ),
            "suppressed",
        ),
        (
            lambda p: consent.refuse(
                [p.pk], channel="email", purpose="marketing", source="test", evidence="said so",
                at=clock.now(),
            ),
            "refused",
        ),
    ],
)  # fmt: skip
def test_who_may_not_be_written_to_keeps_a_row_with_the_reason(ayse, spoil, reason):
    spoil(ayse)
    [decided] = decide([asked(ayse.pk)], at=NOW)
    message = Message.objects.get()
    assert (decided.state, decided.reason) == ("skipped", reason)
    assert (message.state, message.reason, message.settled_at) == ("skipped", reason, NOW)


def test_the_first_way_that_is_open_is_taken(ayse):
    reach_by_phone(ayse)
    ways = tuple(Way(channel, content(channel).pk) for channel in ("sms", "email"))
    [decided] = decide([asked(ayse.pk, ways=ways)], at=NOW)
    assert (decided.channel, decided.content_id) == ("email", ways[1].content_id)
    agreed(ayse, "sms")
    [decided] = decide([asked(ayse.pk, ways=ways, step="second")], at=NOW)
    assert (decided.channel, decided.address) == ("sms", "+905321112233")


def test_where_no_way_is_open_the_first_says_why(ayse):
    ways = tuple(Way(channel, content(channel).pk) for channel in ("sms", "call"))
    [decided] = decide([asked(ayse.pk, ways=ways)], at=NOW)
    assert (decided.channel, decided.reason) == ("sms", "no_consent")


def test_who_is_gone_gets_nothing_and_stops_nobody_else(ayse):
    gone, other = decide([asked(ayse.pk + 1), asked(ayse.pk)], at=NOW)
    assert (gone.state, gone.reason, other.state) == ("skipped", "gone", "pending")
    assert Message.objects.count() == 1


def test_a_message_exactly_as_old_as_the_window_no_longer_counts(ayse):
    limits(ONE_A_WEEK)
    first = asked(ayse.pk)
    decide([first], at=NOW)
    sent(first.dedupe_key, NOW)
    just_before, just_then = (
        asked(ayse.pk, due_at=at, not_after_at=at + DAY)
        for at in (NOW + 7 * DAY - 1, NOW + 7 * DAY)
    )
    assert decide([just_before], at=just_before.due_at)[0].reason == "capped"
    assert decide([just_then], at=just_then.due_at)[0].state == "pending"


@pytest.mark.parametrize("state", ["pending", "sending", "sent", "unknown"])
def test_what_the_person_got_or_is_to_get_counts(ayse, state):
    limits(ONE_A_WEEK)
    decide([asked(ayse.pk)], at=NOW)
    Message.objects.update(state=state, gated_at=None if state == "pending" else NOW)
    assert decide([asked(ayse.pk, step="next")], at=NOW)[0].reason == "capped"


@pytest.mark.parametrize("state", ["skipped", "failed"])
def test_what_the_person_did_not_get_does_not_count(ayse, state):
    limits(ONE_A_WEEK)
    decide([asked(ayse.pk)], at=NOW)
    Message.objects.update(state=state, settled_at=NOW)
    assert decide([asked(ayse.pk, step="next")], at=NOW)[0].state == "pending"


def test_what_is_not_commercial_is_neither_counted_nor_refused(ayse):
    limits(ONE_A_WEEK + "\nquiet: [{from: '00:00', to: '23:59'}]\nholdout: {share: 50%}")
    told = {"is_commercial": False, "purpose": "service"}
    both = decide([asked(ayse.pk, step=step, **told) for step in ("a", "b")], at=NOW)
    assert [(one.state, one.due_at) for one in both] == [("pending", NOW)] * 2
    limits(ONE_A_WEEK)
    assert decide([asked(ayse.pk, step="c")], at=NOW)[0].state == "pending"


def test_a_cap_of_a_channel_leaves_other_channels_alone(ayse):
    limits("caps: [{channel: sms, most: 1, in: 1d}, {most: 3, in: 1d}]")
    reach_by_phone(ayse)
    agreed(ayse, "sms")
    sms = (Way("sms", content("sms").pk),)
    steps = [("a", {"ways": sms}), ("b", {"ways": sms}), ("c", {}), ("d", {}), ("e", {})]
    found = decide([asked(ayse.pk, step=step, **told) for step, told in steps], at=NOW)
    assert [one.reason for one in found] == ["", "capped", "", "", "capped"]


def test_what_waits_for_a_later_day_keeps_its_place(ayse):
    limits(ONE_A_WEEK)
    later = NOW + 5 * DAY
    decide([asked(ayse.pk, due_at=later, not_after_at=later + DAY)], at=NOW)
    assert decide([asked(ayse.pk, step="now")], at=NOW)[0].reason == "capped"


def test_a_more_important_message_takes_the_place_of_one_that_waits(ayse):
    limits(ONE_A_WEEK)
    low = asked(ayse.pk, priority=7, due_at=NOW + DAY, not_after_at=NOW + 2 * DAY)
    decide([low], at=NOW)
    [high] = decide([asked(ayse.pk, step="high", priority=2)], at=NOW)
    displaced = Message.objects.get(dedupe_key=low.dedupe_key)
    assert high.state == "pending"
    assert (displaced.state, displaced.reason, displaced.settled_at) == (
        "skipped", "outranked", NOW,
    )  # fmt: skip
    assert high.displaced == (displaced.pk,)


@pytest.mark.parametrize("state", ["sending", "sent"])
def test_what_has_left_gives_way_to_nobody(ayse, state):
    limits(ONE_A_WEEK)
    decide([asked(ayse.pk, priority=7)], at=NOW)
    Message.objects.update(state=state, gated_at=NOW)
    assert decide([asked(ayse.pk, step="high", priority=1)], at=NOW)[0].reason == "capped"


def test_of_equal_importance_the_first_stays(ayse):
    limits(ONE_A_WEEK)
    decide([asked(ayse.pk)], at=NOW)
    assert decide([asked(ayse.pk, step="other")], at=NOW)[0].reason == "capped"


def test_within_one_call_the_more_important_wins_and_the_other_is_a_row_too(ayse):
    limits(ONE_A_WEEK)
    low = asked(ayse.pk, step="low", priority=9)
    high = asked(ayse.pk, step="high", priority=1, due_at=NOW + HOUR)
    found = decide([low, high], at=NOW)
    assert [(one.state, one.reason) for one in found] == [("skipped", "outranked"), ("pending", "")]
    assert Counter(Message.objects.values_list("state", "reason")) == {
        ("skipped", "outranked"): 1,
        ("pending", ""): 1,
    }


def test_a_message_that_was_to_give_way_and_has_just_left_is_seen(ayse, monkeypatch):
    limits(ONE_A_WEEK)
    decide([asked(ayse.pk, priority=9)], at=NOW)
    foresee = decisions.foresee

    def too_late(candidates, *, at):
        foreseen = foresee(candidates, at=at)
        Message.objects.filter(state="pending").update(state=machine.SENDING, gated_at=NOW)
        return foreseen

    monkeypatch.setattr(decisions, "foresee", too_late)
    [high] = decide([asked(ayse.pk, step="high", priority=1)], at=NOW)
    assert high.reason == "capped"
    assert dict(Message.objects.values_list("step", "state")) == {
        "hello": "sending",
        "high": "skipped",
    }


def test_quiet_hours_move_a_message_to_the_morning_of_the_person(ayse):
    limits("quiet: [{from: '21:00', to: '09:00', channels: [email]}]")
    late = clock.from_datetime(clock.to_datetime(NOW, "Europe/Istanbul").replace(hour=22))
    [decided] = decide([asked(ayse.pk, due_at=late, not_after_at=late + DAY)], at=NOW)
    local = clock.to_datetime(decided.due_at, "Europe/Istanbul")
    assert (local.hour, local.minute) == (9, 0)
    message = Message.objects.get()
    until = clock.to_datetime(message.open_until_at, "Europe/Istanbul")
    assert (until.date(), until.hour) == (local.date(), 21)


@pytest.mark.parametrize(
    ("give", "zone"),
    [
        (lambda p: p.identifiers.filter(kind="phone").delete(), "Europe/Istanbul"),
        (lambda p: reach_by_phone(p, "+81312345678"), "Asia/Tokyo"),
        (lambda p: reach_by_phone(p, "+12125550123"), "America/New_York"),
        # A number of a country with many zones says nothing unless its area does.
        (lambda p: reach_by_phone(p, "+18005550123"), "Europe/Istanbul"),
        (
            lambda p: (reach_by_phone(p, "+81312345678"), reach_by_phone(p, "+12125550123")),
            "Europe/Istanbul",
        ),
        (
            lambda p: (
                reach_by_phone(p, "+81312345678"),
                Trait.objects.create(
                    profile=p, name="time_zone", kind="text", text="Europe/Berlin", source="x",
                    updated_at=1,
                ),
            ),
            "Europe/Berlin",
        ),
        (
            lambda p: Trait.objects.create(
                profile=p, name="time_zone", kind="text", text="Mars/Olympus", source="x",
                updated_at=1,
            ),
            "Europe/Istanbul",
        ),
    ],
)  # fmt: skip
def test_the_clock_is_the_persons_as_far_as_we_can_tell(ayse, give, zone):
    give(ayse)
    limits("quiet: [{from: '00:30', to: '23:30', channels: [email]}]")
    [decided] = decide([asked(ayse.pk, not_after_at=NOW + 2 * DAY)], at=NOW)
    local = clock.to_datetime(decided.due_at, zone)
    assert (local.hour, local.minute) == (23, 30)


def test_a_message_that_quiet_hours_make_worthless_is_not_sent(ayse):
    limits("quiet: [{from: '00:00', to: '23:00'}]")
    [decided] = decide([asked(ayse.pk, not_after_at=NOW + HOUR)], at=NOW)
    assert (decided.state, decided.reason) == ("skipped", "quiet")
    [decided] = decide([asked(ayse.pk, step="b", in_quiet_hours="skip")], at=NOW)
    assert decided.reason == "quiet"


def test_what_comes_too_late_is_expired(ayse):
    one = asked(ayse.pk, not_after_at=NOW - 1, due_at=NOW - HOUR)
    assert decide([one], at=NOW)[0].reason == "expired"


def test_an_hour_has_room_for_so_many_and_the_next_ones_wait():
    people = profiles(5)
    consented(people)
    limits("budgets: [{channel: email, most: 2, per: hour}]")
    found = decide(
        [asked(p.pk, not_after_at=NOW + 90 * clock.MINUTE) for p in people[:3]], at=NOW
    ) + decide([asked(p.pk, not_after_at=NOW + 90 * clock.MINUTE) for p in people[3:]], at=NOW)
    starts = NOW - NOW % HOUR
    assert [one.due_at for one in found[:4]] == [NOW, NOW, starts + HOUR, starts + HOUR]
    assert (found[4].state, found[4].reason) == ("skipped", "budget")


def test_what_is_overdue_in_line_takes_its_place_of_a_budget_now_unless_it_is_too_late():
    people = profiles(3)
    consented(people)
    limits("budgets: [{channel: email, most: 1, per: hour}]")
    now, late = NOW - NOW % HOUR, NOW + DAY
    decide([asked(people[0].pk, due_at=now, not_after_at=now + 2 * HOUR)], at=now)
    [second] = decide([asked(people[1].pk, not_after_at=late)], at=now + clock.MINUTE)
    assert second.due_at == now + HOUR, "nobody has sent the first yet"
    Message.objects.filter(dedupe_key=second.dedupe_key).delete()
    [third] = decide([asked(people[2].pk, not_after_at=late)], at=now + 2 * HOUR + 1)
    assert third.due_at == now + 2 * HOUR + 1, "the first is not sent any more"


def test_after_an_outage_the_places_of_the_next_hours_belong_to_those_in_line():
    people = profiles(8)
    consented(people)
    late = NOW + DAY
    for n, person in enumerate(people[:7]):
        decide([asked(person.pk, due_at=NOW + n, not_after_at=late, is_commercial=n < 5)], at=NOW)
    limits("budgets: [{channel: email, most: 2, per: hour}]")
    now = NOW - NOW % HOUR + 5 * HOUR
    [last] = decide([asked(people[7].pk, not_after_at=late)], at=now)
    # What only informs leaves at once, above the budget; then come five who wait.
    assert last.due_at == now + 3 * HOUR
    budget = Budget(channel="email", most=2, per="hour")
    assert known.spent(budget, zone="Europe/Istanbul", at=now) == [
        (now, 2), (now + HOUR, 2), (now + 2 * HOUR, 2), (now + 3 * HOUR, 2),
    ]  # fmt: skip


def test_seats_of_a_day_are_counted_by_the_company_calendar():
    people = profiles(3)
    for person in people:
        reach_by_phone(person, f"+90532111223{person.pk % 10}")
        agreed(person, "call")
    limits(
        "budgets: [{channel: call, most: 2, per: day}]\n"
        "quiet: [{from: '18:00', to: '09:00', channels: [call]}]"
    )
    ways = (Way("call", content("call").pk),)
    found = decide([asked(p.pk, ways=ways, not_after_at=NOW + 3 * DAY) for p in people], at=NOW)
    local = clock.to_datetime(found[2].due_at, "Europe/Istanbul")
    assert [one.due_at for one in found[:2]] == [NOW, NOW]
    assert (local.day, local.hour) == (22, 9)


def test_who_objects_to_profiling_gets_nothing_commercial_by_whatever_way(ayse):
    Trait.objects.create(
        profile=ayse, name=OBJECTED, kind=TraitKind.BOOL, number=1, source="test", updated_at=NOW
    )
    [sold, told] = decide(
        [asked(ayse.pk), asked(ayse.pk, step="bill", is_commercial=False)], at=NOW
    )
    assert (sold.state, sold.reason) == ("skipped", "objected")
    assert told.reason != "objected"


def test_who_is_held_out_from_everything_gets_nothing_commercial_and_stays_so():
    people = profiles(200)
    consented(people)
    limits("holdout: {share: 20%}")
    found = decide([asked(p.pk) for p in people], at=NOW)
    held = {one.profile_id for one in found if one.reason == "holdout_global"}
    assert 20 < len(held) < 60
    again = decide([asked(p.pk, step="again") for p in people], at=NOW)
    assert {one.profile_id for one in again if one.reason == "holdout_global"} == held
    limits("holdout: {share: 20%, name: next year}")
    other = decide([asked(p.pk, step="later") for p in people], at=NOW)
    assert {one.profile_id for one in other if one.reason == "holdout_global"} != held


def test_an_inbox_gets_one_copy_of_a_mailing_and_each_step_of_a_journey(ayse):
    [other] = profiles(1)
    consented([other])
    other.identifiers.update(value=f"p{ayse.pk}@example.com")
    mailing = {"origin": "campaign:1", "step": ""}
    found = decide([asked(p.pk, **mailing) for p in (ayse, other)], at=NOW)
    assert [one.reason for one in found] == ["", "duplicate_address"]
    later = decide([asked(other.pk, due_at=NOW + 1, **mailing)], at=NOW)
    assert later[0].reason == "duplicate_address"
    assert [d.state for d in decide([asked(p.pk) for p in (ayse, other)], at=NOW)] == [
        "pending", "pending",
    ]  # fmt: skip


def test_what_is_foreseen_is_what_is_decided_and_writes_nothing():
    people = profiles(20)
    consented(people[:15])
    limits("caps: [{most: 1, in: 1d}]\nholdout: {share: 30%}")
    asks = [asked(p.pk, step=step) for p in people for step in ("a", "b")]
    foreseen = decisions.foresee(asks, at=NOW)
    assert not Message.objects.exists()
    assert decide(asks, at=NOW) == foreseen


MESSAGE = st.fixed_dictionaries(
    {
        "who": st.integers(0, 2),
        "hours": st.integers(0, 60),
        "lasts": st.integers(0, 48),
        "priority": st.integers(1, 9),
        "is_commercial": st.booleans(),
    }
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(MESSAGE, min_size=1, max_size=6), min_size=1, max_size=5))
def test_whatever_is_asked_in_whatever_order_no_window_holds_more_than_its_cap(calls):
    Message.objects.all().delete()
    people = profiles(3)
    consented(people)
    limits(
        "caps: [{most: 1, in: 5h}, {most: 2, in: 24h}]\n"
        "quiet: [{from: '21:00', to: '09:00'}]\n"
        "budgets: [{channel: email, most: 2, per: hour}]"
    )
    way = (Way("email", content().pk),)
    n = 0
    for asks in calls:
        candidates = []
        for one in asks:
            n += 1
            due_at = NOW + one["hours"] * HOUR
            candidates.append(
                asked(
                    people[one["who"]].pk, step=f"s{n}", ways=way, due_at=due_at,
                    not_after_at=due_at + one["lasts"] * HOUR, priority=one["priority"],
                    is_commercial=one["is_commercial"],
                    purpose="marketing" if one["is_commercial"] else "service",
                )
            )  # fmt: skip
        decide(candidates, at=NOW)
    assert Message.objects.count() == n
    waiting = Message.objects.filter(state="pending", is_commercial=True)
    for person in people:
        due = sorted(waiting.filter(profile=person).values_list("due_at", flat=True))
        assert all(b - a >= 5 * HOUR for a, b in pairwise(due))
        assert all(c - a >= DAY for a, c in zip(due, due[2:], strict=False))
    for message in waiting:
        assert message.due_at <= message.not_after_at
        hour = clock.to_datetime(message.due_at, "Europe/Istanbul").hour
        assert 9 <= hour < 21
