"""Looks before the end: intervals and p-values that hold however often one looks.

The normal mixture of Robbins (1970), as in the mSPRT of Johari, Koomen, Pekelis and Walsh (2017);
with an estimated variance it is the asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha,
Kennedy and Ramdas (2021). Two situations need two forms of it:

- *More people*: each is measured over a whole window, later looks see more of them, and the
  variance of the difference shrinks. The effect is mixed over a normal of spread ``tau``.
- *More days*: the people stay the same, what they did adds up, and the variance of the
  difference grows. The sum is mixed over a normal whose variance is ``rho``.

``tau`` and ``rho`` are fixed before the looks that they judge; a bad choice costs width, never the
level. Every look's interval holds at once with the others' (confidence 1 - ``alpha``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pusula.measurement.stats.values import ALPHA, Interval

# The ratio of mixture to variance at which the interval is narrowest, for 5 %: the solution of
# d/dr (1 + 1/r)(2 ln 20 + ln(1 + r)) = 0.
BEST_RATIO = 8.2


@dataclass(frozen=True)
class Look:
    """What was seen at one look: the difference, and the squared standard error of it."""

    difference: float
    variance: float


@dataclass(frozen=True)
class Seen:
    """What may be said at a look: ``p`` is the smallest so far, and never grows again."""

    difference: float
    interval: Interval
    p: float


def more_people(looks: Sequence[Look], tau: float, alpha: float = ALPHA) -> list[Seen]:
    """Return what may be said at each look of a growing group of people, in order."""
    return _seen(looks, [tau**2 / look.variance for look in looks], alpha)


def more_days(looks: Sequence[Look], rho: float, alpha: float = ALPHA) -> list[Seen]:
    """Return what may be said at each look at the growing doings of the same people, in order."""
    return _seen(looks, [look.variance / rho for look in looks], alpha)


def spread_for(variance: float) -> float:
    """Return the ``tau`` that makes the interval narrowest where the variance is this."""
    return math.sqrt(BEST_RATIO * variance)


def mixture_p(looks: Sequence[Look], tau: float) -> float:
    """Return the always-valid p-value after the last look: the mSPRT's."""
    seen = more_people(looks, tau)
    return seen[-1].p if seen else 1.0


def _seen(looks: Sequence[Look], ratios: Sequence[float], alpha: float) -> list[Seen]:
    """Return each look's interval and p-value; ``ratios`` are mixture to variance, or 1 over it.

    Both forms have the same statistic in the ratio r:
    ln L = z^2 / 2 * r / (1 + r) - ln(1 + r) / 2, with z the difference in standard errors.
    """
    found, least = [], 0.0  # the logarithm of p
    for look, ratio in zip(looks, ratios, strict=True):
        room = (1 + 1 / ratio) * (math.log1p(ratio) - 2 * math.log(alpha))
        half = math.sqrt(look.variance * room)
        z_squared = look.difference**2 / look.variance
        least = min(least, (math.log1p(ratio) - z_squared * ratio / (1 + ratio)) / 2)
        interval = Interval(look.difference - half, look.difference + half)
        found.append(Seen(look.difference, interval, math.exp(least)))
    return found
