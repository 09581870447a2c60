"""The next moment at which a profile's membership could change although nothing happens to it.

Windows move with the asked moment, so values cross their ends: "30 days idle" becomes true by
itself. A flip found here is never too late; it may be too early (where summer time begins or ends,
or where one of several conditions changes and the whole does not), which costs an evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from pusula.lib import clock
from pusula.segments.kernel.block import Bools, Ints
from pusula.segments.kernel.columns import Vector
from pusula.segments.kernel.holds import EPOCH, Asked
from pusula.segments.kernel.program import Program
from pusula.segments.kernel.run import Run
from pusula.segments.language.nodes import AggregateTest, Test, TraitTest, Within
from pusula.segments.language.schema import Kind
from pusula.segments.language.windows import CALENDAR, EXACT, Offset, OnDay, Point, Today

NEVER = np.iinfo(np.int64).max

# How many days ahead calendar units are followed; whoever flips later is looked at again then.
_HORIZON = 370
# Clocks jump at whole quarters of an hour; between two of them local time is plain.
_SOON = 15 * clock.MINUTE


def next_flip(program: Program, run: Run) -> Ints:
    """Return for each profile the next moment at which some step could change, or ``NEVER``.

    Rows matter that would count if it were their time, measured moments and days that are tested,
    and traits that are days.
    """
    flips = np.full(run.n_profiles, NEVER)
    for group in program.groups:
        selection = run.selection(group.relation, group.names)
        for row_set in group.row_sets:
            moving = [test for test in row_set.tests if _moves(test.test)]
            rows = selection.take([test for test in row_set.tests if test not in moving])
            for test in moving:
                found = _crossings(test.test, rows.vector(test.column), run.asked)
                np.minimum.at(flips, rows.profiles, found)
    for step in program.steps:
        if isinstance(step, AggregateTest) and _moves(step.test):
            values = run.values(step.aggregate)
            np.minimum(flips, _crossings(step.test, values.vector(), run.asked), out=flips)
        elif isinstance(step, TraitTest) and _moves(step.test):
            np.minimum(flips, _crossings(step.test, run.trait(step), run.asked), out=flips)
    return flips


def _moves(test: Test) -> bool:
    """Return whether the test's answer can change with the asked moment alone."""
    if not isinstance(test, Within):
        return False
    return not all(isinstance(end, OnDay | None) for end in (test.window.start, test.window.end))


def _crossings(test: Test, vector: Vector, asked: Asked) -> Ints:
    """Return when each value next crosses an end of the window."""
    flips = np.full(len(vector.values), NEVER)
    if isinstance(test, Within):
        moments = _moments(vector, asked.tz)
        for end in (test.window.start, test.window.end):
            np.minimum(flips, _crossing(end, moments, asked), out=flips)
    flips[~vector.known] = NEVER
    return flips


def _moments(vector: Vector, tz: str) -> Ints:
    """Return moments as they are, days as the moments at which they begin."""
    if vector.kind is not Kind.DAY:
        return vector.values
    days, place = np.unique(vector.values, return_inverse=True)
    begins = [clock.start_of(EPOCH + timedelta(days=int(day)), tz) for day in days]
    starts: Ints = np.array(begins, np.int64)[place]
    return starts


def _crossing(end: Point | None, moments: Ints, asked: Asked) -> Ints:
    """Return when ``end``, moving with the asked moment, next passes each of ``moments``."""
    match end:
        case Offset(amount, unit) if unit in EXACT:
            flips = moments - amount * EXACT[unit] + 1
            return np.where(flips > asked.at, flips, NEVER)
        case Offset(amount, unit):
            return _calendar_crossing(amount * CALENDAR[unit], moments, asked)
        case Today():
            starts = _ahead(clock.day_of(asked.at, asked.tz), 0, asked.tz).starts
            place = np.searchsorted(starts, moments, side="right")
            return np.where(place > 0, starts[np.minimum(place, _HORIZON)], NEVER)
    return np.full(len(moments), NEVER)


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
    days = [first + timedelta(days=k) for k in range(_HORIZON + 2)]
    targets = [clock.add_months(day, months) for day in days]
    n_targets = (targets[-1] - targets[0]).days + 2
    starts = _starts(first, len(days) + 1, tz)
    target_starts = _starts(targets[0], n_targets, tz)
    places = np.array([(target - targets[0]).days for target in targets], np.int64)
    plain = np.diff(starts) == clock.DAY
    plain &= np.diff(target_starts)[places] == clock.DAY
    return _Ahead(starts, places, target_starts, plain)


def _starts(first: date, n: int, tz: str) -> Ints:
    return np.array([clock.start_of(first + timedelta(days=k), tz) for k in range(n)], np.int64)


def _calendar_crossing(months: int, moments: Ints, asked: Asked) -> Ints:
    """Return when the moment ``months`` from the asked one next passes each of ``moments``.

    A value of the day to which some later day leads is passed within that day, at the same time of
    day; one of a day that is skipped (the 30th before a 28th) when the first day behind it begins.
    """
    ahead = _ahead(clock.day_of(asked.at, asked.tz), months, asked.tz)
    place = np.searchsorted(ahead.target_starts, moments, side="right") - 1
    place = np.minimum(place, ahead.targets[-1])
    day = 1 + np.searchsorted(ahead.targets[1:], place)
    within = moments - ahead.target_starts[place] + 1
    is_met = (ahead.targets[day] == place) & ahead.is_plain[day]
    flips = ahead.starts[day] + np.where(is_met, within, 0)
    flips = np.where(day > _HORIZON, ahead.starts[_HORIZON], flips)
    passing = Offset(months, "month").moment(asked.at, asked.tz)
    flips = np.where(place == 0, _crossing_today(ahead, moments - passing, asked.at), flips)
    return np.where(place < 0, NEVER, flips)


def _crossing_today(ahead: _Ahead, until: Ints, at: int) -> Ints:
    """Return when values ``until`` later than what is passed now are passed, today or tomorrow."""
    flips = at + until + 1
    if not ahead.is_plain[0]:
        soon = at - at % _SOON + _SOON
        return np.where((flips > at) & (flips < soon), flips, soon)
    again = ahead.starts[1] if ahead.targets[1] == 0 else NEVER
    return np.where(flips > at, flips, again)
