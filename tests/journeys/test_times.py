"""The moments of journeys: each wall time comes once, whatever the clocks do."""

from __future__ import annotations

import datetime as dt
from zoneinfo import available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pusula.journeys import times
from pusula.journeys.language.nodes import DateOf, Every, Once
from pusula.lib import clock
from pusula.segments.language.windows import Offset

ZONES = sorted(available_timezones())
days = st.dates(dt.date(2015, 1, 1), dt.date(2035, 12, 31))


def wall(moment: int, tz: str) -> dt.datetime:
    return clock.to_datetime(moment, tz).replace(tzinfo=None)


@given(st.sampled_from(ZONES), days, st.integers(0, 1439))
@settings(max_examples=300, deadline=None)
def test_every_wall_time_is_met_once_a_day_and_never_early(tz, day, minutes):
    at = times.wall(day, minutes, tz)
    wanted = dt.datetime.combine(day, dt.time(minutes // 60, minutes % 60))
    shown = wall(at, tz)
    assert shown >= wanted
    if shown != wanted:  # the clocks skip it: at the first moment behind the gap
        assert wall(at - 1, tz) < wanted
    again = times.next_at(minutes, (), at, tz)
    assert again == at
    following = times.next_at(minutes, (), at + 1, tz)
    assert clock.day_of(following, tz) > clock.day_of(at, tz)


@pytest.mark.parametrize(
    ("day", "minutes", "shown"),
    [
        (dt.date(2026, 3, 29), 150, "03:00"),  # 02:30 does not exist in Berlin that day
        (dt.date(2026, 10, 25), 150, "02:30"),  # and comes twice that day: the first counts
        (dt.date(2026, 6, 2), 540, "09:00"),
    ],
)
def test_a_skipped_time_is_the_first_that_is_there_and_a_double_one_the_first(day, minutes, shown):
    at = times.wall(day, minutes, "Europe/Berlin")
    assert wall(at, "Europe/Berlin").strftime("%H:%M") == shown
    if day.month == 10:
        assert wall(at + clock.HOUR, "Europe/Berlin") == wall(at, "Europe/Berlin")


@given(st.sampled_from(ZONES), days, st.integers(0, 1439), st.integers(0, 6))
@settings(max_examples=100, deadline=None)
def test_a_weekday_comes_once_a_week(tz, day, minutes, weekday):
    at = times.next_at(minutes, (weekday,), times.wall(day, 0, tz), tz)
    then = times.next_at(minutes, (weekday,), at + 1, tz)
    assert clock.day_of(at, tz).weekday() == clock.day_of(then, tz).weekday() == weekday
    assert 0 < (clock.day_of(then, tz) - clock.day_of(at, tz)).days <= 14
    # Two weeks only where a day that the clocks skip altogether lay between.


@given(days, st.sampled_from([(31,), (1,), (29, 30), (15, 31)]))
@settings(max_examples=100, deadline=None)
def test_a_day_that_a_month_lacks_is_its_last(day, month_days):
    tz = "Europe/Istanbul"
    every = Every(540, month_days=month_days)
    at = times.wall(day, 0, tz)
    months = []
    for _n in range(4):
        at = times.occurrence(every, at, tz) or 0
        months.append(clock.day_of(at, tz))
    for found in months:
        is_last = (found + dt.timedelta(days=1)).day == 1
        assert found.day in month_days or is_last
    assert len(set(months)) == 4
    assert months == sorted(months)


def test_once_comes_once():
    tz = "Europe/Istanbul"
    once = Once(dt.date(2026, 6, 1), 540)
    at = times.wall(dt.date(2026, 6, 1), 540, tz)
    assert times.occurrence(once, at - 1, tz) == at
    assert times.occurrence(once, at, tz) is None


@given(days, days, st.sampled_from([None, Offset(-7), Offset(1, "week"), Offset(-1, "month")]))
@settings(max_examples=200, deadline=None)
def test_a_birthday_comes_every_year(born, today, offset):
    tz = "Europe/Istanbul"
    of = DateOf(trait="born", offset=offset, is_yearly=True)
    at = max(times.wall(today, 0, tz), times.wall(born, 0, tz) + 60 * clock.DAY)
    first = times.moment(of, born, at, tz) or 0
    second = times.moment(of, born, first + 1, tz) or 0
    assert at <= first <= at + 800 * clock.DAY
    assert 363 <= (second - first) / clock.DAY <= 368
    assert times.moment(of, None, at, tz) is None
