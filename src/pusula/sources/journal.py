"""What an import did, kept as long as it may be undone: a few compressed pages in its transaction.

The rows that an import wrote are known by its recorded time and source; the pages say whom to ask
about them, and how the changed things were before. A million new people take a few kilobytes, a
million changed orders some 60 MB.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from pusula.lake import rows
from pusula.orders.actions import Before
from pusula.orders.versions import Item
from pusula.profiles.actions import Renamed
from pusula.profiles.models import IdentifierKind
from pusula.profiles.resolve import Join
from pusula.sources.models import ImportPage

Ids = npt.NDArray[np.int64]
_PAGE = 5_000
_DAYS = ("starts_on", "ends_on")


class Holds(StrEnum):
    """What a page holds."""

    TOUCHED = "touched"  # profiles
    CREATED = "created"  # profiles
    MADE = "made"  # orders
    ORDERS = "orders"  # as they were
    NAMES = "names"  # of profiles, before and after
    GRANTS = "grants"  # withdrawn by an undo: kept as evidence
    JOINS = "joins"  # profiles found to be one person, until the log is told


def keep_ids(import_id: int, holds: Holds, ids: Ids) -> None:
    """Keep numbers, in ascending order."""
    if len(ids):
        steps = np.diff(np.sort(ids), prepend=0).astype("<i8")
        _put(import_id, holds, zlib.compress(steps.tobytes(), 1))


def ids(import_id: int, holds: Holds) -> Ids:
    """Return the numbers that were kept, ascending."""
    found = [np.empty(0, np.int64)]
    for page in ImportPage.objects.filter(brought_id=import_id, holds=holds).order_by("id"):
        steps = np.frombuffer(zlib.decompress(bytes(page.body)), "<i8")
        found.append(np.cumsum(steps).astype(np.int64))
    return np.concatenate(found)


def keep_orders(import_id: int, before: Sequence[Before]) -> None:
    """Keep how orders were."""
    for part in rows.parts(before, _PAGE):
        told = [[one.order_id, one.status_at, _plain(one.values), one.items] for one in part]
        _put(import_id, Holds.ORDERS, _packed(told))


def orders(import_id: int) -> Iterator[Before]:
    """Yield how orders were."""
    for told in _rows(import_id, Holds.ORDERS):
        order_id, status_at, values, items = told
        for name in _DAYS:
            values[name] = date.fromisoformat(values[name]) if values[name] else None
        lines = None if items is None else tuple(Item(*item) for item in items)
        yield Before(order_id, status_at, values, lines)


def keep_names(import_id: int, renamed: Sequence[Renamed]) -> None:
    """Keep how people were called."""
    for part in rows.parts(renamed, _PAGE):
        _put(import_id, Holds.NAMES, _packed([list(one) for one in part]))


def names(import_id: int) -> Iterator[Renamed]:
    """Yield how people were called."""
    for profile_id, before, after in _rows(import_id, Holds.NAMES):
        yield Renamed(profile_id, tuple(before), tuple(after))


def keep_grants(import_id: int, grants: Sequence[dict[str, Any]]) -> None:
    """Keep grants that were withdrawn, as they stood in the ledger."""
    for part in rows.parts(grants, _PAGE):
        _put(import_id, Holds.GRANTS, _packed(part))


def keep_joins(import_id: int, joins: Sequence[Join]) -> None:
    """Keep who was found to be one person."""
    for part in rows.parts(joins, _PAGE):
        _put(import_id, Holds.JOINS, _packed([list(one) for one in part]))


def joins(import_id: int) -> Iterator[Join]:
    """Yield who was found to be one person."""
    for winner, loser, kind in _rows(import_id, Holds.JOINS):
        yield Join(winner, loser, IdentifierKind(kind))


def untold() -> list[int]:
    """Return the imports of which the log has not heard who is one person."""
    pages = ImportPage.objects.filter(holds=Holds.JOINS)
    return sorted(set(pages.values_list("brought_id", flat=True)))


def told(import_id: int) -> None:
    """Note that the log heard who is one person."""
    ImportPage.objects.filter(brought_id=import_id, holds=Holds.JOINS).delete()


def drop(import_ids: Collection[int]) -> None:
    """Forget what it takes to undo these imports; withdrawn grants stay as evidence."""
    kept = ImportPage.objects.filter(brought_id__in=import_ids).exclude(holds=Holds.GRANTS)
    kept.delete()


def erase(profile_ids: Collection[int]) -> None:
    """Take what the pages say of these people out of them, in the caller's transaction."""
    gone = set(profile_ids)
    for page in ImportPage.objects.exclude(holds=Holds.MADE).order_by("id").iterator():
        if page.holds in {Holds.TOUCHED, Holds.CREATED}:
            numbers = np.cumsum(np.frombuffer(zlib.decompress(bytes(page.body)), "<i8"))
            left = numbers[~np.isin(numbers, list(gone))]
            body = zlib.compress(np.diff(left, prepend=0).astype("<i8").tobytes(), 1)
            is_changed = len(left) < len(numbers)
        else:
            held = _unpacked(page)
            kept = [one for one in held if gone.isdisjoint(_owners(page.holds, one))]
            body, is_changed = _packed(kept), len(kept) < len(held)
        if is_changed:
            ImportPage.objects.filter(pk=page.pk).update(body=body)


def _owners(holds: str, held: Any) -> tuple[int, ...]:
    """Return the profiles that an entry of a page speaks of."""
    match holds:
        case Holds.ORDERS:
            return (held[2]["profile_id"],)
        case Holds.NAMES:
            return (held[0],)
        case Holds.JOINS:
            return (held[0], held[1])
    return (held["profile_id"],)


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in values.items()}


def _packed(told: Iterable[Any]) -> bytes:
    text = json.dumps(list(told), ensure_ascii=False, separators=(",", ":"))
    return zlib.compress(text.encode(), 1)


def _unpacked(page: ImportPage) -> list[Any]:
    found: list[Any] = json.loads(zlib.decompress(bytes(page.body)))
    return found


def _rows(import_id: int, holds: Holds) -> Iterator[Any]:
    for page in ImportPage.objects.filter(brought_id=import_id, holds=holds).order_by("id"):
        yield from _unpacked(page)


def _put(import_id: int, holds: Holds, body: bytes) -> None:
    ImportPage.objects.create(brought_id=import_id, holds=holds, body=body)
