"""Sharper and sturdier comparisons of amounts: CUPED, winsorising, and ratios of two amounts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from pusula.measurement.stats.fixed import MeanTest, compare_means
from pusula.measurement.stats.values import ALPHA, Amounts, Interval, Pairs, quantile

TAIL = 0.99  # amounts above this quantile of all amounts spent count as that quantile


@dataclass(frozen=True)
class Cuped:
    """A comparison of means with what was known of each person before taken out.

    Deng, Xu, Kohavi and Walker 2013. ``theta`` comes from both arms together.
    """

    test: MeanTest
    theta: float
    correlation: float  # of the amount with what was known before
    reduction: float  # of the variance, as a share

    @property
    def is_useful(self) -> bool:
        """Whether it narrows the interval at all."""
        return self.reduction > 0


@dataclass(frozen=True)
class Winsorised:
    """A comparison of means in which nobody counts for more than ``most``."""

    test: MeanTest
    most: float
    n_cut: int  # people above it, in both arms


@dataclass(frozen=True)
class RatioTest:
    """Treated against control by a ratio of two sums, as revenue per order (delta method)."""

    treated: float
    control: float
    difference: float
    interval: Interval
    z: float
    p: float
    lift: float | None


def cuped(treated: Pairs, control: Pairs, alpha: float = ALPHA) -> Cuped:
    """Return the comparison of ``y`` adjusted for ``x``, which must be from before assignment.

    Each arm needs at least two people. Where ``x`` does not vary this is the plain comparison.
    """
    both = treated + control
    spread = both.x.variance
    theta = both.covariance / spread if spread else 0.0
    whole = math.sqrt(both.y.variance * spread)
    correlation = both.covariance / whole if whole else 0.0
    ours, theirs = (_adjusted(arm, theta, both.x.mean) for arm in (treated, control))
    return Cuped(compare_means(ours, theirs, alpha), theta, correlation, correlation**2)


def winsorised(
    treated: npt.NDArray[np.float64],
    control: npt.NDArray[np.float64],
    *,
    tail: float = TAIL,
    alpha: float = ALPHA,
) -> Winsorised:
    """Return the comparison with the largest amounts cut to one threshold.

    It is the quantile ``tail`` of the positive amounts of both arms together: blind to which arm
    they come from, and not 0 where most people spend nothing.
    """
    spent = np.concatenate([treated[treated > 0], control[control > 0]])
    most = float(np.quantile(spent, tail)) if len(spent) else 0.0
    ours, theirs = (Amounts.of(np.minimum(values, most)) for values in (treated, control))
    n_cut = int((treated > most).sum() + (control > most).sum())
    return Winsorised(compare_means(ours, theirs, alpha), most, n_cut)


def compare_ratios(treated: Pairs, control: Pairs, alpha: float = ALPHA) -> RatioTest | None:
    """Return the comparison of sum(y) / sum(x); people are what was drawn, not orders.

    None where an arm has no ``x`` at all, or fewer than two people.
    """
    if min(treated.n, control.n) < 2 or min(treated.x.total, control.x.total) <= 0:  # noqa: PLR2004 - one person does not vary
        return None
    (ours, a), (theirs, b) = _ratio(treated), _ratio(control)
    difference, spread = ours - theirs, math.sqrt(a + b)
    half = quantile(alpha) * spread
    z = difference / spread if spread else 0.0
    return RatioTest(
        treated=ours,
        control=theirs,
        difference=difference,
        interval=Interval(difference - half, difference + half),
        z=z,
        p=float(2 * ndtr(-abs(z))),
        lift=ours / theirs - 1 if theirs > 0 else None,
    )


def _adjusted(arm: Pairs, theta: float, middle: float) -> Amounts:
    """Return the sums of y - theta (x - middle)."""
    mean = arm.y.mean - theta * (arm.x.mean - middle)
    variance = arm.y.variance - 2 * theta * arm.covariance + theta**2 * arm.x.variance
    return Amounts.told(arm.n, mean, max(variance, 0.0))


def _ratio(arm: Pairs) -> tuple[float, float]:
    """Return the ratio and the variance of its estimate, by the delta method."""
    ratio = arm.y.total / arm.x.total
    variance = arm.y.variance - 2 * ratio * arm.covariance + ratio**2 * arm.x.variance
    return ratio, max(variance, 0.0) / (arm.n * arm.x.mean**2)
