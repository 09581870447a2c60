"""The people of an experiment: who was assigned to what when, and what they did before and since.

The withheld have rows like everybody else, written with the decision; what is read here is the
same for both arms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from django.db import connection

from pusula.lake import arrow
from pusula.lib import clock
from pusula.orders import machine

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

BEFORE_DAYS = 365  # what is known of a person before: the net revenue of so many days

_ASSIGNED = pa.schema(
    [("profile_id", pa.int64()), ("is_treated", pa.int64()), ("variant", pa.string()),
     ("at", pa.int64())]
)  # fmt: skip
_DOINGS = pa.schema([("profile_id", pa.int64()), ("after", pa.int64()), ("net", pa.int64())])
_EVENTS = pa.schema([("profile_id", pa.int64()), ("after", pa.int64())])
_BEFORE = pa.schema([("profile_id", pa.int64()), ("net", pa.int64())])
_ALIVE = sorted(machine.ALIVE)
_MARKS = "(" + ", ".join(["%s"] * len(_ALIVE)) + ")"
# Orders of the people, each as its newest change before a moment tells it. By person, not by time:
# the orders of a few people are found at once however many others there are.
_KNOWN_ORDERS = """
SELECT profile_id, {columns} FROM (
  SELECT e.profile_id, o.ordered_at - e.at AS after, c.status, c.net_base_minor,
         row_number() OVER (
           PARTITION BY o.id ORDER BY c.changed_at DESC, c.recorded_at DESC, c.id DESC
         ) AS nth
  FROM ({exposed}) e
  JOIN orders_order o ON o.profile_id = e.profile_id AND {of}
  JOIN orders_orderchange c ON c.order_id = o.id AND c.changed_at < {known}
) changes
WHERE nth = 1 AND net_base_minor IS NOT NULL AND status IN {alive}
"""
_MEMBERS = pa.schema([("profile_id", pa.int64()), ("segment_id", pa.int64())])


@dataclass(frozen=True)
class Exposed:
    """The SQL of who was assigned, each person once, and its parameters.

    Columns: profile_id, is_treated (0 or 1), variant, at, order_id (the order that somebody came
    in for, which is no success; else null). With ``is_brought`` an order may be what brings people
    in, so one of the same moment is no success either.
    """

    sql: str
    params: tuple[Any, ...]
    is_brought: bool = False


@dataclass(frozen=True)
class Doings:
    """What people did after they were assigned: parallel arrays, one entry per thing done."""

    places: Ints  # of the person among the people
    after: Ints  # microseconds since the assignment
    net_minor: Ints  # 0 of an event

    def within(self, microseconds: int) -> Doings:
        """Return what was done sooner than that after the assignment."""
        kept = self.after < microseconds
        return Doings(self.places[kept], self.after[kept], self.net_minor[kept])


@dataclass(frozen=True)
class People:
    """Parallel arrays over everybody assigned, ascending by profile."""

    profile_ids: Ints
    is_treated: Bools
    variants: npt.NDArray[Any]  # "" where there is one way to be treated
    at: Ints
    before_minor: Ints  # net revenue of the time before, as it was known then
    orders: Doings
    conversions: Doings

    def __len__(self) -> int:
        return len(self.profile_ids)


def people(
    exposed: Exposed, *, window: int, at: int, conversion_event: str = "", with_past: bool = False
) -> People:
    """Return who was assigned and what they did within ``window`` microseconds, known at ``at``.

    Without ``with_past`` nothing is read of the time before: it is zeros.
    """
    found = _fetch(
        f"SELECT profile_id, is_treated, variant, at FROM ({exposed.sql}) x ORDER BY profile_id",
        exposed.params,
        _ASSIGNED,
    )
    ids = found["profile_id"].to_numpy()
    orders = _orders(exposed, ids, window, at)
    conversions = (
        _events(exposed, ids, conversion_event, window, at) if conversion_event else _placed(orders)
    )
    return People(
        profile_ids=ids,
        is_treated=found["is_treated"].to_numpy() == 1,
        variants=np.array(found["variant"].to_pylist(), dtype=np.str_),
        at=found["at"].to_numpy(),
        before_minor=_before(exposed, ids) if with_past else np.zeros(len(ids), np.int64),
        orders=orders,
        conversions=conversions,
    )


def memberships(exposed: Exposed, ids: Ints) -> dict[int, Bools]:
    """Return by segment in use who was in it when they were assigned."""
    sql = f"""
    SELECT e.profile_id, m.segment_id
    FROM ({exposed.sql}) e
    JOIN segments_membership m ON m.profile_id = e.profile_id
      AND m.entered_at <= e.at AND (m.left_at IS NULL OR m.left_at > e.at)
    JOIN segments_segment s ON s.id = m.segment_id AND s.archived_at IS NULL
    """
    table = _fetch(sql, exposed.params, _MEMBERS)
    places = np.searchsorted(ids, table["profile_id"].to_numpy())
    segments = table["segment_id"].to_numpy()
    found = {}
    for segment in np.unique(segments):
        found[int(segment)] = mask = np.zeros(len(ids), np.bool_)
        mask[places[segments == segment]] = True
    return found


def _orders(exposed: Exposed, ids: Ints, window: int, at: int) -> Doings:
    """Return the orders of everybody in their window, as they are known at ``at``."""
    sql = _KNOWN_ORDERS.format(
        columns="after, net_base_minor",
        exposed=exposed.sql,
        of="o.ordered_at >= e.at + %s AND o.ordered_at < e.at + %s AND o.ordered_at < %s "
        "AND (e.order_id IS NULL OR o.id <> e.order_id)",
        known="%s",
        alive=_MARKS,
    )
    params = [*exposed.params, int(exposed.is_brought), window, at, at, *_ALIVE]
    return _doings(ids, _fetch(sql, params, _DOINGS))


def _placed(orders: Doings) -> Doings:
    """Return the orders that are one: a return (of negative amount) is no conversion."""
    kept = orders.net_minor >= 0
    return Doings(orders.places[kept], orders.after[kept], orders.net_minor[kept])


def _events(exposed: Exposed, ids: Ints, name: str, window: int, at: int) -> Doings:
    sql = f"""
    SELECT e.profile_id, v.at - e.at
    FROM ({exposed.sql}) e
    JOIN events_event v ON v.profile_id = e.profile_id AND v.name = %s
     AND v.at >= e.at AND v.at < e.at + %s AND v.at < %s
    """
    table = _fetch(sql, [*exposed.params, name, window, at], _EVENTS)
    nothing = pa.array(np.zeros(len(table), np.int64))
    return _doings(ids, table.append_column("net", nothing))


def _doings(ids: Ints, table: pa.Table) -> Doings:
    places = np.searchsorted(ids, table["profile_id"].to_numpy())
    return Doings(places, table["after"].to_numpy(), table["net"].to_numpy())


def _before(exposed: Exposed, ids: Ints) -> Ints:
    """Return what each person was worth before, from what was known when they were assigned."""
    orders = _KNOWN_ORDERS.format(
        columns="net_base_minor",
        exposed=exposed.sql,
        of="o.ordered_at >= e.at - %s AND o.ordered_at < e.at",
        known="e.at",
        alive=_MARKS,
    )
    sql = (
        "SELECT profile_id, CAST(sum(net_base_minor) AS bigint) "
        f"FROM ({orders}) before GROUP BY profile_id"
    )
    table = _fetch(sql, [*exposed.params, BEFORE_DAYS * clock.DAY, *_ALIVE], _BEFORE)
    found = np.zeros(len(ids), np.int64)
    found[np.searchsorted(ids, table["profile_id"].to_numpy())] = table["net"].to_numpy()
    return found


def _fetch(sql: str, params: Any, schema: pa.Schema) -> pa.Table:
    with connection.cursor() as cursor:
        return arrow.fetch(cursor, sql, params, schema)
