"""Limits set by the data ("top 10 %"): what they are called and how they are found."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from pusula.lib.errors import PusulaError
from pusula.segments.language.dump import dump_condition
from pusula.segments.language.nodes import Aggregate, AggregateTest, Top


class MissingCutPointError(PusulaError):
    """A segment compares with a share of all customers whose limit nobody has published yet."""

    code = "segment_cut_point"


@dataclass(frozen=True, slots=True)
class Population:
    """A limit set by the data: above it lie ``percent`` of those for whom ``aggregate`` has rows.

    ``key`` stays the same as long as the question does.
    """

    key: str
    aggregate: Aggregate
    percent: Decimal

    def cut_point(self, values: npt.NDArray[np.float64]) -> float:
        """Return the limit that ``values``, the population's, set; infinite if there are none.

        It is the linear quantile (as of ``numpy.quantile``), its place found in whole numbers so
        that a limit which is somebody's own value is exactly that. Everybody who reaches the limit
        is in the top: with ties the top can be larger than ``percent``.
        """
        if not len(values):
            return math.inf
        place, rest = divmod((len(values) - 1) * (100 - Fraction(self.percent)), 100)
        above = min(place + 1, len(values) - 1)
        nearest = np.partition(values, [place, above])
        low, high = float(nearest[place]), float(nearest[above])
        return low + (high - low) * float(rest / 100)


def population(test: AggregateTest, currency: str) -> Population | None:
    """Return the population whose limit ``test`` compares with, if it does."""
    if not isinstance(test.test, Top):
        return None
    aggregate, percent = test.aggregate, test.test.percent
    asked = json.dumps([dump_condition(test), currency], sort_keys=True)
    digest = hashlib.blake2b(asked.encode(), digest_size=8).hexdigest()
    column = aggregate.column.name if aggregate.column else "rows"
    key = f"{aggregate.relation}.{aggregate.measure}.{column}.top-{percent}.{digest}"
    return Population(key, aggregate, percent)
