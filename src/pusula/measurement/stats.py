"""The statistics of an experiment, from counts and sums alone: numbers in, numbers out.

Statistics add up: an arm is told by how many people it has, how many converted, and the sum and
sum of squares of what they spent; people who spent nothing need no row. Intervals are two-sided
with confidence 1 - ``alpha``; rates and shares are fractions, not percent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import stats as distributions

ALPHA = 0.05
POWER = 0.8
# With fewer expected converters than this in a cell the normal approximation is not to be trusted.
_SMALL_CELL = 5
_ROUNDS = 20


@dataclass(frozen=True)
class Interval:
    """The values that the data do not contradict."""

    low: float
    high: float

    def scaled(self, factor: float) -> Interval:
        """Return the interval of ``factor`` times the quantity; ``factor`` is not negative."""
        return Interval(self.low * factor, self.high * factor)


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


@dataclass(frozen=True)
class Return:
    """What a campaign brought and cost, in the unit of the amounts."""

    revenue: float
    interval: Interval
    cost: float
    margin: float
    profit: float  # margin x revenue - cost
    roi: float | None  # profit / cost; none when it cost nothing


def compare_rates(treated: Rate, control: Rate, alpha: float = ALPHA) -> RateTest:
    """Return the test of equal shares; both arms need at least one person."""
    difference = treated.value - control.value
    pooled = (treated.x + control.x) / (treated.n + control.n)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / treated.n + 1 / control.n))
    z = difference / spread if spread else 0.0
    smallest = min(treated.n, control.n) * min(pooled, 1 - pooled)
    is_exact = smallest < _SMALL_CELL
    p = fisher(treated, control) if is_exact else float(2 * distributions.norm.sf(abs(z)))
    half = _quantile(alpha) * math.sqrt(treated.variance + control.variance)
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
    half = float(distributions.t.isf(alpha / 2, degrees)) * spread
    return MeanTest(
        treated=treated,
        control=control,
        difference=difference,
        interval=Interval(difference - half, difference + half),
        t=t,
        degrees=degrees,
        p=float(2 * distributions.t.sf(abs(t), degrees)),
        lift=lift,
    )


def fisher(treated: Rate, control: Rate) -> float:
    """Return Fisher's exact two-sided p-value."""
    table = [[treated.x, treated.n - treated.x], [control.x, control.n - control.x]]
    return float(distributions.fisher_exact(table).pvalue)


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


def returns(test: MeanTest, *, cost: float, margin: float) -> Return:
    """Return what the treated brought beyond what they would have spent anyway, and at what cost.

    ``margin`` is the share of revenue that is profit.
    """
    revenue = test.difference * test.treated.n
    profit = margin * revenue - cost
    return Return(
        revenue=revenue,
        interval=test.interval.scaled(test.treated.n),
        cost=cost,
        margin=margin,
        profit=profit,
        roi=profit / cost if cost else None,
    )


def detectable_difference(
    rate: float, n_treated: int, n_control: int, *, alpha: float = ALPHA, power: float = POWER
) -> float | None:
    """Return the smallest difference of shares that arms of this size would mostly show.

    ``rate`` is the share that converts without the campaign; none where nobody or everybody does.
    """
    if not 0 < rate < 1 or not n_treated or not n_control:
        return None
    step = 0.0
    for _ in range(_ROUNDS):  # the variance depends on the answer; it settles quickly
        moved = min(rate + step, 1.0)
        pooled = (moved * n_treated + rate * n_control) / (n_treated + n_control)
        same = math.sqrt(pooled * (1 - pooled) * (1 / n_treated + 1 / n_control))
        apart = math.sqrt(moved * (1 - moved) / n_treated + rate * (1 - rate) / n_control)
        step = _quantile(alpha) * same + float(distributions.norm.ppf(power)) * apart
    return step


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for having asked several questions at once (Holm)."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    worst = 0.0
    for place, index in enumerate(order):
        worst = max(worst, min(1.0, p_values[index] * (len(p_values) - place)))
        adjusted[index] = worst
    return adjusted


def _quantile(alpha: float) -> float:
    return float(distributions.norm.isf(alpha / 2))


def _wilson(rate: Rate, z: float) -> Interval:
    middle = rate.value + z * z / (2 * rate.n)
    half = z * math.sqrt(rate.variance + z * z / (4 * rate.n * rate.n))
    scale = 1 + z * z / rate.n
    return Interval((middle - half) / scale, (middle + half) / scale)


def _newcombe(treated: Rate, control: Rate, alpha: float) -> Interval:
    """Return the hybrid score interval of a difference (Newcombe 1998, method 10)."""
    a, b = _wilson(treated, _quantile(alpha)), _wilson(control, _quantile(alpha))
    difference = treated.value - control.value
    below = math.hypot(treated.value - a.low, b.high - control.value)
    above = math.hypot(a.high - treated.value, control.value - b.low)
    return Interval(difference - below, difference + above)


def _katz(treated: Rate, control: Rate, alpha: float) -> Interval | None:
    """Return the interval of the relative lift from the logarithm of the ratio."""
    if not treated.x or not control.x:
        return None
    middle = math.log(treated.value / control.value)
    half = _quantile(alpha) * math.sqrt(
        1 / treated.x - 1 / treated.n + 1 / control.x - 1 / control.n
    )
    return Interval(math.expm1(middle - half), math.expm1(middle + half))
