"""What came of the messages of each step of a journey: clicks, and orders ascribed to them.

By the rules of attribution that hold, as the reports count: every figure has its rows there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from pusula.journeys.models import Journey
from pusula.measurement.attribution import queries as attribution
from pusula.measurement.attribution.queries import Credit
from pusula.measurement.reports import rates, rules
from pusula.measurement.reports.period import Period
from pusula.measurement.reports.rates import Asked, Rates


@dataclass(frozen=True)
class Came:
    """What came of one step: messages that left, how many were clicked by people, orders."""

    n_sent: int = 0
    n_clicked: int = 0
    n_orders: float = 0.0  # parts of one order add up
    revenue_minor: int = 0

    @property
    def clicked(self) -> float | None:
        """The share that was clicked; ``None`` of no message."""
        return self.n_clicked / self.n_sent if self.n_sent else None


@dataclass(frozen=True)
class Steps:
    """What came of each step in the days from ``from_on`` to ``last_on``, by ``model``."""

    from_on: dt.date
    last_on: dt.date
    model: str
    by_step: Mapping[str, Came]


def of_journey(journey: Journey, period: Period) -> Steps:
    """Return what came of the steps of a journey, all its versions together."""
    held = rules.current()
    told = {
        step: one
        for (step,), one in rates.rates(Asked(period.span, origin=journey.origin), ["step"]).items()
    }
    credits_ = attribution.attributed_steps(journey.origin, period.span, held)
    found = {}
    for step in sorted(told.keys() | credits_.keys()):
        sent, credit = told.get(step, Rates()), credits_.get(step, Credit())
        found[step] = Came(sent.n_sent, sent.n_clicked, credit.n_orders, credit.revenue_minor)
    return Steps(period.from_on, period.last_on, held.model.value, found)
