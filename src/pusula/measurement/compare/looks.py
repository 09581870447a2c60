"""Tests of which only counts, means and variances at several looks are known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import ndtr

from pusula.measurement import stats
from pusula.measurement.stats import ALPHA, Amounts, Look, MeanTest

TAU = 0.01  # of the control's mean: the effects that the sequential test is made for


@dataclass(frozen=True)
class Checkpoint:
    """What was known of both arms at one look, from the beginning up to it."""

    treated: Amounts
    control: Amounts

    @property
    def is_usable(self) -> bool:
        """Whether both arms vary yet; else no difference can be judged."""
        return all(arm.n > 1 and arm.variance > 0 for arm in (self.treated, self.control))


@dataclass(frozen=True)
class Watched:
    """A comparison that was looked at again and again."""

    n_looks: int  # usable ones
    final: MeanTest
    p_any_look: float  # the smallest of a plain test at each look: what peeking finds
    p_sequential: float  # always valid

    @property
    def found(self) -> dict[str, bool]:
        """Whether each way of looking calls it a difference."""
        return {
            "final": self.final.p < ALPHA,
            "any_look": self.p_any_look < ALPHA,
            "sequential": self.p_sequential < ALPHA,
        }


def watched(checkpoints: Sequence[Checkpoint], tau: float = TAU) -> Watched | None:
    """Return what three ways of looking say; ``None`` where no look is usable.

    Looks are in order of time; ``tau`` is relative to the control's mean at the last look.
    """
    usable = [one for one in checkpoints if one.is_usable]
    if not usable:
        return None
    tests = [stats.compare_means(one.treated, one.control) for one in usable]
    looks = [Look(test.difference, test.variance) for test in tests]
    spread = tau * abs(tests[-1].control.mean)
    return Watched(
        n_looks=len(usable),
        final=tests[-1],
        p_any_look=min(_p(look) for look in looks),
        p_sequential=stats.mixture_p(looks, spread),
    )


def _p(look: Look) -> float:
    return float(2 * ndtr(-abs(look.difference) / math.sqrt(look.variance)))
