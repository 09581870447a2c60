"""What a journey earned beyond its control group, and what its messages cost."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models.expressions import RawSQL

from pusula.journeys.models import Journey
from pusula.measurement import stats
from pusula.measurement.experiments.people import Exposed
from pusula.measurement.stats import Return, Seen
from pusula.outbox import prices
from pusula.outbox.models import Message
from pusula.outbox.prices import Spent

# The same people, and the same days of each, as the orders that are counted for them.
_THEIRS = """
SELECT m.id FROM outbox_message m JOIN ({exposed}) e ON e.profile_id = m.profile_id
WHERE m.origin = %s AND m.gated_at >= e.at AND m.gated_at < e.at + %s AND e.at + %s <= %s
"""


@dataclass(frozen=True)
class Earned:
    """Net revenue beyond what would have come anyway, less what the messages cost.

    In minor units of the company's currency, of the ``n_treated`` whose window is over. The
    intervals hold at every look. ``unpriced`` are the channels that were used and have no price:
    they count nothing, and then there is no return to speak of.
    """

    n_treated: int
    gained: Return
    unpriced: tuple[str, ...]

    @property
    def has_return(self) -> bool:
        """Whether it cost something, and all of it is known."""
        return self.gained.roi is not None and not self.unpriced


def earned(n_treated: int, seen: Seen, cost: Spent) -> Earned:
    """Return what a journey earned; ``seen`` is the difference of net revenue per person."""
    gained = stats.gain(
        seen.difference, seen.interval, n_treated, cost=float(cost.minor), margin=1.0
    )
    return Earned(n_treated, gained, cost.missing)


def spent(journey: Journey, exposed: Exposed, *, window: int, at: int) -> Spent:
    """Return what the messages cost that left for the people of ``exposed`` in their windows.

    Of those whose ``window`` (microseconds) is over ``at``.
    """
    sql = _THEIRS.format(exposed=exposed.sql)
    params = (*exposed.params, journey.origin, window, window, at)
    return prices.spent(Message.objects.filter(pk__in=RawSQL(sql, params)))  # noqa: S611 - ours
