"""How crowded it gets for customers when scheduled campaigns begin: who would get too much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pusula.campaigns import machine
from pusula.campaigns.models import Campaign
from pusula.consent.models import Consent, Status
from pusula.outbox import machine as messages
from pusula.outbox import policies
from pusula.outbox.models import Message
from pusula.outbox.rules.policy import Cap
from pusula.profiles.relations import Ids
from pusula.segments import queries as segments

# What counts: has left, may have left, or waits to leave.
_COUNTED = (messages.PENDING, messages.SENDING, messages.SENT, messages.UNKNOWN)


@dataclass(frozen=True)
class Conflict:
    """How many of those a scheduled campaign speaks to would by then have had all a cap allows."""

    campaign: Campaign
    cap: Cap
    n: int
    n_expected: int


def expected(campaign: Campaign) -> Ids:
    """Return who would get ``campaign`` at most, as its segments are now, ascending.

    Members of its audience with the consent it needs, without its exclusions; of addresses, the
    registry and limits nothing is asked: that is the plan's, and takes its time.
    """
    found: Ids = np.empty(0, np.int64)
    for segment in campaign.audience.all():
        found = np.union1d(found, segments.member_ids(segment))
    for segment in campaign.exclusions.all():
        found = np.setdiff1d(found, segments.member_ids(segment), assume_unique=True)
    if not campaign.is_commercial or not found.size:
        return found
    granted = Consent.objects.filter(
        channel=campaign.channel, purpose=campaign.purpose, status=Status.GRANTED
    ).values_list("profile_id", flat=True)
    may_be_written_to = np.fromiter(granted.iterator(10_000), np.int64)
    return np.intersect1d(found, may_be_written_to)


def conflicts() -> list[Conflict]:
    """Return for each scheduled campaign, the first to begin first, each cap that it runs into."""
    caps = policies.current().policy
    found: list[Conflict] = []
    ahead: list[tuple[Campaign, Ids]] = []
    for campaign in _scheduled():
        people = expected(campaign)
        if campaign.is_commercial:
            for cap in caps.caps_of(campaign.channel):
                n = _full(people, cap, campaign, ahead)
                if n:
                    found.append(Conflict(campaign, cap, n, len(people)))
            ahead.append((campaign, people))
    return found


def nth_message(from_at: int, to_at: int) -> dict[int, int]:
    """Return how many people would get so many commercial messages due in ``[from_at, to_at)``.

    By number of messages, from the second on; with what has left and what waits, and the scheduled
    campaigns as their segments are now.
    """
    ids = [_told(from_at, to_at, channel=None)]
    ids += [
        expected(campaign)
        for campaign in _scheduled()
        if campaign.is_commercial and from_at <= (campaign.starts_at or 0) < to_at
    ]
    _people, n = np.unique(np.concatenate(ids), return_counts=True)
    numbers, people = np.unique(n, return_counts=True)
    found = zip(numbers.tolist(), people.tolist(), strict=True)
    return {number: n_people for number, n_people in found if number > 1}


def _scheduled() -> list[Campaign]:
    found = Campaign.objects.filter(state=machine.SCHEDULED).order_by("starts_at", "pk")
    return list(found.prefetch_related("audience", "exclusions"))


def _full(people: Ids, cap: Cap, campaign: Campaign, ahead: list[tuple[Campaign, Ids]]) -> int:
    """Return how many of ``people`` will have had all that ``cap`` allows when it begins."""
    ends_at = campaign.starts_at or 0
    ids = [_told(ends_at - cap.window + 1, ends_at + 1, channel=cap.channel)]
    for other, others in ahead:
        counts = cap.channel in {None, other.channel}
        if counts and (other.starts_at or 0) > ends_at - cap.window:
            ids.append(others)
    who, n = np.unique(np.concatenate(ids), return_counts=True)
    return int(np.intersect1d(people, who[n >= cap.most]).size)


def _told(from_at: int, to_at: int, *, channel: str | None) -> Ids:
    """Return a profile for each commercial message that is due in ``[from_at, to_at)``."""
    found = Message.objects.filter(
        state__in=_COUNTED, due_at__gte=from_at, due_at__lt=to_at, is_commercial=True
    )
    if channel is not None:
        found = found.filter(channel=channel)
    return np.fromiter(found.values_list("profile_id", flat=True).iterator(10_000), np.int64)
