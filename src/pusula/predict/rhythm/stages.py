"""Lifecycle: how long a customer has waited, measured by the customer's own rhythm.

Each limit is the length that a share of the customer's gaps stay below, and at most so many times
their usual gap: who is steady is missed early, of whom little is known is not waited for for years.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from pusula.predict.rhythm.gaps import Rhythms
from pusula.predict.rhythm.renewal import Renewal

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NEW, ACTIVE, AT_RISK, LAPSED, LOST, RETURNED = STAGES = (
    "new", "active", "at_risk", "lapsed", "lost", "returned",
)  # fmt: skip


@dataclass(frozen=True)
class Limit:
    """Where a stage begins: behind ``share`` of the gaps, at most ``times`` the usual one."""

    share: float
    times: float


AT_RISK_FROM = Limit(0.8, 2.0)
LAPSED_FROM = Limit(0.9, 3.0)
LOST_FROM = Limit(0.975, 6.0)
LIMITS = (AT_RISK_FROM, LAPSED_FROM, LOST_FROM)


@dataclass(frozen=True)
class Lives:
    """One entry per customer: their usual gap, and from which wait on they are in which stage.

    ``limits`` (customers × 3): the wait in whole days from which on they are at risk, lapsed, lost.
    ``came_back``: the last visit ended a wait that had made them lapsed. ``usual``: days.
    """

    rhythms: Rhythms
    usual: Floats
    limits: Ints
    came_back: npt.NDArray[np.bool_]

    def stages(self, waited: Ints | None = None) -> npt.NDArray[np.str_]:
        """Return the stage of each customer after ``waited`` days, without it as they stand."""
        waits = self.rhythms.waited if waited is None else waited
        passed = (waits[:, None] >= self.limits).sum(axis=1)
        fresh = np.where(self.came_back, RETURNED, np.where(self.rhythms.n_gaps == 0, NEW, ACTIVE))
        late = np.array(["", AT_RISK, LAPSED, LOST])[passed]
        stages: npt.NDArray[np.str_] = np.where(passed == 0, fresh, late)
        return stages

    def next_days(self) -> Ints:
        """Return the day (since 1970) on which time alone brings the next stage; -1: never."""
        passed = (self.rhythms.waited[:, None] >= self.limits).sum(axis=1)
        coming = self.limits[np.arange(len(passed)), np.minimum(passed, len(LIMITS) - 1)]
        days: Ints = np.where(passed < len(LIMITS), self.rhythms.last + coming, -1)
        return days


def lives(model: Renewal, of: Rhythms) -> Lives:
    """Return the stages that ``of`` go through, by everybody's rhythm and their own."""
    usual, limits = _limits(model, of.n_gaps, of.log_mean)
    return Lives(of, usual, limits, _came_back(model, of))


def _limits(model: Renewal, n_gaps: Ints, log_mean: Floats) -> tuple[Floats, Ints]:
    """Return the usual gap in days, and the first whole day of waiting behind each limit."""
    own = model.known(n_gaps, log_mean)
    usual = np.exp(own.mean)
    lengths = [
        usual * np.minimum(np.exp(own.deviation * special.ndtri(limit.share)), limit.times)
        for limit in LIMITS
    ]
    return usual, np.floor(np.stack(lengths, axis=1)).astype(np.int64) + 1


def _came_back(model: Renewal, of: Rhythms) -> npt.NDArray[np.bool_]:
    """Return who had lapsed before their last visit, by what was known of them until then."""
    n_before = np.maximum(of.n_gaps - 1, 0)
    last = np.log(np.maximum(of.last_gap, 1))
    mean_before = (of.n_gaps * of.log_mean - last) / np.maximum(n_before, 1)
    _, limits = _limits(model, n_before, np.where(n_before > 0, mean_before, 0.0))
    return (of.n_gaps > 0) & (of.last_gap >= limits[:, LIMITS.index(LAPSED_FROM)])
