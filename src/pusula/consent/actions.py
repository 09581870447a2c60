"""Writes to the consent ledger and to the list of suppressed addresses."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction

from pusula.consent.models import Channel, Consent, ConsentEntry, Status, Suppression
from pusula.consent.queries import ADDRESS_KINDS
from pusula.lake import rows
from pusula.profiles import queries as profiles

LEDGER = "consent_consententry"
CONSENTS = "consent_consent"

_LEDGER_COLUMNS = (
    "profile_id", "channel", "purpose", "status", "source", "evidence", "decided_at",
    "recorded_at", "dedupe_key",
)  # fmt: skip

Subject = tuple[int, str, str]  # profile, channel, purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision of a person; ``dedupe_key`` is empty where its source gives it no number."""

    profile_id: int
    channel: str
    purpose: str
    status: str
    source: str
    decided_at: int
    evidence: str = ""
    dedupe_key: str = ""


@dataclass(frozen=True)
class Recorded:
    """What became of decisions: which were new to the ledger, and whose present consent changed."""

    new: list[int]  # positions in the sequence that was given
    changed: npt.NDArray[np.int64]


def record(decisions: Sequence[Decision], *, at: int) -> Recorded:
    """Append ``decisions`` to the ledger and derive the consents that hold now; one transaction.

    The newest decision holds, except that a refusal gives way only to a strictly newer grant with
    evidence: nothing turns an opt-out back on silently. The ledger keeps what was not followed.
    """
    with transaction.atomic():
        new = _unknown(decisions)
        rows.insert(
            connection,
            LEDGER,
            _LEDGER_COLUMNS,
            (_row(decisions[position], key, at) for key, position in new.items()),
        )
        told = [decisions[position] for position in new.values()]
        changed = _derive({(d.profile_id, d.channel, d.purpose) for d in told})
    return Recorded(list(new.values()), np.array(sorted(changed), np.int64))


def refuse(
    profile_ids: Iterable[int],
    *,
    channel: str,
    purpose: str,
    source: str,
    evidence: str,
    at: int,
    addresses: Iterable[str] = (),
) -> Recorded:
    """Record that these profiles, and all who hold an address of theirs, refuse.

    So do all who hold one of ``addresses``: where somebody was reached, whoever holds it by now.
    Whose refusal with the same source and evidence stands has said it already.
    """
    ids = set(profile_ids)
    kind = ADDRESS_KINDS.get(Channel(channel))
    if kind is not None:
        held = profiles.values_of(kind, ids).union(addresses)
        for holders in profiles.holders(kind, held).values():
            ids.update(holders)
    for part in rows.parts(sorted(ids)):
        said = Consent.objects.filter(profile_id__in=part, channel=channel, purpose=purpose)
        said = said.filter(status=Status.REFUSED, entry__source=source, entry__evidence=evidence)
        ids.difference_update(said.values_list("profile_id", flat=True))
    return record(
        [
            Decision(
                profile_id=profile_id,
                channel=channel,
                purpose=purpose,
                status=Status.REFUSED,
                source=source,
                decided_at=at,
                evidence=evidence,
            )
            for profile_id in sorted(ids)
        ],
        at=at,
    )


def suppress(channel: str, address: str, *, reason: str, detail: str = "", at: int) -> bool:
    """Put ``address`` on the list of those we must not send to; return whether it was new.

    The address is spelled as in identifiers (``profiles.contacts``); the first reason stays.
    """
    _row, is_new = Suppression.objects.get_or_create(
        channel=channel,
        address=address,
        defaults={"reason": reason, "detail": detail[:400], "since_at": at},
    )
    return is_new


def _unknown(decisions: Sequence[Decision]) -> dict[str, int]:
    """Return by dedupe key the positions of decisions that the ledger does not hold, each once."""
    positions: dict[str, int] = {}
    for position, decision in enumerate(decisions):
        positions.setdefault(decision.dedupe_key or _content_key(decision), position)
    for part in rows.parts(list(positions)):
        held = ConsentEntry.objects.filter(dedupe_key__in=part)
        for key in held.values_list("dedupe_key", flat=True):
            del positions[key]
    return positions


def _row(decision: Decision, key: str, at: int) -> tuple[Any, ...]:
    said = (getattr(decision, column) for column in _LEDGER_COLUMNS[:-2])
    return (*said, at, key)


def _content_key(decision: Decision) -> str:
    """Return the key of a decision that has no number of its own: the same words, the same key."""
    told = (
        decision.profile_id,
        decision.channel,
        decision.purpose,
        decision.status,
        decision.decided_at,
        decision.evidence,
    )
    digest = hashlib.sha256("\x1f".join(map(str, told)).encode()).hexdigest()
    return f"{decision.source}:{digest}"


def _derive(subjects: set[Subject]) -> set[int]:
    """Bring the present consents of ``subjects`` to what the ledger says; return who changed."""
    changed: set[int] = set()
    by_profile = defaultdict(set)
    for subject in subjects:
        by_profile[subject[0]].add(subject)
    for part in rows.parts(sorted(by_profile)):
        asked = {subject for profile_id in part for subject in by_profile[profile_id]}
        # Locked before the ledger is read: of two decisions at the same moment, an import's grant
        # and a click on "unsubscribe", the later to finish must see the other.
        stored = {
            (profile_id, channel, purpose): tuple(consent)
            for profile_id, channel, purpose, *consent in Consent.objects.select_for_update()
            .filter(profile_id__in=part)
            .order_by("pk")
            .values_list(
                "profile_id", "channel", "purpose", "id", "status", "decided_at", "entry_id"
            )
        }
        new, updates = [], []
        for subject, (status, decided_at, entry_id) in _decided(part, asked).items():
            held = stored.get(subject)
            if held is None:
                new.append((*subject, status, decided_at, entry_id))
            elif held[1:] != (status, decided_at, entry_id):
                updates.append((status, decided_at, entry_id, held[0]))
            else:
                continue
            changed.add(subject[0])
        columns = ("status", "decided_at", "entry_id")
        rows.insert(connection, CONSENTS, ("profile_id", "channel", "purpose", *columns), new)
        rows.update(connection, CONSENTS, columns, updates)
    return changed


def _decided(
    profile_ids: Sequence[int], asked: set[Subject]
) -> dict[Subject, tuple[str, int, int]]:
    """Return status, time and entry of the decision that holds for each subject."""
    holding: dict[Subject, tuple[str, int, int]] = {}
    entries = ConsentEntry.objects.filter(profile_id__in=profile_ids)
    # At the same moment a refusal stands behind a grant ("refused" > "granted") and so wins.
    entries = entries.order_by("decided_at", "status", "id")
    for profile_id, channel, purpose, entry_id, status, decided_at, evidence in entries.values_list(
        "profile_id", "channel", "purpose", "id", "status", "decided_at", "evidence"
    ):
        subject = (profile_id, channel, purpose)
        if subject not in asked:
            continue
        before = holding.get(subject)
        if (
            before is not None
            and before[0] == Status.REFUSED
            and status == Status.GRANTED
            and not (evidence and decided_at > before[1])
        ):
            continue
        holding[subject] = (status, decided_at, entry_id)
    return holding
