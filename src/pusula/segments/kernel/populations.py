"""Limits set by the data ("top 10 %", "20 % above the mean"): their names, and how they are found.

A limit is published once and compared with until the next one is: who is asked about later, or
alone, gets the answer that everybody got.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

import numpy as np
import numpy.typing as npt

from pusula.lib.errors import PusulaError
from pusula.segments.kernel.asked import Asked
from pusula.segments.kernel.block import Bools, Floats
from pusula.segments.kernel.holds import holds
from pusula.segments.kernel.measures import Values
from pusula.segments.language.dump import dump_condition
from pusula.segments.language.nodes import (
    Aggregate,
    AggregateTest,
    Compare,
    Known,
    Quantiles,
    Rank,
    Test,
    ToMean,
    Top,
)

_ALL = Decimal(100)


class MissingCutPointError(PusulaError):
    """A segment compares with all customers, and nobody has published yet what they have."""

    code = "segment_cut_point"


@dataclass(frozen=True, slots=True)
class Quantile:
    """The value below which ``percent`` of the population lie."""

    percent: Decimal

    @property
    def name(self) -> str:
        """What keys of cut-points call it."""
        return f"quantile-{self.percent.normalize():f}"

    def of(self, values: Floats) -> float:
        """Return the linear quantile of ``values``, as of ``numpy.quantile``.

        Its place is found in whole numbers, so that a limit which is somebody's own value is
        exactly that.
        """
        place, rest = divmod((len(values) - 1) * Fraction(self.percent), 100)
        above = min(place + 1, len(values) - 1)
        nearest = np.partition(values, [place, above])
        low, high = float(nearest[place]), float(nearest[above])
        return low + (high - low) * float(rest / 100)


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of the profiles' values, or of all their rows."""

    over: Literal["profiles", "rows"]

    @property
    def name(self) -> str:
        """What keys of cut-points call it."""
        return "mean" if self.over == "profiles" else "row-mean"

    def of(self, values: Floats) -> float:
        """Return the mean of ``values``, whatever their order."""
        return math.fsum(values.tolist()) / len(values)


@dataclass(frozen=True, slots=True)
class Place:
    """The value of the profile in place ``first``, the highest value being in the first."""

    first: int

    @property
    def name(self) -> str:
        """What keys of cut-points call it."""
        return f"rank-{self.first}"

    def of(self, values: Floats) -> float:
        """Return the value in that place; minus infinity, which all reach, if there are fewer."""
        if len(values) < self.first:
            return -math.inf
        place = len(values) - self.first
        return float(np.partition(values, place)[place])


Statistic = Quantile | Mean | Place


@dataclass(frozen=True, slots=True)
class Population:
    """A limit set by the data: a ``statistic`` of what ``aggregate`` measures.

    The population are the profiles with a value and at least one row. ``key`` stays the same as
    long as the question does; conditions that need the same limit share it.
    """

    key: str
    aggregate: Aggregate
    statistic: Statistic

    @property
    def is_of_rows(self) -> bool:
        """Whether the limit is set by the rows themselves, not by the profiles' values."""
        return isinstance(self.statistic, Mean) and self.statistic.over == "rows"

    def cut_point(self, values: npt.NDArray[np.float64]) -> float:
        """Return the limit that ``values``, the population's, set.

        Infinite if there are none: nobody compares with nobody.
        """
        return self.statistic.of(values) if len(values) else math.inf


def populations(test: AggregateTest, currency: str) -> tuple[Population, ...]:
    """Return the populations whose limits ``test`` compares with, in the order of its limits."""
    return tuple(
        Population(_key(test.aggregate, statistic, currency), test.aggregate, statistic)
        for statistic in _statistics(test.test)
    )


def mean_key(aggregate: Aggregate, over: Literal["profiles", "rows"], currency: str) -> str:
    """Return under which key the mean of ``aggregate`` is published, if a segment asks for it."""
    return _key(aggregate, Mean(over), currency)


def compared(test: Test, values: Values, limits: Mapping[Statistic, float], asked: Asked) -> Bools:
    """Return which members of the population stand ``test`` against the published ``limits``."""
    numbers = values.numbers
    stands = values.known & values.has_rows
    if any(limit == math.inf for limit in limits.values()):
        return np.zeros(len(numbers), np.bool_)
    match test:
        case Top(percent):
            stands &= numbers >= limits[Quantile(_ALL - percent)]
        case Rank(first):
            stands &= numbers >= limits[Place(first)]
        case Quantiles(low, high):
            if low > 0:
                stands &= numbers > limits[Quantile(low)]
            if high < _ALL:
                stands &= numbers <= limits[Quantile(high)]
        case ToMean(operator, ratio, of):
            than = multiple(limits[Mean(of)], ratio)
            stands &= holds(Compare(operator, than), values.vector(), asked)
    return stands


def multiple(mean: float, ratio: Decimal) -> float:
    """Return ``ratio`` times ``mean``, rounded once: 1.1 times 100 is 110; infinity stays."""
    return mean if math.isinf(mean) else float(Fraction(mean) * Fraction(ratio))


def _statistics(test: Test) -> tuple[Statistic, ...]:
    match test:
        case Top(percent):
            return (Quantile(_ALL - percent),)
        case Quantiles(low, high):
            return tuple(Quantile(end) for end in (low, high) if 0 < end < _ALL)
        case ToMean(_, _, of):
            return (Mean(of),)
        case Rank(first):
            return (Place(first),)
    return ()


def _key(aggregate: Aggregate, statistic: Statistic, currency: str) -> str:
    asked = [_whole(dump_condition(AggregateTest(aggregate, Known()))), currency]
    written = json.dumps(asked, sort_keys=True)
    digest = hashlib.blake2b(written.encode(), digest_size=8).hexdigest()
    column = aggregate.column.name if aggregate.column else "rows"
    return f"{aggregate.relation}.{aggregate.measure}.{column}.{statistic.name}.{digest}"


def _whole(dumped: object) -> object:
    """Return what was dumped with 2.0 as 2: equal conditions are one, however they were written."""
    match dumped:
        case dict():
            return {key: _whole(value) for key, value in dumped.items()}
        case list():
            return [_whole(value) for value in dumped]
        case float() if dumped.is_integer():
            return int(dumped)
    return dumped
