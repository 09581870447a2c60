"""From what a row says of a person to one profile: known, found, or made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from django.db import connection, transaction

from pusula.lake import rows
from pusula.profiles.models import Identifier, IdentifierKind
from pusula.profiles.relations import Ids

AMBIGUOUS = -1

PROFILES = "profiles_profile"
IDENTIFIERS = "profiles_identifier"


class Reference(NamedTuple):
    """What a row says of a person; ``None`` where it says nothing."""

    key: str | None  # with its system in front: pms:10027
    email: str | None  # as contacts.email returns it
    phone: str | None  # as contacts.phone returns it
    at: int  # when the person was met, should they be new


@dataclass(frozen=True)
class Resolution:
    """The profile of each reference, ``AMBIGUOUS`` where several came into question."""

    profile_ids: Ids
    created: Ids
    learned: Ids  # profiles, created ones included, that got an identifier


def resolve(references: Sequence[Reference], *, source: str, at: int) -> Resolution:
    """Return the profile each of ``references`` leads to, making those that are missing.

    1. A known key is that profile.
    2. An unknown key with an e-mail (else a phone) that leads to exactly one profile without a key
       of this ``source`` is that profile, which gets the key; otherwise a new profile.
    3. Without a key: e-mail (else phone) leads to exactly one profile, or to none (a new profile),
       or to several: ambiguous. A new e-mail beside a phone that several share is a new profile.

    References take effect one after the other. A profile found by its key learns the other
    identifiers, whoever else holds them; one found without a key learns those that nobody holds, so
    that no reference makes another one ambiguous. One transaction; ``at`` is its recorded time.
    """
    directory = _Directory(references, source)
    found = np.fromiter(
        (directory.lead(reference) for reference in references), np.int64, len(references)
    )
    with transaction.atomic():
        return directory.write(found, at)


class _Directory:
    """What is known of the identifiers in question, and what this call adds to it.

    New profiles are numbered -2, -3, ... until they are written.
    """

    def __init__(self, references: Sequence[Reference], source: str) -> None:
        self.source = source
        self.keys: dict[str, int] = dict(_known(IdentifierKind.KEY, (r.key for r in references)))
        # Sets: one reception desk's address may stand on thousands of guests.
        self.holders: dict[str, defaultdict[str, set[int]]] = {
            IdentifierKind.EMAIL: defaultdict(set),
            IdentifierKind.PHONE: defaultdict(set),
        }
        for kind, values in (
            (IdentifierKind.EMAIL, (r.email for r in references)),
            (IdentifierKind.PHONE, (r.phone for r in references)),
        ):
            for value, profile_id in _known(kind, values):
                self.holders[kind][value].add(profile_id)
        self.keyed = self._keyed() if any(r.key for r in references) else set()
        self.met: list[int] = []  # when each new profile was met
        self.added: list[tuple[int, str, str]] = []  # profile, kind, value

    def lead(self, reference: Reference) -> int:
        """Return the profile of one reference and remember what it taught."""
        candidates = self._candidates(reference)
        if reference.key is not None:
            profile_id = self.keys.get(reference.key)
            if profile_id is None:
                profile_id = self._take_key(reference.key, candidates, reference.at)
        elif len(candidates) > 1:
            return AMBIGUOUS
        else:
            profile_id = next(iter(candidates)) if candidates else self._new(reference.at)
        for kind, value in (
            (IdentifierKind.EMAIL, reference.email),
            (IdentifierKind.PHONE, reference.phone),
        ):
            if value is not None and (reference.key is not None or not self._held(kind, value)):
                self._learn(profile_id, kind, value)
        return profile_id

    def write(self, found: Ids, at: int) -> Resolution:
        """Write the new profiles and identifiers; ``found`` may hold their passing numbers."""
        created = rows.reserve(connection, PROFILES, len(self.met))
        rows.insert(
            connection,
            PROFILES,
            ("id", "first_name", "last_name", "name_key", "created_at", "recorded_at"),
            (
                (profile_id, "", "", "", met_at, at)
                for profile_id, met_at in zip(created.tolist(), self.met, strict=True)
            ),
        )
        added = [(_final(p, created), kind, value) for p, kind, value in self.added]
        rows.insert(
            connection,
            IDENTIFIERS,
            ("profile_id", "kind", "value", "source", "recorded_at"),
            ((p, kind, value, self.source, at) for p, kind, value in added),
        )
        passing = found < AMBIGUOUS
        found[passing] = created[-found[passing] - 2]
        learned = np.unique(np.fromiter((p for p, _kind, _value in added), np.int64, len(added)))
        return Resolution(found, created, learned)

    def _keyed(self) -> set[int]:
        """Return which of the profiles in question already have a key of this source."""
        candidates = {p for held in self.holders.values() for ids in held.values() for p in ids}
        keyed: set[int] = set()
        for part in rows.parts(candidates):
            keyed.update(
                Identifier.objects.filter(
                    kind=IdentifierKind.KEY, source=self.source, profile_id__in=part
                ).values_list("profile_id", flat=True)
            )
        return keyed

    def _candidates(self, reference: Reference) -> set[int]:
        """Return whom the e-mail leads to, else the phone; a new e-mail outweighs a shared phone.

        Otherwise such a row would be ambiguous today and lead to somebody as soon as another row
        has brought the e-mail.
        """
        if by_email := self._held(IdentifierKind.EMAIL, reference.email):
            return by_email
        by_phone = self._held(IdentifierKind.PHONE, reference.phone)
        return set() if reference.email and len(by_phone) > 1 else by_phone

    def _held(self, kind: IdentifierKind, value: str | None) -> set[int]:
        return self.holders[kind].get(value, set()) if value else set()

    def _take_key(self, key: str, candidates: set[int], met_at: int) -> int:
        """Return the profile that gets the unknown ``key``: the only candidate, else a new one."""
        unkeyed = candidates - self.keyed if len(candidates) == 1 else set()
        profile_id = unkeyed.pop() if unkeyed else self._new(met_at)
        self.keys[key] = profile_id
        self.keyed.add(profile_id)
        self.added.append((profile_id, IdentifierKind.KEY, key))
        return profile_id

    def _new(self, met_at: int) -> int:
        self.met.append(met_at)
        return -1 - len(self.met)

    def _learn(self, profile_id: int, kind: IdentifierKind, value: str) -> None:
        if profile_id not in self.holders[kind][value]:
            self.holders[kind][value].add(profile_id)
            self.added.append((profile_id, kind, value))


def _final(profile_id: int, created: Ids) -> int:
    return int(created[-profile_id - 2]) if profile_id < AMBIGUOUS else profile_id


def _known(kind: IdentifierKind, values: Iterable[str | None]) -> Iterable[tuple[str, int]]:
    """Yield value and profile of the identifiers of ``kind`` that are known among ``values``."""
    for part in rows.parts({value for value in values if value}):
        yield from (
            Identifier.objects.filter(kind=kind, value__in=part)
            .order_by("id")
            .values_list("value", "profile_id")
        )
