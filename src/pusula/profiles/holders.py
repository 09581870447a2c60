"""Who holds the identifiers in question, and what must be known of those people to decide."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from django.db import connection

from pusula.lake import rows
from pusula.profiles import rules
from pusula.profiles.models import Identifier, IdentifierKind
from pusula.profiles.rules import Joins

if TYPE_CHECKING:
    from pusula.profiles.resolve import Reference

_HOLDERS = """
select value, profile_id, origin_id, verified_at from profiles_identifier
where value in ({marks}) and kind = %s order by id
"""
_NAMES = "select id, name_key from profiles_profile where id in ({marks})"
_NUMBERED = """
select profile_id from profiles_identifier
where profile_id in ({marks}) and kind = 'key' and source = %s
"""
_KNOWN = """
select distinct profile_id from profiles_identifier
where profile_id in ({marks}) and kind <> 'anonymous'
"""
# Profile → the merged profile that a row led to, ``None`` where that is the profile itself.
Held = dict[int, int | None]


class Holders:
    """The holders of every value that some references name, as it was and as it becomes."""

    def __init__(self, references: Sequence[Reference], source: str) -> None:
        # Dictionaries: one reception desk's address may stand on thousands of guests.
        self._held: dict[str, defaultdict[str, Held]] = {
            kind: defaultdict(dict) for kind in rules.RULES
        }
        self.verified: set[tuple[str, str]] = set()  # kind and value that somebody proved
        for kind in rules.RULES:
            self._load(kind, {getattr(reference, kind.value) for reference in references})
        asked = self._people(kind for kind in rules.RULES if kind is not IdentifierKind.KEY)
        has_keys = any(reference.key for reference in references)
        # Who has a number of this source already.
        self.numbered = _numbered(asked, source) if has_keys else set()
        self.names = self._names(asked, references)
        others = self._people(kind for kind in rules.RULES if kind is not IdentifierKind.ANONYMOUS)
        self._known = _known(self._people([IdentifierKind.ANONYMOUS])) | others

    def of(self, kind: IdentifierKind, value: str | None) -> Held:
        """Return who holds ``value`` now."""
        return self._held[kind].get(value, {}) if value else {}

    def add(self, kind: IdentifierKind, value: str, profile_id: int, origin: int | None) -> None:
        """Note one more holder of ``value``."""
        self._held[kind][value][profile_id] = origin
        if kind is not IdentifierKind.ANONYMOUS:
            self._known.add(profile_id)

    def put(self, kind: IdentifierKind, value: str, profile_id: int, origin: int | None) -> None:
        """Note that ``value`` has this holder and no other."""
        self._held[kind][value] = {profile_id: origin}

    def unite(self, winner: int, loser: int) -> None:
        """Note that all that led to ``loser`` leads to ``winner``."""
        for values in self._held.values():
            for held in values.values():
                if loser in held:
                    origin = held.pop(loser)
                    held.setdefault(winner, loser if origin is None else origin)
        if loser in self._known:
            self._known.add(winner)
        if loser in self.numbered:
            self.numbered.add(winner)

    def is_verified(self, kind: IdentifierKind, value: str) -> bool:
        """Say whether a holder of ``value`` proved that it is theirs."""
        return (kind, value) in self.verified

    def is_known(self, profile_id: int) -> bool:
        """Say whether more than a device is known of somebody who holds a device."""
        return profile_id in self._known

    def is_numbered(self, profile_id: int) -> bool:
        """Say whether some system of the company gave the person a number."""
        numbers = Identifier.objects.filter(profile_id=profile_id, kind=IdentifierKind.KEY)
        return any(profile_id in held for held in self._held[IdentifierKind.KEY].values()) or (
            numbers.exists()
        )

    def _load(self, kind: IdentifierKind, values: set[str | None]) -> None:
        asked = (value for value in values if value)
        for value, profile_id, origin, verified_at in rows.found(
            connection, _HOLDERS, asked, kind.value
        ):
            self._held[kind][value][profile_id] = origin
            if verified_at is not None:
                self.verified.add((kind, value))

    def _people(self, kinds: Iterable[IdentifierKind]) -> set[int]:
        """Return who holds some value of ``kinds``."""
        return {p for kind in kinds for held in self._held[kind].values() for p in held}

    def _names(self, asked: set[int], references: Sequence[Reference]) -> dict[int, str]:
        """Return the names of those about whom a name may decide; mostly there is nobody."""
        strong = (kind for kind, rule in rules.RULES.items() if rule.joins is Joins.STRONG)
        proved = bool(self.verified) or any(reference.verified for reference in references)
        if proved or any(self._held[kind] for kind in strong):
            asked = asked | self._people([IdentifierKind.KEY])
        elif not any(reference.name for reference in references):
            return {}
        return dict(rows.found(connection, _NAMES, asked))


def _numbered(profile_ids: Iterable[int], source: str) -> set[int]:
    return {one for (one,) in rows.found(connection, _NUMBERED, profile_ids, source)}


def _known(profile_ids: Iterable[int]) -> set[int]:
    """Return of whom more than a device is known."""
    return {one for (one,) in rows.found(connection, _KNOWN, profile_ids)}
