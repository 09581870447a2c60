"""The moments that are asked about, and what the windows of definitions mean at them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

import numpy as np

from pusula.lib import clock
from pusula.segments.kernel import days
from pusula.segments.kernel.block import Bools, Ints, Positions
from pusula.segments.kernel.columns import Vector
from pusula.segments.language.schema import Kind, Period
from pusula.segments.language.windows import CALENDAR, EXACT, Offset, OnDay, Point, Since, Window

ANCIENT, NEVER = np.iinfo(np.int64).min, np.iinfo(np.int64).max

# One number for everybody, or each profile's own.
Numbers = int | Ints
# From the name of an anchor to each profile's moment, and who has one.
Anchors = Callable[[str], tuple[Ints, Bools]]


def _no_anchors(name: str) -> tuple[Ints, Bools]:
    message = f"nobody knows the moment {name!r} here"
    raise TypeError(message)


def own(numbers: Numbers, whose: Positions | slice | None) -> Numbers:
    """Return the numbers of the profiles ``whose`` (``None``: of all), or the one for everybody."""
    if whose is None or not isinstance(numbers, np.ndarray):
        return numbers
    return numbers[whose]


def least(numbers: Numbers) -> int:
    """Return the least of the profiles' numbers."""
    return int(numbers.min()) if isinstance(numbers, np.ndarray) else numbers


def greatest(numbers: Numbers) -> int:
    """Return the greatest of the profiles' numbers."""
    return int(numbers.max()) if isinstance(numbers, np.ndarray) else numbers


@dataclass(frozen=True)
class Asked:
    """The moment that is asked about, or each profile's own, and what windows mean there."""

    at: Numbers
    tz: str
    periods: Mapping[str, Period] = field(default_factory=dict)
    anchors: Anchors = _no_anchors
    _bounds: dict[tuple[Window, bool], tuple[Numbers, Numbers]] = field(default_factory=dict)
    _own: dict[tuple[Since, bool], tuple[Ints, Bools]] = field(default_factory=dict)

    def bounds(self, window: Window, kind: Kind) -> tuple[Numbers, Numbers]:
        """Return [from, to) for values of ``kind``: moments, or days since 1970.

        A bound that hangs on an anchor is left open.
        """
        key = (window, kind is Kind.DAY)
        found = self._bounds.get(key)
        if found is None:
            start, end = window.start, window.end
            found = self._bounds[key] = (
                ANCIENT if start is None or isinstance(start, Since) else self._end(start, kind),
                NEVER if end is None or isinstance(end, Since) else self._end(end, kind),
            )
        return found

    def moment(self, point: Point) -> Numbers:
        """Return the moment that ``point`` means."""
        at = self.at
        if not isinstance(at, np.ndarray):
            return point.moment(at, self.tz)
        match point:
            case OnDay():
                return point.moment(0, self.tz)
            case Offset(amount, unit) if unit in EXACT:
                return at + amount * EXACT[unit]
            case Offset(amount, unit):
                return self._months_later(at, amount * CALENDAR[unit])
        # The rest means the same all day long.
        return self._by_day(lambda day: point.moment(clock.start_of(day, self.tz), self.tz))

    def since(self, point: Since, kind: Kind) -> tuple[Ints, Bools]:
        """Return each profile's moment (or first day from then on), and who has one."""
        key = (point, kind is Kind.DAY)
        if key not in self._own:
            moments, known = self.anchors(point.anchor)
            if point.shift is not None:
                moments = np.where(known, point.shift.moment(0, self.tz) + moments, 0)
            if kind is Kind.DAY:
                moments = days.days_from(moments, self.tz)
            self._own[key] = (moments, known)
        return self._own[key]

    def days_of(self, vector: Vector) -> Ints:
        """Return the days since 1970 of moments or days; arbitrary where they are not known."""
        if vector.kind is Kind.DAY:
            return vector.values
        return days.local_days(vector.values, self.tz)

    def each_day(self, profiles: Positions | None) -> Iterator[tuple[date, Positions | slice]]:
        """Yield the days that are asked about, and where values of ``profiles`` are asked then.

        ``None`` stands for one value of each profile.
        """
        numbers, place_of = self._days
        if len(numbers) == 1:
            yield days.EPOCH + timedelta(days=int(numbers[0])), slice(None)
            return
        places = place_of if profiles is None else place_of[profiles]
        order = np.argsort(places, kind="stable")
        ends = np.searchsorted(places[order], np.arange(len(numbers) + 1))
        for place, number in enumerate(numbers.tolist()):
            where = order[ends[place] : ends[place + 1]]
            if len(where):
                yield days.EPOCH + timedelta(days=number), where

    @cached_property
    def _days(self) -> tuple[Ints, Positions]:
        """The different days that are asked about, and the place among them of each profile's."""
        if isinstance(self.at, np.ndarray):
            numbers, places = np.unique(days.local_days(self.at, self.tz), return_inverse=True)
            return numbers, places
        today = days.day_number(clock.day_of(self.at, self.tz))
        return np.array([today], np.int64), np.zeros(0, np.intp)

    def _by_day(self, of: Callable[[date], int]) -> Ints:
        """Return for each profile what ``of`` says of its day: asked once of every day."""
        numbers, places = self._days
        told = [of(days.EPOCH + timedelta(days=number)) for number in numbers.tolist()]
        return np.array(told, np.int64)[places]

    def _months_later(self, at: Ints, months: int) -> Ints:
        """Return the moments so many months later, as ``Offset`` means them."""
        time_of_day = days.walls(at, self.tz) % clock.DAY
        targets = self._by_day(lambda day: days.day_number(clock.add_months(day, months)))
        return days.moments(targets * clock.DAY + time_of_day, self.tz)

    def _end(self, point: Point, kind: Kind) -> Numbers:
        moment = self.moment(point)
        return self._day_from(moment) if kind is Kind.DAY else moment

    def _day_from(self, moment: Numbers) -> Numbers:
        """Return the first day that begins at ``moment`` or later."""
        if isinstance(moment, np.ndarray):
            return days.days_from(moment, self.tz)
        day = clock.day_of(moment, self.tz)
        while clock.start_of(day, self.tz) < moment:
            day += timedelta(days=1)
        return days.day_number(day)
