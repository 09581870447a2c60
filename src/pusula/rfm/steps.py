"""Which steps between RFM groups are impossible by construction, and why.

Two runs lie some days apart. Whoever orders nothing in between ages by exactly these days; whoever
orders was here within them. Where neither leads into a group, nobody can have made the step: the
limits say so, not the customers. A cancellation that reaches back, a merge, or an order recorded
late can still lead there, for then the earlier run saw another history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import floor
from typing import Literal

from pusula.rfm.rules import Config
from pusula.rfm.scoring import Edges

Reason = Literal["nobody", "too_soon", "passed_over", "fewer_orders"]


@dataclass(frozen=True)
class Range:
    """Whole numbers from ``low`` to ``high``, both included; without ``high`` there is no end."""

    low: int
    high: int | None

    @property
    def is_empty(self) -> bool:
        """Whether there is no number in it."""
        return self.high is not None and self.high < self.low

    def meets(self, other: Range) -> bool:
        """Whether some number is in both."""
        low = max(self.low, other.low)
        highs = [high for high in (self.high, other.high) if high is not None]
        return not highs or low <= min(highs)

    def plus(self, n: int, slack: int = 0) -> Range:
        """Return the range moved up by ``n``, and by up to ``slack`` less or more."""
        high = None if self.high is None else self.high + n + slack
        return Range(self.low + n - slack, high)


@dataclass(frozen=True)
class Place:
    """Where a score pair can stand: days since the last order, and number of orders."""

    days: Range
    orders: Range | None  # none: ranks or a moving window, which say nothing about counts

    @property
    def is_empty(self) -> bool:
        """Whether nobody can stand here."""
        return self.days.is_empty or (self.orders is not None and self.orders.is_empty)


@dataclass(frozen=True)
class Hindrance:
    """Why a step is impossible.

    ``most`` is the most days that can have gone by since the last order of whoever sets out,
    ``begins`` where the group they would have to come to begins.
    """

    reason: Reason
    days: int
    most: int | None = None
    begins: int | None = None


Places = dict[str, tuple[Place, ...]]  # by group, in the order of the rules


def places(config: Config, edges: Edges) -> Places:
    """Return where each group stands, by the limits that a run of ``config`` found."""
    by_days, by_orders = recencies(config, edges.recency), _frequencies(config, edges.frequency)
    return {
        group: tuple(
            place
            for code in codes
            for place in (Place(by_days[int(code[0])], by_orders[int(code[1])]),)
            if not place.is_empty
        )
        for group, codes in config.named_groups.items()
    }


def recencies(config: Config, edges: Sequence[float]) -> dict[int, Range]:
    """Return the days since the last order that each recency score stands for."""
    least = 1 if config.recency.measure == "calendar_days" else 0
    found = _classes(edges, config.recency.levels, least, config.pool.ordered_within_days)
    return {config.recency.levels + 1 - number: days for number, days in found.items()}


def _frequencies(config: Config, edges: Sequence[float]) -> dict[int, Range | None]:
    levels = config.frequency.quantiles
    if config.frequency.ranked or config.look_back_months is not None:
        return dict.fromkeys(range(1, levels + 1))
    return dict(_classes(edges, levels, 1, None))


def _classes(edges: Sequence[float], levels: int, least: int, most: int | None) -> dict[int, Range]:
    """Return the whole numbers of each class 1 … ``levels``; a limit belongs to the class below."""
    if len(edges) != levels - 1:  # a run over nobody has found none
        return dict.fromkeys(range(1, levels + 1), Range(least, most))
    limits = [floor(edge) for edge in edges]
    lows = [least, *(max(least, limit + 1) for limit in limits)]
    highs = [*limits, None]
    return {
        number: Range(low, _least_of(high, most))
        for number, (low, high) in enumerate(zip(lows, highs, strict=True), 1)
    }


def _least_of(one: int | None, other: int | None) -> int | None:
    known = [each for each in (one, other) if each is not None]
    return min(known, default=None)


@dataclass(frozen=True)
class Between:
    """What lies between two runs.

    ``slack`` is by how many days an age counted in 24 hours can be off where clocks are changed;
    ``counts_late`` whether an order may begin to count only after it was placed, when its status
    changes.
    """

    days: int
    slack: int = 0
    counts_late: bool = False

    def idle(self, old: Range) -> Range:
        """Return the days since the last order of whoever ordered nothing."""
        return old.plus(self.days, self.slack)

    def busy(self, old: Range) -> Range:
        """Return the days since the last order of whoever has one more that counts."""
        if not self.counts_late:
            return Range(0, self.days or -1)
        return Range(0, self.idle(old).high)


def between(config: Config, days: int) -> Between:
    """Return what lies between two runs of ``config``, ``days`` apart."""
    slack = 0 if config.recency.measure == "calendar_days" else 1
    return Between(days, slack, counts_late=bool(config.orders.statuses))


def possible(before: Sequence[Place], after: Sequence[Place], time: Between) -> Hindrance | None:
    """Return why nobody can get from ``before`` to ``after``; ``None`` if somebody can."""
    if not before or not after:
        return Hindrance("nobody", time.days)
    steps = list(product(before, after))
    if any(_leads(old, new, time) for old, new in steps):
        return None
    if any(_ages(old.days, new.days, time) for old, new in steps):
        return Hindrance("fewer_orders", time.days)
    ends = [time.idle(place.days).high for place in before]
    most = max((end for end in ends if end is not None), default=None)
    begins = min(place.days.low for place in after)
    if None in ends or most is None or most >= begins:
        return Hindrance("passed_over", time.days)
    return Hindrance("too_soon", time.days, most, begins)


def _leads(old: Place, new: Place, time: Between) -> bool:
    if old.orders is None or new.orders is None:
        return _ages(old.days, new.days, time)
    keeps = old.orders.meets(new.orders)
    grows = new.orders.high is None or new.orders.high > old.orders.low
    idle, busy = time.idle(old.days), time.busy(old.days)
    return (keeps and idle.meets(new.days)) or (grows and busy.meets(new.days))


def _ages(old: Range, new: Range, time: Between) -> bool:
    return time.idle(old).meets(new) or time.busy(old).meets(new)
