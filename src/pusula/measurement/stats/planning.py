"""Before a test: how many people it needs, what it could detect, and with what probability."""

from __future__ import annotations

import math

from scipy.special import ndtr, ndtri

from pusula.measurement.stats.values import ALPHA, POWER, quantile

_ROUNDS = 20


def people_needed(
    rate: float,
    target: float,
    *,
    control_share: float = 0.5,
    alpha: float = ALPHA,
    power: float = POWER,
) -> tuple[int, int]:
    """Return how many people to treat and to hold out to tell ``target`` from ``rate``.

    Two-sided test of two shares with pooled variance under no difference; with halves, the
    textbook's number per arm. ``rate`` and ``target`` differ and lie between 0 and 1.
    """
    share = control_share
    pooled = (1 - share) * target + share * rate
    same = math.sqrt(pooled * (1 - pooled) * (1 / (1 - share) + 1 / share))
    apart = math.sqrt(target * (1 - target) / (1 - share) + rate * (1 - rate) / share)
    whole = ((quantile(alpha) * same + float(ndtri(power)) * apart) / (target - rate)) ** 2
    return math.ceil(whole * (1 - share)), math.ceil(whole * share)


def people_needed_for_mean(
    difference: float,
    deviation: float,
    *,
    control_share: float = 0.5,
    alpha: float = ALPHA,
    power: float = POWER,
) -> tuple[int, int]:
    """Return how many to treat and to hold out to see a ``difference`` of means.

    ``deviation`` is the standard deviation of one person's amount, in the same unit.
    """
    share = control_share
    whole = (
        (quantile(alpha) + float(ndtri(power))) ** 2
        * deviation**2
        / (difference**2 * share * (1 - share))
    )
    return math.ceil(whole * (1 - share)), math.ceil(whole * share)


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
        step = quantile(alpha) * same + float(ndtri(power)) * apart
    return step


def detectable_mean(
    deviation: float, n_treated: int, n_control: int, *, alpha: float = ALPHA, power: float = POWER
) -> float | None:
    """Return the smallest difference of means that arms of this size would mostly show."""
    if not n_treated or not n_control:
        return None
    spread = deviation * math.sqrt(1 / n_treated + 1 / n_control)
    return (quantile(alpha) + float(ndtri(power))) * spread


def power_of_rates(
    rate: float, target: float, n_treated: int, n_control: int, *, alpha: float = ALPHA
) -> float:
    """Return how probably arms of this size show that ``target`` is not ``rate``."""
    pooled = (target * n_treated + rate * n_control) / (n_treated + n_control)
    same = math.sqrt(pooled * (1 - pooled) * (1 / n_treated + 1 / n_control))
    apart = math.sqrt(target * (1 - target) / n_treated + rate * (1 - rate) / n_control)
    return _power(abs(target - rate), quantile(alpha) * same, apart)


def power_of_means(
    difference: float, deviation: float, n_treated: int, n_control: int, *, alpha: float = ALPHA
) -> float:
    """Return how probably arms of this size show a ``difference`` of means."""
    spread = deviation * math.sqrt(1 / n_treated + 1 / n_control)
    return _power(abs(difference), quantile(alpha) * spread, spread)


def _power(difference: float, bound: float, spread: float) -> float:
    if spread == 0:
        return 1.0 if difference > bound else 0.0
    return float(ndtr((difference - bound) / spread) + ndtr((-difference - bound) / spread))
