"""Spans of time relative to the asked moment or to the calendar, and the moments they mean.

A window is half-open: its start belongs to it, its end does not. A day counts as the moment at
which it begins in the business time zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

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


def in_units(microseconds: int) -> tuple[int, str]:
    """Return a length of time in the largest unit up to days that it is a multiple of."""
    units = ("day", "hour", "minute", "second")
    unit = next(unit for unit in units if microseconds % EXACT[unit] == 0)
    return microseconds // EXACT[unit], unit


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


@dataclass(frozen=True, slots=True)
class StartOf:
    """The moment at which the calendar unit ``shift`` units from the asked one begins.

    ``unit`` is day, week (from Monday), month, quarter or year; ``shift`` 0 is the present one.
    """

    unit: str
    shift: int = 0

    def moment(self, at: int, tz: str) -> int:
        """Return the moment meant when asked at ``at``."""
        return clock.start_of(self.day(clock.day_of(at, tz)), tz)

    def day(self, today: date) -> date:
        """Return the first day of the unit, seen from ``today``."""
        match self.unit:
            case "day":
                return today + timedelta(days=self.shift)
            case "week":
                return today - timedelta(days=today.weekday()) + timedelta(weeks=self.shift)
        months = {"month": 1, "quarter": 3, "year": 12}[self.unit]
        first = today.replace(month=(today.month - 1) // months * months + 1, day=1)
        return clock.add_months(first, self.shift * months)


ANCHORS = ("first_order", "last_order", "created")


@dataclass(frozen=True, slots=True)
class Since:
    """A moment of each profile's own, and ``shift`` after it (negative: before it).

    ``first_order`` and ``last_order`` are when orders that still stand (neither cancelled nor
    no-shows) were made, ``created`` when the profile came to be. Who lacks it has no such moment:
    nothing lies in a window that it bounds. ``shift`` has a unit of fixed length.
    """

    anchor: str
    shift: Offset | None = None


Point = Offset | Today | OnDay | StartOf  # the same moment for everybody
NOW = Offset(0)


@dataclass(frozen=True, slots=True)
class Window:
    """From ``start`` up to, and without, ``end``; ``None`` is no limit."""

    start: Point | Since | None
    end: Point | Since | None

    @property
    def is_own(self) -> bool:
        """Whether each profile has bounds of its own."""
        return isinstance(self.start, Since) or isinstance(self.end, Since)

    def bounds(self, at: int, tz: str) -> tuple[int | None, int | None]:
        """Return the moments [from, to) meant when asked at ``at``; an own bound is left open."""
        start, end = (None if isinstance(p, Since) else p for p in (self.start, self.end))
        return (
            None if start is None else start.moment(at, tz),
            None if end is None else end.moment(at, tz),
        )
