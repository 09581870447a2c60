"""How many messages of a channel an hour or a day has room for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from pusula.lib import clock
from pusula.outbox.rules.policy import Budget


class Spending:
    """How much of each hour and day is taken, on the business's own calendar."""

    def __init__(self, zone: str) -> None:
        """Start with everything free; ``zone`` says when a day begins."""
        self._zone = zone
        self._taken: Counter[tuple[str, str, int]] = Counter()

    def take(self, budgets: Sequence[Budget], at: int, n: int = 1) -> None:
        """Note ``n`` messages that leave at ``at``."""
        for budget in budgets:
            self._taken[self._slot(budget, at)] += n

    def free_at(self, budgets: Sequence[Budget], at: int) -> int:
        """Return the first moment from ``at`` on at which every budget has room."""
        while True:
            full = [b for b in budgets if self._taken[self._slot(b, at)] >= b.most]
            if not full:
                return at
            at = max(next_of(budget.per, at, self._zone) for budget in full)

    def _slot(self, budget: Budget, at: int) -> tuple[str, str, int]:
        return budget.channel, budget.per, start_of(budget.per, at, self._zone)


def start_of(per: str, at: int, zone: str) -> int:
    """Return when the hour or day of ``at`` began."""
    if per == "hour":
        return at - at % clock.HOUR
    return clock.start_of(clock.day_of(at, zone), zone)


def next_of(per: str, at: int, zone: str) -> int:
    """Return when the hour or day behind that of ``at`` begins."""
    if per == "hour":
        return start_of("hour", at, zone) + clock.HOUR
    return clock.start_of(clock.day_of(at, zone) + timedelta(days=1), zone)
