"""One value per profile from its rows: one function per measure of the language.

Sums are int64: amounts in minor units, other numbers in millionths, so that no order of rows
changes them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from pusula.lib import clock
from pusula.segments.kernel.block import Bools, Floats, Ints, Positions
from pusula.segments.kernel.columns import Vector
from pusula.segments.kernel.holds import Asked
from pusula.segments.kernel.rows import Rows
from pusula.segments.language.nodes import Aggregate, Column, Season
from pusula.segments.language.schema import Kind

_MILLIONTHS = 1_000_000
_LARGEST = 9e12  # the largest number whose millionths are an int64
_LIMITS = np.iinfo(np.int64)
_MONTHS = 12
_EPOCH_YEAR = 1970
# The years in which lib.clock can tell when a month begins.
_FIRST_MOMENT = clock.start_of(date(2, 1, 1), "UTC")
_LAST_MOMENT = clock.start_of(date(9998, 1, 1), "UTC")


@dataclass(frozen=True, slots=True)
class Values:
    """What is measured, one per profile: int64 or float64.

    ``known`` says where there is a value, ``has_rows`` which profiles are the population.
    """

    kind: Kind
    numbers: npt.NDArray[Any]
    known: Bools
    has_rows: Bools

    def vector(self) -> Vector:
        """Return the values as what tests are asked of."""
        return Vector(self.kind, self.numbers, self.known)


def measure(aggregate: Aggregate, rows: Rows, asked: Asked) -> Values:
    """Return what ``aggregate`` measures over ``rows``."""
    return _MEASURES[aggregate.measure](aggregate, rows, asked)


def _total(aggregate: Aggregate, rows: Rows, numbers: npt.NDArray[Any]) -> Values:
    """Return values that are 0, not missing, over no rows."""
    everybody = np.ones(rows.n_profiles, np.bool_)
    return Values(aggregate.kind, numbers, everybody, rows.counts > 0)


def _count(aggregate: Aggregate, rows: Rows, _: Asked) -> Values:
    return _total(aggregate, rows, rows.counts)


def _sum(aggregate: Aggregate, rows: Rows, _: Asked) -> Values:
    return _total(aggregate, rows, _sums(_known(aggregate, rows)))


def _avg(aggregate: Aggregate, rows: Rows, _: Asked) -> Values:
    known = _known(aggregate, rows)
    counts = np.bincount(known.profiles, minlength=known.n_profiles)
    has_value = counts > 0
    means = _sums(known) / np.maximum(counts, 1)
    return Values(aggregate.kind, means, has_value, has_value)


def _min(aggregate: Aggregate, rows: Rows, _: Asked) -> Values:
    return _extreme(aggregate, rows, np.minimum)


def _max(aggregate: Aggregate, rows: Rows, _: Asked) -> Values:
    return _extreme(aggregate, rows, np.maximum)


def _distinct(aggregate: Aggregate, rows: Rows, _: Asked) -> Values:
    column = _column(aggregate)
    if column.kind is Kind.TEXT:
        identities = rows.identities(column)
        is_known = identities >= 0
        profiles, identities = rows.profiles[is_known], identities[is_known]
    else:
        known = _known(aggregate, rows)
        profiles = known.profiles
        identities = np.unique(known.values, return_inverse=True)[1]
    return _total(aggregate, rows, _different(profiles, identities, rows.n_profiles))


def _years_in_same_season(aggregate: Aggregate, rows: Rows, asked: Asked) -> Values:
    """Return in how many years rows fall into one season, for the season with most years."""
    known = _known(aggregate, rows)
    months = _months(known.values, _column(aggregate).kind, asked.tz)
    most = np.zeros(rows.n_profiles, np.int64)
    for season in aggregate.seasons:
        is_in, years = _season_years(months, season)
        np.maximum(most, _different(known.profiles[is_in], years[is_in], rows.n_profiles), out=most)
    return _total(aggregate, rows, most)


_MEASURES: dict[str, Callable[[Aggregate, Rows, Asked], Values]] = {
    "count": _count,
    "sum": _sum,
    "avg": _avg,
    "min": _min,
    "max": _max,
    "earliest": _min,
    "latest": _max,
    "distinct": _distinct,
    "years_in_same_season": _years_in_same_season,
}


@dataclass(frozen=True, slots=True)
class _Known:
    """The values there are in a column, and whose they are."""

    profiles: Positions
    values: npt.NDArray[Any]
    n_profiles: int


def _column(aggregate: Aggregate) -> Column:
    if aggregate.column is None:
        message = f"{aggregate.measure} measures a column"
        raise TypeError(message)
    return aggregate.column


def _known(aggregate: Aggregate, rows: Rows) -> _Known:
    vector = rows.vector(_column(aggregate))
    if vector.known.all():
        return _Known(rows.profiles, vector.values, rows.n_profiles)
    return _Known(rows.profiles[vector.known], vector.values[vector.known], rows.n_profiles)


def _sums(known: _Known) -> Ints | Floats:
    if known.values.dtype.kind == "i":
        return _whole_sums(known.profiles, known.values, known.n_profiles)
    small = np.clip(known.values, -_LARGEST, _LARGEST)
    millionths = np.rint(small * _MILLIONTHS).astype(np.int64)
    sums: Floats = _whole_sums(known.profiles, millionths, known.n_profiles) / _MILLIONTHS
    return sums


def _whole_sums(profiles: Positions, values: Ints, n_profiles: int) -> Ints:
    """Return the sums of int64 values; one beyond int64 stops at the limit, it does not wrap."""
    if not len(values):
        return np.zeros(n_profiles, np.int64)
    largest = max(int(values.max()), -int(values.min()))
    if largest * len(values) <= _LIMITS.max:
        sums = np.zeros(n_profiles, np.int64)
        np.add.at(sums, profiles, values)
        return sums
    exact = np.zeros(n_profiles, object)
    np.add.at(exact, profiles, values.astype(object))
    return np.clip(exact, _LIMITS.min, _LIMITS.max).astype(np.int64)


def _extreme(aggregate: Aggregate, rows: Rows, pick: np.ufunc) -> Values:
    known = _known(aggregate, rows)
    has_value = np.zeros(rows.n_profiles, np.bool_)
    has_value[known.profiles] = True
    values = np.zeros(rows.n_profiles, known.values.dtype)
    values[known.profiles] = known.values  # any one of its own to begin with
    pick.at(values, known.profiles, known.values)
    return Values(aggregate.kind, values, has_value, has_value)


def _different(profiles: Positions, identities: Ints, n_profiles: int) -> Ints:
    """Return how many different identities each profile has."""
    if not len(identities):
        return np.zeros(n_profiles, np.int64)
    lowest = identities.min()
    span = int(identities.max() - lowest) + 1
    pairs = np.unique(profiles * span + (identities - lowest))
    return np.bincount(pairs // span, minlength=n_profiles)


def _season_years(months: Ints, season: Season) -> tuple[Bools, Ints]:
    """Return which months lie in the season, and the year in which that season started."""
    years, month = np.divmod(months, _MONTHS)
    month = month + 1
    if season.first <= season.last:
        return (month >= season.first) & (month <= season.last), years
    return (month >= season.first) | (month <= season.last), years - (month <= season.last)


def _months(values: Ints, kind: Kind, tz: str) -> Ints:
    """Return the months since 1970 in which days, or moments by the clock of ``tz``, lie."""
    if kind is Kind.DAY:
        return _months_of(values.astype("datetime64[D]"))
    moments = np.clip(values, _FIRST_MOMENT, _LAST_MOMENT)
    months = _months_of(moments.astype("datetime64[us]"))  # by UTC: right or one beside
    for month in np.unique(months):
        here = months == month
        start, end = _start_of_month(int(month), tz), _start_of_month(int(month) + 1, tz)
        months[here] = month + (moments[here] >= end).astype(int) - (moments[here] < start)
    return months


def _months_of(days: npt.NDArray[np.datetime64]) -> Ints:
    return days.astype("datetime64[M]").astype(np.int64)


def _start_of_month(month: int, tz: str) -> int:
    years, index = divmod(month, _MONTHS)
    return clock.start_of(date(_EPOCH_YEAR + years, index + 1, 1), tz)
