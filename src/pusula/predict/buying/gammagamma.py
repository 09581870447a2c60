"""Gamma-Gamma: what a customer spends at a time varies around a mean of their own.

Fader and Hardie (2013), "The Gamma-Gamma Model of Monetary Value". It holds where the mean does not
depend on how often the customer buys. Values are major units of the company's currency.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from pusula.predict.buying import fitting
from pusula.predict.buying.fitting import Fit, Likelihood, dot
from pusula.predict.training import Floats, Ints

_SAMPLE = 5_000
_STARTS = ((1.0, 3.0, 1.0), (6.0, 4.0, 0.5), (2.0, 1.5, 1.0))


@dataclass(frozen=True)
class Model:
    """The parameters of a population; of customers at large the mean is p * gamma / (q - 1)."""

    p: float
    q: float
    gamma: float

    @property
    def mean(self) -> float | None:
        """Return the mean value of a purchase; ``None`` where it is infinite."""
        return self.p * self.gamma / (self.q - 1) if self.q > 1 else None

    def expected(self, x: Ints, value: Floats) -> Floats:
        """Return the mean value expected of each customer, seen ``x`` purchases of mean ``value``.

        A purchase without value tells nothing about the next.
        """
        seen = np.where(value > 0, x, 0)
        mean: Floats = self.p * (self.gamma + seen * value) / (self.p * seen + self.q - 1)
        return mean


def fit(x: Ints, value: Floats) -> tuple[Model, Fit]:
    """Return the most likely model of customers with ``x`` > 0 purchases of mean ``value`` > 0.

    Of very many customers some lead near, from several starts; all of them show the rest.
    """
    unit, weight = float(value.mean()), float(len(x))
    likelihood = _likelihood(x, value, unit)
    found: Fit | None = None
    starts: Sequence[Sequence[float]] = _STARTS
    if len(x) > 2 * _SAMPLE:
        some = slice(None, None, len(x) // _SAMPLE)
        few = _likelihood(x[some], value[some], unit)
        near = fitting.maximise(few, _STARTS, float(len(x[some]))).parameters
        starts = (near,)
        found = fitting.climb(likelihood, near, weight)
    found = found or fitting.maximise(likelihood, starts, weight)
    p, q, gamma = found.parameters
    return Model(p, q, gamma * unit), found


def _likelihood(x: Ints, value: Floats, unit: float) -> Likelihood:
    """Return the log-likelihood as a function of p, q and gamma, the last in multiples of unit."""
    counts, at = np.unique(x, return_inverse=True)
    scaled = value / unit
    sums = x * scaled
    n_of = np.bincount(at).astype(float)
    log_of = np.bincount(at, np.log(scaled))

    def likelihood(parameters: Floats) -> tuple[float, Floats]:
        p, q, gamma = parameters
        shape = p * counts + q
        whole = gamma + sums
        whole_of = np.bincount(at, np.log(whole))
        by_count = special.gammaln(shape) - special.gammaln(p * counts) - special.gammaln(q)
        by_count += q * np.log(gamma) + p * counts * np.log(counts)
        result = dot(n_of, by_count) + dot(p * counts - 1, log_of) - dot(shape, whole_of)
        of_p = special.digamma(shape) - special.digamma(p * counts) + np.log(counts)
        of_q = special.digamma(shape) - special.digamma(q) + np.log(gamma)
        by_p = dot(counts, n_of * of_p + log_of - whole_of)
        by_q = dot(n_of, of_q) - whole_of.sum()
        by_gamma = len(x) * q / gamma - dot(shape, np.bincount(at, 1 / whole))
        return result - len(x) * np.log(unit), np.array([by_p, by_q, by_gamma])

    return likelihood
