"""Whether values stand a test: one function per test of the language."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np

from pusula.lib import clock
from pusula.segments.kernel import days
from pusula.segments.kernel.block import Bools, Ints, Positions
from pusula.segments.kernel.columns import FIRST, Vector
from pusula.segments.language.nodes import (
    Among,
    Anniversary,
    Between,
    Compare,
    Contains,
    During,
    Ends,
    Has,
    InMonths,
    Known,
    Matches,
    Money,
    OnWeekdays,
    Operator,
    Starts,
    Test,
    Value,
    Within,
)
from pusula.segments.language.schema import Kind, Period
from pusula.segments.language.windows import Since, Window

_ANCIENT, _NEVER = np.iinfo(np.int64).min, np.iinfo(np.int64).max

COMPARE: dict[Operator, np.ufunc] = {
    "at_least": np.greater_equal,
    "at_most": np.less_equal,
    "more_than": np.greater,
    "less_than": np.less,
}

# From the name of an anchor to each profile's moment, and who has one.
Anchors = Callable[[str], tuple[Ints, Bools]]


def _no_anchors(name: str) -> tuple[Ints, Bools]:
    message = f"nobody knows the moment {name!r} here"
    raise TypeError(message)


@dataclass(frozen=True)
class Asked:
    """The moment that is asked about, and what the windows of definitions mean at it."""

    at: int
    tz: str
    periods: Mapping[str, Period] = field(default_factory=dict)
    anchors: Anchors = _no_anchors
    _bounds: dict[tuple[Window, bool], tuple[int, int]] = field(default_factory=dict)
    _own: dict[tuple[Since, bool], tuple[Ints, Bools]] = field(default_factory=dict)

    def bounds(self, window: Window, kind: Kind) -> tuple[int, int]:
        """Return [from, to) for values of ``kind``: moments, or days since 1970.

        A bound of each profile's own is left open.
        """
        key = (window, kind is Kind.DAY)
        if key not in self._bounds:
            start, end = window.bounds(self.at, self.tz)
            if kind is Kind.DAY:
                start = None if start is None else self._day_from(start)
                end = None if end is None else self._day_from(end)
            self._bounds[key] = (
                _ANCIENT if start is None else start,
                _NEVER if end is None else end,
            )
        return self._bounds[key]

    def own(self, point: Since, kind: Kind) -> tuple[Ints, Bools]:
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

    @property
    def today(self) -> date:
        """The day of the asked moment."""
        return clock.day_of(self.at, self.tz)

    def _day_from(self, moment: int) -> int:
        """Return the first day that begins at ``moment`` or later."""
        day = clock.day_of(moment, self.tz)
        while clock.start_of(day, self.tz) < moment:
            day += timedelta(days=1)
        return days.day_number(day)


def holds(test: Test, vector: Vector, asked: Asked, profiles: Positions | None = None) -> Bools:
    """Return where a value stands ``test``; a missing one stands none but ``Known(False)``.

    ``profiles`` are the positions of the values' profiles, ``None`` if there is one of each.
    """
    if isinstance(test, Known):
        return vector.known if test.known else ~vector.known
    if isinstance(test, Within) and test.window.is_own:
        stands = _within_own(test.window, vector, asked, profiles)
    else:
        stands = _TESTS[type(test)](test, vector, asked)
    return stands & vector.known


def _among(test: Among, vector: Vector, _: Asked) -> Bools:
    if vector.kind is Kind.TEXT:
        return _text_among(test, vector)
    found = np.isin(vector.values, np.array([_plain(value) for value in test.values]))
    return ~found if test.negated else found


def _text_among(test: Among, vector: Vector) -> Bools:
    codes = [vector.words[str(word)] for word in test.values]
    if len(codes) == 1 and not test.negated:
        only: Bools = vector.values == codes[0]
        return only
    stands = np.full(FIRST + len(vector.words), test.negated)
    stands[codes] = not test.negated
    picked: Bools = stands[vector.values]
    return picked


def _compare(test: Compare, vector: Vector, _: Asked) -> Bools:
    compared: Bools = COMPARE[test.operator](vector.values, _plain(test.than))
    return compared


def _between(test: Between, vector: Vector, _: Asked) -> Bools:
    between: Bools = vector.values >= _plain(test.low)
    between &= vector.values <= _plain(test.high)
    return between


def _search(test: Contains | Starts | Ends | Matches | Has, vector: Vector, _: Asked) -> Bools:
    if vector.search is None:
        message = f"{vector.kind} has no patterns"
        raise TypeError(message)
    return vector.search(test)


def _within(test: Within, vector: Vector, asked: Asked) -> Bools:
    start, end = asked.bounds(test.window, vector.kind)
    within: Bools = vector.values < end
    if start != _ANCIENT:
        within &= vector.values >= start
    return within


def _within_own(window: Window, vector: Vector, asked: Asked, profiles: Positions | None) -> Bools:
    """Return where values lie in a window with bounds of their profiles' own."""
    within = _within(Within(window), vector, asked)
    for point, inside in ((window.start, np.greater_equal), (window.end, np.less)):
        if isinstance(point, Since):
            bounds, known = asked.own(point, vector.kind)
            if profiles is not None:
                bounds, known = bounds[profiles], known[profiles]
            within &= inside(vector.values, bounds) & known
    return within


def _in_months(test: InMonths, vector: Vector, asked: Asked) -> Bools:
    return _one_of([month - 1 for month in test.months], days.months_of(asked.days_of(vector)) % 12)


def _on_weekdays(test: OnWeekdays, vector: Vector, asked: Asked) -> Bools:
    return _one_of(test.weekdays, days.weekdays_of(asked.days_of(vector)))


def _one_of(chosen: Iterable[int], numbers: Ints) -> Bools:
    is_chosen = np.zeros(days.MONTHS, np.bool_)
    is_chosen[list(chosen)] = True
    found: Bools = is_chosen[numbers]
    return found


def _anniversary(test: Anniversary, vector: Vector, asked: Asked) -> Bools:
    """Return where one of the next days is the date of a day of an earlier year."""
    local = asked.days_of(vector)
    last_year = coming_dates(asked.today, test.days)[days.dates_of(local)]
    found: Bools = last_year > days.years_of(local)
    return found


@lru_cache(maxsize=64)
def coming_dates(today: date, n: int) -> Ints:
    """Return, by ``days.date_key``, the last year in which each date is one of the next n days."""
    last_year = np.zeros(days.MONTHS * 32, np.int64)
    for k in range(n):
        day = today + timedelta(days=k)
        last_year[days.date_key(day)] = day.year
        if (day.month, day.day) == (2, 28) and not calendar.isleap(day.year):
            last_year[_LEAP_DAY] = day.year
    return last_year


def _during(test: During, vector: Vector, asked: Asked) -> Bools:
    local = asked.days_of(vector)
    during = np.zeros(len(local), np.bool_)
    for first, last in asked.periods[test.name].spans:
        during |= (local >= days.day_number(first)) & (local <= days.day_number(last))
    return during


def _plain(value: Value) -> Any:
    return value.minor if isinstance(value, Money) else value


_LEAP_DAY = days.date_key(date(2024, 2, 29))
_TESTS: dict[type[Any], Callable[[Any, Vector, Asked], Bools]] = {
    Among: _among,
    Compare: _compare,
    Between: _between,
    Contains: _search,
    Starts: _search,
    Ends: _search,
    Matches: _search,
    Has: _search,
    Within: _within,
    InMonths: _in_months,
    OnWeekdays: _on_weekdays,
    Anniversary: _anniversary,
    During: _during,
}
