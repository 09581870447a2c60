"""A message that leaves later than was decided: its hour and the caps are looked at again."""

from __future__ import annotations

from itertools import pairwise

import pytest
from tests.outbox.asking import NOW, asked, limits
from tests.outbox.people import consented, profiles

from pusula.lib import clock
from pusula.outbox import gate, machine
from pusula.outbox.claims import claim
from pusula.outbox.decisions import decide
from pusula.outbox.gate import GO, PUT_OFF
from pusula.outbox.models import Message
from pusula.outbox.moves import Move
from pusula.outbox.reasons import Reason
from pusula.profiles.models import Profile

pytestmark = pytest.mark.django_db(transaction=True)
DAY, HOUR, MINUTE = clock.DAY, clock.HOUR, clock.MINUTE
EVENING = NOW + 3 * HOUR  # 20:13 in Istanbul
QUIET = "quiet: [{from: '21:00', to: '09:00'}]"


@pytest.fixture
def ayse() -> Profile:
    [person] = profiles(1)
    consented([person])
    return person


def in_line(profile: Profile, **changes) -> int:
    """Decide about a message; return its id."""
    one = asked(profile.pk, **changes)
    [decided] = decide([one], at=NOW)
    assert decided.state == "pending"
    return Message.objects.get(dedupe_key=one.dedupe_key).pk


def gated(*ids: int, at: int) -> list[str]:
    """Claim what is due at ``at`` and bring ``ids`` to the gate; return the verdicts."""
    claim("me", n=100, at=at)
    verdicts = gate.turn([], [], list(ids), owner="me", at=at)
    return [verdicts[id_] for id_ in ids]


def test_a_message_in_time_passes(ayse):
    limits(QUIET)
    id_ = in_line(ayse, due_at=EVENING)
    assert gated(id_, at=EVENING + 40 * MINUTE) == [GO]


def test_a_message_that_waited_into_the_night_goes_in_the_morning(ayse):
    limits(QUIET)
    id_ = in_line(ayse, due_at=EVENING)
    assert gated(id_, at=EVENING + HOUR) == [PUT_OFF]
    message = Message.objects.get(pk=id_)
    local = clock.to_datetime(message.due_at, "Europe/Istanbul")
    assert (message.state, message.owner, local.hour, local.minute) == ("pending", "", 9, 0)
    assert message.n_attempts == 0
    assert gated(id_, at=message.due_at) == [GO]


def test_a_clock_set_back_behind_the_claim_finds_the_night_before(ayse):
    limits(QUIET)
    morning = EVENING + 13 * HOUR
    id_ = in_line(ayse, due_at=morning)
    claim("me", n=9, at=morning)
    assert gate.turn([], [], [id_], owner="me", at=morning - 4 * HOUR) == {id_: PUT_OFF}
    assert gated(id_, at=morning) == [GO]


def test_a_try_again_by_a_clock_set_back_asks_for_its_hour(ayse):
    limits(QUIET)
    morning, night = EVENING + 13 * HOUR, EVENING + 9 * HOUR
    id_ = in_line(ayse, due_at=morning)
    claim("me", n=9, at=morning)
    again = Move(id_, machine.PENDING, detail="451 later", later_at=night)
    gate.turn([(machine.PENDING, again)], [], [], owner="me", at=night)
    assert gated(id_, at=night) == [PUT_OFF]
    assert gated(id_, at=morning) == [GO]


def test_what_is_worthless_in_the_morning_is_not_sent_at_night(ayse):
    limits(QUIET)
    id_ = in_line(ayse, due_at=EVENING, not_after_at=EVENING + 10 * HOUR)
    assert gated(id_, at=EVENING + HOUR) == [Reason.QUIET]
    assert Message.objects.get(pk=id_).state == "skipped"


def test_a_look_at_the_claim_puts_off_and_refuses_nothing(ayse):
    limits(QUIET)
    late = in_line(ayse, due_at=EVENING, not_after_at=EVENING + 10 * HOUR)
    waits = in_line(ayse, due_at=EVENING, step="second")
    claim("me", n=9, at=EVENING + HOUR)
    found = gate.look([late, waits], owner="me", at=EVENING + HOUR)
    assert found == {late: Reason.QUIET, waits: PUT_OFF}
    states = Message.objects.values_list("pk", "owner", "state")
    assert set(states) == {(late, "me", "pending"), (waits, "", "pending")}


def test_a_policy_that_came_after_the_decision_binds(ayse):
    id_ = in_line(ayse, due_at=EVENING + HOUR)
    limits(QUIET)
    assert gated(id_, at=EVENING + HOUR) == [PUT_OFF]


def test_what_really_passed_counts_and_the_next_waits_until_there_is_room(ayse):
    limits("caps: [{most: 1, in: 1d}]")
    first = in_line(ayse, not_after_at=NOW + 3 * DAY)
    second = in_line(ayse, step="b", due_at=NOW + DAY, not_after_at=NOW + 3 * DAY)
    left_at = NOW + 23 * HOUR  # nobody was sending for most of a day
    assert gated(first, at=left_at) == [GO]
    assert gated(second, at=NOW + DAY) == [PUT_OFF]
    assert Message.objects.get(pk=second).due_at == left_at + DAY
    assert gated(second, at=left_at + DAY) == [GO]


def test_what_finds_no_room_in_time_is_capped(ayse):
    limits("caps: [{most: 1, in: 1d}]")
    first = in_line(ayse, not_after_at=NOW + 3 * DAY)
    second = in_line(ayse, step="b", due_at=NOW + DAY, not_after_at=NOW + DAY + HOUR)
    assert gated(first, second, at=NOW + DAY) == [GO, Reason.CAPPED]


def test_two_that_come_to_the_gate_together_do_not_pass_together(ayse):
    limits("caps: [{most: 1, in: 1d}]")
    first = in_line(ayse, not_after_at=NOW + 3 * DAY)
    second = in_line(ayse, step="b", due_at=NOW + DAY, not_after_at=NOW + 3 * DAY)
    claim("me", n=9, at=NOW + DAY)
    assert set(gate.look([first, second], owner="me", at=NOW + DAY).values()) == {GO}
    assert gated(first, second, at=NOW + DAY) == [GO, PUT_OFF]


def test_what_waited_for_room_asks_for_its_hour_again(ayse):
    limits(QUIET + "\ncaps: [{most: 1, in: 1d}]")
    first = in_line(ayse, not_after_at=NOW + HOUR)
    second = in_line(ayse, step="b", due_at=NOW + DAY, not_after_at=NOW + 9 * DAY)
    assert gated(first, at=NOW + HOUR) == [GO]
    assert gated(second, at=NOW + DAY) == [PUT_OFF]
    # Nobody was sending until the night, when the first message counts no longer.
    assert gated(second, at=EVENING + DAY + HOUR) == [PUT_OFF]
    local = clock.to_datetime(Message.objects.get(pk=second).due_at, "Europe/Istanbul")
    assert (local.hour, local.minute) == (9, 0)


def test_what_only_informs_passes_at_night_and_above_the_cap(ayse):
    limits(QUIET + "\ncaps: [{most: 1, in: 1d}]")
    told = {"is_commercial": False, "purpose": "service", "due_at": EVENING + HOUR}
    ids = [in_line(ayse, step=step, **told) for step in ("a", "b")]
    assert gated(*ids, at=EVENING + 2 * HOUR) == [GO, GO]


def test_after_days_without_a_sender_nobody_gets_everything_at_once(ayse):
    limits("caps: [{most: 2, in: 7d}, {most: 1, in: 1d}]")
    ids = [
        in_line(ayse, step=f"s{n}", due_at=NOW + n * 7 * DAY // 2, not_after_at=NOW + 60 * DAY)
        for n in range(8)
    ]
    at = NOW + 30 * DAY
    passed = []
    for _ in range(2_000):
        passed += [at] * gated(*ids, at=at).count(GO)
        at += 3 * HOUR
    assert len(passed) == 8
    assert all(b - a >= DAY for a, b in pairwise(passed))
    assert all(c - a >= 7 * DAY for a, c in zip(passed, passed[2:], strict=False))
