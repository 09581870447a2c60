"""Writes to profiles: names and traits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

import numpy as np
from django.db import connection, transaction

from pusula.lake import rows
from pusula.lib.text import fold, name_key
from pusula.profiles.models import Profile, Trait, TraitKind
from pusula.profiles.relations import Ids

PROFILES = "profiles_profile"
TRAITS = "profiles_trait"
_TRAIT_COLUMNS = ("kind", "text", "text_fold", "number", "day", "source", "updated_at")
_NAME_KEY_SIZE = 250


class Value(NamedTuple):
    """The value of a trait and which column holds it; a BOOL is the number 0 or 1."""

    kind: TraitKind
    value: str | float | date

    @property
    def columns(self) -> tuple[str, str, str, float | None, date | None]:
        """The columns kind, text, text_fold, number, day."""
        if isinstance(self.value, str):
            return (self.kind.value, self.value, fold(self.value), None, None)
        if isinstance(self.value, date):
            return (self.kind.value, "", "", None, self.value)
        return (self.kind.value, "", "", float(self.value), None)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a source says of a profile; what is empty or missing leaves the known untouched."""

    profile_id: int
    first_name: str = ""
    last_name: str = ""
    created_at: int | None = None
    traits: Mapping[str, Value] = field(default_factory=dict)


def record(facts: Sequence[Facts], *, source: str, at: int) -> Ids:
    """Write names, creation times and traits; return the profiles that changed, ascending.

    Every profile stands at most once in ``facts``. One transaction.
    """
    with transaction.atomic():
        changed = _write_names(facts)
        changed.update(_write_traits(facts, source, at))
    return np.array(sorted(changed), np.int64)


def _write_names(facts: Sequence[Facts]) -> set[int]:
    changes = []
    for part in rows.parts(facts):
        known = {
            profile_id: stored
            for profile_id, *stored in Profile.objects.filter(
                id__in=[fact.profile_id for fact in part]
            ).values_list("id", "first_name", "last_name", "created_at")
        }
        for fact in part:
            first, last, created_at = known[fact.profile_id]
            said = [
                fact.first_name or first,
                fact.last_name or last,
                created_at if fact.created_at is None else fact.created_at,
            ]
            if said != [first, last, created_at]:
                key = name_key(f"{said[0]} {said[1]}")[:_NAME_KEY_SIZE]
                changes.append((said[0], said[1], key, said[2], fact.profile_id))
    columns = ("first_name", "last_name", "name_key", "created_at")
    rows.update(connection, PROFILES, columns, changes)
    return {change[-1] for change in changes}


def _write_traits(facts: Iterable[Facts], source: str, at: int) -> set[int]:
    new, changed = [], []
    touched: set[int] = set()
    for part in rows.parts((fact for fact in facts if fact.traits), 1_000):
        known = {
            (profile_id, name): (trait_id, tuple(stored))
            for trait_id, profile_id, name, *stored in Trait.objects.filter(
                profile_id__in=[fact.profile_id for fact in part]
            ).values_list("id", "profile_id", "name", "kind", "text", "text_fold", "number", "day")
        }
        for fact in part:
            for name, value in fact.traits.items():
                trait_id, stored = known.get((fact.profile_id, name), (None, None))
                if stored == value.columns:
                    continue
                touched.add(fact.profile_id)
                if trait_id is None:
                    new.append((fact.profile_id, name, *value.columns, source, at))
                else:
                    changed.append((*value.columns, source, at, trait_id))
    rows.insert(connection, TRAITS, ("profile_id", "name", *_TRAIT_COLUMNS), new)
    rows.update(connection, TRAITS, _TRAIT_COLUMNS, changed)
    return touched
