"""What statistics are made of: intervals, shares, amounts and pairs, as counts and sums.

Sums add up: an arm is told by how many people it has, how many converted, and the sum and sum of
squares of what they spent; people who spent nothing need no row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

ALPHA = 0.05
POWER = 0.8


@dataclass(frozen=True)
class Interval:
    """The values that the data do not contradict."""

    low: float
    high: float

    def scaled(self, factor: float) -> Interval:
        """Return the interval of ``factor`` times the quantity; ``factor`` is not negative."""
        return Interval(self.low * factor, self.high * factor)

    def shifted(self, by: float) -> Interval:
        """Return the interval of the quantity plus ``by``."""
        return Interval(self.low + by, self.high + by)

    def has(self, value: float) -> bool:
        """Whether the interval does not contradict ``value``."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Rate:
    """How many of ``n`` people converted."""

    n: int
    x: int

    @property
    def value(self) -> float:
        """The share that converted; 0 of nobody."""
        return self.x / self.n if self.n else 0.0

    @property
    def variance(self) -> float:
        """The variance of the share."""
        return self.value * (1 - self.value) / self.n


@dataclass(frozen=True)
class Amounts:
    """What ``n`` people spent: the sum and the sum of squares of one number per person."""

    n: int
    total: float
    squares: float

    @classmethod
    def of(cls, values: npt.NDArray[np.float64]) -> Amounts:
        """Return the sums of one number per person."""
        return cls(len(values), float(values.sum()), float(values @ values))

    @classmethod
    def told(cls, n: int, mean: float, variance: float) -> Amounts:
        """Return what has this mean and this sample variance (of one person's amount)."""
        return cls(n, n * mean, max(n - 1, 0) * variance + n * mean * mean)

    @property
    def mean(self) -> float:
        """The amount per head; 0 of nobody."""
        return self.total / self.n if self.n else 0.0

    @property
    def variance(self) -> float:
        """The sample variance of one person's amount; 0 for fewer than two people."""
        if self.n < 2:  # noqa: PLR2004 - one person does not vary
            return 0.0
        return max(self.squares - self.total * self.mean, 0.0) / (self.n - 1)


@dataclass(frozen=True)
class Pairs:
    """Two numbers per person, ``y`` and ``x``: their sums, sums of squares, and of products."""

    y: Amounts
    x: Amounts
    products: float

    @classmethod
    def of(cls, y: npt.NDArray[np.float64], x: npt.NDArray[np.float64]) -> Pairs:
        """Return the sums of two numbers per person."""
        return cls(Amounts.of(y), Amounts.of(x), float(y @ x))

    def __add__(self, other: Pairs) -> Pairs:
        """Return the pairs of both groups of people together."""
        return Pairs(
            _together(self.y, other.y), _together(self.x, other.x), self.products + other.products
        )

    @property
    def n(self) -> int:
        """How many people."""
        return self.y.n

    @property
    def covariance(self) -> float:
        """The sample covariance of one person's numbers; 0 for fewer than two people."""
        if self.n < 2:  # noqa: PLR2004 - one person does not vary
            return 0.0
        return (self.products - self.y.total * self.x.mean) / (self.n - 1)


def quantile(alpha: float) -> float:
    """Return how many standard errors a two-sided interval of 1 - ``alpha`` reaches."""
    return float(-ndtri(alpha / 2))


def _together(one: Amounts, other: Amounts) -> Amounts:
    return Amounts(one.n + other.n, one.total + other.total, one.squares + other.squares)
