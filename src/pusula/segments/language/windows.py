"""Spans of time relative to the asked moment or to the calendar, and the moments they mean.

A window is half-open: its start belongs to it, its end does not. A day counts as the moment at
which it begins in the business time zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from pusula.lib import clock

# Units of fixed length, in microseconds, and units that follow the calendar, in months.
EXACT = {
    "second": clock.SECOND,
    "minute": clock.MINUTE,
    "hour": clock.HOUR,
    "day": clock.DAY,
    "week": 7 * clock.DAY,
}
CALENDAR = {"month": 1, "year": 12}
UNITS = (*EXACT, *CALENDAR)


@dataclass(frozen=True, slots=True)
class Offset:
    """So long after the asked moment (negative: before it).

    A month or year keeps the wall time and the day of the month, clipped to the month's end.
    """

    amount: int
    unit: str = "day"

    def moment(self, at: int, tz: str) -> int:
        """Return the moment meant when asked at ``at``."""
        if self.unit in EXACT:
            return at + self.amount * EXACT[self.unit]
        wall = clock.to_datetime(at, tz)
        day = clock.add_months(wall.date(), self.amount * CALENDAR[self.unit])
        return clock.from_datetime(datetime.combine(day, wall.time()), tz)


@dataclass(frozen=True, slots=True)
class Today:
    """The moment at which the asked day begins."""

    def moment(self, at: int, tz: str) -> int:
        """Return the moment meant when asked at ``at``."""
        return clock.start_of(clock.day_of(at, tz), tz)


@dataclass(frozen=True, slots=True)
class OnDay:
    """The moment at which a stated day begins."""

    day: date

    def moment(self, at: int, tz: str) -> int:  # noqa: ARG002 - the same whenever asked
        """Return the moment meant when asked at ``at``."""
        return clock.start_of(self.day, tz)


Point = Offset | Today | OnDay
NOW = Offset(0)


@dataclass(frozen=True, slots=True)
class Window:
    """From ``start`` up to, and without, ``end``; ``None`` is no limit."""

    start: Point | None
    end: Point | None

    def bounds(self, at: int, tz: str) -> tuple[int | None, int | None]:
        """Return the moments [from, to) meant when asked at ``at``."""
        return (
            None if self.start is None else self.start.moment(at, tz),
            None if self.end is None else self.end.moment(at, tz),
        )
