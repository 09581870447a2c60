"""The only clock, and the only place where local times become moments.

A *moment* is an ``int``: microseconds since 1970-01-01T00:00Z. Fields and variables that hold
one end in ``_at``. A *day* is a ``datetime.date`` in the business time zone; names end in ``_on``.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as wall_time
from functools import lru_cache
from zoneinfo import ZoneInfo

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> int:
    """Return the present moment in UTC microseconds."""
    return time.time_ns() // 1_000


def running() -> int:
    """Return microseconds since the machine was started, its sleep included.

    Nobody can set it, so it tells whether ``now`` was set; it means nothing by itself.
    """
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1_000


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """Return the time zone called ``name``; raise ``ZoneInfoNotFoundError`` if there is none."""
    return ZoneInfo(name)


def from_datetime(value: datetime, tz: str = "UTC") -> int:
    """Return the moment of ``value``; a naive one is read as wall time in ``tz``.

    A wall time that the spring gap skips is moved forward by the gap's length (02:30 means
    03:30); one that exists twice in autumn means the first of the two.
    """
    if value.tzinfo is None:
        value = value.replace(tzinfo=zone(tz), fold=0)
    delta = value.astimezone(UTC) - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds


def to_datetime(moment: int, tz: str = "UTC") -> datetime:
    """Return ``moment`` as an aware datetime in ``tz``."""
    return (_EPOCH + timedelta(microseconds=moment)).astimezone(zone(tz))


def start_of(day: date, tz: str) -> int:
    """Return the moment at which ``day`` begins in ``tz``."""
    return from_datetime(datetime(day.year, day.month, day.day), tz)  # noqa: DTZ001 - wall time


def day_of(moment: int, tz: str) -> date:
    """Return the day on which ``moment`` falls in ``tz``."""
    return to_datetime(moment, tz).date()


@lru_cache(maxsize=65_536)
def first_at(day: date, wall: wall_time, tz: str) -> int:
    """Return the moment at which clocks in ``tz`` first show ``wall`` on ``day``.

    Where they skip it in spring, the first moment after the skip; where autumn shows it twice, the
    first of the two.
    """
    local = datetime.combine(day, wall, zone(tz))
    after = from_datetime(local)
    if to_datetime(after, tz).replace(tzinfo=None) == local.replace(tzinfo=None):
        return after
    before = from_datetime(local.replace(fold=1))  # as if the clocks had been changed already
    shown_after = to_datetime(after, tz).utcoffset()
    while after - before > 1:
        middle = (before + after) // 2
        if to_datetime(middle, tz).utcoffset() == shown_after:
            after = middle
        else:
            before = middle
    return after


@lru_cache(maxsize=8)
def shifts(tz: str) -> tuple[tuple[int, int], ...]:
    """Return from which moments on clocks in ``tz`` stand how far before UTC, in microseconds.

    From 1970 to 2100, the first since ever: for many moments at once, where ``to_datetime`` would
    take them one by one.
    """
    first, last = start_of(date(1970, 1, 1), "UTC"), start_of(date(2100, 1, 1), "UTC")
    found = [(-(2**62), _shift(first, tz))]
    for before in range(first, last, DAY):
        if _shift(before + DAY, tz) == found[-1][1]:
            continue
        early, late = before, before + DAY
        while late - early > 1:
            middle = (early + late) // 2
            if _shift(middle, tz) == found[-1][1]:
                early = middle
            else:
                late = middle
        found.append((late, _shift(late, tz)))
    return tuple(found)


def _shift(moment: int, tz: str) -> int:
    offset = to_datetime(moment, tz).utcoffset() or timedelta()
    return offset // timedelta(microseconds=1)


def add_months(day: date, months: int) -> date:
    """Return the same day of the month ``months`` later (earlier if negative), clipped to its end.

    2024-03-31 minus one month is 2024-02-29.
    """
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    first_of_next = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    last = (first_of_next - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))
