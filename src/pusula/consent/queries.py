"""Reads of consent: who agreed to what, and which addresses are closed."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from django.db.models import QuerySet

from pusula.consent.models import Consent, ConsentEntry, Status, Suppression
from pusula.lake import rows


def granted_profiles(channel: str, purpose: str) -> npt.NDArray[np.int64]:
    """Return the ids of the profiles whose present decision is a grant, ascending."""
    held = Consent.objects.filter(channel=channel, purpose=purpose, status=Status.GRANTED)
    ids = held.order_by("profile_id").values_list("profile_id", flat=True)
    return np.fromiter(ids.iterator(), np.int64)


def n_granted(channel: str, purpose: str) -> int:
    """Return how many profiles may be reached on ``channel``."""
    held = Consent.objects.filter(channel=channel, purpose=purpose, status=Status.GRANTED)
    return held.count()


def consent_of(profile_id: int) -> QuerySet[Consent]:
    """Return the decisions of a profile that hold now, by channel and purpose."""
    held = Consent.objects.filter(profile_id=profile_id).select_related("entry")
    return held.order_by("channel", "purpose")


def present(profile_id: int, purpose: str) -> dict[str, Consent]:
    """Return the decisions of a profile for ``purpose`` that hold now, by channel."""
    return {held.channel: held for held in consent_of(profile_id).filter(purpose=purpose)}


def statuses(profile_ids: Iterable[int], purpose: str) -> dict[int, dict[str, str]]:
    """Return the present status by channel of each profile that decided anything."""
    found: dict[int, dict[str, str]] = {}
    for part in rows.parts(profile_ids):
        held = Consent.objects.filter(profile_id__in=part, purpose=purpose)
        for profile_id, channel, status in held.values_list("profile_id", "channel", "status"):
            found.setdefault(profile_id, {})[channel] = status
    return found


def ledger_of(profile_id: int) -> QuerySet[ConsentEntry]:
    """Return every decision of a profile, the newest first."""
    return ConsentEntry.objects.filter(profile_id=profile_id).order_by("-decided_at", "-id")


def suppressed(channel: str, addresses: Iterable[str]) -> set[str]:
    """Return those of ``addresses`` that must not be sent to."""
    found: set[str] = set()
    for part in rows.parts(set(addresses)):
        held = Suppression.objects.filter(channel=channel, address__in=part)
        found.update(held.values_list("address", flat=True))
    return found
