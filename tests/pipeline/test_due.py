"""Who is due: many in one pass, each as of a moment of its own, and again until now."""

from itertools import pairwise

import numpy as np
import pytest
import time_machine
from tests.pipeline.company import NOW, event, order, told

from pusula.lib import clock
from pusula.pipeline import effects, live, upkeep
from pusula.profiles.models import Identifier
from pusula.segments import queries as segments
from pusula.segments.evaluate import Pass
from pusula.segments.models import Due, Membership

pytestmark = pytest.mark.django_db(databases=["default", "log"])

WEEK = 7 * clock.DAY


def who(n):
    return Identifier.objects.get(kind="email", value=f"g{n}@example.com").profile_id


def searches(n, *ago):
    return (event(f"{n}-{k}", f"g{n}@example.com", at=NOW - each) for k, each in enumerate(ago))


def come_in(*entries):
    with time_machine.travel(clock.to_datetime(NOW), tick=False):
        told(*entries)
    live.step(at=NOW + 1)


@pytest.fixture
def seen(monkeypatch):
    """What the step does from now on: passes of the kernel, readings of facts, writings."""
    calls = []

    def watched(owner, name, note):
        whole = getattr(owner, name)

        def watching(*args, **more):
            calls.append(note)
            return whole(*args, **more)

        monkeypatch.setattr(owner, name, watching)

    watched(Pass, "evaluate_block", "pass")
    watched(upkeep, "block", "facts")
    watched(effects, "write", "write")
    return calls


def test_many_that_are_due_move_in_one_pass_each_at_its_own_moment(company, seen):
    come_in(*(each for n in range(6) for each in searches(n, clock.HOUR, (11 - n) * clock.HOUR)))
    seen.clear()
    cursor = segments.moves_since(0)[-1].id
    stepped = live.step(at=NOW + WEEK - 2 * clock.HOUR)
    assert (stepped.n_due, stepped.moves.n_left, seen) == (6, 6, ["facts", "pass"])
    left = {m.profile_id: (m.left_at, m.cause) for m in Membership.objects.all()}
    ends = [NOW - (11 - n) * clock.HOUR + WEEK + 1 for n in range(6)]
    assert left == {who(n): (end, "live") for n, end in enumerate(ends)}
    moves = segments.moves_since(cursor)
    assert [(m.profile_id, m.at, m.is_entry, m.cause) for m in moves] == [
        (who(n), end, False, "time") for n, end in enumerate(ends)
    ]
    assert all(a.id < b.id for a, b in pairwise(moves))
    assert company("searched") == []


def test_entries_and_exits_of_one_pass_are_told_in_the_order_of_their_moments(company):
    """Going idle is an entry, what is searched no more an exit: they alternate."""
    for n in range(3):
        ordered_at = NOW - 30 * clock.DAY + (2 * n + 1) * clock.HOUR
        come_in(
            order(n, f"g{n}@example.com", 5_00, ordered_at),
            *searches(n + 3, clock.SECOND, WEEK - 2 * n * clock.HOUR - clock.MINUTE),
        )
    cursor = segments.moves_since(0)[-1].id
    live.step(at=NOW + clock.DAY)
    moves = segments.moves_since(cursor)
    assert [(m.profile_id, m.is_entry) for m in moves] == [
        (who(3), False), (who(0), True), (who(4), False),
        (who(1), True), (who(5), False), (who(2), True),
    ]  # fmt: skip
    assert all(a.at < b.at for a, b in pairwise(moves))
    assert len(company("idle")) == 3


def test_whoever_is_due_again_before_now_goes_round_by_the_same_facts(company, seen):
    come_in(
        *searches(0, clock.HOUR, 2 * clock.HOUR, 3 * clock.HOUR),
        order(0, "g0@example.com", 5_00, NOW - 20 * clock.DAY),
        *searches(1, clock.HOUR, 5 * clock.HOUR),
    )
    seen.clear()
    stepped = live.step(at=NOW + 60 * clock.DAY)
    assert stepped.n_due == 2
    assert seen == ["facts", *["pass"] * 4]  # three searches leave the window, one order
    found = Membership.objects.order_by("entered_at").values_list(
        "profile_id", "segment__key", "entered_at", "left_at"
    )
    assert set(found) == {
        (who(0), "searched", NOW + 1, NOW + WEEK - 2 * clock.HOUR + 1),
        (who(1), "searched", NOW + 1, NOW + WEEK - 5 * clock.HOUR + 1),
        (who(0), "idle", NOW + 10 * clock.DAY + 1, None),
    }
    assert segments.next_due_at() is None
    assert live.step(at=NOW + 61 * clock.DAY).n_due == 0
    assert company("searched") == []


def test_who_does_not_get_round_in_time_is_due_in_the_next_step(company):
    come_in(*searches(0, clock.HOUR, 2 * clock.HOUR, 3 * clock.HOUR))
    worker, at = live.Live(), NOW + 60 * clock.DAY
    for ago in (3, 2, 1):
        assert Due.objects.get().due_at == NOW + WEEK - ago * clock.HOUR + 1
        assert worker.step(at=at, due_seconds=0).n_due == 1
        at += 1
    assert segments.next_due_at() is None
    assert Membership.objects.get().left_at == NOW + WEEK - 2 * clock.HOUR + 1


def behind(n_people=4):
    """Let people fall due, and an entry come for the last of them; return its moment."""
    come_in(
        *(each for n in range(n_people) for each in searches(n, clock.HOUR, (9 - n) * clock.HOUR))
    )
    back_at = NOW + 60 * clock.DAY
    with time_machine.travel(clock.to_datetime(back_at), tick=False):
        told(*(event(f"{k}", f"g{n_people - 1}@example.com", at=back_at - k) for k in (1, 2)))
    return back_at


def intervals(n):
    found = Membership.objects.filter(profile_id=who(n)).order_by("entered_at")
    return list(found.values_list("entered_at", "left_at"))


@pytest.mark.parametrize("is_foreseen", [True, False])
def test_whom_entries_name_catches_up_before_they_are_written(
    company, seen, monkeypatch, is_foreseen
):
    """Mostly once; twice only where identifiers do not say whom entries will touch."""
    back_at = behind()
    if not is_foreseen:
        monkeypatch.setattr(live, "_named", lambda _told: np.empty(0, np.int64))
    seen.clear()
    stepped = live.Live().step(at=back_at + clock.SECOND, due_limit=1)
    assert (stepped.n_due, stepped.n_entries) == (1, 2)
    assert seen.count("write") == (1 if is_foreseen else 2)
    assert intervals(3) == [
        (NOW + 1, NOW - 6 * clock.HOUR + WEEK + 1),
        (back_at + clock.SECOND, None),
    ]
    assert Due.objects.filter(due_at__lte=back_at).count() == 2  # nobody has asked for them
    assert company("searched") == [who(1), who(2), who(3)]
