"""The next flip is never later than a change that time alone brings about."""

from __future__ import annotations

import random
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.segments import histories
from tests.segments.histories import moment
from tests.segments.oracle import Person

from pusula.segments import kernel
from pusula.segments.kernel.flips import NEVER
from pusula.segments.language import Schema, parse

DAY = 86_400_000_000


def state(plan, block, at):
    members = plan.evaluate(block, at).members
    return [tuple(bool(mask[i]) for mask in members.values()) for i in range(len(block))]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1))
def test_nobodys_membership_changes_before_the_next_flip(seed):
    world = histories.Maker(seed).world(n_people=4, n_leaves=3, n_trees=1)
    chance = random.Random(seed)  # noqa: S311 - chance that can be repeated
    plan, block = histories.compiled(world)
    evaluation = plan.evaluate(block, world.at)
    flips, before = evaluation.next_flip, state(plan, block, world.at)
    assert (flips > world.at).all()
    last = min(int(flips.max()), world.at + 800 * DAY)
    moments = [chance.randint(world.at, last) for _ in range(8)]
    moments += [int(flip) - 1 for flip in flips] + [world.at + 40 * DAY]
    for at in moments:
        if at <= world.at + 800 * DAY:
            after = state(plan, block, at)
            for i in range(len(block)):
                if at < flips[i]:
                    assert after[i] == before[i], (world.definitions, world.people[i], at)


def compiled(where, person, tz):
    schema = Schema(currency="TRY", tz=tz)
    document = {"segment": "a", "title": {"tr": "a", "en": "a"}, "where": where}
    plan = kernel.compile({"a": parse(document, schema)}, schema, {})
    return plan, histories.block([person], [1], plan.requirements)


def flip(where, person, at, tz="Europe/Istanbul"):
    plan, block = compiled(where, person, tz)
    return int(plan.evaluate(block, at).next_flip[0])


def changed(where, person, at, tz):
    """Return when ``where`` first changes for ``person``, followed from flip to flip."""
    plan, block = compiled(where, person, tz)
    before = state(plan, block, at)
    while state(plan, block, at) == before:
        at = int(plan.evaluate(block, at).next_flip[0])
    return at


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        ("2026-01-29T05:00:00", "2026-03-29T03:00:00.000001"),  # summer time begins
        ("2026-01-29T02:30:00", "2026-03-29T01:00:00"),  # a wall time that the clock jumps over
        ("2026-08-25T05:00:00", "2026-10-25T04:00:00.000001"),  # summer time ends
    ],
)
@pytest.mark.parametrize("hours", [1, 4, 30, 24 * 20])
def test_a_month_ends_by_the_clock_on_the_wall_when_summer_time_begins_or_ends(
    happened, expected, hours
):
    person = Person(events=[{"name": "A", "at": moment(happened, "Europe/Berlin")}])
    at = moment(expected) - hours * 3_600_000_000
    where = searched({"last": "2 months"})
    assert changed(where, person, at, "Europe/Berlin") == moment(expected)


def searched(within):
    return {"events": {"name": "A", "count": {"at_least": 1}, "within": within}}


def test_thirty_days_idle_is_true_to_the_microsecond():
    at = moment("2026-11-22T12:00:00")
    person = Person(events=[{"name": "A", "at": at - 10 * DAY}])
    assert flip(searched({"last": "30 days"}), person, at) == at + 20 * DAY + 1
    late = {"events": {"name": "A", "latest": "at", "is": {"more_than": "30 days ago"}}}
    assert flip(late, person, at) == at + 20 * DAY + 1
    assert flip(late, person, at + 21 * DAY) == NEVER
    assert flip({"orders": {"count": {"is": 0}}}, person, at) == NEVER


@pytest.mark.parametrize(
    ("happened", "asked", "expected"),
    [
        ("2026-05-10T08:00:00", "2026-05-20T00:00:00", "2026-06-10T08:00:00.000001"),
        ("2026-05-31T08:00:00", "2026-06-01T00:00:00", "2026-07-01T00:00:00"),  # June has no 31st
        ("2026-02-28T12:00:00", "2026-03-28T09:00:00", "2026-03-28T12:00:00.000001"),
        ("2026-02-28T12:00:00", "2026-03-28T13:00:00", "2026-03-29T00:00:00"),  # in again
        ("2026-02-28T12:00:00", "2026-03-31T13:00:00", None),
    ],
)
def test_a_month_ends_by_the_calendar(happened, asked, expected):
    tz = "Europe/Istanbul"
    person = Person(events=[{"name": "A", "at": moment(happened, tz)}])
    found = flip(searched({"last": "1 month"}), person, moment(asked, tz))
    assert found == (NEVER if expected is None else moment(expected, tz))


def test_an_arrival_becomes_past_at_midnight_of_the_next_day():
    person = Person(orders=[{"starts_on": date(2026, 11, 30)}])
    upcoming = {"count": {"at_least": 1}, "by": "starts_on", "within": {"from": "today"}}
    at = moment("2026-11-22T12:00:00")
    expected = moment("2026-12-01T00:00:00", "Europe/Istanbul")
    assert flip({"orders": upcoming}, person, at) == expected
    assert flip({"orders": upcoming}, person, expected) == NEVER
