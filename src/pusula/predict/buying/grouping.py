"""Customers with equal histories count as one with a weight: a fit does not cost by customers.

A history is (x, t_x, age): purchases after the first, and the times from it to the last one and to
the end. Days being days, nothing is rounded by that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pusula.predict.buying import fitting
from pusula.predict.buying.fitting import Fit, Likelihood, dot
from pusula.predict.training import Floats, Ints


@dataclass(frozen=True)
class Grouped:
    """Distinct histories: indices into their distinct counts and times, and how many have each."""

    counts: Ints  # distinct x, ascending
    recencies: Floats  # distinct t_x
    ages: Floats  # distinct ages
    x: Ints  # of each history, an index into counts; and so on
    t_x: Ints
    age: Ints
    n: Floats

    @property
    def n_customers(self) -> float:
        """Return how many customers there are."""
        return float(self.n.sum())

    @property
    def mean_age(self) -> float:
        """Return the mean time since the first purchase; 1 if all began on the last day."""
        return dot(self.ages[self.age], self.n) / self.n_customers or 1.0


def group(x: Ints, t_x: Floats, age: Floats) -> Grouped:
    """Return the distinct histories of customers."""
    counts, at_x = np.unique(x, return_inverse=True)
    recencies, at_t_x = np.unique(t_x, return_inverse=True)
    ages, at_age = np.unique(age, return_inverse=True)
    key = (at_x * len(recencies) + at_t_x) * len(ages) + at_age
    distinct, n = np.unique(key, return_counts=True)
    rest, at_age = np.divmod(distinct, len(ages))
    at_x, at_t_x = np.divmod(rest, len(recencies))
    return Grouped(counts, recencies, ages, at_x, at_t_x, at_age, n.astype(float))


def fit(
    grouped: Grouped,
    likelihood_of: Callable[[Grouped], Likelihood],
    starts: Sequence[Sequence[float]],
    sample: int,
) -> Fit:
    """Return where the likelihood of customers is highest.

    Of very many histories a ``sample`` leads near, from several ``starts``; all of them show the
    rest of the way.
    """
    found = None
    if len(grouped.n) > 2 * sample:
        some = _sampled(grouped, sample)
        near = fitting.maximise(likelihood_of(some), starts, some.n_customers)
        starts = (near.parameters,)
        found = fitting.climb(likelihood_of(grouped), near.parameters, grouped.n_customers)
    return found or fitting.maximise(likelihood_of(grouped), starts, grouped.n_customers)


def _sampled(grouped: Grouped, n: int) -> Grouped:
    """Return ``n`` or a few more of the distinct histories, evenly over counts and times."""
    some = slice(None, None, len(grouped.n) // n)
    return replace(
        grouped,
        x=grouped.x[some],
        t_x=grouped.t_x[some],
        age=grouped.age[some],
        n=grouped.n[some],
    )
