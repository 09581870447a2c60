"""Writes to profiles: names and traits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple

import numpy as np
from django.db import connection, transaction

from pusula.lake import rows, statistics
from pusula.lib.text import fold
from pusula.profiles import cards, merging
from pusula.profiles.models import (
    Identifier,
    IdentifierKind,
    Shelved,
    Trait,
    TraitChange,
    TraitKind,
)
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
_THERE = "select id from profiles_profile where id in ({marks})"
_NAMES = "select id, first_name, last_name, created_at from profiles_profile where id in ({marks})"
_HELD_TRAITS = """
select id, profile_id, name, kind, text, text_fold, number, day from profiles_trait
where profile_id in ({marks})
"""
_TOLD_LOOSELY = """
select distinct profile_id, name from profiles_traitchange
where profile_id in ({marks}) and changed_at = %s
"""
# Nobody says since when the first value of a trait holds: as far as is known, ever.
_EVER = 0
# What anybody may have said gives way to all that those have said who know: it was so before ever.
_BEFORE_EVER = -1


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
    origin_id: int | None = None  # the merged profile that the source named


class Renamed(NamedTuple):
    """A profile's names and creation time before and after: for whoever may take it back."""

    profile_id: int
    before: tuple[str, str, int]
    after: tuple[str, str, int]


def record(
    facts: Sequence[Facts],
    *,
    source: str,
    at: int,
    renamed: list[Renamed] | None = None,
    is_loose: bool = False,
) -> Ids:
    """Write names, creation times and traits; return the profiles that changed, ascending.

    What stands of a profile more than once in ``facts`` takes effect one after the other. One
    transaction. In the history the first value
    of a trait holds since ever, any other from ``at`` on. ``renamed`` is given what the names were.
    ``is_loose``: anybody could have said it (a browser); in every history it gives way to others.
    """
    with transaction.atomic():
        facts = _of_now(facts)
        changed: set[int] = set()
        kept = cards.kept(fact.profile_id for fact in facts)
        merged = {profile_id for profile_id, _ in kept}
        for part in _rounds(facts):
            changed |= _write_names(part, renamed, kept)
            changed |= _write_traits(part, source, at, merged, is_loose=is_loose)
    return np.array(sorted(changed), np.int64)


def _of_now(facts: Sequence[Facts]) -> Sequence[Facts]:
    """Return what is said of whom the profiles have become: some were merged since they were found.

    What is said of somebody who is gone for good is left out.
    """
    asked = {fact.profile_id for fact in facts}
    there = {one for (one,) in rows.found(connection, _THERE, asked)}
    gone = asked - there
    if not gone:
        return facts
    now = merging.current(gone)
    return [
        fact
        if fact.profile_id in there
        else replace(
            fact,
            profile_id=now[fact.profile_id],
            origin_id=fact.origin_id or fact.profile_id,
        )
        for fact in facts
        if fact.profile_id in there or fact.profile_id in now
    ]


def forget_loose(name: str) -> Ids:
    """Take the trait ``name``, which only browsers have told, from everybody; return whose it was.

    One transaction.
    """
    with transaction.atomic():
        TraitChange.objects.filter(name=name).delete()
        held = Trait.objects.filter(name=name)
        touched = np.array(sorted(held.values_list("profile_id", flat=True)), np.int64)
        held.delete()
    return touched


def _rounds(facts: Sequence[Facts]) -> Iterator[list[Facts]]:
    """Yield ``facts`` such that each profile stands once in each part."""
    rounds: list[list[Facts]] = []
    seen: Counter[int] = Counter()
    for fact in facts:
        nth = seen[fact.profile_id]
        seen[fact.profile_id] += 1
        if nth == len(rounds):
            rounds.append([])
        rounds[nth].append(fact)
    yield from rounds


def _write_names(
    facts: Sequence[Facts],
    renamed: list[Renamed] | None,
    kept: Mapping[tuple[int, int | None], Shelved],
) -> set[int]:
    """Write names; those of a merged person on the card of whoever the source named."""
    changes = []
    merged: set[int] = set()
    for part in rows.parts(facts):
        known: dict[int, tuple[str, str, int]] = {
            profile_id: (first, last, created_at)
            for profile_id, first, last, created_at in rows.found(
                connection, _NAMES, [fact.profile_id for fact in part]
            )
        }
        for fact in part:
            card = kept.get((fact.profile_id, fact.origin_id))
            if card is None and fact.profile_id not in known:
                continue  # merged since a moment ago
            before = cards.said(card) if card else known[fact.profile_id]
            said = (
                fact.first_name or before[0],
                fact.last_name or before[1],
                before[2] if fact.created_at is None else fact.created_at,
            )
            if said == before:
                continue
            if card is not None:
                cards.write(card, *said)
                merged.add(fact.profile_id)
            else:
                key = cards.name_key_of(said[0], said[1])
                changes.append((said[0], said[1], key, said[2], fact.profile_id))
                if renamed is not None:
                    renamed.append(Renamed(fact.profile_id, before, said))
    columns = ("first_name", "last_name", "name_key", "created_at")
    rows.update(connection, PROFILES, columns, changes)
    for profile_id in merged:
        cards.derive(profile_id)
    return {change[-1] for change in changes} | merged


def _write_traits(
    facts: Iterable[Facts], source: str, at: int, merged: Collection[int], *, is_loose: bool
) -> set[int]:
    """Write traits; of the people ``merged`` also what was told under another of their numbers."""
    new, changed, history = [], [], []
    touched: set[int] = set()
    for part in rows.parts((fact for fact in facts if fact.traits), 1_000):
        known = {
            (profile_id, name): (trait_id, (*stored, _as_day(day)))
            for trait_id, profile_id, name, *stored, day in rows.found(
                connection, _HELD_TRAITS, [fact.profile_id for fact in part]
            )
        }
        told = _told_under([fact for fact in part if fact.profile_id in merged])
        loose = set() if is_loose else _loose(fact.profile_id for fact in part)
        for fact in part:
            for name, value in fact.traits.items():
                columns = value.columns
                is_firmer = (fact.profile_id, name) in loose
                trait_id, stored = known.get((fact.profile_id, name), (None, None))
                under = (fact.profile_id, fact.origin_id, name)
                if (
                    stored == columns
                    and not is_firmer
                    and (fact.profile_id not in merged or told.get(under) == stored)
                ):
                    continue
                touched.add(fact.profile_id)
                is_same = is_firmer and stored == columns
                since = _EVER if trait_id is None or is_same else at
                since = _BEFORE_EVER if is_loose else since
                row = (fact.profile_id, name, *columns, source, since, at, fact.origin_id)
                history.append(row)
                if trait_id is None:
                    new.append((fact.profile_id, name, *columns, source, at))
                else:
                    changed.append((*columns, source, at, trait_id))
    rows.insert(connection, TRAITS, ("profile_id", "name", *_TRAIT_COLUMNS), new)
    rows.update(connection, TRAITS, _TRAIT_COLUMNS, changed)
    rows.insert(connection, TRAIT_CHANGES, (*_CHANGE_COLUMNS, "origin_id"), history)
    return touched


def _as_day(day: date | str | None) -> date | None:
    """Return a day as SQLite's driver gives it, too."""
    return date.fromisoformat(day) if isinstance(day, str) else day


def _loose(profile_ids: Iterable[int]) -> set[tuple[int, str]]:
    """Return profile and name of the traits that anybody could have said, and nobody else has."""
    told = rows.found(connection, _TOLD_LOOSELY, profile_ids, _BEFORE_EVER)
    loose = {(profile_id, name) for profile_id, name in told}
    if not loose:
        return loose
    whose, names = ({one[i] for one in loose} for i in range(2))
    firm = TraitChange.objects.filter(profile_id__in=whose, name__in=names, changed_at__gte=_EVER)
    return loose - set(firm.values_list("profile_id", "name"))


def _told_under(
    facts: Sequence[Facts],
) -> dict[tuple[int, int | None, str], tuple[object, ...]]:
    """Return what was told last of each trait by profile, origin and name."""
    found: dict[tuple[int, int | None, str], tuple[object, ...]] = {}
    changes = TraitChange.objects.filter(profile_id__in=[fact.profile_id for fact in facts])
    for profile_id, origin, name, *value in changes.order_by(
        "changed_at", "recorded_at", "id"
    ).values_list("profile_id", "origin_id", "name", "kind", "text", "text_fold", "number", "day"):
        found[profile_id, origin, name] = tuple(value)
    return found


def verify(profile_id: int, kind: IdentifierKind, value: str, *, at: int) -> bool:
    """Note that the person proved an identifier to be theirs; return whether that was news."""
    held = Identifier.objects.filter(profile_id=profile_id, kind=kind, value=value)
    return bool(held.filter(verified_at=None).update(verified_at=at))


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
    with statistics.about_everybody(connection), connection.cursor() as cursor:
        cursor.execute(_NOTE_VALUES.format(**parts), [at, at, *names, *names])
        cursor.execute(_NOTE_REMOVALS.format(**parts), [at, at, *names])
