"""Traits that Pusula works out itself, written where they changed, each as of its own moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import chain
from typing import NamedTuple

from django.db import connection

from pusula.lake import rows
from pusula.profiles.actions import TRAIT_CHANGES, TRAITS, Value

_HELD = """
select id, profile_id, name, kind, text, text_fold, number, day from profiles_trait
where profile_id in ({marks}) and name in (%s"""
_INSERTED = (
    "profile_id", "name", "kind", "text", "text_fold", "number", "day", "source", "updated_at",
)  # fmt: skip
_UPDATED = _INSERTED[2:]
_CHANGED = (*_INSERTED[:-1], "changed_at", "recorded_at")
_REMOVED = ("", "", "", None, None)


class Computed(NamedTuple):
    """What a trait of a profile has become at a moment; without a value it has none."""

    profile_id: int
    name: str
    value: Value | None
    at: int


def write(computed: Sequence[Computed], *, source: str) -> set[int]:
    """Write those of ``computed`` that differ from what is known; return whose they are.

    In the caller's transaction. Each profile and name stands once. A first value holds from its
    moment on: nobody knows what would have been computed before.
    """
    held = _held(computed)
    new, changed, removed, history = [], [], [], []
    for one in computed:
        trait_id, stored = held.get((one.profile_id, one.name), (None, None))
        columns = one.value.columns if one.value is not None else None
        if stored == columns:
            continue
        history.append((one.profile_id, one.name, *(columns or _REMOVED), source, one.at, one.at))
        if columns is None:
            removed.append(trait_id)
        elif trait_id is None:
            new.append((one.profile_id, one.name, *columns, source, one.at))
        else:
            changed.append((*columns, source, one.at, trait_id))
    rows.insert(connection, TRAITS, _INSERTED, new)
    rows.update(connection, TRAITS, _UPDATED, changed)
    _delete(removed)
    rows.insert(connection, TRAIT_CHANGES, _CHANGED, history)
    return {row[0] for row in history}


Columns = tuple[str, str, str, float | None, date | None]


def _held(computed: Iterable[Computed]) -> dict[tuple[int, str], tuple[int, Columns]]:
    """Return the traits that may change, by profile and name."""
    asked = sorted({one.profile_id for one in computed})
    names = sorted({one.name for one in computed})
    if not names:
        return {}
    sql = _HELD + ", %s" * (len(names) - 1) + ")"
    found = chain.from_iterable(
        rows.found(connection, sql, part, *names) for part in rows.parts(asked)
    )
    return {
        (profile_id, name): (trait_id, (*text, number, _as_day(day)))
        for trait_id, profile_id, name, *text, number, day in found
    }


def _as_day(day: date | str | None) -> date | None:
    """Return a day as SQLite's driver gives it, too."""
    return date.fromisoformat(day) if isinstance(day, str) else day


def _delete(trait_ids: Iterable[int | None]) -> None:
    for part in rows.parts(trait_ids):
        marks = ", ".join(["%s"] * len(part))
        with connection.cursor() as cursor:
            cursor.execute(f"delete from {TRAITS} where id in ({marks})", part)
