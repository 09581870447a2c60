"""Lifecycle stages kept true: of a few people at a time, whenever an order or a day changes them.

The published rhythm of everybody and the days on which a person ordered are all it takes; both the
live step and the pass over everybody ask here, so that they cannot differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from django.conf import settings
from django.db import connection

from pusula.lake import arrow, rows
from pusula.lib import clock
from pusula.orders import machine
from pusula.predict import queries
from pusula.predict.actions import SOURCE
from pusula.predict.history import local_days
from pusula.predict.models import LifeDue, ModelVersion
from pusula.predict.rhythm import gaps, renewal, stages
from pusula.predict.rhythm.coming_back import LIFECYCLE
from pusula.predict.rhythm.renewal import Renewal
from pusula.predict.rhythm.stages import Lives
from pusula.predict.training import EPOCH, day_number
from pusula.profiles import computed
from pusula.profiles import relations as profiles
from pusula.profiles.actions import Value
from pusula.profiles.computed import Computed
from pusula.profiles.models import TraitKind
from pusula.profiles.relations import Ids

_DUE = "predict_lifedue"
_ORDERS = pa.schema([("profile_id", pa.int64()), ("ordered_at", pa.int64())])
_ALIVE = tuple(sorted(machine.ALIVE))
_SQL = f"""
SELECT profile_id, ordered_at FROM orders_order
WHERE {{who}} AND net_base_minor >= 0 AND status IN ({", ".join(["%s"] * len(_ALIVE))})
"""


@dataclass(frozen=True)
class InForce:
    """The rhythm of everybody that is published now."""

    version: int
    rhythm: Renewal


class Stager:
    """Knows the rhythm in force; reads it again only when another one is published."""

    def __init__(self) -> None:
        self._held: InForce | None = None

    def forget(self) -> None:
        """Read it anew next time: what was read may have been undone."""
        self._held = None

    def look(self) -> InForce | None:
        """Return what is in force now; ``None`` where no rhythm is known."""
        version = queries.current(LIFECYCLE)
        if version is None or version.withheld:
            self._held = None
        elif self._held is None or self._held.version != version.pk:
            self._held = _of(version)
        return self._held


def in_force() -> InForce | None:
    """Return what is in force now; ``None`` where no rhythm is known."""
    return Stager().look()


def _of(version: ModelVersion) -> InForce:
    return InForce(version.pk, renewal.from_json(version.parameters["rhythm"]))


def grade(ids: Ids, at: int, by: InForce) -> set[int]:
    """Write the stage of ``ids`` (ascending) as of ``at``; return those whose stage changed.

    In the caller's transaction, beside which nobody else does. Who never ordered has no stage.
    Writes when time alone next changes it.
    """
    if not len(ids):
        return set()
    orders = _orders(ids)
    lives = _lives(orders, at, by.rhythm)
    told = dict(zip(lives.rhythms.customers.tolist(), lives.stages().tolist(), strict=True))
    changed = computed.write(
        [
            Computed(
                profile_id,
                LIFECYCLE,
                Value(TraitKind.TEXT, told[profile_id]) if profile_id in told else None,
                at,
            )
            for profile_id in ids.tolist()
        ],
        source=SOURCE,
    )
    _note_due(ids, _next_moments(lives) + _coming(orders, at))
    return changed


def standing(ids: Ids, at: int, rhythm: Renewal) -> Lives:
    """Return the lives of those of ``ids`` (ascending) who ordered before ``at``, as of its day.

    Orders as they stand now.
    """
    return _lives(_orders(ids), at, rhythm)


def _orders(ids: Ids) -> pa.Table:
    who, bounds = profiles.narrowed(ids)
    with connection.cursor() as cursor:
        table = arrow.fetch(cursor, _SQL.format(who=who), [*bounds, *_ALIVE], _ORDERS)
    if len(ids) > profiles.LISTED:
        table = table.filter(pa.array(np.isin(table["profile_id"].to_numpy(), ids)))
    return table


def _lives(orders: pa.Table, at: int, rhythm: Renewal) -> Lives:
    zone = settings.PUSULA.time_zone
    customers, moments = (orders[name].to_numpy() for name in _ORDERS.names)
    known = moments < at
    seen = gaps.visits(customers[known], local_days(moments[known], zone))
    return stages.lives(rhythm, gaps.rhythms(seen, day_number(clock.day_of(at, zone))))


def _next_moments(lives: Lives) -> list[tuple[int, int]]:
    """Return (profile, moment) of those whose stage time alone changes: at the start of a day."""
    days = lives.next_days()
    comes = days >= 0
    zone = settings.PUSULA.time_zone
    starts = {n: clock.start_of(_day(n), zone) for n in np.unique(days[comes]).tolist()}
    customers = lives.rhythms.customers[comes].tolist()
    return [(who, starts[n]) for who, n in zip(customers, days[comes].tolist(), strict=True)]


def _coming(orders: pa.Table, at: int) -> list[tuple[int, int]]:
    """Return (profile, moment) of orders that are known and not yet there: a moment after them."""
    customers, moments = (orders[name].to_numpy() for name in _ORDERS.names)
    later = moments >= at
    return [
        (who, moment + 1)
        for who, moment in zip(customers[later].tolist(), moments[later].tolist(), strict=True)
    ]


def _note_due(ids: Ids, moments: list[tuple[int, int]]) -> None:
    """Write when each of ``ids`` is to be looked at again: the earliest; others never are."""
    earliest: dict[int, int] = {}
    for profile_id, due_at in moments:
        earliest[profile_id] = min(due_at, earliest.get(profile_id, due_at))
    for part in rows.parts(sorted(set(ids.tolist()) - earliest.keys())):
        LifeDue.objects.filter(profile_id__in=part).delete()
    columns = (list(earliest), list(earliest.values()))
    rows.upsert(connection, _DUE, ("profile_id", "due_at"), columns)


def _day(number: int) -> date:
    return date.fromordinal(EPOCH.toordinal() + number)


def drop(profile_ids: Sequence[int]) -> None:
    """Let nobody of these be due any more: there is no rhythm in force to tell a stage by."""
    for part in rows.parts(profile_ids):
        LifeDue.objects.filter(profile_id__in=part).delete()


def put_off(ids: Ids, until: Ids) -> None:
    """Make ``ids`` due ``until`` each, whoever looks at them then."""
    rows.upsert(connection, _DUE, ("profile_id", "due_at"), (ids.tolist(), until.tolist()))


def due(at: int, limit: int) -> list[tuple[int, int]]:
    """Return (profile, moment) of those to be looked at by ``at``, the longest due first."""
    found = LifeDue.objects.filter(due_at__lte=at).order_by("due_at", "profile_id")
    return list(found.values_list("profile_id", "due_at")[:limit])


def due_among(profile_ids: Ids, at: int) -> list[tuple[int, int]]:
    """Return (profile, moment) of those of ``profile_ids`` that are due by ``at``."""
    found: list[tuple[int, int]] = []
    for part in rows.parts(profile_ids.tolist()):
        late = LifeDue.objects.filter(profile_id__in=part, due_at__lte=at)
        found += late.values_list("profile_id", "due_at")
    return found


def next_due_at() -> int | None:
    """Return when the next stage changes though nothing happens."""
    return LifeDue.objects.order_by("due_at").values_list("due_at", flat=True).first()
