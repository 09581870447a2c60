"""What all messages together cause: everybody against the control group of all messages.

The group is drawn once for everybody by the limits of sending. Everybody counts who was known when
a month began, whether they were written to or not: only so are both sides alike.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from django.conf import settings
from django.db import connection

from pusula.lake import arrow
from pusula.lib import clock
from pusula.measurement import stats
from pusula.measurement.experiments.people import Bools, Ints
from pusula.measurement.stats import Amounts, Interval, MeanTest
from pusula.orders import history, machine
from pusula.outbox import models, policies
from pusula.outbox.rules import policy as rules
from pusula.outbox.rules.policy import Policy
from pusula.outbox.rules.weigh import is_held_out

MOST_MONTHS = 12
_FEWEST = 2  # one person does not vary
_KNOWN = pa.schema([("id", pa.int64()), ("recorded_at", pa.int64())])
_SPENT = pa.schema([("profile_id", pa.int64()), ("net", pa.int64())])


@dataclass(frozen=True)
class Period:
    """One month, or all of them: who was there, and what messages caused; minor units."""

    first_on: dt.date
    means: MeanTest  # net revenue per head
    gained: float  # by all who may be written to
    gained_interval: Interval
    forgone: float  # what the control group would have brought, had it been written to
    forgone_interval: Interval


@dataclass(frozen=True)
class Overall:
    """The control group of all messages, and what it shows."""

    name: str
    share: float
    since_at: int
    n_treated: int  # known now
    n_control: int
    currency: str
    months: tuple[Period, ...]  # oldest first; without those in which an arm is empty
    whole: Period | None  # all of these months


def measured(at: int) -> Overall | None:
    """Return what the control group of all messages shows; ``None`` if there is none."""
    version = policies.current()
    holdout = version.policy.holdout
    if holdout is None:
        return None
    since_at = _since(version.policy)
    people = _fetch("SELECT id, recorded_at FROM profiles_profile ORDER BY id", [], _KNOWN)
    ids, known_at = people["id"].to_numpy(), people["recorded_at"].to_numpy()
    held = np.fromiter((is_held_out(version.policy, pk) for pk in ids.tolist()), np.bool_, len(ids))
    edges = _edges(since_at, at)
    spent = [_spent(ids, start, end, at) for start, end in edges]
    periods = [
        _period(start, held[known := known_at <= start], one[known])
        for (start, _end), one in zip(edges, spent, strict=True)
    ]
    whole, first = None, next((i for i, one in enumerate(periods) if one is not None), None)
    if first is not None:  # months before anybody was known say nothing
        known = known_at <= edges[first][0]
        whole = _period(edges[first][0], held[known], np.sum(spent[first:], axis=0)[known])
    return Overall(
        name=holdout.name,
        share=float(holdout.share),
        since_at=since_at,
        n_treated=int((~held).sum()),
        n_control=int(held.sum()),
        currency=settings.PUSULA.currency,
        months=tuple(period for period in periods if period is not None),
        whole=whole,
    )


def as_dict(found: Overall) -> dict[str, Any]:
    """Return it as plain values; amounts stay minor units of ``currency``."""
    return {
        "name": found.name,
        "share": found.share,
        "since_at": found.since_at,
        "currency": found.currency,
        "n_treated": found.n_treated,
        "n_control": found.n_control,
        "months": [_plain(period) for period in found.months],
        "whole": _plain(found.whole) if found.whole else None,
    }


def _plain(period: Period) -> dict[str, Any]:
    return {
        "first_on": period.first_on.isoformat(),
        "n_treated": period.means.treated.n,
        "n_control": period.means.control.n,
        "per_head_treated_minor": period.means.treated.mean,
        "per_head_control_minor": period.means.control.mean,
        "difference_minor": period.means.difference,
        "interval_minor": asdict(period.means.interval),
        "p": period.means.p,
        "gained_minor": period.gained,
        "gained_interval_minor": asdict(period.gained_interval),
        "forgone_minor": period.forgone,
        "forgone_interval_minor": asdict(period.forgone_interval),
    }


def _since(policy: Policy) -> int:
    """Return since when the group has been held out as it is now."""
    since_at = 0
    for row in models.Policy.objects.order_by("-number"):
        if rules.parse(row.definition, f"policy {row.number}").holdout != policy.holdout:
            break
        since_at = row.applied_at
    return since_at


def _edges(since_at: int, at: int) -> list[tuple[int, int]]:
    """Return the months since then, the newest ``MOST_MONTHS``; the ends ones as far as they go."""
    zone = settings.PUSULA.time_zone
    month = clock.day_of(since_at, zone).replace(day=1)
    edges = []
    while (start := clock.start_of(month, zone)) < at:
        month = clock.add_months(month, 1)
        edges.append((max(start, since_at), min(clock.start_of(month, zone), at)))
    return edges[-MOST_MONTHS:]


def _period(start: int, held: Bools, spent: Ints) -> Period | None:
    values = spent.astype(np.float64)
    ours, theirs = Amounts.of(values[~held]), Amounts.of(values[held])
    if min(ours.n, theirs.n) < _FEWEST:
        return None
    means = stats.compare_means(ours, theirs)
    return Period(
        first_on=clock.day_of(start, settings.PUSULA.time_zone).replace(day=1),
        means=means,
        gained=means.difference * ours.n,
        gained_interval=means.interval.scaled(ours.n),
        forgone=means.difference * theirs.n,
        forgone_interval=means.interval.scaled(theirs.n),
    )


def _spent(ids: Ints, start: int, end: int, at: int) -> Ints:
    alive = sorted(machine.ALIVE)
    marks = ", ".join(["%s"] * len(alive))
    sql = f"""
    SELECT profile_id, CAST(sum(net_base_minor) AS bigint) FROM ({history.AS_OF}) o
    WHERE status IN ({marks}) AND net_base_minor IS NOT NULL AND profile_id IS NOT NULL
    GROUP BY profile_id
    """
    table = _fetch(sql, [at, start, end, *alive], _SPENT)
    found = np.zeros(len(ids), np.int64)
    who = table["profile_id"].to_numpy()
    there = np.isin(who, ids)
    found[np.searchsorted(ids, who[there])] = table["net"].to_numpy()[there]
    return found


def _fetch(sql: str, params: list[Any], schema: pa.Schema) -> pa.Table:
    with connection.cursor() as cursor:
        return arrow.fetch(cursor, sql, params, schema)
