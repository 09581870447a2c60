"""Where people are reached on a channel for a purpose, and what speaks against it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import connection

from pusula.consent import queries as consents
from pusula.consent.iys import queries as iys
from pusula.consent.models import Channel, Status
from pusula.lake import rows
from pusula.lake.as_of import AsOf
from pusula.outbox import subscriptions
from pusula.outbox.reasons import Reason
from pusula.profiles.models import IdentifierKind

_HELD = """
select recorded_at, id, profile_id, value from profiles_identifier
where kind = %s and profile_id in"""


@dataclass(frozen=True, slots=True)
class Reached:
    """Where a profile is reached, or the reason why it is not."""

    address: str
    reason: str = ""
    known: Sequence[str] = ()  # every address it has on the channel, the newest first


def reach(
    profile_ids: Iterable[int],
    *,
    channel: str,
    purpose: str,
    is_commercial: bool,
    at: int,
    as_of: AsOf | None = None,
) -> dict[int, Reached]:
    """Return for each profile where it is reached on ``channel`` for ``purpose``.

    Of several addresses the newest that is not suppressed counts; if somebody who holds it
    refuses, an older one is no way round. ``as_of`` a moment: with the decisions and suppressions
    of then, and the addresses that are known of them.
    """
    found: dict[int, Reached] = {}
    for part in rows.parts(profile_ids):
        decided = _decided(part, channel, purpose, as_of)
        missing = _without_consent(part, decided, is_commercial=is_commercial)
        asked = [profile_id for profile_id in part if profile_id not in missing]
        known = _addresses(channel, asked)
        closed = _closed(known, channel, purpose, is_commercial=is_commercial, at=at, as_of=as_of)
        for profile_id in part:
            if profile_id in missing:
                found[profile_id] = Reached("", missing[profile_id])
            else:
                found[profile_id] = closed.reached(profile_id, known.get(profile_id, ()))
    return found


def first_of_each(held: Mapping[int, Sequence[str]]) -> set[int]:
    """Return the lowest id of each group of profiles that shared addresses link, however far.

    Profiles that share any address may be one person: the one known longest stands for them all.
    """
    leaders = {profile_id: profile_id for profile_id in held}

    def leader(profile_id: int) -> int:
        while leaders[profile_id] != profile_id:
            leaders[profile_id] = leaders[leaders[profile_id]]  # shorten the way for the next
            profile_id = leaders[profile_id]
        return profile_id

    holders: dict[str, int] = {}
    for profile_id, addresses in held.items():
        for address in addresses:
            other = leader(holders.setdefault(address, profile_id))
            low, high = sorted((other, leader(profile_id)))
            leaders[high] = low
    return {profile_id for profile_id in held if leaders[profile_id] == profile_id}


def _decided(
    profile_ids: Collection[int], channel: str, purpose: str, as_of: AsOf | None
) -> dict[int, str]:
    if as_of is not None:
        return consents.statuses_as_of(profile_ids, channel, purpose, as_of)
    return consents.decided(profile_ids, channel, purpose)


def _without_consent(
    profile_ids: Collection[int], decided: Mapping[int, str], *, is_commercial: bool
) -> dict[int, str]:
    """Return what is missing; what tells of a booking needs no consent, but no refusal either."""
    missing: dict[int, str] = {}
    for profile_id in profile_ids:
        status = decided.get(profile_id)
        if status == Status.REFUSED:
            missing[profile_id] = Reason.REFUSED.value
        elif status is None and is_commercial:
            missing[profile_id] = Reason.NO_CONSENT.value
    return missing


@dataclass(frozen=True, slots=True)
class _Closed:
    """Which addresses of which profiles are no way in, and why."""

    suppressed: set[str]
    refused: set[tuple[int, str]]
    uncovered: set[tuple[int, str]]
    unregistered: set[int]  # profiles; of the address that would be written to

    def reached(self, profile_id: int, known: Sequence[str]) -> Reached:
        """Return where a profile with these addresses is reached."""
        address = next((one for one in known if one not in self.suppressed), "")
        if not address:
            reason = Reason.SUPPRESSED if known else Reason.NO_ADDRESS
        elif (profile_id, address) in self.refused:
            reason = Reason.REFUSED
        elif (profile_id, address) in self.uncovered:
            reason = Reason.OTHER_ADDRESS
        elif profile_id in self.unregistered:
            reason = Reason.NOT_IN_IYS
        else:
            return Reached(address, "", known)
        return Reached(address, reason.value, known)


def _closed(
    known: Mapping[int, Sequence[str]],
    channel: str,
    purpose: str,
    *,
    is_commercial: bool,
    at: int,
    as_of: AsOf | None,
) -> _Closed:
    suppressed = consents.suppressed(
        channel,
        (address for addresses in known.values() for address in addresses),
        is_commercial=is_commercial,
        as_of=as_of,
    )
    refused = consents.refused_inboxes(known, channel, purpose, as_of)
    if not is_commercial:
        return _Closed(suppressed, refused, set(), set())
    letters = [
        (profile_id, profile_id, channel, address)
        for profile_id, addresses in known.items()
        if (address := next((one for one in addresses if one not in suppressed), ""))
    ]
    uncovered = consents.uncovered(known, channel, purpose, as_of)
    unregistered = iys.closed(letters, at=at, is_past=as_of is not None)
    return _Closed(suppressed, refused, uncovered, unregistered)


def _addresses(channel: str, profile_ids: Collection[int]) -> dict[int, list[str]]:
    if channel == Channel.WEBPUSH:
        return subscriptions.addresses(profile_ids)
    kind = IdentifierKind.EMAIL if channel == Channel.EMAIL else IdentifierKind.PHONE
    held = sorted(rows.select(connection, _HELD, profile_ids, given=[kind.value]), reverse=True)
    found: dict[int, list[str]] = {}
    for _recorded_at, _id, profile_id, address in held:
        found.setdefault(profile_id, []).append(address)
    return found
