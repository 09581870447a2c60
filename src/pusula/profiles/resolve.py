"""From what a row says of a person to one profile: known, found, or made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from django.db import connection, transaction

from pusula.lake import rows
from pusula.profiles import actions, merging, rules
from pusula.profiles.holders import Holders
from pusula.profiles.models import IdentifierKind
from pusula.profiles.relations import Ids
from pusula.profiles.rules import Joins

AMBIGUOUS = -1

PROFILES = "profiles_profile"
IDENTIFIERS = "profiles_identifier"
_KEY, _ANONYMOUS = IdentifierKind.KEY, IdentifierKind.ANONYMOUS
# Those that are asked when the number of the source says nothing, in this order.
_ASKED = tuple(kind for kind in rules.RULES if kind not in {_KEY, _ANONYMOUS})
_ASKED_NAMES = tuple(kind.value for kind in _ASKED)


class Reference(NamedTuple):
    """What a row says of a person; ``None`` where it says nothing."""

    key: str | None  # with its system in front: pms:10027
    email: str | None  # as contacts.email returns it
    phone: str | None  # as contacts.phone returns it
    at: int  # when the person was met, should they be new
    anonymous: str | None = None  # the device, with its source in front: web:5f1c
    national_id: str | None = None  # as documents.national_id returns it
    document: str | None = None  # as documents.document returns it
    loyalty: str | None = None  # as documents.loyalty returns it
    name: str | None = None  # lib.text.person_key of the full name, or of what is said of it
    verified: bool = False  # the person proved that the e-mail is theirs

    def said(self) -> Iterator[tuple[IdentifierKind, str]]:
        """Yield kind and value of what may decide beside number and device, the strongest first."""
        for kind, name in zip(_ASKED, _ASKED_NAMES, strict=True):
            value = getattr(self, name)
            if value is not None:
                yield kind, value


class Join(NamedTuple):
    """Two profiles that a rule takes for one person; see ``pipeline.identity.join``."""

    winner: int
    loser: int
    kind: IdentifierKind  # of the value that both lead to


@dataclass(frozen=True)
class Resolution:
    """The profile of each reference, ``AMBIGUOUS`` where several came into question.

    ``origins`` say which merged profile each reference led to, ``None`` where that is the profile
    itself: whoever writes a row for a reference stores it, so that an un-merge finds the row.
    ``joins`` are for the caller to carry out, in their order, when the rows are written.
    """

    profile_ids: Ids
    origins: list[int | None]
    created: Ids
    learned: Ids  # profiles, created ones included, that got an identifier
    joins: list[Join] = field(default_factory=list)


def resolve(
    references: Sequence[Reference], *, source: str, at: int, joins: Iterable[Join] = ()
) -> Resolution:
    """Return the profile each of ``references`` leads to, making those that are missing.

    1. A known key is that profile.
    2. Otherwise identifiers are asked by ``rules.RULES``, the strongest first, which of them leads
       to exactly one profile that may be meant: an unknown key is then its second number.
    3. Without a key an e-mail (else a phone) that several hold is ambiguous; with one, a new
       profile. A new e-mail beside a phone that several share is a new profile.
    4. A device that says nothing else leads to whoever used it last. A visitor nobody knew becomes
       the person who says who they are: without a trace elsewhere at once, else by a join. The
       device of somebody known, or of whom somebody parted from that person, passes on from now
       on, and takes nothing with it.

    References take effect one after the other. A profile found by its key learns the other
    identifiers, whoever else holds them; one found without a key learns those that nobody holds, so
    that no reference makes another one ambiguous. One transaction; ``at`` is its recorded time.
    ``joins`` are those of earlier calls that are still to be carried out.
    """
    directory = _Directory(references, source)
    for join in joins:
        directory.held.unite(join.winner, join.loser)
    leads = [directory.lead(reference) for reference in references]
    with transaction.atomic():
        return directory.write(leads, at)


class _Lead(NamedTuple):
    profile_id: int
    origin: int | None = None


_NOBODY = _Lead(AMBIGUOUS)


class _Directory:
    """What this call learns of people, one reference after the other.

    New profiles are numbered -2, -3, ... until they are written.
    """

    def __init__(self, references: Sequence[Reference], source: str) -> None:
        self.source = source
        self.held = Holders(references, source)
        self.met: list[int] = []  # when each new profile was met
        self.added: dict[tuple[int, str, str], int | None] = {}  # profile, kind, value → origin
        self.passed_on: dict[str, _Lead] = {}  # devices and who has them from now on
        self.joins: list[Join] = []
        self.proved: set[tuple[int, str]] = set()  # who proved which e-mail

    def lead(self, reference: Reference) -> _Lead:
        """Return the profile of one reference and remember what it taught."""
        lead = self._known(_KEY, reference.key)
        by_key = lead is not None
        if lead is None:
            lead = self._by_rules(reference)
            if lead == _NOBODY:  # the address may be of another person: it is not learned
                return self._by_device(reference, is_lost=True)
            lead = lead or self._by_device(reference, is_lost=False)
        if reference.key is not None and not by_key:
            self._learn(lead, _KEY, reference.key)
            self.held.numbered.add(lead.profile_id)
        self._learn_more(lead, reference)
        if reference.verified and reference.email is not None:
            self._prove(lead, reference.email)
        if reference.anonymous is not None:
            self._take_device(lead, reference.anonymous)
        if by_key:  # when all is learned: who was found to be another learns nothing more
            self._join_others(lead, reference)
        return lead

    def _learn_more(self, lead: _Lead, reference: Reference) -> None:
        """Give the profile the identifiers that stand beside its number."""
        for kind, value in reference.said():
            if reference.key is not None or not self.held.of(kind, value):
                self._learn(lead, kind, value)

    def _join_others(self, lead: _Lead, reference: Reference) -> None:
        for kind, value in reference.said():
            lead = self._join(lead, kind, value, reference)

    def write(self, leads: Sequence[_Lead], at: int) -> Resolution:
        """Write the new profiles and identifiers; ``leads`` may hold their passing numbers."""
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
        for part in rows.parts(self.passed_on):
            marks = ", ".join(["%s"] * len(part))
            with connection.cursor() as cursor:
                cursor.execute(
                    f"delete from {IDENTIFIERS} where kind = '{_ANONYMOUS.value}'"
                    f" and value in ({marks})",
                    part,
                )
        for device, lead in self.passed_on.items():
            self.added[lead.profile_id, _ANONYMOUS, device] = lead.origin
        added = [
            (_final(profile_id, created), _origin(origin, created), kind, value)
            for (profile_id, kind, value), origin in self.added.items()
        ]
        rows.insert(
            connection,
            IDENTIFIERS,
            ("profile_id", "origin_id", "kind", "value", "source", "recorded_at"),
            ((p, origin, kind, value, self.source, at) for p, origin, kind, value in added),
        )
        for profile_id, email in self.proved:
            actions.verify(_final(profile_id, created), IdentifierKind.EMAIL, email, at=at)
        return Resolution(
            profile_ids=np.fromiter(
                (_final(p, created) for p, _origin in leads), np.int64, len(leads)
            ),
            origins=[_origin(origin, created) for _p, origin in leads],
            created=created,
            learned=np.unique(np.fromiter((p for p, *_ in added), np.int64, len(added))),
            joins=[
                Join(_final(winner, created), _final(loser, created), kind)
                for winner, loser, kind in self.joins
            ],
        )

    def _known(self, kind: IdentifierKind, value: str | None) -> _Lead | None:
        """Return whom a value with one holder at most leads to."""
        held = self.held.of(kind, value)
        return next((_Lead(*one) for one in held.items()), None)

    def _by_rules(self, reference: Reference) -> _Lead | None:
        """Return whom the identifiers lead to, ``_NOBODY`` if to several, ``None`` if nobody."""
        for kind, value in reference.said():
            held = self.held.of(kind, value)
            if not held:
                continue
            if reference.key is None and kind in {IdentifierKind.EMAIL, IdentifierKind.PHONE}:
                return self._by_address(kind, held, reference)
            if len(held) == 1:
                lead = _Lead(*next(iter(held.items())))
                if self._may_join(lead.profile_id, kind, value, reference):
                    return lead
            if kind is IdentifierKind.EMAIL:
                return None  # a known e-mail outweighs the phone
        return None

    def _by_address(
        self, kind: IdentifierKind, held: dict[int, int | None], reference: Reference
    ) -> _Lead | None:
        """Return whom an address without a number leads to: its only holder.

        A new e-mail outweighs a shared phone: such a row would be ambiguous today and lead to
        somebody as soon as another row has brought the e-mail.
        """
        if len(held) > 1:
            is_new = kind is IdentifierKind.PHONE and reference.email
            return None if is_new else _NOBODY
        lead = _Lead(*next(iter(held.items())))
        if kind is IdentifierKind.EMAIL:
            is_office = rules.is_role(reference.email or "")
            return _NOBODY if is_office and self.held.is_numbered(lead.profile_id) else lead
        name = self.held.names.get(lead.profile_id, "")
        if not rules.contradict(reference.name or "", name):
            return lead
        return None if reference.email else _NOBODY  # another one of the family

    def _may_join(
        self, profile_id: int, kind: IdentifierKind, value: str, reference: Reference
    ) -> bool:
        """Say whether the only holder of ``value`` may be the person with the unknown number."""
        joins = self._strength(kind, value, reference)
        name = self.held.names.get(profile_id, "")
        if joins is Joins.NAMED:
            return rules.agree(reference.name or "", name)
        if rules.contradict(reference.name or "", name):
            return False
        if joins is Joins.STRONG:
            return True
        if kind is IdentifierKind.EMAIL and rules.is_role(value):
            return False
        return profile_id not in self.held.numbered

    def _by_device(self, reference: Reference, *, is_lost: bool) -> _Lead:
        """Return whom the device stands for, else somebody new.

        ``is_lost``: the reference may mean several people. Then the device alone says whom, and
        nobody where there is none.
        """
        held = self._known(_ANONYMOUS, reference.anonymous)
        if held is not None and (
            is_lost or not _says_more(reference) or not self.held.is_known(held.profile_id)
        ):
            return held
        if is_lost and reference.anonymous is None:
            return _NOBODY
        self.met.append(reference.at)
        lead = _Lead(-1 - len(self.met))
        if is_lost and reference.anonymous is not None:
            self._learn(lead, _ANONYMOUS, reference.anonymous)
        return lead

    def _take_device(self, lead: _Lead, device: str) -> None:
        """Have ``device`` lead to ``lead``; a visitor who had it becomes that person."""
        held = self._known(_ANONYMOUS, device)
        if held is None:
            self._learn(lead, _ANONYMOUS, device)
        elif held.profile_id == lead.profile_id:
            return
        elif self.held.is_known(held.profile_id) or _are_parted(lead, held):
            self.held.put(_ANONYMOUS, device, *lead)
            self.added.pop((held.profile_id, _ANONYMOUS, device), None)
            self.passed_on[device] = lead
        else:
            self._unite(Join(lead.profile_id, held.profile_id, _ANONYMOUS))

    def _join(self, lead: _Lead, kind: IdentifierKind, value: str, reference: Reference) -> _Lead:
        """Take the profile found by its number and the only other holder of ``value`` for one.

        Only where the rule is strong and both names say so. Returns who of the two stays.
        """
        others = self.held.of(kind, value).keys() - {lead.profile_id}
        if len(others) != 1 or self._strength(kind, value, reference) is not Joins.STRONG:
            return lead
        (other,) = others
        own = self.held.names.get(lead.profile_id) or reference.name or ""
        if _are_parted(lead, _Lead(other)) or not rules.agree(own, self.held.names.get(other, "")):
            return lead
        older, younger = sorted((lead.profile_id, other), key=lambda p: (p < 0, abs(p)))
        self._unite(Join(older, younger, kind))
        return _Lead(older)

    def _strength(self, kind: IdentifierKind, value: str, reference: Reference) -> Joins:
        """Return how far the holder of ``value`` is taken for the person meant.

        That somebody reads the mail of an office proves nothing.
        """
        rule = rules.RULES[kind]
        if kind is not IdentifierKind.EMAIL or rules.is_role(value):
            return rule.joins
        is_proved = reference.verified or self.held.is_verified(kind, value)
        return rule.verified if is_proved else rule.joins

    def _prove(self, lead: _Lead, email: str) -> None:
        if lead.profile_id in self.held.of(IdentifierKind.EMAIL, email):
            self.proved.add((lead.profile_id, email))
            self.held.verified.add((IdentifierKind.EMAIL, email))

    def _unite(self, join: Join) -> None:
        self.joins.append(join)
        self.held.unite(join.winner, join.loser)

    def _learn(self, lead: _Lead, kind: IdentifierKind, value: str) -> None:
        if lead.profile_id not in self.held.of(kind, value):
            self.held.add(kind, value, *lead)
            self.added[lead.profile_id, kind, value] = lead.origin


def _says_more(reference: Reference) -> bool:
    """Say whether a reference names more than a device."""
    return reference.key is not None or next(reference.said(), None) is not None


def _are_parted(one: _Lead, other: _Lead) -> bool:
    return min(one.profile_id, other.profile_id) > 0 and merging.are_parted(
        one.profile_id, other.profile_id
    )


def _final(profile_id: int, created: Ids) -> int:
    return int(created[-profile_id - 2]) if profile_id < AMBIGUOUS else profile_id


def _origin(origin: int | None, created: Ids) -> int | None:
    return None if origin is None else _final(origin, created)
