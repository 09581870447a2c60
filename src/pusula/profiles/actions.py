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
TRAIT_CHANGES = "profiles_traitchange"
_TRAIT_COLUMNS = ("kind", "text", "text_fold", "number", "day", "source", "updated_at")
_CHANGE_COLUMNS = (
    "profile_id", "name", "kind", "text", "text_fold", "number", "day", "source", "changed_at",
    "recorded_at",
)  # fmt: skip
_NAME_KEY_SIZE = 250
# Nobody says since when the first value of a trait holds: as far as is known, ever.
_EVER = 0


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


class Renamed(NamedTuple):
    """A profile's names and creation time before and after: for whoever may take it back."""

    profile_id: int
    before: tuple[str, str, int]
    after: tuple[str, str, int]


def record(
    facts: Sequence[Facts], *, source: str, at: int, renamed: list[Renamed] | None = None
) -> Ids:
    """Write names, creation times and traits; return the profiles that changed, ascending.

    Every profile stands at most once in ``facts``. One transaction. In the history the first value
    of a trait holds since ever, any other from ``at`` on. ``renamed`` is given what the names were.
    """
    with transaction.atomic():
        changed = _write_names(facts, renamed)
        changed.update(_write_traits(facts, source, at))
    return np.array(sorted(changed), np.int64)


def _write_names(facts: Sequence[Facts], renamed: list[Renamed] | None) -> set[int]:
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
                if renamed is not None:
                    after = (said[0], said[1], said[2])
                    renamed.append(Renamed(fact.profile_id, (first, last, created_at), after))
    columns = ("first_name", "last_name", "name_key", "created_at")
    rows.update(connection, PROFILES, columns, changes)
    return {change[-1] for change in changes}


def _write_traits(facts: Iterable[Facts], source: str, at: int) -> set[int]:
    new, changed, history = [], [], []
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
                since = _EVER if trait_id is None else at
                history.append((fact.profile_id, name, *value.columns, source, since, at))
                if trait_id is None:
                    new.append((fact.profile_id, name, *value.columns, source, at))
                else:
                    changed.append((*value.columns, source, at, trait_id))
    rows.insert(connection, TRAITS, ("profile_id", "name", *_TRAIT_COLUMNS), new)
    rows.update(connection, TRAITS, _TRAIT_COLUMNS, changed)
    rows.insert(connection, TRAIT_CHANGES, _CHANGE_COLUMNS, history)
    return touched


# What the history says last of the traits with some names, and what they are: the differences.
_NEWEST = """
SELECT * FROM (
  SELECT profile_id, name, kind, text, text_fold, number, day, source,
         row_number() OVER (
           PARTITION BY profile_id, name ORDER BY changed_at DESC, recorded_at DESC, id DESC
         ) AS nth
  FROM profiles_traitchange WHERE name IN ({names})
) told
WHERE nth = 1 AND kind <> ''
"""
_NOTE_VALUES = """
INSERT INTO profiles_traitchange ({columns})
SELECT t.profile_id, t.name, t.kind, t.text, t.text_fold, t.number, t.day, t.source, %s, %s
FROM profiles_trait t LEFT JOIN ({newest}) n ON n.profile_id = t.profile_id AND n.name = t.name
WHERE t.name IN ({names}) AND (
  n.profile_id IS NULL OR t.kind <> n.kind OR t.text <> n.text
  OR coalesce(t.number <> n.number, (t.number IS NULL) <> (n.number IS NULL))
  OR coalesce(t.day <> n.day, (t.day IS NULL) <> (n.day IS NULL))
)
"""
_NOTE_REMOVALS = """
INSERT INTO profiles_traitchange ({columns})
SELECT n.profile_id, n.name, '', '', '', NULL, NULL, n.source, %s, %s
FROM ({newest}) n LEFT JOIN profiles_trait t ON t.profile_id = n.profile_id AND t.name = n.name
WHERE t.id IS NULL
"""


def note_history(names: Sequence[str], *, at: int) -> None:
    """Add to the history what the traits ``names`` of everybody have become, as of ``at``.

    For whoever writes a trait of all profiles by one statement; in the transaction of that.
    """
    marks = ", ".join(["%s"] * len(names))
    newest = _NEWEST.format(names=marks)
    parts = {"columns": ", ".join(_CHANGE_COLUMNS), "newest": newest, "names": marks}
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_VALUES.format(**parts), [at, at, *names, *names])
        cursor.execute(_NOTE_REMOVALS.format(**parts), [at, at, *names])
