"""Whether values stand a test: one function per test of the language."""

from __future__ import annotations

import calendar
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np

from pusula.segments.kernel import days
from pusula.segments.kernel.asked import ANCIENT, Asked, own
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
from pusula.segments.language.schema import Kind
from pusula.segments.language.windows import Since

COMPARE: dict[Operator, np.ufunc] = {
    "at_least": np.greater_equal,
    "at_most": np.less_equal,
    "more_than": np.greater,
    "less_than": np.less,
}


def holds(test: Test, vector: Vector, asked: Asked, profiles: Positions | None = None) -> Bools:
    """Return where a value stands ``test``; a missing one stands none but ``Known(False)``.

    ``profiles`` are the positions of the values' profiles, ``None`` if there is one of each.
    """
    if isinstance(test, Known):
        return vector.known if test.known else ~vector.known
    timed = _TIMED.get(type(test))
    if timed is not None:
        stands = timed(test, vector, asked, profiles)
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


def _within(test: Within, vector: Vector, asked: Asked, profiles: Positions | None) -> Bools:
    window = test.window
    start, end = asked.bounds(window, vector.kind)
    start, end = own(start, profiles), own(end, profiles)
    within: Bools = vector.values < end
    if start is not ANCIENT:
        within &= vector.values >= start
    if window.is_own:
        for point, inside in ((window.start, np.greater_equal), (window.end, np.less)):
            if isinstance(point, Since):
                bounds, known = asked.since(point, vector.kind)
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


def _anniversary(
    test: Anniversary, vector: Vector, asked: Asked, profiles: Positions | None
) -> Bools:
    """Return where one of the next days is the date of a day of an earlier year."""
    local = asked.days_of(vector)
    dates = days.dates_of(local)
    last_year = np.empty(len(local), np.int64)
    for today, where in asked.each_day(profiles):
        last_year[where] = coming_dates(today, test.days)[dates[where]]
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
# Tests whose answer hangs on the asked moment, and so on whose a value is.
_TIMED: dict[type[Any], Callable[[Any, Vector, Asked, Positions | None], Bools]] = {
    Within: _within,
    Anniversary: _anniversary,
}
_TESTS: dict[type[Any], Callable[[Any, Vector, Asked], Bools]] = {
    Among: _among,
    Compare: _compare,
    Between: _between,
    Contains: _search,
    Starts: _search,
    Ends: _search,
    Matches: _search,
    Has: _search,
    InMonths: _in_months,
    OnWeekdays: _on_weekdays,
    During: _during,
}
