"""Log entries that make sense, written to the owners of what they say."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import groupby

import numpy as np
from django.conf import settings

from pusula.consent import actions as consents
from pusula.consent import proofs, purposes
from pusula.consent.models import Channel
from pusula.consent.queries import ADDRESS_KINDS
from pusula.events import actions as events
from pusula.lib.sayings import Saying, placed
from pusula.lib.text import person_key
from pusula.orders import actions as orders
from pusula.orders import versions
from pusula.pipeline import aliases, browsers, complaints, identity, pushes, settling, staying
from pusula.pipeline.entries import Refusals, Told, TraitBody, is_near
from pusula.pipeline.refusals import RefusedError
from pusula.profiles import actions as profiles
from pusula.profiles import merging, queries, resolve
from pusula.profiles.actions import Facts, Value
from pusula.profiles.models import IdentifierKind, TraitKind
from pusula.profiles.relations import Ids
from pusula.profiles.resolve import AMBIGUOUS, Join, Reference

_ROOM = 180  # of the 200 characters of a dedupe key


@dataclass(frozen=True)
class Written:
    """The profiles that entries changed, ascending, and the entries that nobody could be told.

    ``gone`` were merged into others; ``late`` are those of them that were due, with the moment.
    ``bought`` are those of ``touched`` of whom more was told than what they did and permitted.
    """

    touched: Ids
    refused: Refusals
    gone: Ids = field(default_factory=lambda: np.empty(0, np.int64))
    late: list[tuple[int, int]] = field(default_factory=list)
    bought: Ids = field(default_factory=lambda: np.empty(0, np.int64))


def write(told: Sequence[Told], *, at: int) -> Written:
    """Write what ``told`` says, in the caller's transaction; ``at`` is the recorded time.

    1. Find or make the profiles. 2. Events, orders, names and traits, decisions: each kind through
    its owner, in the order of the log. An event or order that may mean several profiles is refused;
    such a decision counts for all of them. 3. Merges: what was written for a profile that goes
    passes on with the rest.
    """
    told, refused = aliases.followed(told)
    owners, touched, joins = _resolve(told, at)
    kinds: dict[str, list[Told]] = defaultdict(list)
    for one in told:
        owner, origin = owners[one.entry.id]
        if owner is None:
            why = Saying("there is no %(number)s", {"number": one.profile_id})
            refused.append((one, placed("profile", why)))
        elif owner == AMBIGUOUS and one.kind in {"event", "trait"}:
            why = Saying("several profiles hold this address and there is no key")
            refused.append((one, why))
        else:
            kinds[one.kind].append(replace(one, profile_id=owner, origin_id=origin))
    others = _write_events(kinds["event"], at, refused)
    touched += _write_orders(kinds["order"], at, refused)
    touched += _write_traits(kinds["trait"], at, refused)
    others += _write_decisions(kinds["consent"], at, refused)
    carried = identity.Carried()
    identity.join(joins, at=at, carried=carried)
    merges = [one for kind in identity.KINDS for one in kinds[kind]]
    identity.carry_out(sorted(merges, key=lambda one: one.entry.id), at=at, carried=carried)
    bought = np.concatenate([np.fromiter(carried.touched, np.int64), *touched])
    everybody = np.concatenate([bought, *others])
    gone = np.array(sorted(carried.gone), np.int64)
    return Written(
        np.setdiff1d(everybody, gone),
        [*refused, *carried.refused],
        gone,
        carried.late,
        np.setdiff1d(bought, gone),
    )


Owners = dict[int, tuple[int | None, int | None]]


def _resolve(told: Sequence[Told], at: int) -> tuple[Owners, list[Ids], list[Join]]:
    """Return by entry the profile it speaks of (``None``: there is none) and its origin.

    Behind it who got to know, and who turned out to be one person.
    """
    owners: Owners = {}
    touched = []
    joins: list[Join] = []
    # What one message says in several parts is of one person.
    asking = {one.entry.id: one for one in told if one.profile_id is None}
    names = {
        one.entry.id: person_key(f"{one.body.first_name} {one.body.last_name}")
        for one in told
        if isinstance(one.body, TraitBody)
    }
    for system, group in _by_system(asking.values()):
        references = [
            Reference(
                one.key,
                one.email,
                one.phone,
                one.at,
                one.anonymous,
                national_id=one.body.national_id,
                document=one.body.document,
                loyalty=one.body.loyalty,
                name=names.get(one.entry.id),
                verified=one.trusted and getattr(one.body, "email_verified", False),
            )
            for one in group
        ]
        found = resolve.resolve(references, source=system, at=at)
        leads = zip(found.profile_ids.tolist(), found.origins, strict=True)
        owners.update(zip((one.entry.id for one in group), leads, strict=True))
        touched.append(found.learned)
        joins += found.joins
    numbered = [one for one in told if one.profile_id is not None]
    if numbered:
        known = merging.current(one.profile_id or 0 for one in numbered)
        for one in numbered:
            owner = known.get(one.profile_id or 0)
            owners[one.entry.id] = (owner, None if owner == one.profile_id else one.profile_id)
    return owners, touched, joins


def _by_system(told: Iterable[Told]) -> Iterator[tuple[str, list[Told]]]:
    """Yield entries by the system whose numbers their keys are: mostly their source."""
    groups: dict[str, list[Told]] = defaultdict(list)
    for one in told:
        groups[one.key.partition(":")[0] if one.key else one.entry.source].append(one)
    yield from groups.items()


def _by_source(told: Iterable[Told]) -> Iterator[tuple[str, list[Told]]]:
    groups: dict[str, list[Told]] = defaultdict(list)
    for one in told:
        groups[one.entry.source].append(one)
    yield from groups.items()


def _write_events(told: Sequence[Told], at: int, refused: Refusals) -> list[Ids]:
    touched = []
    for source, group in _by_source(told):
        new = [
            events.NewEvent(
                one.profile_id,
                one.body.name,
                one.at,
                one.entry.message_id,
                pushes.shown(one),
                one.origin_id,
            )
            for one in group
        ]
        touched.append(events.append(new, source=source, at=at).touched)
    pushes.subscribe(told, refused, at=at)
    pushes.hear(told, at=at)
    return touched


def _write_orders(told: Sequence[Told], at: int, refused: Refusals) -> list[Ids]:
    """Write versions of orders; several of one order one after the other, as they were told."""
    touched = []
    rounds: Counter[tuple[str, str]] = Counter()
    in_rounds = []
    for one in told:
        order = (_seller(one), one.body.source_id)
        in_rounds.append((rounds[order], one))
        rounds[order] += 1
    in_rounds.sort(key=lambda pair: pair[0])
    people = staying.people(told)
    for (_round, source), group in groupby(in_rounds, key=lambda pair: (pair[0], _seller(pair[1]))):
        counting, not_counting = settling.settled([one for _round, one in group], source)
        refused += not_counting
        for said, same in groupby(counting, key=lambda one: one.said):
            part = list(same)
            recorded = orders.record(
                [_version(one, people) for one in part],
                source=source,
                at=at,
                tz=settings.PUSULA.time_zone,
                said=said,
            )
            refused += [(part[position], "several profiles hold this address and there is no key")
                        for position in recorded.ambiguous]  # fmt: skip
            touched.append(recorded.touched)
    return touched


def _seller(told: Told) -> str:
    """Return the source of the order."""
    return told.entry.source if told.deal is None else told.deal.source


def _version(told: Told, people: Mapping[str, staying.Person]) -> versions.Version:
    body = told.body
    said = {name: getattr(body, name) for name in versions.COLUMNS if name not in versions.OWNER}
    return versions.Version(
        source_id=body.source_id,
        profile_id=None if told.profile_id == AMBIGUOUS else told.profile_id,
        origin_id=told.origin_id,
        status_at=body.status_at,
        version_at=body.version_at,
        is_claimed=told.deal is not None and not told.trusted,
        items=told.items,
        stays=staying.stays(told),
        guests=staying.guests(told, people),
        **said,
    )


def _write_traits(told: Sequence[Told], at: int, refused: Refusals) -> list[Ids]:
    """Write names and traits; of several entries for one profile the last word counts."""
    kinds = _kinds({name for one in told for name in one.body.traits})
    touched = []
    for (source, origin_id, trusted), group in groupby(
        told, key=lambda one: (one.entry.source, one.origin_id, one.trusted)
    ):
        facts: dict[int, Facts] = {}
        for one in group if trusted else browsers.adding(list(group)):
            known = kinds.copy()
            try:
                touched += _freed(one, known)
                traits = {name: _value(name, v, known) for name, v in one.body.traits.items()}
            except (RefusedError, ValueError) as error:
                refused.append((one, complaints.why(error)))
                continue
            kinds = known  # only what is written says of which kind a trait is
            profile_id = one.profile_id or 0
            before = facts.get(profile_id, Facts(profile_id, origin_id=origin_id))
            facts[profile_id] = replace(
                before,
                first_name=one.body.first_name or before.first_name,
                last_name=one.body.last_name or before.last_name,
                traits={**before.traits, **traits},
            )
        recorded = profiles.record(list(facts.values()), source=source, at=at, is_loose=not trusted)
        touched.append(recorded)
    return touched


def _freed(told: Told, kinds: dict[str, TraitKind]) -> list[Ids]:
    """Free the traits that only browsers have told, and as another kind than ``told`` does.

    A stranger who names a trait before the company does would say for ever of which kind it is.
    """
    if not told.trusted:
        return []
    freed = []
    for name, given in told.body.traits.items():
        kind = kinds.get(name)
        if kind and _read(given, kind)[0] != kind and queries.is_loose(name):
            freed.append(profiles.forget_loose(name))
            del kinds[name]
    return freed


def _kinds(names: Iterable[str]) -> dict[str, TraitKind]:
    """Return the kinds of those traits among ``names`` that somebody has."""
    found = ((name, queries.trait_kind(name)) for name in sorted(names))
    return {name: TraitKind(kind) for name, kind in found if kind is not None}


def _value(name: str, given: object, kinds: dict[str, TraitKind]) -> Value:
    """Return the value of a trait; the first one says of which kind the trait is for everybody."""
    kind, value = _read(given, kinds.get(name))
    if kinds.setdefault(name, kind) != kind:
        told = {"known": kinds[name].value, "given": f"{given!r:.60}"}
        raise RefusedError(Saying("is a %(known)s trait, not %(given)s", told), f"traits.{name}")
    return Value(kind, value)


def _read(given: object, known: TraitKind | None) -> tuple[TraitKind, str | float | date]:
    match given:
        case bool():
            return TraitKind.BOOL, float(given)
        case int() | float():
            return TraitKind.NUMBER, float(given)
        case {"day": str(text), **rest} if not rest:
            return TraitKind.DAY, _day(text)
        case str() if known is TraitKind.DAY:
            return TraitKind.DAY, _day(given)
        case str():
            return TraitKind.TEXT, given
        case list() if given and all(isinstance(one, str) and "\n" not in one for one in given):
            return TraitKind.LIST, "\n".join(given)
    why = Saying(
        "%(given)s is no text, number, yes or no, list of texts, or {'day': ...}",
        {"given": f"{given!r:.60}"},
    )
    raise RefusedError(why)


def _day(text: str) -> date:
    told = {"given": f"{text!r:.40}"}
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise RefusedError(Saying("%(given)s is no day: write 2026-05-31", told)) from error
    if not is_near(day):
        raise RefusedError(Saying("%(given)s is a day that nobody can mean", told))
    return day


def _write_decisions(told: Sequence[Told], at: int, refused: Refusals) -> list[Ids]:
    decisions = []
    strange = purposes.strange({one.body.purpose for one in told})
    for one in told:
        if one.body.purpose in strange:
            why = complaints.why(purposes.refusal(one.body.purpose))
            refused.append((one, placed("purpose", why)))
            continue
        try:
            proof = proofs.checked(one.body.proof)
        except proofs.BadProofError as error:
            refused.append((one, error.saying))
            continue
        shared = one.profile_id == AMBIGUOUS
        for profile_id in _holders(one) if shared else [one.profile_id or 0]:
            key = one.entry.message_id
            decisions.append(
                consents.Decision(
                    profile_id=profile_id,
                    origin_id=None if shared else one.origin_id,
                    channel=one.body.channel,
                    purpose=one.body.purpose,
                    status=one.body.status,
                    source=one.entry.source,
                    decided_at=one.at,
                    evidence=one.body.evidence,
                    address=_contact_point(one),
                    proof=proof,
                    dedupe_key=f"{_short(key)}:{profile_id}" if shared else key,
                )
            )
    return [consents.record(decisions, at=at, is_heard=True).touched] if decisions else []


def _contact_point(told: Told) -> str:
    """Return the address a decision speaks of: the one that names its person, where nothing else.

    Of somebody named by a number it speaks of whatever address they have.
    """
    if told.key or told.entry.kind != "consent":
        return ""
    is_email = ADDRESS_KINDS.get(Channel(told.body.channel)) == IdentifierKind.EMAIL
    return (told.email if is_email else told.phone) or ""


def _short(key: str) -> str:
    """Return ``key`` with room behind it for the number of a profile, still its own."""
    if len(key) <= _ROOM:
        return key
    return f"{key[: _ROOM - 65]}:{hashlib.sha256(key.encode()).hexdigest()}"


def _holders(told: Told) -> Sequence[int]:
    """Return all who hold the address that ``told`` names."""
    asked: Mapping[IdentifierKind, str | None] = {
        IdentifierKind.EMAIL: told.email,
        IdentifierKind.PHONE: told.phone,
    }
    for kind, value in asked.items():
        if value and (held := queries.holders(kind, [value])):
            return held[value]
    return []
