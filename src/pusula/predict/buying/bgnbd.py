"""BG/NBD: customers buy at a rate of their own and may leave after any purchase.

Fader, Hardie and Lee (2005), Marketing Science 24(2), doi 10.1287/mksc.1040.0098. Rates are
gamma(r, alpha) over customers, the probabilities of leaving beta(a, b). Times are weeks.

Logarithms and gamma functions are taken once for each distinct day and count, so that a fit costs
one exponential for each distinct history.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, special

from pusula.predict.buying import grouping
from pusula.predict.buying.fitting import Fit, Likelihood, dot
from pusula.predict.buying.grouping import Grouped
from pusula.predict.training import Floats, Ints

_NODES = 64
_SAMPLE = 10_000
_STARTS = ((1.0, 1.0, 1.0, 3.0), (0.3, 0.2, 0.5, 1.0), (1.0, 1.0, 0.2, 10.0))


@dataclass(frozen=True)
class Model:
    """The parameters of a population."""

    r: float
    alpha: float
    a: float
    b: float

    def p_alive(self, x: Ints, t_x: Floats, age: Floats) -> Floats:
        """Return the probability that each customer has not left; 1 for who never came again."""
        odds = np.zeros(len(x))
        again = x > 0
        x, t_x, age = x[again], t_x[again], age[again]
        odds[again] = np.exp(
            np.log(self.a)
            - np.log(self.b + x - 1)
            + (self.r + x) * np.log((self.alpha + age) / (self.alpha + t_x))
        )
        return 1.0 / (1.0 + odds)

    def p_some(self, x: Ints, t_x: Floats, age: Floats, weeks: float) -> Floats:
        """Return the probability of at least one purchase in the coming ``weeks``."""
        none = np.exp((self.r + x) * np.log((self.alpha + age) / (self.alpha + age + weeks)))
        some: Floats = self.p_alive(x, t_x, age) * (1.0 - none)
        return some

    def expected(self, x: Ints, t_x: Floats, age: Floats, weeks: float) -> Floats:
        """Return the purchases expected of each customer in the coming ``weeks``.

        The mean over the customer's possible probabilities of leaving, by Gauss-Jacobi quadrature:
        the closed form loses all digits where a is near 1 or b is large.
        """
        counts, at_x = np.unique(x, return_inverse=True)
        ages, at_age = np.unique(age, return_inverse=True)
        pairs, back = np.unique(at_x * len(ages) + at_age, return_inverse=True)
        of_x, of_age = np.divmod(pairs, len(ages))
        if_alive = np.empty(len(pairs))
        edges = np.searchsorted(of_x, np.arange(len(counts) + 1))
        for count, start, end in zip(counts, edges[:-1], edges[1:], strict=True):
            if_alive[start:end] = self._if_alive(float(count), ages[of_age[start:end]], weeks)
        return self.p_alive(x, t_x, age) * if_alive[back]

    def expected_of_new(self, weeks: float) -> float:
        """Return the purchases expected of a new customer in the first ``weeks``."""
        return float(self._if_alive(0.0, np.zeros(1), weeks)[0])

    def _if_alive(self, count: float, ages: Floats, weeks: float) -> Floats:
        p, weights = beta_nodes(self.a, self.b + count)
        grown = np.log1p(np.outer(weeks / (self.alpha + ages), p))
        mean: Floats = (-np.expm1(-(self.r + count) * grown) / p) @ weights
        return mean


def beta_nodes(a: float, b: float) -> tuple[Floats, Floats]:
    """Return nodes in (0, 1) and weights that add up to 1: means under a beta(a, b) distribution.

    Golub and Welsch (1969): eigenvalues of the Jacobi matrix; it holds for any size of a and b.
    """
    k = np.arange(1.0, _NODES)
    p, q = b - 1.0, a - 1.0
    s = 2 * k + p + q
    diagonal = np.empty(_NODES)
    diagonal[0] = (q - p) / (p + q + 2)
    diagonal[1:] = (q - p) * (q + p) / (s * (s + 2))
    side = 4 * k * (k + p) * (k + q) * (k + p + q) / (s * s * (s + 1) * (s - 1))
    side[0] = 4 * (1 + p) * (1 + q) / ((2 + p + q) ** 2 * (3 + p + q))  # holds for p + q = -1 too
    nodes, vectors = linalg.eigh_tridiagonal(diagonal, np.sqrt(side))
    return np.clip((1 + nodes) / 2, 1e-300, 1.0), vectors[0] ** 2


def fit(grouped: Grouped) -> tuple[Model, Fit]:
    """Return the most likely model of customers."""
    unit = grouped.mean_age

    def likelihood_of(some: Grouped) -> Likelihood:
        def likelihood(parameters: Floats) -> tuple[float, Floats]:
            r, alpha, a, b = parameters
            value, gradient = log_likelihood(Model(r, alpha * unit, a, b), some)
            return value, gradient * np.array([1.0, unit, 1.0, 1.0])

        return likelihood

    found = grouping.fit(grouped, likelihood_of, _STARTS, _SAMPLE)
    r, alpha, a, b = found.parameters
    return Model(r, alpha * unit, a, b), found


def log_likelihood(model: Model, grouped: Grouped) -> tuple[float, Floats]:
    """Return the log-likelihood of customers and its gradient by r, alpha, a and b."""
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    counts = grouped.counts
    n_of = np.bincount(grouped.x, grouped.n, minlength=len(counts))
    again = counts > 0
    log_age = np.log(alpha + grouped.ages)
    log_recency = np.log(alpha + grouped.recencies)
    # How much likelier it is that they left with the last purchase than that they are alive.
    log_odds = np.full(len(counts), -np.inf)
    log_odds[again] = np.log(a) - np.log(b + counts[again] - 1)
    shape = r + counts
    gap = log_age[grouped.age] - log_recency[grouped.t_x]
    odds = log_odds[grouped.x] + shape[grouped.x] * gap
    least = np.exp(-np.abs(odds))  # logaddexp and expit by hand: several times as fast
    both = np.maximum(odds, 0.0) + np.log(1.0 + least)
    left = grouped.n * np.where(odds > 0, 1.0, least) / (1.0 + least)
    by_count = (
        special.gammaln(shape)
        - special.gammaln(r)
        + r * np.log(alpha)
        + special.betaln(a, b + counts)
        - special.betaln(a, b)
    )
    n_age = np.bincount(grouped.age, grouped.n * shape[grouped.x], minlength=len(grouped.ages))
    value = dot(n_of, by_count) - dot(n_age, log_age) + dot(grouped.n, both)
    left_of = np.bincount(grouped.x, left, minlength=len(counts))
    weighted = left * shape[grouped.x]
    left_age = np.bincount(grouped.age, weighted, minlength=len(grouped.ages))
    left_recency = np.bincount(grouped.t_x, weighted, minlength=len(grouped.recencies))
    n_by_age = np.bincount(grouped.age, grouped.n, minlength=len(grouped.ages))
    total = n_of.sum()
    by_r = (
        dot(n_of, special.digamma(shape) - special.digamma(r))
        + total * np.log(alpha)
        - dot(n_by_age, log_age)
        + dot(left, gap)
    )
    by_alpha = (
        total * r / alpha
        - dot(n_age - left_age, 1 / (alpha + grouped.ages))
        - dot(left_recency, 1 / (alpha + grouped.recencies))
    )
    goes = special.digamma(a + b) - special.digamma(a + b + counts)
    stays = goes + special.digamma(b + counts) - special.digamma(b)
    by_a = dot(n_of, goes) + left.sum() / a
    by_b = dot(n_of, stays) - dot(left_of[again], 1 / (b + counts[again] - 1))
    return value, np.array([by_r, by_alpha, by_a, by_b])
