"""Grants withdrawn that were imported by mistake; refusals always stay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from pusula.consent.actions import derive
from pusula.consent.models import Consent, ConsentEntry, IysState, IysStatus, IysSubmission, Status
from pusula.lake import rows

_PART = 500
_KEPT = (
    "id", "profile_id", "channel", "purpose", "status", "source", "address", "evidence",
    "decided_at", "recorded_at", "dedupe_key",
)  # fmt: skip


@dataclass
class Withdrawn:
    """What was done: grants as they stood in the ledger, whose refusals stay, who is touched."""

    grants: list[dict[str, Any]] = field(default_factory=list)
    n_refusals: int = 0
    refusing: set[int] = field(default_factory=set)
    touched: set[int] = field(default_factory=set)


def withdraw(profile_ids: Iterable[int], *, source: str, recorded_at: int) -> Withdrawn:
    """Take the grants that ``source`` brought at ``recorded_at`` out of the ledger.

    They never were decisions of these people. What the ledger says without them holds again, so a
    refusal that such a grant had overtaken is back. The caller keeps the grants as they stood:
    messages may have left on their strength. What was not yet told to İYS is not told any more.
    One transaction.
    """
    found = Withdrawn()
    with transaction.atomic():
        for part in rows.parts(profile_ids, _PART):
            said = ConsentEntry.objects.filter(
                profile_id__in=part, source=source, recorded_at=recorded_at
            )
            refusing = said.filter(status=Status.REFUSED).values_list("profile_id", flat=True)
            found.n_refusals += len(refusing)
            found.refusing.update(refusing)
            grants = list(said.filter(status=Status.GRANTED).order_by("id").values(*_KEPT))
            if not grants:
                continue
            found.grants += grants
            ids = [one["id"] for one in grants]
            Consent.objects.filter(entry_id__in=ids).delete()
            ConsentEntry.objects.filter(pk__in=ids).delete()
            found.touched.update(one["profile_id"] for one in grants)
            derive({(one["profile_id"], one["channel"], one["purpose"]) for one in grants})
        if found.grants:
            IysSubmission.objects.filter(
                created_at=recorded_at, state=IysState.PENDING, status=IysStatus.APPROVED
            ).delete()
    return found
