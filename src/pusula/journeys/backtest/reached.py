"""Whom a message would have reached at a past moment, by the rules and the ledger of consents."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from django.db.models import QuerySet

from pusula.consent import digests
from pusula.consent.models import Channel, ConsentEntry, IysRecord, Suppression
from pusula.consent.queries import ADDRESS_KINDS
from pusula.journeys.backtest.setting import Setting
from pusula.lake import rows
from pusula.lake.as_of import AsOf
from pusula.outbox.reach import reach
from pusula.profiles.models import Identifier

Letters = Sequence[tuple[int, int]]  # to a profile, at a moment
_NEVER = 2**63 - 1


def reasons(
    letters: Letters, channel: str, purpose: str, *, is_commercial: bool, setting: Setting
) -> list[str]:
    """Return for each letter why it could not go out on ``channel`` at its moment; "": it could.

    Between two decisions nothing changes, so few moments answer for all: of each stretch of time
    that some letter lies in, one that as many others as possible have in common.
    """
    points = _points({profile_id for profile_id, _at in letters}, channel, purpose)
    stretches: dict[tuple[int, int, int], list[int]] = defaultdict(list)
    for place, (profile_id, at) in enumerate(letters):
        own = points.get(profile_id, ())
        n = bisect_right(own, at)
        begin = own[n - 1] if n else 0
        end = own[n] - 1 if n < len(own) else _NEVER
        stretches[min(end, setting.until_at), begin, profile_id].append(place)
    asked: dict[int, list[tuple[int, list[int]]]] = defaultdict(list)
    moment = -1
    for (end, begin, profile_id), places in sorted(stretches.items()):
        moment = end if begin > moment else moment
        asked[moment].append((profile_id, places))
    found = [""] * len(letters)
    for at, group in asked.items():
        reached = reach(
            sorted({profile_id for profile_id, _places in group}), channel=channel,
            purpose=purpose, is_commercial=is_commercial, at=at,
            as_of=AsOf(at, setting.known_at),
        )  # fmt: skip
        for profile_id, places in group:
            for place in places:
                found[place] = reached[profile_id].reason
    return found


def _points(profile_ids: set[int], channel: str, purpose: str) -> dict[int, list[int]]:
    """Return by profile when it may have become reachable or not, ascending.

    By decisions of its own, of others with the same address or about that address, by suppressions
    and by what İYS said.
    """
    holders = _holders(profile_ids, channel)
    people: dict[int, set[int]] = {profile_id: {profile_id} for profile_id in profile_ids}
    kind = ADDRESS_KINDS.get(Channel(channel))
    for part in rows.parts(sorted(holders)):
        held = Identifier.objects.filter(kind=kind, value__in=part)
        for profile_id, value in held.values_list("profile_id", "value"):
            people.setdefault(profile_id, set()).update(holders[value])
    found: dict[int, set[int]] = defaultdict(set)
    told = ConsentEntry.objects.filter(channel=channel, purpose=purpose)
    for profile_id, at in (*_decided(told, "profile_id", people),
                           *_decided(told, "address", holders),
                           *_stopped(holders, channel)):  # fmt: skip
        found[profile_id].add(at)
    return {profile_id: sorted(points) for profile_id, points in found.items()}


def _holders(profile_ids: set[int], channel: str) -> dict[str, set[int]]:
    """Return who of these profiles has which addresses on ``channel``."""
    found: dict[str, set[int]] = defaultdict(set)
    kind = ADDRESS_KINDS.get(Channel(channel))
    if kind is None:
        return found
    for part in rows.parts(sorted(profile_ids)):
        held = Identifier.objects.filter(kind=kind, profile_id__in=part)
        for profile_id, value in held.values_list("profile_id", "value"):
            found[value].add(profile_id)
    return found


def _decided(
    told: QuerySet[ConsentEntry],
    column: str,
    meant: Mapping[int, set[int]] | Mapping[str, set[int]],
) -> Iterator[tuple[int, int]]:
    """Yield from when on each decision counts, for those whom it concerns."""
    for part in rows.parts(meant):
        entries = told.filter(**{f"{column}__in": part})
        for value, decided_at, recorded_at in entries.values_list(
            column, "decided_at", "recorded_at"
        ):
            for profile_id in meant[value]:
                yield profile_id, min(decided_at + 1, recorded_at)


def _stopped(holders: Mapping[str, set[int]], channel: str) -> Iterator[tuple[int, int]]:
    """Yield when addresses were suppressed, set free, or told of by İYS."""
    for part in rows.parts(holders):
        by_digest = {digests.of(channel, value): value for value in part}
        stops = Suppression.objects.filter(channel=channel, digest__in=list(by_digest))
        for digest, since, lifted in stops.values_list("digest", "since_at", "lifted_at"):
            for profile_id in holders[by_digest[digest]]:
                yield profile_id, since
                yield profile_id, lifted or _NEVER
        heard = IysRecord.objects.filter(recipient__in=part)
        for value, since in heard.values_list("recipient", "since_at"):
            for profile_id in holders[value]:
                yield profile_id, since
