"""The live step: what comes in and what time brings, true in the same transaction."""

import json
from itertools import pairwise

import numpy as np
import pytest
import time_machine
from tests.pipeline.company import NOW, define, event, members, order, told

from pusula.consent.models import Consent
from pusula.events.models import Event
from pusula.lib import clock
from pusula.orders.models import Order
from pusula.pipeline import live, queries, retention
from pusula.pipeline.appender import Entry
from pusula.pipeline.loop import Loop
from pusula.pipeline.models import LogEntry, LogHead
from pusula.profiles.models import Identifier, Profile, Trait
from pusula.segments import queries as segments
from pusula.segments.everybody import rebuild
from pusula.segments.models import Due, Membership, Segment

pytestmark = pytest.mark.django_db(databases=["default", "log"])


def who(email):
    return Identifier.objects.get(kind="email", value=email).profile_id


def at(moment):
    return time_machine.travel(clock.to_datetime(moment), tick=False)


def come_in(moment, *entries):
    """Append ``entries`` at ``moment``, and let the step a second later take them over."""
    with at(moment):
        told(*entries)
    return live.step(at=moment + clock.SECOND)


def test_an_event_makes_a_profile_and_its_second_a_member(company):
    come_in(NOW, event(1, "elif@example.com", at=NOW - clock.HOUR))
    assert company("searched") == []
    stepped = come_in(NOW + clock.MINUTE, event(2, "elif@example.com", at=NOW))
    assert company("searched") == [who("elif@example.com")]
    assert (stepped.n_entries, stepped.moves.n_entered) == (1, 1)
    assert Segment.objects.get(key="searched").n_members == 1
    assert Membership.objects.get().cause == "live"


def test_an_order_that_brings_a_basket_above_a_threshold_counts_in_the_same_step(company):
    come_in(NOW, order(1, "elif@example.com", 999_99, NOW - clock.DAY))
    assert company("big-basket") == []
    come_in(NOW + 5, order(2, "elif@example.com", 1, NOW))
    assert company("big-basket") == [who("elif@example.com")]


def test_a_changed_order_takes_a_membership_back(company):
    come_in(NOW, order(1, "elif@example.com", 2000_00, NOW - clock.DAY))
    assert company("big-basket") != []
    come_in(NOW + 5, order(1, "elif@example.com", 50_00, NOW - clock.DAY))
    assert company("big-basket") == []
    assert Membership.objects.get(segment__key="big-basket").left_at == NOW + 5 + clock.SECOND


def test_thirty_days_idle_becomes_true_at_its_moment_with_nothing_arriving(company):
    bought_at = NOW - clock.DAY
    come_in(NOW, order(1, "elif@example.com", 10_00, bought_at))
    elif_ = who("elif@example.com")
    (due_at,) = Due.objects.filter(profile_id=elif_).values_list("due_at", flat=True)
    # The window is [at - 30 days, at): the order is outside one microsecond after 30 days.
    assert due_at == bought_at + 30 * clock.DAY + 1
    live.step(at=due_at - 1)
    assert company("idle") == []
    stepped = live.step(at=due_at)
    assert company("idle") == [elif_]
    assert (stepped.n_entries, stepped.n_due) == (0, 1)
    assert Membership.objects.get(segment__key="idle").cause == "time"


def test_after_an_outage_memberships_are_what_they_would_have_been_without_it(company):
    """A flip is written at its own moment, however late the step that finds it."""
    come_in(NOW, *(event(n, "elif@example.com", at=NOW - n * clock.HOUR) for n in (1, 2, 3)))
    come_in(NOW + 60, order(1, "elif@example.com", 10_00, NOW - 29 * clock.DAY))
    live.step(at=NOW + 90 * clock.DAY)
    while live.step(at=NOW + 91 * clock.DAY).n_due:
        pass
    searched = Membership.objects.get(segment__key="searched")
    assert (searched.entered_at, searched.left_at) == (
        NOW + clock.SECOND,
        NOW - 2 * clock.HOUR + 7 * clock.DAY + 1,
    )
    idle = Membership.objects.get(segment__key="idle")
    assert idle.entered_at == NOW + clock.DAY + 1


def test_a_message_told_twice_counts_once(company):
    come_in(NOW, event(1, "elif@example.com"), event(1, "elif@example.com"))
    come_in(NOW + 5, event(1, "elif@example.com"))
    assert Event.objects.count() == 1
    assert queries.head() == 1


def test_an_event_of_the_future_counts_from_when_it_was_heard(company):
    come_in(NOW, event(1, "elif@example.com", at=NOW + clock.DAY))
    assert Event.objects.get().at == NOW
    assert queries.entries([1])[0].occurred_at == NOW + clock.DAY


def test_names_traits_and_decisions_come_through_the_log_too(company):
    come_in(
        NOW,
        Entry(
            "trait", "crm", "crm:1",
            json.dumps({"key": "7", "email": "elif@example.com", "first_name": "Elif",
                        "traits": {"tier": "Silver", "vip": True, "points": 12.5,
                                   "born": {"day": "1990-05-01"}, "likes": ["sea", "spa"]}}),
        ),
        Entry("trait", "crm", "crm:2", json.dumps({"key": "7", "traits": {"tier": "Gold"}})),
        Entry(
            "consent", "web", "web:c1",
            json.dumps({"email": "elif@example.com", "channel": "email", "purpose": "marketing",
                        "status": "granted", "evidence": "form 3"}),
        ),
    )  # fmt: skip
    elif_ = Profile.objects.get()
    assert elif_.first_name == "Elif"
    kinds = dict(Trait.objects.values_list("name", "kind"))
    assert kinds == {
        "tier": "text", "vip": "bool", "points": "number", "born": "day", "likes": "list",
    }  # fmt: skip
    assert Trait.objects.get(name="tier").text == "Gold"
    assert Consent.objects.get().status == "granted"
    define("gold", {"trait": {"tier": {"is": "gold"}}})
    rebuild.everybody(at=NOW + clock.MINUTE)
    assert members("gold") == [elif_.pk]
    come_in(
        NOW + clock.HOUR,
        Entry("trait", "crm", "crm:3", json.dumps({"key": "7", "traits": {"tier": "Bronze"}})),
    )
    assert members("gold") == []


def test_a_grant_without_evidence_does_not_undo_a_refusal(company):
    def decision(number, status, **more):
        body = {"email": "elif@example.com", "channel": "email", "purpose": "marketing"}
        return Entry(
            "consent", "web", f"web:{number}", json.dumps({**body, "status": status, **more})
        )

    come_in(NOW, decision(1, "refused"))
    come_in(NOW + 5, decision(2, "granted"))
    assert Consent.objects.get().status == "refused"
    come_in(NOW + 10, decision(3, "granted", evidence="double opt-in"))
    assert Consent.objects.get().status == "granted"


def test_a_step_with_nothing_to_do_writes_nothing(company):
    assert live.step(at=NOW) == live.Stepped(NOW)
    assert queries.offset().entry_id == 0


def test_steps_never_go_back_in_time_although_the_clock_does(company):
    come_in(NOW, event(1, "elif@example.com", at=NOW - 5))
    stepped = come_in(NOW - clock.DAY, event(2, "elif@example.com", at=NOW - clock.DAY))
    assert stepped.at == NOW + clock.SECOND + 1
    assert company("searched") == [who("elif@example.com")]


def test_entries_wait_for_their_turn_in_the_order_of_the_log(company):
    with at(NOW):
        told(*(event(n, f"guest{n}@example.com") for n in range(7)))
    taken = [live.step(3, at=NOW + 10 + n) for n in range(4)]
    assert [one.n_entries for one in taken] == [3, 3, 1, 0]
    assert [one.is_full for one in taken] == [True, True, False, False]
    assert Event.objects.count() == 7
    assert queries.lag() == queries.Lag(0, None, 0)


def test_a_log_that_was_restored_from_an_older_copy_is_refused(company):
    """What is appended to it would get numbers that count as read."""
    come_in(NOW, event(1, "elif@example.com"), event(2, "elif@example.com"))
    LogEntry.objects.filter(id=2).delete()
    LogHead.objects.update(n=1)
    with pytest.raises(live.LogBehindError, match="ends at entry 1, but 2 was read"):
        live.step(at=NOW + clock.HOUR)
    with pytest.raises(live.LogBehindError):
        Loop().run(once=True)


def test_a_log_that_lacks_entries_is_refused(company):
    """The main database came back from before the log was thinned out."""
    come_in(NOW, event(1, "elif@example.com"))
    told(event(2, "elif@example.com"), event(3, "elif@example.com"))
    LogEntry.objects.filter(id=2).delete()
    with pytest.raises(live.LogBehindError, match="lacks the entries from 2 to 2"):
        live.step(at=NOW + clock.HOUR)


def test_an_older_log_that_has_grown_since_is_refused_too(company):
    """Its new entries have numbers that count as read; nobody would ever hear of them."""
    come_in(NOW, event(1, "elif@example.com"), event(2, "elif@example.com"))
    LogEntry.objects.filter(id=2).delete()
    LogHead.objects.update(n=1)
    told(event(8, "elif@example.com"), event(9, "elif@example.com"))
    assert queries.head() == 3
    with pytest.raises(live.LogBehindError, match="another thing in entry 2"):
        live.step(at=NOW + clock.HOUR)
    assert Event.objects.count() == 2


def test_whom_entries_touch_after_an_outage_has_had_their_flips_before(company):
    """More are due than a step reaches: those it touches are not evaluated over their flips."""
    for n in range(4):
        email = f"g{n}@example.com"
        come_in(
            NOW + 10 * n,
            *(event(f"{n}-{k}", email, at=NOW - k * clock.HOUR) for k in (1, 2)),
            order(n, email, 10_00, NOW - 29 * clock.DAY + n),
        )
    last = who("g3@example.com")
    back_at = NOW + 60 * clock.DAY
    with at(back_at):
        told(order(9, "g3@example.com", 10_00, back_at - clock.HOUR))
    stepped = live.Live().step(2, at=back_at + clock.SECOND, due_limit=2)
    assert stepped.n_due == 2
    ((key, entered_at, left_at), *more) = (
        Membership.objects.filter(profile_id=last)
        .order_by("-entered_at")
        .values_list("segment__key", "entered_at", "left_at")
    )
    assert (key, entered_at) == ("idle", NOW + clock.DAY + 4)
    assert left_at == back_at + clock.SECOND
    assert [each[2] for each in more] == [NOW - 2 * clock.HOUR + 7 * clock.DAY + 1]


def test_old_entries_are_forgotten_when_everybody_has_read_them(company):
    for n in range(4):
        come_in(NOW + n * clock.DAY, event(n, "elif@example.com"))
    with at(NOW + 2 * clock.DAY):
        told(Entry("event", "web", "web:bad", "{"))
    live.step(at=NOW + 5 * clock.DAY)
    with at(NOW):  # a clock that was set back makes nothing old
        told(event(9, "elif@example.com"))
    assert retention.forget(NOW + 2 * clock.DAY) == 2
    assert list(LogEntry.objects.order_by("id").values_list("id", flat=True)) == [3, 4, 5, 6]
    # Quarantine is kept, and so is what was read last and what is still to be read.
    live.step(at=NOW + 6 * clock.DAY)
    assert retention.forget(NOW + 900 * clock.DAY) == 2
    assert list(LogEntry.objects.order_by("id").values_list("id", flat=True)) == [5, 6]
    assert Event.objects.count() == 5
    told(event(10, "elif@example.com"))
    assert live.step(at=NOW + 7 * clock.DAY).n_entries == 1


def test_everybody_hears_of_entries_and_exits_in_one_order(company):
    come_in(NOW, order(1, "elif@example.com", 2000_00, NOW - clock.DAY))
    come_in(NOW + 5, order(2, "ali@example.com", 3000_00, NOW - clock.DAY))
    come_in(NOW + 9, order(1, "elif@example.com", 1_00, NOW - clock.DAY))
    heard, cursor = [], 0
    while moves := segments.moves_since(cursor, limit=2):
        heard += moves
        cursor = moves[-1].id
    assert [(m.profile_id, m.is_entry, m.at) for m in heard] == [
        (who("elif@example.com"), True, NOW + clock.SECOND),
        (who("ali@example.com"), True, NOW + 5 + clock.SECOND),
        (who("elif@example.com"), False, NOW + 9 + clock.SECOND),
    ]
    assert all(a.id < b.id for a, b in pairwise(heard))


def test_live_members_are_those_of_a_full_evaluation(company):
    rng = np.random.default_rng(7)
    moment = NOW
    for number in range(60):
        moment += int(rng.integers(1, 40)) * clock.HOUR
        email = f"guest{rng.integers(8)}@example.com"
        entries = [event(number, email, at=moment - int(rng.integers(9 * clock.DAY)))]
        if rng.random() < 0.5:
            ordered_at = moment - int(rng.integers(40 * clock.DAY))
            entries.append(order(rng.integers(20), email, int(rng.integers(900_00)), ordered_at))
        come_in(moment, *entries)
    moment += 2 * clock.SECOND
    while live.step(at=moment).n_due:
        moment += 1
    live_members = {key: members(key) for key in ("searched", "idle", "big-basket")}
    outcome = rebuild.everybody(at=moment + 1)
    assert all(moves.n_entered == moves.n_left == 0 for moves in outcome.moves.values())
    assert {key: members(key) for key in live_members} == live_members
    assert sum(map(len, live_members.values())) > 3
    assert Order.objects.exists()
