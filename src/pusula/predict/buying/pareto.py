"""Pareto/NBD: customers buy at a rate of their own and leave unseen at any moment.

Schmittlein, Morrison and Colombo (1987), doi 10.1287/mnsc.33.1.1. Rates are gamma(r, alpha) over
customers, the rates of leaving gamma(s, beta). Times are weeks.

The likelihood is written with the integral over the moment of leaving instead of the two
hypergeometric functions of the papers, which lose all digits for customers with many purchases.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from pusula.predict.buying import grouping
from pusula.predict.buying.fitting import Fit, Likelihood, dot
from pusula.predict.buying.grouping import Grouped
from pusula.predict.training import Floats, Ints

_STARTS = ((1.0, 1.0, 1.0, 1.0), (0.5, 0.3, 0.5, 0.5), (1.0, 1.0, 0.3, 3.0))
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
_NODES, _WEIGHTS = (1 + _NODES) / 2, _WEIGHTS / 2
_SAMPLE = 1_000
_REACH = 45.0  # e to the minus this is nothing
_PART = 20_000  # how many histories are integrated at once
_NEARLY_ONE = 1e-8


@dataclass(frozen=True)
class Model:
    """The parameters of a population."""

    r: float
    alpha: float
    s: float
    beta: float

    def p_alive(self, x: Ints, t_x: Floats, age: Floats) -> Floats:
        """Return the probability that each customer has not left."""
        odds = np.empty(len(x))
        for start in range(0, len(x), _PART):
            part = slice(start, start + _PART)
            odds[part] = _gone(self, x[part], t_x[part], age[part])[0]
        alive: Floats = special.expit(-odds)
        return alive

    def expected(self, x: Ints, t_x: Floats, age: Floats, weeks: float) -> Floats:
        """Return the purchases expected of each customer in the coming ``weeks``."""
        rate = (self.r + x) / (self.alpha + age)
        grown = np.log1p(weeks / (self.beta + age))
        power = self.s - 1.0
        stays = grown if abs(power) < _NEARLY_ONE else -np.expm1(-power * grown) / power
        return rate * (self.beta + age) * stays * self.p_alive(x, t_x, age)


def fit(grouped: Grouped) -> tuple[Model, Fit]:
    """Return the most likely model of customers."""
    unit = grouped.mean_age

    def likelihood_of(some: Grouped) -> Likelihood:
        def likelihood(parameters: Floats) -> tuple[float, Floats]:
            r, alpha, s, beta = parameters
            value, gradient = log_likelihood(Model(r, alpha * unit, s, beta * unit), some)
            return value, gradient * np.array([1.0, unit, 1.0, unit])

        return likelihood

    found = grouping.fit(grouped, likelihood_of, _STARTS, _SAMPLE)
    r, alpha, s, beta = found.parameters
    return Model(r, alpha * unit, s, beta * unit), found


def log_likelihood(model: Model, grouped: Grouped) -> tuple[float, Floats]:
    """Return the log-likelihood of customers and its gradient by r, alpha, s and beta."""
    value, gradient = 0.0, np.zeros(4)
    for start in range(0, len(grouped.n), _PART):
        part = slice(start, start + _PART)
        x = grouped.counts[grouped.x[part]]
        t_x, age = grouped.recencies[grouped.t_x[part]], grouped.ages[grouped.age[part]]
        one, by = _part(model, x, t_x, age, grouped.n[part])
        value, gradient = value + one, gradient + by
    return value, gradient


def _part(model: Model, x: Ints, t_x: Floats, age: Floats, n: Floats) -> tuple[float, Floats]:
    r, alpha, s, beta = model.r, model.alpha, model.s, model.beta
    odds, means = _gone(model, x, t_x, age)
    gone = special.expit(odds)
    here = 1.0 - gone
    log_alpha, log_beta = np.log(alpha + age), np.log(beta + age)
    each = (
        special.gammaln(r + x)
        - special.gammaln(r)
        + r * np.log(alpha)
        + s * np.log(beta)
        - (r + x) * log_alpha
        - s * log_beta
        + np.logaddexp(0.0, odds)
    )
    by_r = special.digamma(r + x) - special.digamma(r) + np.log(alpha)
    by_r -= here * log_alpha + gone * means[0]
    by_alpha = r / alpha - (r + x) * (here / (alpha + age) + gone * means[1])
    by_s = np.log(beta) - here * log_beta + gone * (1 / s - means[2])
    by_beta = s / beta - here * s / (beta + age) - gone * (s + 1) * means[3]
    return dot(n, each), np.array([dot(n, by) for by in (by_r, by_alpha, by_s, by_beta)])


def _gone(
    model: Model, x: Ints, t_x: Floats, age: Floats
) -> tuple[Floats, tuple[Floats, Floats, Floats, Floats]]:
    """Return the logarithm of the odds that each customer has left, and means over when they did.

    The means are of log(alpha + t), 1 / (alpha + t), log(beta + t), 1 / (beta + t). The integral is
    over u = log((alpha + t) / (alpha + t_x)), cut where nothing is left of the integrand.
    """
    shape = model.r + x
    start, end = model.alpha + t_x, model.alpha + age
    length = np.minimum(np.log(end / start), _REACH / np.maximum(shape - 1.0, 1e-3))
    u = np.outer(length, _NODES)
    now = start[:, None] * np.exp(u)  # alpha + t
    other = now + (model.beta - model.alpha)  # beta + t
    log_now, log_other = np.log(start)[:, None] + u, np.log(other)
    density = np.exp(
        (1.0 - shape)[:, None] * u - (model.s + 1) * (log_other - np.log(model.beta + t_x)[:, None])
    )
    density *= _WEIGHTS
    whole = density.sum(axis=1)
    log_gone = (
        np.log(model.s)
        + np.log(np.maximum(whole * length, 1e-300))
        + (1.0 - shape) * np.log(start)
        - (model.s + 1) * np.log(model.beta + t_x)
    )
    odds = log_gone + shape * np.log(end) + model.s * np.log(model.beta + age)
    means = tuple((density * one).sum(axis=1) / whole for one in (
        log_now, 1 / now, log_other, 1 / other
    ))  # fmt: skip
    return odds, (means[0], means[1], means[2], means[3])
