"""The days by the clock of a time zone on which moments fall, and their months: vectorised."""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from pusula.lib import clock
from pusula.segments.kernel.block import Ints

EPOCH = date(1970, 1, 1)
MONTHS = 12
_MONDAY = 3  # 1970 began on a Thursday
_EPOCH_YEAR = 1970
# Clocks before and after these years are taken to be as far from UTC as at their ends.
_FIRST_YEAR, _LAST_YEAR = 1900, 2200


def day_number(day: date) -> int:
    """Return the days since 1970."""
    return (day - EPOCH).days


def local_days(moments: Ints, tz: str) -> Ints:
    """Return the days since 1970 on which ``moments`` fall in ``tz``."""
    found: Ints = walls(moments, tz) // clock.DAY
    return found


def walls(moments: Ints, tz: str) -> Ints:
    """Return what clocks in ``tz`` show at ``moments``, in microseconds since they showed 1970."""
    if not len(moments):
        return moments
    jumps, offsets = _offsets(_year(int(moments.min())), _year(int(moments.max())), tz)
    ahead = offsets[np.searchsorted(jumps, moments, side="right")] if len(jumps) else offsets[0]
    found: Ints = moments + ahead
    return found


def months_of(days: Ints) -> Ints:
    """Return the months since 1970 in which days since 1970 lie."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def weeks_of(days: Ints) -> Ints:
    """Return the weeks, from Monday, since that of 1 January 1970."""
    return (days + _MONDAY) // 7


def weekdays_of(days: Ints) -> Ints:
    """Return the days of the week, 0 for Monday."""
    return (days + _MONDAY) % 7


def years_of(days: Ints) -> Ints:
    """Return the years."""
    return _EPOCH_YEAR + months_of(days) // MONTHS


def dates_of(days: Ints) -> Ints:
    """Return month and day of the month as ``date_key`` gives them."""
    months = months_of(days)
    first = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return months % MONTHS * 32 + (days - first)


def date_key(day: date) -> int:
    """Return month and day of the month as one small number, the same in every year."""
    return (day.month - 1) * 32 + day.day - 1


def begins(days: Ints, tz: str) -> Ints:
    """Return the moments at which days since 1970 begin in ``tz``, as ``clock.start_of`` does."""
    return moments(days * clock.DAY, tz)


def moments(walls: Ints, tz: str) -> Ints:
    """Return the moments at which clocks in ``tz`` show ``walls``, as ``clock.from_datetime`` does.

    What the clock jumps over is that much later, what it shows twice is the first.
    """
    if not len(walls):
        return walls
    first, last = int(walls.min()) - clock.DAY, int(walls.max()) + clock.DAY
    jumps, offsets = _offsets(_year(first), _year(last), tz)
    # The old offset holds until the wall times are over that a jump skips or repeats.
    until = jumps + np.maximum(offsets[:-1], offsets[1:])
    ahead = offsets[np.searchsorted(until, walls, side="right")] if len(jumps) else offsets[0]
    found: Ints = walls - ahead
    return found


def days_from(moments: Ints, tz: str) -> Ints:
    """Return the first days, since 1970, that begin at ``moments`` or later."""
    days = local_days(moments, tz)
    return days + (begins(days, tz) < moments)


def _year(moment: int) -> int:
    """Return the year in UTC, held within those whose clocks are followed."""
    years = np.int64(moment).astype("datetime64[us]").astype("datetime64[Y]").astype(np.int64)
    return min(max(_EPOCH_YEAR + int(years), _FIRST_YEAR), _LAST_YEAR)


@lru_cache(maxsize=256)
def _offsets(first: int, last: int, tz: str) -> tuple[Ints, Ints]:
    """Return when clocks jump from year ``first`` to ``last``, and how far they are from UTC.

    The first offset is that before the first jump.
    """
    years = range(first, last + 1)
    jumps = [jump for year in years for jump in _jumps(year, tz)]
    before = _offset(clock.start_of(date(first, 1, 1), "UTC"), tz)
    return (
        np.array([moment for moment, _ in jumps], np.int64),
        np.array([before, *(offset for _, offset in jumps)], np.int64),
    )


@lru_cache(maxsize=1024)
def _jumps(year: int, tz: str) -> tuple[tuple[int, int], ...]:
    """Return when clocks jump in a year of UTC, and the offsets from then on."""
    start = clock.start_of(date(year, 1, 1), "UTC")
    end = clock.start_of(date(year + 1, 1, 1), "UTC")
    found = []
    offset = _offset(start, tz)
    for low in range(start, end, clock.DAY):
        high = low + clock.DAY
        after = _offset(high, tz)
        if after != offset:
            found.append((_jump(low, high, tz), after))
            offset = after
    return tuple(found)


def _jump(low: int, high: int, tz: str) -> int:
    """Return the first moment after ``low`` that has the offset of ``high``."""
    offset = _offset(high, tz)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _offset(middle, tz) == offset else (middle, high)
    return high


def _offset(moment: int, tz: str) -> int:
    """Return how far clocks in ``tz`` are ahead of UTC, in microseconds."""
    ahead = clock.to_datetime(moment, tz).utcoffset()
    return 0 if ahead is None else ahead // timedelta(microseconds=1)
