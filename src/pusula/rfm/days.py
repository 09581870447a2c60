"""Days of the company's zone for many moments at once, and when recency and windows move on.

A day is counted as in ``date.toordinal``. Arrays are parallel, one entry per profile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from pusula.lib import clock

Ints = npt.NDArray[np.int64]
NEVER = np.iinfo(np.int64).max


@lru_cache(maxsize=256)
def _starts_in(year: int, zone: str) -> Ints:
    first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
    days = range(first, last + 1)
    return np.array([clock.start_of(date.fromordinal(n), zone) for n in days], np.int64)


@lru_cache(maxsize=64)
def _starts(first_year: int, last_year: int, zone: str) -> Ints:
    years = range(first_year, last_year + 1)
    return np.concatenate([_starts_in(year, zone) for year in years])


def of(moments: Ints, zone: str) -> Ints:
    """Return the day of each moment."""
    if not len(moments):
        return moments
    years = [clock.day_of(int(end), zone).year for end in (moments.min(), moments.max())]
    starts = _starts(*years, zone)
    first = date(years[0], 1, 1).toordinal()
    return first - 1 + np.searchsorted(starts, moments, side="right")


def starts(days: Ints, zone: str) -> Ints:
    """Return the moment at which each day begins."""
    if not len(days):
        return days
    years = [date.fromordinal(int(end)).year for end in (days.min(), days.max())]
    return _starts(*years, zone)[days - date(years[0], 1, 1).toordinal()]


def calendar_days(last_at: Ints, today: date, zone: str) -> Ints:
    """Return the difference of dates from each moment to ``today``; today's is 0."""
    return np.maximum(today.toordinal() - of(last_at, zone), 0)


def floor_days(last_at: Ints, today: date, zone: str) -> Ints:
    """Return whole days of 24 hours from each moment to the start of ``today``; today's is 0."""
    return np.maximum((clock.start_of(today, zone) - last_at) // clock.DAY, 0)


def when_calendar_days(last_at: Ints, n: Ints, zone: str) -> Ints:
    """Return the start of the day on which ``calendar_days`` becomes ``n``."""
    return starts(of(last_at, zone) + n, zone)


def when_floor_days(last_at: Ints, n: Ints, zone: str) -> Ints:
    """Return the start of the first day on which ``floor_days`` is ``n`` or more."""
    due_at = last_at + n * clock.DAY
    day = of(due_at, zone)
    begun = starts(day, zone)
    return np.where(begun == due_at, begun, starts(day + 1, zone))


def next_crossing(
    days: Ints,
    last_at: Ints,
    limits: Sequence[float],
    when: Callable[[Ints, Ints, str], Ints],
    zone: str,
) -> Ints:
    """Return when each profile's days since the last order are next beyond one of ``limits``."""
    beyond = np.unique(np.floor(np.asarray(limits, np.float64)).astype(np.int64)) + 1
    place = np.searchsorted(beyond, days, side="right")
    found = np.full(len(days), NEVER)
    crosses = place < len(beyond)
    if crosses.any():
        found[crosses] = when(last_at[crosses], beyond[place[crosses]], zone)
    return found


def leaving(first_at: Ints, months: int | None, zone: str) -> Ints:
    """Return the start of the day on which a window of ``months`` no longer reaches each moment."""
    found = np.full(len(first_at), NEVER)
    known = first_at != NEVER
    if months is None or not known.any():
        return found
    first, place = np.unique(of(first_at[known], zone), return_inverse=True)
    gone = np.array([_gone(date.fromordinal(int(day)), months) for day in first], np.int64)
    found[known] = starts(gone, zone)[place]
    return found


@lru_cache(maxsize=65_536)
def _gone(day: date, months: int) -> int:
    """Return the first day from which ``months`` back are after ``day``."""
    wanted = day.toordinal() + 1
    found = clock.add_months(date.fromordinal(wanted), months).toordinal()
    while _back(found, months) < wanted:
        found += 1
    while _back(found - 1, months) >= wanted:
        found -= 1
    return found


def _back(day: int, months: int) -> int:
    return clock.add_months(date.fromordinal(day), -months).toordinal()
