"""One value per profile from its rows: one function per measure of the language.

Sums are int64: amounts in minor units, other numbers in millionths, so that no order of rows
changes them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pusula.lib import clock
from pusula.segments.kernel import days
from pusula.segments.kernel.asked import Asked, Numbers
from pusula.segments.kernel.block import Bools, Floats, Ints, Positions
from pusula.segments.kernel.columns import Lexicon, Pattern, Vector, Words, encode, matching
from pusula.segments.kernel.gaps import Gaps, gaps
from pusula.segments.kernel.holds import holds
from pusula.segments.kernel.rows import Part, Rows
from pusula.segments.language.nodes import Aggregate, Column, Season
from pusula.segments.language.schema import Kind

_MILLIONTHS = 1_000_000
_LARGEST = 9e12  # the largest number whose millionths are an int64
_LIMITS = np.iinfo(np.int64)


@dataclass(frozen=True, slots=True)
class Values:
    """What is measured, one per profile: int64 or float64.

    ``known`` says where there is a value, ``has_rows`` which profiles are the population. Of text
    the numbers are places in ``texts``, and ``words`` are those that conditions mention.
    """

    kind: Kind
    numbers: npt.NDArray[Any]
    known: Bools
    has_rows: Bools
    texts: pa.Array | None = None
    words: Words = field(default_factory=dict)

    def vector(self) -> Vector:
        """Return the values as what tests are asked of."""
        if self.texts is None:
            return Vector(self.kind, self.numbers, self.known)
        texts = pa.chunked_array([self.texts])
        codes = _at_places(encode(texts, self.words), self.numbers)

        def search(pattern: Pattern) -> Bools:
            return _at_places(matching(texts, pattern), self.numbers)

        return Vector(self.kind, codes, self.known, self.words, search)


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
    found = _known(aggregate, rows)
    counts = np.bincount(found.profiles, minlength=found.n_profiles)
    has_value = counts > 0
    sums, parts = _parts(found)
    means = sums / (np.maximum(counts, 1) * parts)  # divided once
    return Values(aggregate.kind, means, has_value, has_value)


def _extreme(pick: np.ufunc, aggregate: Aggregate, rows: Rows, _: Asked) -> Values:
    values, has_value = extreme(_known(aggregate, rows), pick)
    return Values(aggregate.kind, values, has_value, has_value)


def _end(pick: np.ufunc, aggregate: Aggregate, rows: Rows, _: Asked) -> Values:
    """Return the value of the row at the first or last time, of several there the extreme one."""
    timed = known(rows, aggregate.by)
    times, has_rows = extreme(timed, pick)
    whole = rows.vector(aggregate.by)
    at_end = Part(rows, np.flatnonzero(whole.known & (whole.values == times[rows.profiles])))
    column = _column(aggregate)
    if column.kind is not Kind.TEXT:
        values, has_value = extreme(known(at_end, column), pick)
        return Values(aggregate.kind, values, has_value, has_rows)
    ranked, texts = _ranked(at_end.lexicon(column))
    is_known = ranked >= 0
    mine = Known(at_end.profiles[is_known], ranked[is_known], rows.n_profiles)
    values, has_value = extreme(mine, pick)
    words = rows.vector(column).words
    return Values(aggregate.kind, values, has_value, has_rows, texts, words)


def _ranked(lexicon: Lexicon) -> tuple[Ints, pa.Array]:
    """Return each row's place (-1: none) among its texts, and these in order of code points."""
    used, places = np.unique(lexicon.places, return_inverse=True)
    if len(used) and used[0] < 0:
        used, places = used[1:], places - 1
    words = lexicon.words.take(pa.array(used))
    order = pc.array_sort_indices(words).to_numpy()
    rank = np.empty(len(order) + 1, np.int64)
    rank[order] = np.arange(len(order))
    rank[-1] = -1
    return rank[places], words.take(pa.array(order))


def _share(aggregate: Aggregate, rows: Rows, asked: Asked) -> Values:
    """Return the share of the rows that stand ``of``: one exact division."""
    stands = [holds(t.test, rows.vector(t.column), asked, rows.profiles) for t in aggregate.of]
    mine = rows.profiles[np.logical_and.reduce(stands)]
    counts = np.bincount(mine, minlength=rows.n_profiles)
    has_rows = rows.counts > 0
    return Values(aggregate.kind, counts / np.maximum(rows.counts, 1), has_rows, has_rows)


def _distinct(aggregate: Aggregate, rows: Rows, _: Asked) -> Values:
    column = _column(aggregate)
    if column.kind is Kind.TEXT:
        places = rows.lexicon(column).places
        is_known = places >= 0
        profiles, identities = rows.profiles[is_known], places[is_known]
    else:
        found = _known(aggregate, rows)
        profiles = found.profiles
        identities = np.unique(found.values, return_inverse=True)[1]
    return _total(aggregate, rows, _different(profiles, identities, rows.n_profiles))


def _units(
    unit_of: Callable[[Ints], Ints], aggregate: Aggregate, rows: Rows, asked: Asked
) -> Values:
    """Return in how many different calendar units rows lie by their time."""
    times = known(rows, aggregate.by)
    units = unit_of(_local_days(times.values, aggregate.by.kind, asked.tz))
    return _total(aggregate, rows, _different(times.profiles, units, rows.n_profiles))


def _years_in_same_season(aggregate: Aggregate, rows: Rows, asked: Asked) -> Values:
    """Return in how many years rows fall into one season, for the season with most years."""
    found = _known(aggregate, rows)
    months = days.months_of(_local_days(found.values, _column(aggregate).kind, asked.tz))
    most = np.zeros(rows.n_profiles, np.int64)
    for season in aggregate.seasons:
        is_in, years = _season_years(months, season)
        np.maximum(most, _different(found.profiles[is_in], years[is_in], rows.n_profiles), out=most)
    return _total(aggregate, rows, most)


def _gap(
    of: Callable[[Gaps, Numbers], tuple[Floats, Bools]],
    aggregate: Aggregate,
    rows: Rows,
    asked: Asked,
) -> Values:
    found = row_gaps(aggregate, rows, asked)
    numbers, has_value = of(found, asked.at)
    return Values(aggregate.kind, numbers, has_value, rows.counts > 0)


def row_gaps(aggregate: Aggregate, rows: Rows, asked: Asked) -> Gaps:
    """Return the gaps between the times of rows; whole days between days."""
    times = known(rows, aggregate.by)
    if aggregate.by.kind is not Kind.DAY:
        return gaps(times.profiles, times.values, rows.n_profiles)
    found = gaps(times.profiles, times.values * clock.DAY, rows.n_profiles)
    last = np.where(found.has_rows, found.last // clock.DAY, 0)
    return replace(found, last=days.begins(last, asked.tz))


_MEASURES: dict[str, Callable[[Aggregate, Rows, Asked], Values]] = {
    "count": _count,
    "sum": _sum,
    "avg": _avg,
    "min": partial(_extreme, np.minimum),
    "max": partial(_extreme, np.maximum),
    "earliest": partial(_extreme, np.minimum),
    "latest": partial(_extreme, np.maximum),
    "first": partial(_end, np.minimum),
    "last": partial(_end, np.maximum),
    "share": _share,
    "distinct": _distinct,
    "days": partial(_units, lambda days_: days_),
    "weeks": partial(_units, days.weeks_of),
    "months": partial(_units, days.months_of),
    "years": partial(_units, days.years_of),
    "years_in_same_season": _years_in_same_season,
    "usual_gap": partial(_gap, lambda found, _: found.usual()),
    "longest_gap": partial(_gap, lambda found, _: found.longest()),
    "last_gap": partial(_gap, lambda found, _: found.newest()),
    "overdue": partial(_gap, lambda found, at: found.overdue(at)),
}


@dataclass(frozen=True, slots=True)
class Known:
    """The values there are in a column, and whose they are."""

    profiles: Positions
    values: npt.NDArray[Any]
    n_profiles: int


def _column(aggregate: Aggregate) -> Column:
    if aggregate.column is None:
        message = f"{aggregate.measure} measures a column"
        raise TypeError(message)
    return aggregate.column


def _known(aggregate: Aggregate, rows: Rows) -> Known:
    return known(rows, _column(aggregate))


def known(rows: Rows, column: Column) -> Known:
    """Return the values that rows have in ``column``."""
    vector = rows.vector(column)
    if vector.known.all():
        return Known(rows.profiles, vector.values, rows.n_profiles)
    return Known(rows.profiles[vector.known], vector.values[vector.known], rows.n_profiles)


def _sums(known: Known) -> Ints | Floats:
    sums, parts = _parts(known)
    return sums if parts == 1 else sums / parts


def _parts(known: Known) -> tuple[Ints, int]:
    """Return sums in whole parts of 1, and how many of these parts make 1."""
    if known.values.dtype.kind == "i":
        return _whole_sums(known.profiles, known.values, known.n_profiles), 1
    small = np.clip(known.values, -_LARGEST, _LARGEST)
    millionths = np.rint(small * _MILLIONTHS).astype(np.int64)
    return _whole_sums(known.profiles, millionths, known.n_profiles), _MILLIONTHS


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


def extreme(known: Known, pick: np.ufunc) -> tuple[npt.NDArray[Any], Bools]:
    """Return each profile's least or greatest value, and who has one."""
    has_value = np.zeros(known.n_profiles, np.bool_)
    has_value[known.profiles] = True
    values = np.zeros(known.n_profiles, known.values.dtype)
    values[known.profiles] = known.values  # any one of its own to begin with
    pick.at(values, known.profiles, known.values)
    return values, has_value


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
    years, month = np.divmod(months, days.MONTHS)
    month = month + 1
    if season.first <= season.last:
        return (month >= season.first) & (month <= season.last), years
    return (month >= season.first) | (month <= season.last), years - (month <= season.last)


def _local_days(values: Ints, kind: Kind, tz: str) -> Ints:
    return values if kind is Kind.DAY else days.local_days(values, tz)


def _at_places(values: npt.NDArray[Any], places: Ints) -> npt.NDArray[Any]:
    """Return the values at ``places``, arbitrary where there is none."""
    return values[places] if len(values) else np.zeros(len(places), values.dtype)
