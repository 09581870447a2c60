"""The next flip is never later than a change that time alone brings about."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.segments import histories
from tests.segments.agreement import followed, missed_flips, state
from tests.segments.histories import moment
from tests.segments.oracle import Person

from pusula.segments import kernel
from pusula.segments.kernel.asked import NEVER
from pusula.segments.language import Kind, Schema, parse

DAY = 86_400_000_000


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["", *histories.FOCUSES]))
def test_nobodys_membership_changes_before_the_next_flip(seed, focus):
    world = histories.Maker(seed, focus).world(n_people=4, n_leaves=3, n_trees=1)
    assert missed_flips(world, seed)[:1] == []


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["", *histories.FOCUSES]))
def test_nobody_is_looked_at_more_often_than_about_once_a_day(seed, focus):
    world = histories.Maker(seed, focus).world(n_people=2, n_leaves=2, n_trees=0)
    days = 30
    n_rows = [len(p.orders) + len(p.items) + len(p.events) for p in world.people]
    assert all(
        n <= days + 4 * rows for n, rows in zip(followed(world, days=days), n_rows, strict=True)
    )


def compiled(where, person, tz):
    schema = Schema(currency="TRY", tz=tz, traits={"birthday": Kind.DAY})
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


ISTANBUL = "Europe/Istanbul"


def flips(where, person, at, tz=ISTANBUL, n=3):
    """Return the next flips of ``person``, followed one by one."""
    found = []
    while len(found) < n and at != NEVER:
        at = flip(where, person, at, tz)
        found.append(at)
    return found


def test_a_row_to_come_counts_from_the_microsecond_after_its_time():
    at = moment("2026-11-22T12:00:00")
    person = Person(events=[{"name": "A", "at": at + 5 * DAY}])
    ever = {"events": {"name": "A", "count": {"at_least": 1}}}
    assert flips(ever, person, at, n=2) == [at + 5 * DAY + 1, NEVER]
    assert changed(ever, person, at, ISTANBUL) == at + 5 * DAY + 1


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        ({"this": "day"}, "2026-11-23T00:00:00"),
        ({"this": "week"}, "2026-11-23T00:00:00"),
        ({"this": "month"}, "2026-12-01T00:00:00"),
        ({"this": "quarter"}, "2027-01-01T00:00:00"),
        ({"this": "year"}, "2027-01-01T00:00:00"),
        ({"calendar": "2 months"}, "2027-01-01T00:00:00"),
    ],
)
def test_a_calendar_unit_ends_at_the_midnight_that_ends_it(within, expected):
    at = moment("2026-11-22T12:00:00", ISTANBUL)
    person = Person(events=[{"name": "A", "at": at - 1}])
    assert flip(searched(within), person, at) == moment(expected, ISTANBUL)


def test_a_row_of_this_month_is_next_months_previous_month():
    at = moment("2026-11-22T12:00:00", ISTANBUL)
    person = Person(events=[{"name": "A", "at": at - 1}])
    months = [moment(f"{month}-01T00:00:00", ISTANBUL) for month in ("2026-12", "2027-01")]
    assert flips(searched({"previous": "month"}), person, at) == [*months, NEVER]


def test_an_anniversary_comes_and_goes_at_midnight():
    soon = {"trait": {"birthday": {"anniversary": {"next": "7 days"}}}}
    person = Person(traits={"birthday": date(1980, 12, 1)})
    at = moment("2026-11-22T12:00:00", ISTANBUL)
    days = ("2026-11-25", "2026-12-02", "2027-11-25")
    expected = [moment(f"{day}T00:00:00", ISTANBUL) for day in days]
    assert flips(soon, person, at) == expected
    still = {"trait": {"birthday": {"month": "december"}}}
    assert flip(still, person, at) == NEVER


@pytest.mark.parametrize(
    ("test", "expected"), [({"at_least": 1.5}, 0), ({"more_than": 1.5}, 1), ({"is": 1.5}, 0)]
)
def test_somebody_is_overdue_at_the_very_moment(test, expected):
    at = moment("2026-11-22T12:00:00")
    person = Person(events=[{"name": "A", "at": at - n * DAY} for n in (30, 20, 10)])
    late = {"events": {"name": "A", "overdue": test}}
    met = at + 5 * DAY  # 15 days after the last, once in 10 days before
    assert changed(late, person, at, ISTANBUL) == met + expected
    assert flip(late, person, met + 2) == NEVER


def test_a_window_since_an_order_is_looked_at_again_when_an_order_comes():
    at = moment("2026-11-22T12:00:00")
    since = searched({"since": "last_order"})
    orders = [{"status": "completed", "ordered_at": at + n * DAY} for n in (-9, 3)]
    person = Person(orders=orders, events=[{"name": "A", "at": at - DAY}])
    assert flips(since, person, at, n=2) == [at + 3 * DAY + 1, NEVER]


def test_a_share_changes_when_what_it_asks_of_rows_does():
    at = moment("2026-11-22T12:00:00")
    recent = {"share": {"at": {"last": "30 days"}}, "is": {"at_least": "50 %"}}
    person = Person(events=[{"name": "A", "at": at - 10 * DAY}])
    assert flip({"events": {"name": "A", **recent}}, person, at) == at + 20 * DAY + 1
