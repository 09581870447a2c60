"""What was earned beyond what would have come anyway, and what it cost."""

from __future__ import annotations

from dataclasses import dataclass

from pusula.measurement.stats.fixed import MeanTest
from pusula.measurement.stats.values import Interval


@dataclass(frozen=True)
class Return:
    """What a campaign brought and cost, in the unit of the amounts.

    The cost is known, so the intervals of profit and return are the revenue's, moved.
    """

    revenue: float
    interval: Interval
    cost: float
    margin: float
    profit: float  # margin x revenue - cost
    profit_interval: Interval
    roi: float | None  # profit / cost; none when it cost nothing
    roi_interval: Interval | None


def returns(test: MeanTest, *, cost: float, margin: float) -> Return:
    """Return what the treated brought beyond what they would have spent anyway, and at what cost.

    ``margin`` is the share of revenue that is profit.
    """
    return gain(test.difference, test.interval, test.treated.n, cost=cost, margin=margin)


def gain(per_head: float, around_it: Interval, n: int, *, cost: float, margin: float) -> Return:
    """Return what ``n`` people brought who each spent ``per_head`` more than they would have."""
    revenue = per_head * n
    interval = around_it.scaled(n)
    profit = margin * revenue - cost
    around = interval.scaled(margin).shifted(-cost)
    return Return(
        revenue=revenue,
        interval=interval,
        cost=cost,
        margin=margin,
        profit=profit,
        profit_interval=around,
        roi=profit / cost if cost else None,
        roi_interval=around.scaled(1 / cost) if cost else None,
    )
