"""When a moment or day next crosses an end of a window that moves with the asked moment.

Never too late; too early where summer time begins or ends, and beyond the horizon.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from pusula.lib import clock
from pusula.segments.kernel import days
from pusula.segments.kernel.asked import NEVER, Asked, Numbers, own
from pusula.segments.kernel.block import Bools, Ints, Positions
from pusula.segments.kernel.columns import Vector
from pusula.segments.language.nodes import Anniversary, Test, Within
from pusula.segments.language.schema import Kind
from pusula.segments.language.windows import (
    CALENDAR,
    EXACT,
    Offset,
    OnDay,
    Point,
    Since,
    StartOf,
    Today,
)

# How many days ahead calendar units are followed; whoever flips later is looked at again then.
_HORIZON = 370
# Clocks jump at whole quarters of an hour; between two of them local time is plain.
_SOON = 15 * clock.MINUTE
_LEAP_YEAR = date(2024, 1, 1)


def moves(test: Test) -> bool:
    """Return whether the test's answer for a value can change with the asked moment alone."""
    if isinstance(test, Anniversary):
        return True
    if not isinstance(test, Within):
        return False
    still = (OnDay, Since, type(None))
    return not all(isinstance(end, still) for end in (test.window.start, test.window.end))


def crossings(test: Test, vector: Vector, asked: Asked, profiles: Positions | None = None) -> Ints:
    """Return when the answer of ``test`` for each value can next change.

    ``profiles`` are the positions of the values' profiles, ``None`` if there is one of each.
    """
    flips = np.full(len(vector.values), NEVER)
    match test:
        case Within(window):
            moments = _moments(vector, asked.tz)
            for end in (window.start, window.end):
                np.minimum(flips, _crossing(end, moments, asked, profiles), out=flips)
        case Anniversary(n):
            dates = days.dates_of(asked.days_of(vector))
            for today, where in asked.each_day(profiles):
                flips[where] = _date_changes(today, n, asked.tz)[dates[where]]
    flips[~vector.known] = NEVER
    return flips


def _moments(vector: Vector, tz: str) -> Ints:
    """Return moments as they are, days as the moments at which they begin."""
    return vector.values if vector.kind is not Kind.DAY else days.begins(vector.values, tz)


@lru_cache(maxsize=64)
def _date_changes(today: date, n: int, tz: str) -> Ints:
    """Return, by ``days.date_key``, when a date next becomes, or ceases to be, one of ``n`` days.

    A date that is one of them all the year round has changes too, which cost an evaluation.
    """
    changes = np.full(days.MONTHS * 32, NEVER)
    years = range(today.year - 1, today.year + 3 + n // 365)
    for k in range(366):
        day = _LEAP_YEAR + timedelta(days=k)
        dates = [_in_year(day, year) for year in years]
        ends = [end for each in dates for end in (each - timedelta(n - 1), each + timedelta(1))]
        soonest = min(end for end in ends if end > today)
        changes[days.date_key(day)] = clock.start_of(soonest, tz)
    return changes


def _in_year(day: date, year: int) -> date:
    """Return the anniversary of ``day`` in ``year``: the 28th of February for the 29th."""
    is_kept = (day.month, day.day) != (2, 29) or calendar.isleap(year)
    return day.replace(year=year) if is_kept else date(year, 2, 28)


def _crossing(
    end: Point | Since | None, moments: Ints, asked: Asked, profiles: Positions | None
) -> Ints:
    """Return when ``end``, moving with the asked moment, next passes each of ``moments``."""
    if isinstance(end, Offset) and end.unit in EXACT:
        flips = moments - end.amount * EXACT[end.unit] + 1
        return np.where(flips > own(asked.at, profiles), flips, NEVER)
    flips = np.full(len(moments), NEVER)
    match end:
        case Offset(amount, unit):
            months = amount * CALENDAR[unit]
            at, passing = own(asked.at, profiles), own(asked.moment(end), profiles)
            for today, where in asked.each_day(profiles):
                ahead = _ahead(today, months, asked.tz)
                flips[where] = _calendar_crossing(
                    ahead, moments[where], own(at, where), own(passing, where)
                )
        case Today() | StartOf():
            unit_end = StartOf("day") if isinstance(end, Today) else end
            for today, where in asked.each_day(profiles):
                flips[where] = _unit_crossing(unit_end, moments[where], today, asked.tz)
    return flips


def _unit_crossing(end: StartOf, moments: Ints, today: date, tz: str) -> Ints:
    """Return when a unit begins that puts ``end`` behind each of ``moments``."""
    begins, ends = _units_ahead(end, StartOf(end.unit).day(today), tz)
    place = np.searchsorted(ends, moments, side="right")
    return np.where(place > 0, begins[np.minimum(place, len(begins) - 1)], NEVER)


@lru_cache(maxsize=256)
def _units_ahead(end: StartOf, present: date, tz: str) -> tuple[Ints, Ints]:
    """Return when the unit of ``end`` that holds ``present`` and those after it begin.

    And what ``end`` means in each of them.
    """
    firsts = [present]
    while (firsts[-1] - present).days <= _HORIZON:
        firsts.append(StartOf(end.unit, 1).day(firsts[-1]))
    return (
        np.array([clock.start_of(first, tz) for first in firsts], np.int64),
        np.array([clock.start_of(end.day(first), tz) for first in firsts], np.int64),
    )


@dataclass(frozen=True)
class _Ahead:
    """The local days from one day on, and the days so many months from them.

    ``starts`` are the moments at which the days begin. ``targets`` are the days they lead to,
    counted from the first of these, ``target_starts`` the beginnings of all days between.
    ``plain`` says which days, and which targets, have 24 hours.
    """

    starts: Ints
    targets: Ints
    target_starts: Ints
    is_plain: Bools


@lru_cache(maxsize=256)
def _ahead(first: date, months: int, tz: str) -> _Ahead:
    dates = [first + timedelta(days=k) for k in range(_HORIZON + 2)]
    targets = [clock.add_months(day, months) for day in dates]
    n_targets = (targets[-1] - targets[0]).days + 2
    starts = _starts(first, len(dates) + 1, tz)
    target_starts = _starts(targets[0], n_targets, tz)
    places = np.array([(target - targets[0]).days for target in targets], np.int64)
    plain = np.diff(starts) == clock.DAY
    plain &= np.diff(target_starts)[places] == clock.DAY
    return _Ahead(starts, places, target_starts, plain)


def _starts(first: date, n: int, tz: str) -> Ints:
    return np.array([clock.start_of(first + timedelta(days=k), tz) for k in range(n)], np.int64)


def _calendar_crossing(ahead: _Ahead, moments: Ints, at: Numbers, passing: Numbers) -> Ints:
    """Return when ``passing``, which lies some months from ``at``, next passes each of ``moments``.

    A value of the day to which some later day leads is passed within that day, at the same time of
    day; one of a day that is skipped (the 30th before a 28th) when the first day behind it begins.
    """
    place = np.searchsorted(ahead.target_starts, moments, side="right") - 1
    place = np.minimum(place, ahead.targets[-1])
    day = 1 + np.searchsorted(ahead.targets[1:], place)
    within = moments - ahead.target_starts[place] + 1
    is_met = (ahead.targets[day] == place) & ahead.is_plain[day]
    flips = ahead.starts[day] + np.where(is_met, within, 0)
    flips = np.where(day > _HORIZON, ahead.starts[_HORIZON], flips)
    flips = np.where(place == 0, _crossing_today(ahead, moments - passing, at), flips)
    return np.where(place < 0, NEVER, flips)


def _crossing_today(ahead: _Ahead, until: Ints, at: Numbers) -> Ints:
    """Return when values ``until`` later than what is passed now are passed, today or tomorrow."""
    flips = at + until + 1
    if not ahead.is_plain[0]:
        soon = at - at % _SOON + _SOON
        return np.where((flips > at) & (flips < soon), flips, soon)
    again = ahead.starts[1] if ahead.targets[1] == 0 else NEVER
    return np.where(flips > at, flips, again)
