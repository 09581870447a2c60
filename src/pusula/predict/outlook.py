"""What one customer's own rhythm leads to expect: usual gap, stage, when it changes, next order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from pusula.lib import clock
from pusula.predict import living, queries
from pusula.predict.rhythm import stages
from pusula.predict.rhythm.coming_back import INTERVAL, NEXT_ORDER
from pusula.predict.training import EPOCH


@dataclass(frozen=True)
class NextOrder:
    """In how many days the next order is expected, if it comes: the middle, and where 80 % lie."""

    middle: float
    low: float
    high: float


@dataclass(frozen=True)
class Outlook:
    """Where a customer stands: days are whole, and count in the company's zone.

    ``n_orders``: days with an order. ``next_stage`` comes on ``changes_on`` if no order does; empty
    and ``None`` for who is lost. ``next_order``: ``None`` for who is out of their rhythm, and where
    it is withheld.
    """

    stage: str
    n_orders: int
    usual_days: float
    waited_days: int
    next_stage: str
    changes_on: date | None
    next_order: NextOrder | None


def outlook(profile_id: int, *, at: int) -> Outlook | None:
    """Return where a customer stands at ``at``; ``None`` without orders or a rhythm in force."""
    held = living.in_force()
    if held is None:
        return None
    lives = living.standing(np.array([profile_id], np.int64), at, held.rhythm)
    if not len(lives.rhythms):
        return None
    stage = str(lives.stages()[0])
    day = int(lives.next_days()[0])
    later = (stages.AT_RISK, stages.LAPSED, stages.LOST)
    passed = later.index(stage) + 1 if stage in later else 0
    own = held.rhythm.own(lives.rhythms)
    shares = (INTERVAL[0], 0.5, INTERVAL[1])
    low, middle, high = (float(own.until_next(share)[0]) for share in shares)
    is_expected = stage not in {stages.LAPSED, stages.LOST} and _is_published()
    return Outlook(
        stage=stage,
        n_orders=int(lives.rhythms.n_gaps[0]) + 1,
        usual_days=float(lives.usual[0]),
        waited_days=int(lives.rhythms.waited[0]),
        next_stage=later[passed] if passed < len(later) else "",
        changes_on=EPOCH + timedelta(days=day) if day >= 0 else None,
        next_order=NextOrder(middle, low, high) if is_expected else None,
    )


def today(profile_id: int) -> Outlook | None:
    """Return where a customer stands now."""
    return outlook(profile_id, at=clock.now())


def _is_published() -> bool:
    version = queries.current(NEXT_ORDER)
    return version is not None and not version.withheld
