"""Moments and days."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pusula.lib import clock


def test_a_moment_counts_microseconds_since_1970_in_utc():
    assert clock.from_datetime(datetime(1970, 1, 2, 0, 0, 0, 5, tzinfo=UTC)) == clock.DAY + 5


def test_istanbul_is_three_hours_ahead():
    assert clock.from_datetime(datetime(2026, 1, 1, 3), "Europe/Istanbul") == clock.from_datetime(
        datetime(2026, 1, 1, tzinfo=UTC)
    )


def test_a_wall_time_skipped_in_spring_moves_forward_by_the_gap():
    skipped = clock.from_datetime(datetime(2026, 3, 29, 2, 30), "Europe/Berlin")
    assert clock.to_datetime(skipped, "Europe/Berlin").hour == 3


def test_a_wall_time_that_comes_twice_in_autumn_is_the_first():
    first = clock.from_datetime(datetime(2026, 10, 25, 2, 30), "Europe/Berlin")
    assert clock.to_datetime(first).hour == 0


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)))
def test_a_moment_survives_the_way_there_and_back(value):
    assert clock.to_datetime(clock.from_datetime(value)).replace(tzinfo=None) == value


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2024, 3, 31), -1, date(2024, 2, 29)),
        (date(2026, 1, 15), -1, date(2025, 12, 15)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 5, 1), -24, date(2024, 5, 1)),
    ],
)
def test_months_are_added_by_the_calendar(day, months, expected):
    assert clock.add_months(day, months) == expected


def test_a_day_begins_at_midnight_of_its_zone():
    start = clock.start_of(date(2026, 11, 22), "Europe/Istanbul")
    assert clock.day_of(start, "Europe/Istanbul") == date(2026, 11, 22)
    assert clock.day_of(start - 1, "Europe/Istanbul") == date(2026, 11, 21)
