"""Who would get a campaign: every candidate of its segments, and what speaks against each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from pusula.campaigns import holdout
from pusula.campaigns.errors import SegmentNotReadyError
from pusula.campaigns.models import Arm, Campaign
from pusula.consent import queries as consents
from pusula.consent.iys import queries as iys
from pusula.consent.models import Channel, Consent, Status
from pusula.lake import rows
from pusula.lib import clock
from pusula.outbox.reasons import Reason
from pusula.profiles.models import Identifier, IdentifierKind
from pusula.profiles.objections import objectors
from pusula.profiles.relations import Ids
from pusula.segments import queries as segments
from pusula.segments.models import Segment

SEGMENT = "segment:"  # a reason like those of the outbox, followed by the key of the exclusion


@dataclass(frozen=True)
class Candidate:
    """What a campaign decides about one profile; ``address`` only where it gets a message."""

    profile_id: int
    arm: Arm
    reason: str = ""
    address: str = ""


@dataclass(frozen=True)
class Plan:
    """What a campaign decides about all its candidates, ascending by profile id."""

    candidates: tuple[Candidate, ...]

    def of(self, arm: Arm) -> Iterator[Candidate]:
        """Yield the candidates of one arm."""
        return (candidate for candidate in self.candidates if candidate.arm == arm)

    def sizes(self) -> dict[Arm, int]:
        """Return how many candidates each arm has."""
        counts = Counter(candidate.arm for candidate in self.candidates)
        return {arm: counts[arm] for arm in Arm}

    def reasons(self) -> dict[str, int]:
        """Return how many are excluded for each reason, most first."""
        return dict(Counter(c.reason for c in self.of(Arm.EXCLUDED)).most_common())


def plan(campaign: Campaign) -> Plan:
    """Return who would be treated, held out and excluded if the campaign started now.

    Raises ``SegmentNotReadyError`` rather than guessing who is in a segment.
    """
    audience = list(campaign.audience.order_by("key"))
    exclusions = list(campaign.exclusions.order_by("key"))
    for segment in [*audience, *exclusions]:
        if trouble := trouble_with(segment):
            raise SegmentNotReadyError(trouble)
    members = [segments.member_ids(segment) for segment in audience]
    ids = np.unique(np.concatenate(members)) if members else np.empty(0, np.int64)
    reasons = _excluded_by_segment(ids, exclusions)
    if campaign.is_commercial:  # what tells of a booking is no profiling
        for profile_id in objectors(ids.tolist()):
            reasons.setdefault(profile_id, Reason.OBJECTED.value)
    _add_missing_consent(reasons, ids, campaign)
    addresses = _addresses(ids, campaign, reasons)
    return Plan(tuple(_decided(i, reasons, addresses, campaign) for i in ids.tolist()))


def trouble_with(segment: Segment) -> str:
    """Return why the members of ``segment`` cannot be trusted now; empty if they can."""
    values = {"segment": segment.key}
    if segment.archived_at is not None:
        return _("The segment %(segment)s is archived: choose another one.") % values
    if segment.version is None or segment.evaluated_at is None:
        return (
            _("The segment %(segment)s has not been evaluated yet: run `pusula run` first.")
            % values
        )
    if segment.stale_since_at is not None:
        values["error"] = segment.error
        return (
            _("The segment %(segment)s is out of date: mend it and run `pusula run`. %(error)s")
            % values
        ).strip()
    if segments.debts():
        return _("Newly imported data has not reached the segments yet: run `pusula run` first.")
    if segments.has_newer_version(segment):
        return (
            _("The segment %(segment)s was changed and not evaluated since: run `pusula run`.")
            % values
        )
    return ""


def _excluded_by_segment(ids: Ids, exclusions: list[Segment]) -> dict[int, str]:
    """Return reasons by profile; the first exclusion by key names it."""
    reasons: dict[int, str] = {}
    for segment in exclusions:
        for profile_id in np.intersect1d(ids, segments.member_ids(segment)).tolist():
            reasons.setdefault(profile_id, f"{SEGMENT}{segment.key}")
    return reasons


def _add_missing_consent(reasons: dict[int, str], ids: Ids, campaign: Campaign) -> None:
    decided: dict[int, str] = {}
    consents = Consent.objects.filter(channel=campaign.channel, purpose=campaign.purpose)
    for part in rows.parts(ids.tolist()):
        found = consents.filter(profile_id__in=part)
        decided.update(found.values_list("profile_id", "status"))
    for profile_id in ids.tolist():
        status = decided.get(profile_id)
        # What tells of a booking needs no consent; a refusal holds all the same.
        if status == Status.REFUSED or (campaign.is_commercial and status is None):
            missing = Reason.REFUSED if profile_id in decided else Reason.NO_CONSENT
            reasons.setdefault(profile_id, missing.value)


def _addresses(ids: Ids, campaign: Campaign, reasons: dict[int, str]) -> dict[int, str]:
    """Return where each profile not excluded is reached; give the others their reason.

    Of several addresses the newest that is not suppressed counts; if somebody who holds it
    refuses, an older one is no way round. Profiles that share any address may be one person, and
    get one message: the profile known longest stands for all of them, in whichever arm it comes.
    """
    known: dict[int, list[str]] = {}
    found: dict[int, str] = {}
    for part in rows.parts(i for i in ids.tolist() if i not in reasons):
        for profile_id, address in _identifiers(campaign.channel, part):
            known.setdefault(profile_id, []).append(address)
        closed = _closed({i: known.get(i, []) for i in part}, campaign)
        for profile_id in part:
            all_of_them = known.get(profile_id, [])
            address = next((one for one in all_of_them if one not in closed.suppressed), "")
            if reason := closed.reason(profile_id, address):
                reasons[profile_id] = reason.value
            elif not address:
                reasons[profile_id] = (
                    Reason.SUPPRESSED if all_of_them else Reason.NO_ADDRESS
                ).value
            else:
                found[profile_id] = address
    first = _first_of_each({profile_id: known[profile_id] for profile_id in found})
    reasons.update(dict.fromkeys(found.keys() - first, Reason.DUPLICATE_ADDRESS.value))
    return found


@dataclass(frozen=True)
class _Closed:
    """Which addresses of which profiles are no way in, and why."""

    suppressed: set[str]
    refused: set[tuple[int, str]]
    uncovered: set[tuple[int, str]]
    unregistered: set[int]  # profiles; of the address that would be written to

    def reason(self, profile_id: int, address: str) -> Reason | None:
        """Return what speaks against writing to ``address``, if anything does."""
        if not address:
            return None
        if (profile_id, address) in self.refused:
            return Reason.REFUSED
        if (profile_id, address) in self.uncovered:
            return Reason.OTHER_ADDRESS
        return Reason.NOT_IN_IYS if profile_id in self.unregistered else None


def _closed(known: Mapping[int, list[str]], campaign: Campaign) -> _Closed:
    channel, purpose = campaign.channel, campaign.purpose
    suppressed = consents.suppressed(
        channel,
        (address for addresses in known.values() for address in addresses),
        is_commercial=campaign.is_commercial,
    )
    refused = consents.refused_inboxes(known, channel, purpose)
    if not campaign.is_commercial:
        return _Closed(suppressed, refused, set(), set())
    letters = [
        (profile_id, profile_id, channel, address)
        for profile_id, addresses in known.items()
        if (address := next((one for one in addresses if one not in suppressed), ""))
    ]
    return _Closed(
        suppressed,
        refused,
        consents.uncovered(known, channel, purpose),
        iys.closed(letters, at=clock.now()),
    )


def _first_of_each(held: Mapping[int, list[str]]) -> set[int]:
    """Return the lowest id of each group of profiles that shared addresses link, however far."""
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


def _identifiers(channel: str, ids: list[int]) -> QuerySet[Identifier, tuple[int, str]]:
    kind = IdentifierKind.EMAIL if channel == Channel.EMAIL else IdentifierKind.PHONE
    found = Identifier.objects.filter(kind=kind, profile_id__in=ids)
    return found.order_by("-recorded_at", "-pk").values_list("profile_id", "value")


def _decided(
    profile_id: int, reasons: dict[int, str], addresses: dict[int, str], campaign: Campaign
) -> Candidate:
    if profile_id in reasons:
        return Candidate(profile_id, Arm.EXCLUDED, reasons[profile_id])
    if holdout.is_held_out(campaign.key, profile_id, campaign.holdout_share):
        return Candidate(profile_id, Arm.HOLDOUT)
    return Candidate(profile_id, Arm.TREATED, address=addresses[profile_id])
