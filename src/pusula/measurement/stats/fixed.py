"""Tests for one look at the planned end: shares, means, ranks, and the sizes of the arms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats as distributions
from scipy.special import ndtr, stdtr, stdtrit

from pusula.measurement.stats.values import ALPHA, Amounts, Interval, Rate, quantile

# With fewer expected converters than this in a cell the normal approximation is not to be trusted.
_SMALL_CELL = 5
_NODES = 4_000  # of the integral over what the control's share may be


@dataclass(frozen=True)
class RateTest:
    """Treated against control by share of converters."""

    treated: Rate
    control: Rate
    difference: float
    interval: Interval  # of the difference, Newcombe's: stays inside -1..1 and right when rare
    interval_wald: Interval  # of the difference, the textbook's
    z: float  # pooled; 0 when nobody or everybody converted
    p: float  # two-sided; Fisher's exact one when a cell is small
    is_exact: bool
    lift: float | None  # relative; none when no control converted
    lift_interval: Interval | None  # Katz


@dataclass(frozen=True)
class MeanTest:
    """Treated against control by amount per head (Welch)."""

    treated: Amounts
    control: Amounts
    difference: float
    interval: Interval
    t: float | None  # none when nobody's amount varies
    degrees: float | None
    p: float
    lift: float | None

    @property
    def variance(self) -> float:
        """The squared standard error of the difference."""
        return self.treated.variance / self.treated.n + self.control.variance / self.control.n


def compare_rates(treated: Rate, control: Rate, alpha: float = ALPHA) -> RateTest:
    """Return the test of equal shares; both arms need at least one person."""
    difference = treated.value - control.value
    pooled = (treated.x + control.x) / (treated.n + control.n)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / treated.n + 1 / control.n))
    z = difference / spread if spread else 0.0
    smallest = min(treated.n, control.n) * min(pooled, 1 - pooled)
    is_exact = smallest < _SMALL_CELL
    p = fisher(treated, control) if is_exact else float(2 * ndtr(-abs(z)))
    half = quantile(alpha) * math.sqrt(treated.variance + control.variance)
    return RateTest(
        treated=treated,
        control=control,
        difference=difference,
        interval=_newcombe(treated, control, alpha),
        interval_wald=Interval(difference - half, difference + half),
        z=z,
        p=p,
        is_exact=is_exact,
        lift=treated.value / control.value - 1 if control.x else None,
        lift_interval=_katz(treated, control, alpha),
    )


def compare_means(treated: Amounts, control: Amounts, alpha: float = ALPHA) -> MeanTest:
    """Return Welch's test of equal means; both arms need at least two people."""
    difference = treated.mean - control.mean
    a, b = treated.variance / treated.n, control.variance / control.n
    lift = treated.mean / control.mean - 1 if control.mean > 0 else None
    if a + b == 0:
        point = Interval(difference, difference)
        p = 1.0 if difference == 0 else 0.0
        return MeanTest(treated, control, difference, point, None, None, p, lift)
    spread = math.sqrt(a + b)
    degrees = (a + b) ** 2 / (a**2 / (treated.n - 1) + b**2 / (control.n - 1))
    t = difference / spread
    half = float(-stdtrit(degrees, alpha / 2)) * spread
    return MeanTest(
        treated=treated,
        control=control,
        difference=difference,
        interval=Interval(difference - half, difference + half),
        t=t,
        degrees=degrees,
        p=float(2 * stdtr(degrees, -abs(t))),
        lift=lift,
    )


def fisher(treated: Rate, control: Rate) -> float:
    """Return Fisher's exact two-sided p-value."""
    table = [[treated.x, treated.n - treated.x], [control.x, control.n - control.x]]
    return float(distributions.fisher_exact(table).pvalue)


def rank_test(treated: npt.NDArray[np.float64], control: npt.NDArray[np.float64]) -> float:
    """Return the two-sided p-value of Mann and Whitney: whether one arm tends to spend more."""
    return float(distributions.mannwhitneyu(treated, control, alternative="two-sided").pvalue)


def probability_better(treated: Rate, control: Rate) -> float:
    """Return how probable a higher share of the treated is, from even beliefs (Beta(1, 1))."""
    ours = distributions.beta(1 + treated.x, 1 + treated.n - treated.x)
    theirs = distributions.beta(1 + control.x, 1 + control.n - control.x)
    # Over the control's own quantiles: every node weighs the same.
    nodes = theirs.ppf((np.arange(_NODES) + 0.5) / _NODES)
    return float(ours.sf(nodes).mean())


def sample_ratio(observed: Sequence[int], shares: Sequence[float]) -> float | None:
    """Return the p-value of arms of these sizes under the planned ``shares`` (chi-square).

    A tiny one says that the split itself went wrong. None when there is nothing to compare.
    """
    total, whole = sum(observed), sum(shares)
    if total == 0 or len(observed) < 2:  # noqa: PLR2004 - one arm is no split
        return None
    expected = [total * share / whole for share in shares]
    if any(value == 0 for value in expected):
        return None
    return float(distributions.chisquare(observed, expected).pvalue)


def wilson(rate: Rate, alpha: float = ALPHA) -> Interval:
    """Return Wilson's score interval of one share; ``rate`` is of at least one."""
    return _wilson(rate, quantile(alpha))


def _wilson(rate: Rate, z: float) -> Interval:
    middle = rate.value + z * z / (2 * rate.n)
    half = z * math.sqrt(rate.variance + z * z / (4 * rate.n * rate.n))
    scale = 1 + z * z / rate.n
    return Interval((middle - half) / scale, (middle + half) / scale)


def _newcombe(treated: Rate, control: Rate, alpha: float) -> Interval:
    """Return the hybrid score interval of a difference (Newcombe 1998, method 10)."""
    a, b = _wilson(treated, quantile(alpha)), _wilson(control, quantile(alpha))
    difference = treated.value - control.value
    below = math.hypot(treated.value - a.low, b.high - control.value)
    above = math.hypot(a.high - treated.value, control.value - b.low)
    return Interval(difference - below, difference + above)


def _katz(treated: Rate, control: Rate, alpha: float) -> Interval | None:
    """Return the interval of the relative lift from the logarithm of the ratio."""
    if not treated.x or not control.x:
        return None
    middle = math.log(treated.value / control.value)
    half = quantile(alpha) * math.sqrt(
        1 / treated.x - 1 / treated.n + 1 / control.x - 1 / control.n
    )
    return Interval(math.expm1(middle - half), math.expm1(middle + half))
