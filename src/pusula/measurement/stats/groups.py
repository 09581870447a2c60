"""Whether the effect differs between groups of people, with payment for asking of many."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats as distributions

from pusula.measurement.stats.values import ALPHA, Interval, quantile


@dataclass(frozen=True)
class Interaction:
    """Whether effects differ between disjoint groups (Cochran's Q); ``p`` of one question."""

    q: float
    degrees: int
    p: float


def interaction(effects: Sequence[tuple[float, float]]) -> Interaction:
    """Return the test of equal effects from (difference, its squared standard error) per group.

    Groups whose effect has no variance say nothing and are left out.
    """
    known = [(value, variance) for value, variance in effects if variance > 0]
    degrees = len(known) - 1
    if degrees < 1:
        return Interaction(0.0, 0, 1.0)
    weights = [1 / variance for _value, variance in known]
    middle = sum(w * value for w, (value, _) in zip(weights, known, strict=True)) / sum(weights)
    q = sum(w * (value - middle) ** 2 for w, (value, _) in zip(weights, known, strict=True))
    return Interaction(q, degrees, float(distributions.chi2.sf(q, degrees)))


def wald(difference: float, variance: float, alpha: float = ALPHA) -> Interval:
    """Return the interval of a difference from its squared standard error."""
    half = quantile(alpha) * math.sqrt(variance)
    return Interval(difference - half, difference + half)
