"""Orders brought back to what they were before a source wrote them at one recorded time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction

from pusula.lake import rows
from pusula.orders.actions import ITEMS, ORDERS, Before
from pusula.orders.models import Order, OrderChange, OrderItem
from pusula.orders.versions import COLUMNS, Item
from pusula.profiles.models import Profile

_PART = 500


@dataclass
class TakenBack:
    """What was done: orders removed and restored, those left because they changed since."""

    n_removed: int = 0
    n_restored: int = 0
    left: list[int] = field(default_factory=list)  # ids
    touched: set[int] = field(default_factory=set)  # profiles


def take_back(
    made: npt.NDArray[np.int64], before: Iterable[Before], *, recorded_at: int
) -> TakenBack:
    """Remove the orders ``made`` at ``recorded_at``, and bring changed ones to what they were.

    An order that somebody else changed since stays as it is, and so does one that is gone. An
    order that was given to another person meanwhile stays theirs unless the change itself gave it.
    One transaction.
    """
    found = TakenBack()
    with transaction.atomic():
        for part in rows.parts(made.tolist(), _PART):
            _remove(part, recorded_at, found)
        for part in rows.parts(before, _PART):
            _restore(part, recorded_at, found)
    return found


def _remove(order_ids: Sequence[int], recorded_at: int, found: TakenBack) -> None:
    kept = _changed_since(order_ids, recorded_at)
    gone = dict(Order.objects.filter(pk__in=set(order_ids) - kept).values_list("pk", "profile_id"))
    found.touched.update(gone.values())
    found.left += sorted(kept)
    found.n_removed += len(gone)
    Order.objects.filter(pk__in=gone).delete()


def _restore(before: Sequence[Before], recorded_at: int, found: TakenBack) -> None:
    ids = [one.order_id for one in before]
    kept = _changed_since(ids, recorded_at)
    held = dict(Order.objects.filter(pk__in=set(ids) - kept).values_list("pk", "profile_id"))
    ours = OrderChange.objects.filter(order_id__in=held, recorded_at=recorded_at)
    # Whom the change gave each order to: merged since, they may be called otherwise by now.
    given = dict(ours.order_by("changed_at").values_list("order_id", "profile_id"))
    known = [one for one in before if one.order_id in held]
    owners = {one.values["profile_id"] for one in known}
    there = set(Profile.objects.filter(pk__in=owners).values_list("pk", flat=True))
    found.left += sorted(kept)
    found.n_restored += len(known)
    found.touched.update(held.values())
    values = []
    for one in known:
        told = dict(one.values)
        was = told["profile_id"]
        if was == given.get(one.order_id) or was not in there:
            told["profile_id"] = held[one.order_id]
        found.touched.add(told["profile_id"])
        values.append((one.status_at, *(told[column] for column in COLUMNS), one.order_id))
    ours.delete()
    rows.update(connection, ORDERS, ("status_at", *COLUMNS), values)
    _restore_items([one for one in known if one.items is not None])


def _restore_items(before: Sequence[Before]) -> None:
    OrderItem.objects.filter(order_id__in=[one.order_id for one in before]).delete()
    rows.insert(
        connection,
        ITEMS,
        ("order_id", *Item._fields),
        ((one.order_id, *item) for one in before for item in one.items or ()),
    )


def _changed_since(order_ids: Iterable[int], recorded_at: int) -> set[int]:
    """Return the orders that have a change recorded later."""
    later = OrderChange.objects.filter(order_id__in=list(order_ids), recorded_at__gt=recorded_at)
    return set(later.values_list("order_id", flat=True))
