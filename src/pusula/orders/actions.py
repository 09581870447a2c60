"""Writes to orders: what a source says of an order becomes its present state and its history."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction
from django.db.models import Max

from pusula.lake import rows
from pusula.orders import machine, stays
from pusula.orders.models import Order, OrderChange, OrderItem, Stay, StayGuest
from pusula.orders.stays import Guest, Segment
from pusula.orders.versions import (
    COLUMNS,
    HISTORY,
    OWNER,
    Item,
    Version,
    effective,
    is_undated,
    status_at,
)

ORDERS = "orders_order"
ITEMS = "orders_orderitem"
CHANGES = "orders_orderchange"
_FIXED = ("status_at", "version_at", "recorded_at", "is_claimed")
# Who speaks of these describes an order, and does not only change it.
_FULL = frozenset({"profile_id", "net_minor"})


class Before(NamedTuple):
    """What a known order was before it changed: for whoever may have to take it back."""

    order_id: int
    status_at: int
    values: dict[str, Any]  # by ``COLUMNS``
    items: tuple[Item, ...] | None  # ``None``: they did not change


@dataclass(frozen=True)
class Recorded:
    """What became of versions: how many made, changed or left an order, and who is touched."""

    n_new: int
    n_changed: int
    n_same: int
    ambiguous: list[int]  # positions of versions of unknown orders without a profile; not written
    touched: npt.NDArray[np.int64]
    made: npt.NDArray[np.int64]  # ids of the new orders
    before: list[Before]  # of the orders that changed


def record(
    versions: Sequence[Version],
    *,
    source: str,
    at: int,
    tz: str,
    said: Iterable[str] = COLUMNS,
) -> Recorded:
    """Bring the orders of ``source`` to what ``versions`` say; one transaction.

    ``said`` names the columns that the source speaks of: the others of a known order stay as they
    are. Several versions of one order take effect by ``status_at`` (without one, the last); one
    that is older than what is stored changes nothing: by ``version_at`` where the source gives it,
    else by ``status_at``. Every effect adds an ``OrderChange``; each
    is later than the one before it, so the newest always equals the order. ``at`` is the recorded
    time, ``tz`` the zone in which days begin.

    An order that was only claimed is replaced by the first version that describes all of it and is
    no claim: its values, owner and history go; what became of it as others told since then stays.
    """
    said = frozenset(said)
    if "profile_id" in said:
        said |= set(OWNER)
    with transaction.atomic():
        states = _states(versions, source)
        results: dict[int, str] = {}
        for position, version in effective(versions, at, tz):
            results[position] = states[version.source_id].take(version, said=said, at=at, tz=tz)
        _write(states, source=source, at=at, said=said)
    made = Counter(results.values())
    ambiguous = [i for i, one in enumerate(versions) if not states[one.source_id].values]
    touched = {p for state in states.values() for p in state.touched}
    return Recorded(
        n_new=made["new"],
        n_changed=made["changed"],
        n_same=len(versions) - made["new"] - made["changed"] - len(ambiguous),
        ambiguous=ambiguous,
        touched=np.array(sorted(touched), np.int64),
        made=np.array([s.id for s in states.values() if s.is_made], np.int64),
        before=[state.before for state in states.values() if state.before is not None],
    )


@dataclass(slots=True)
class _State:
    """An order while versions are applied to it; ``id`` 0 and no values: not known yet."""

    source_id: str
    id: int = 0
    status_at: int = 0
    version_at: int | None = None
    values: dict[str, Any] = field(default_factory=dict)
    items: tuple[Item, ...] = ()
    last_change_at: int = 0
    is_dirty: bool = False
    is_made: bool = False
    is_claimed: bool = False
    is_replaced: bool = False
    before: Before | None = None
    has_new_items: bool = False
    stays: tuple[Segment, ...] | None = None  # to be written
    guests: tuple[Guest, ...] | None = None  # to be written
    changes: list[tuple[Any, ...]] = field(default_factory=list)
    touched: set[int] = field(default_factory=set)

    def take(self, version: Version, *, said: frozenset[str], at: int, tz: str) -> str:
        """Apply ``version`` and say what it did: new, changed, same or ambiguous."""
        if version.is_claimed and self.values:
            return "same"
        if self.is_claimed and said >= _FULL and version.profile_id is not None:
            self._replace(version, at, tz)
            return "new"
        if self.values:
            return self._change(version, said, at, tz)
        if version.profile_id is None:
            return "ambiguous"
        self._begin(version, at, tz)
        return "new"

    def _replace(self, version: Version, at: int, tz: str) -> None:
        """Begin anew with ``version``; a later state stays, as a claim has only its first one."""
        self.touched.add(self.values["profile_id"])
        before, since = self.values, self.status_at
        was_changed = self.last_change_at > before["ordered_at"]
        self.items, self.changes, self.is_dirty = (), [], False
        self.is_replaced = True
        self._begin(version, at, tz)
        if was_changed and since > self.status_at:
            self.values |= {name: before[name] for name in ("status", "cancel_reason")}
            self.status_at = since
            self._mark_cancelled(since)
            self._log(max(since, self.last_change_at + 1), self.values["status"])

    def _begin(self, version: Version, at: int, tz: str) -> None:
        self.values = {column: getattr(version, column) for column in COLUMNS}
        self.status_at = status_at(version, at, tz)
        self.version_at, self.is_claimed = version.version_at, version.is_claimed
        self.stays, self.guests = version.stays, version.guests
        self._mark_cancelled(self.status_at)
        if version.status in machine.OUTCOMES and self.status_at > version.ordered_at:
            self._log(version.ordered_at, machine.CONFIRMED)
            self._log(self.status_at, version.status)
        else:
            self._log(version.ordered_at, version.status)
        self._set_items(version)
        self.is_made = True
        self.touched.add(self.values["profile_id"])

    def _change(self, version: Version, said: frozenset[str], at: int, tz: str) -> str:
        since = None if version.status_at is None else status_at(version, at, tz)
        if self._is_past(version.version_at, since):
            return "same"
        if version.version_at is not None and version.version_at != self.version_at:
            self.version_at, self.is_dirty = version.version_at, True
        if version.stays is not None or version.guests is not None:
            self.stays, self.guests = version.stays, version.guests
        news = self._news(version, said)
        has_items = version.items is not None and version.items != self.items
        is_newer = since is not None and since > self.status_at
        if not (news or has_items or is_newer):
            return "same"
        new_status = "status" in news
        changed_at = at if version.version_at is None else min(version.version_at, at)
        if is_newer or (new_status and not is_undated(version)):
            changed_at = status_at(version, at, tz)
        changed_at = max(changed_at, self.last_change_at + 1)
        self._keep_before(has_items=has_items)
        self.touched.add(self.values["profile_id"])
        self.values.update(news)
        self.touched.add(self.values["profile_id"])
        if since is not None:
            self.status_at = since
        elif new_status:
            self.status_at = changed_at
        self._mark_cancelled(changed_at)
        self._log(changed_at, self.values["status"])
        self.is_dirty = True
        if has_items:
            self._set_items(version)
        return "changed"

    def fixed(self, at: int) -> tuple[int, int | None, int, bool]:
        """Return what ``_FIXED`` names, as recorded at ``at``."""
        return self.status_at, self.version_at, at, self.is_claimed

    def _keep_before(self, *, has_items: bool) -> None:
        """Remember a known order as it was: the first time, and its items when these change."""
        if self.is_made:
            return
        if self.before is None:
            self.before = Before(self.id, self.status_at, dict(self.values), None)
        if has_items and self.before.items is None:
            self.before = self.before._replace(items=self.items)

    def _is_past(self, version_at: int | None, since: int | None) -> bool:
        """Say whether a version is older than what is known."""
        if version_at is None or self.version_at is None:
            return since is not None and since < self.status_at
        return version_at < self.version_at

    def _news(self, version: Version, said: frozenset[str]) -> dict[str, Any]:
        news = {
            column: told
            for column in COLUMNS
            if column in said and (told := getattr(version, column)) != self.values[column]
        }
        if version.profile_id is None:
            for column in OWNER:
                news.pop(column, None)
        if version.cancelled_at is None or version.status != machine.CANCELLED:
            news.pop("cancelled_at", None)  # then it follows from the status
        return news

    def _mark_cancelled(self, moment: int) -> None:
        if self.values["status"] != machine.CANCELLED:
            self.values["cancelled_at"] = None
        elif self.values["cancelled_at"] is None:
            self.values["cancelled_at"] = moment

    def _log(self, moment: int, status: str) -> None:
        self.last_change_at = moment
        seen = self.values | {"status": status}
        if status != machine.CANCELLED:
            seen["cancelled_at"] = None
        self.changes.append((moment, *(seen[column] for column in HISTORY)))

    def _set_items(self, version: Version) -> None:
        if version.items:
            self.items = version.items
            self.has_new_items = True


def _states(versions: Sequence[Version], source: str) -> dict[str, _State]:
    states = {version.source_id: _State(version.source_id) for version in versions}
    has_items = any(version.items is not None for version in versions)
    for part in rows.parts(states):
        known: dict[int, _State] = {}
        held = Order.objects.filter(source=source, source_id__in=part)
        for order_id, source_id, since, version_at, is_claimed, *values in held.values_list(
            "id", "source_id", "status_at", "version_at", "is_claimed", *COLUMNS
        ):
            state = known[order_id] = states[source_id]
            state.id, state.status_at, state.version_at = order_id, since, version_at
            state.is_claimed = is_claimed
            state.values = dict(zip(COLUMNS, values, strict=True))
        _load_history(known, has_items=has_items)
    return states


def _load_history(known: dict[int, _State], *, has_items: bool) -> None:
    changes = OrderChange.objects.filter(order_id__in=list(known)).order_by()
    for order_id, last in changes.values_list("order_id").annotate(Max("changed_at")):
        known[order_id].last_change_at = last
    if not has_items:
        return
    lines: dict[int, list[Item]] = defaultdict(list)
    held = OrderItem.objects.filter(order_id__in=list(known)).order_by("order_id", "line_no")
    for order_id, *line in held.values_list("order_id", *Item._fields).iterator():
        lines[order_id].append(Item(*line))
    for order_id, items in lines.items():
        known[order_id].items = tuple(items)


def _write(states: dict[str, _State], *, source: str, at: int, said: frozenset[str]) -> None:
    new = [state for state in states.values() if state.values and not state.id]
    for state, order_id in zip(
        new, rows.reserve(connection, ORDERS, len(new)).tolist(), strict=True
    ):
        state.id = order_id
    rows.insert(
        connection,
        ORDERS,
        ("id", "source", "source_id", *_FIXED, *COLUMNS),
        ((s.id, source, s.source_id, *s.fixed(at), *s.values.values()) for s in new),
    )
    _write_replaced([state for state in states.values() if state.is_replaced and state.id], at)
    dirty = [state for state in states.values() if state.is_dirty]
    columns = ("status_at", "version_at", *(c for c in COLUMNS if c in said or c == "cancelled_at"))
    rows.update(
        connection,
        ORDERS,
        columns,
        [(s.status_at, s.version_at, *(s.values[c] for c in columns[2:]), s.id) for s in dirty],
    )
    rows.insert(
        connection,
        CHANGES,
        ("order_id", "changed_at", "recorded_at", *HISTORY),
        (
            (state.id, changed_at, at, *seen)
            for state in states.values()
            for changed_at, *seen in state.changes
        ),
    )
    _write_items([state for state in states.values() if state.has_new_items])
    stays.write((s.id, s.stays, s.guests) for s in states.values() if s.id)


def _write_replaced(states: Sequence[_State], at: int) -> None:
    """Write orders that take the place of claimed ones; nothing stays of these."""
    for part in rows.parts(states):
        gone = [state.id for state in part]
        for model in (OrderChange, OrderItem, Stay, StayGuest):
            model.objects.filter(order_id__in=gone).delete()
        values = [(*s.fixed(at), *s.values.values(), s.id) for s in part]
        rows.update(connection, ORDERS, (*_FIXED, *COLUMNS), values)


def _write_items(states: Sequence[_State]) -> None:
    for part in rows.parts(states):
        replaced = [state.id for state in part if state.is_dirty]
        OrderItem.objects.filter(order_id__in=replaced).delete()
        rows.insert(
            connection,
            ITEMS,
            ("order_id", *Item._fields),
            ((state.id, *item) for state in part for item in state.items),
        )
