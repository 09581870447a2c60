"""What a journey did: who came in against who was held out, and the orders behind its messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from django.db import connection
from django.db.models import Min

from pusula.journeys import machine as journeys
from pusula.journeys.models import Enrollment, Journey
from pusula.lake import arrow
from pusula.lib import clock
from pusula.measurement import stats
from pusula.measurement.results.campaign import ArmResult
from pusula.measurement.stats import Amounts, MeanTest, Rate, RateTest
from pusula.orders import history, machine
from pusula.outbox import machine as messages

_PEOPLE = pa.schema(
    [("is_holdout", pa.int64()), ("n_orders", pa.int64()), ("revenue_minor", pa.int64())]
)
_CREDITED = pa.schema([("step", pa.string()), ("n", pa.int64()), ("revenue_minor", pa.int64())])
_HELD = "FROM journeys_enrollment WHERE journey_id = %s AND is_holdout"
# How everybody came in first: who comes again is the same person, in the same arm. Who came in on a
# version that held nobody out, in other weeks, is compared with nobody held out by another.
_FIRST = f"""
SELECT profile_id, is_holdout, entered_at, order_id FROM (
  SELECT profile_id, is_holdout, entered_at, order_id, version_id,
         row_number() OVER (PARTITION BY profile_id ORDER BY entered_at, id) AS nth
  FROM journeys_enrollment WHERE journey_id = %s
) entries
WHERE nth = 1 AND (version_id IN (SELECT version_id {_HELD}) OR NOT EXISTS (SELECT 1 {_HELD}))
"""


@dataclass(frozen=True, slots=True)
class Credit:
    """Orders ascribed to messages, and what they come to in minor units of the company's money."""

    n_orders: int
    revenue_minor: int


@dataclass(frozen=True, slots=True)
class JourneyResult:
    """A journey measured: each person once, in the window behind their first coming in.

    The arms are of the versions that held somebody out; where none did, everybody is treated.

    ``rates`` and ``means`` compare the arms and say what the journey caused; ``by_step`` ascribes
    each order to the last message before it, which says nothing of what would have been without.
    """

    window_days: int
    treated: ArmResult
    holdout: ArmResult
    rates: RateTest | None  # none where an arm has fewer than two people
    means: MeanTest | None
    n_goals: int  # enrollments that ended with the goal
    by_step: Mapping[str, Credit]

    @property
    def credit(self) -> Credit:
        """What is ascribed to all messages of the journey together."""
        found = self.by_step.values()
        return Credit(sum(one.n_orders for one in found), sum(one.revenue_minor for one in found))


def journey_result(journey: Journey, *, window_days: int, at: int) -> JourneyResult:
    """Return what ``journey`` did, as far as it is known at the moment ``at``.

    An order placed at the very moment somebody comes in, or that they come in for, is no success.
    """
    people = _people(journey, window_days, at)
    is_holdout = people["is_holdout"].to_numpy() == 1
    n_orders = people["n_orders"].to_numpy()
    revenue = people["revenue_minor"].to_numpy().astype(np.float64)
    arms = []
    for name, mask in (("treated", ~is_holdout), ("holdout", is_holdout)):
        n, spent = int(mask.sum()), revenue[mask]
        rate = Rate(n, int((n_orders[mask] > 0).sum()))
        arms.append(ArmResult(name, rate, Amounts(n, float(spent.sum()), float(spent @ spent))))
    treated, holdout = arms
    is_compared = min(treated.n, holdout.n) >= 2  # noqa: PLR2004 - one person does not vary
    return JourneyResult(
        window_days=window_days,
        treated=treated,
        holdout=holdout,
        rates=stats.compare_rates(treated.rate, holdout.rate) if is_compared else None,
        means=stats.compare_means(treated.amounts, holdout.amounts) if is_compared else None,
        n_goals=Enrollment.objects.filter(journey=journey, outcome=journeys.GOAL).count(),
        by_step=_credited(journey, window_days, at),
    )


def _people(journey: Journey, window_days: int, at: int) -> pa.Table:
    alive = sorted(machine.ALIVE)
    marks = ", ".join(["%s"] * len(alive))
    sql = f"""
    SELECT CASE WHEN e.is_holdout THEN 1 ELSE 0 END,
           sum(CASE WHEN o.id IS NOT NULL AND o.net_base_minor >= 0 THEN 1 ELSE 0 END),
           CAST(coalesce(sum(o.net_base_minor), 0) AS bigint)
    FROM ({_FIRST}) e
    LEFT JOIN ({history.AS_OF}) o
      ON o.profile_id = e.profile_id AND o.status IN ({marks})
     AND o.ordered_at > e.entered_at AND o.ordered_at < e.entered_at + %s
     AND (e.order_id IS NULL OR o.id <> e.order_id)
    GROUP BY e.profile_id, e.is_holdout
    """
    first = [journey.pk] * _FIRST.count("%s")
    params = [*first, at, _began_at(journey, at), at, *alive, window_days * clock.DAY]
    with connection.cursor() as cursor:
        return arrow.fetch(cursor, sql, params, _PEOPLE)


def _began_at(journey: Journey, at: int) -> int:
    """Return when the first person came in, else ``at``: nothing before it matters."""
    first = Enrollment.objects.filter(journey=journey).aggregate(first=Min("entered_at"))
    return at if first["first"] is None else int(first["first"])


def _credited(journey: Journey, window_days: int, at: int) -> dict[str, Credit]:
    """Return by step the orders whose last message before them was one of that step."""
    alive = sorted(machine.ALIVE)
    marks = ", ".join(["%s"] * len(alive))
    sql = f"""
    SELECT step, sum(CASE WHEN net_base_minor >= 0 THEN 1 ELSE 0 END),
           CAST(sum(net_base_minor) AS bigint)
    FROM (
      SELECT m.step, o.net_base_minor,
             row_number() OVER (PARTITION BY o.id ORDER BY m.settled_at DESC, m.id DESC) AS nth
      FROM outbox_message m
      JOIN ({history.AS_OF}) o
        ON o.profile_id = m.profile_id AND o.status IN ({marks})
       AND o.ordered_at >= m.settled_at AND o.ordered_at < m.settled_at + %s
       AND (m.order_id IS NULL OR o.id <> m.order_id)
      WHERE m.origin = %s AND m.state = %s
    ) behind WHERE nth = 1 GROUP BY step ORDER BY step
    """
    params = [
        at,
        _began_at(journey, at),
        at,
        *alive,
        window_days * clock.DAY,
        journey.origin,
        messages.SENT,
    ]
    with connection.cursor() as cursor:
        table = arrow.fetch(cursor, sql, params, _CREDITED)
    return {row["step"]: Credit(row["n"], row["revenue_minor"]) for row in table.to_pylist()}
