"""The orders of some profiles as they were: each version, and from when on it was so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from pusula.journeys.backtest.setting import Setting
from pusula.lib import clock
from pusula.orders import relations as orders
from pusula.profiles import relations as profiles
from pusula.profiles.relations import Ids
from pusula.segments.kernel import Block, Plan

_NEVER = np.iinfo(np.int64).max
_SCHEMA = pa.schema(
    [
        ("profile_id", pa.int64()),
        ("order_id", pa.int64()),
        ("id", pa.int64()),
        ("status", pa.string()),
        ("changed_at", pa.int64()),
        ("recorded_at", pa.int64()),
        ("ordered_at", pa.int64()),
        ("starts_on", pa.date32()),
        ("ends_on", pa.date32()),
    ]
)


class _Row(NamedTuple):
    """What is read of a change of an order."""

    profile_id: int
    order_id: int
    id: int
    status: str
    changed_at: int
    recorded_at: int
    ordered_at: int
    starts_on: date | None
    ends_on: date | None


class Version(NamedTuple):
    """What an order was like from ``at`` to before ``end_at``; ``id`` is of the change."""

    id: int
    profile_id: int
    order_id: int
    at: int
    end_at: int
    status: str
    changed_at: int
    ordered_at: int
    starts_on: date | None
    ends_on: date | None

    def day(self, column: str, tz: str) -> date | None:
        """Return one of the days that journeys go by."""
        if column == "ordered_at":
            return clock.day_of(self.ordered_at, tz)
        return self.starts_on if column == "starts_on" else self.ends_on


Orders = Mapping[int, Sequence[Version]]  # the versions of each order, in the order of time


def read(ids: Ids, setting: Setting) -> dict[int, list[Version]]:
    """Return all versions of the orders of the profiles ``ids`` (ascending), by order.

    The first holds from the moment of the order, whenever its status was reached.
    """
    table = profiles.fetch(
        "orders_orderchange", _SCHEMA.names, _SCHEMA, ids,
        condition="recorded_at <= %s", params=[setting.known_at],
    )  # fmt: skip
    rows: dict[int, list[_Row]] = defaultdict(list)
    for values in zip(*(table[name].to_pylist() for name in _SCHEMA.names), strict=True):
        row = _Row(*values)
        rows[row.order_id].append(row)
    return {order_id: _versions(found) for order_id, found in sorted(rows.items())}


def stand(plan: Plan, versions: Sequence[Version], moments: Sequence[int]) -> dict[str, set[int]]:
    """Return by place which versions (by id), each asked just behind its moment, a trigger means.

    As of the live step, which asks of orders: no other order of the profile matters.
    """
    if not plan.definitions or not versions:
        return {place: set() for place in plan.definitions}
    asked = dict(zip((one.id for one in versions), moments, strict=True))
    numbers = np.array(sorted(asked), np.int64)
    at = np.array([asked[number] + 1 for number in numbers.tolist()], np.int64)
    found: dict[str, set[int]] = {place: set() for place in plan.definitions}
    for start in range(0, len(numbers), profiles.LISTED):
        part = slice(start, start + profiles.LISTED)
        table = orders.each_version(numbers[part], plan.requirements.orders or ())
        members = plan.evaluate(Block(numbers[part], orders=table), at[part]).members
        for place, standing in found.items():
            standing.update(numbers[part][members[place]].tolist())
    return found


def _versions(rows: list[_Row]) -> list[Version]:
    rows.sort(key=lambda row: (row.changed_at, row.recorded_at, row.id))
    begins = [rows[0].ordered_at, *(row.changed_at for row in rows[1:])]
    ends = [end for _begin, end in pairwise([*begins, _NEVER])]
    return [
        Version(
            row.id, row.profile_id, row.order_id, begin, end, row.status,
            max(row.changed_at, begin), row.ordered_at, row.starts_on, row.ends_on,
        )
        for row, begin, end in zip(rows, begins, ends, strict=True)
    ]  # fmt: skip
