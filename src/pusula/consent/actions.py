"""Writes to the consent ledger and to the list of suppressed addresses."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction

from pusula.consent import digests, proofs, purposes
from pusula.consent.iys import queue
from pusula.consent.models import (
    Channel,
    Consent,
    ConsentEntry,
    Reason,
    Scope,
    Status,
    Suppression,
)  # fmt: skip
from pusula.consent.queries import ADDRESS_KINDS
from pusula.lake import rows
from pusula.profiles import holding, unheard
from pusula.profiles import queries as profiles

LEDGER = "consent_consententry"
CONSENTS = "consent_consent"

_LEDGER_COLUMNS = (
    "profile_id", "origin_id", "channel", "purpose", "status", "source", "address", "evidence",
    "decided_at", "proof", "recorded_at", "dedupe_key",
)  # fmt: skip

Subject = tuple[int, str, str]  # profile, channel, purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision of a person; ``dedupe_key`` is empty where its source gives it no number.

    ``address`` is the contact point it speaks of, empty if it speaks of the person; ``proof`` has
    the parts that ``proofs`` names.
    """

    profile_id: int
    channel: str
    purpose: str
    status: str
    source: str
    decided_at: int
    origin_id: int | None = None  # the merged profile that the source named
    evidence: str = ""
    dedupe_key: str = ""
    address: str = ""
    proof: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Recorded:
    """What became of decisions: which were new to the ledger, and whose present consent changed.

    ``touched`` are those, and whoever may be reached otherwise now because they share an address.
    """

    new: list[int]  # positions in the sequence that was given
    changed: npt.NDArray[np.int64]
    touched: npt.NDArray[np.int64]


def record(decisions: Sequence[Decision], *, at: int, is_heard: bool = False) -> Recorded:
    """Append ``decisions`` to the ledger and derive the consents that hold now; one transaction.

    The newest decision holds, except that a refusal gives way only to a strictly newer grant with
    evidence: nothing turns an opt-out back on silently. The ledger keeps what was not followed.
    What İYS has to be told is put in line with it, and the next live step is told to look at whom
    it touches; not if ``is_heard``: the caller evaluates them itself. Raises
    ``UnknownPurposeError``.
    """
    purposes.check({decision.purpose for decision in decisions})
    with transaction.atomic():
        if not is_heard:  # the live step merges itself; an import catches up with it
            decisions = _of_now(decisions)
        new = _unknown(decisions)
        rows.insert(
            connection,
            LEDGER,
            _LEDGER_COLUMNS,
            (_row(decisions[position], key, at) for key, position in new.items()),
        )
        told = [decisions[position] for position in new.values()]
        changed = derive({(d.profile_id, d.channel, d.purpose) for d in told})
        queue.put({key: decisions[position] for key, position in new.items()}, at=at)
        touched = changed | _sharing(told)
        if not is_heard:
            unheard.tell(touched, at=at)
    return Recorded(list(new.values()), _ascending(changed), _ascending(touched))


def _of_now(decisions: Sequence[Decision]) -> list[Decision]:
    """Return the decisions of whom their profiles have become, held until the transaction ends."""
    now = holding.hold({one.profile_id for one in decisions})
    return [
        one
        if (to := now.get(one.profile_id, one.profile_id)) == one.profile_id
        else replace(one, profile_id=to, origin_id=one.origin_id or one.profile_id)
        for one in decisions
    ]


def _ascending(ids: Iterable[int]) -> npt.NDArray[np.int64]:
    return np.array(sorted(ids), np.int64)


def _sharing(told: Sequence[Decision]) -> set[int]:
    """Return who holds an address that ``told`` speak of, or one of those who decided."""
    found: set[int] = set()
    for kind in set(ADDRESS_KINDS.values()):
        ours = [one for one in told if ADDRESS_KINDS.get(Channel(one.channel)) == kind]
        if ours:
            held = profiles.values_of(kind, {one.profile_id for one in ours})
            found |= unheard.sharing(kind, held.union(one.address for one in ours if one.address))
    return found


def refuse(
    profile_ids: Iterable[int],
    *,
    channel: str,
    purpose: str,
    source: str,
    evidence: str,
    at: int,
    addresses: Iterable[str] = (),
    proof: Mapping[str, str] | None = None,
) -> Recorded:
    """Record that these profiles, and all who hold an address of theirs, refuse.

    So do all who hold one of ``addresses``: where somebody was reached, whoever holds it by now;
    one address alone is written down with the refusal. Whose refusal with the same source and
    evidence stands has said it already.
    """
    addresses = tuple(addresses)
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
                address=addresses[0] if len(addresses) == 1 else "",
                proof=proof or {},
            )
            for profile_id in sorted(ids)
        ],
        at=at,
    )


def suppress(
    channel: str,
    address: str,
    *,
    reason: str,
    detail: str = "",
    scope: str = Scope.ALL,
    at: int,
) -> bool:
    """Put ``address`` on the list of those we must not send to; return whether it was new.

    The address is spelled as in identifiers (``profiles.contacts``). The first reason stays; the
    scope only widens.
    """
    digest = digests.of(channel, address)
    with transaction.atomic():
        row, is_new = Suppression.objects.get_or_create(
            channel=channel,
            digest=digest,
            lifted_at=None,
            defaults={
                "address": address,
                "reason": reason,
                "scope": scope,
                "detail": detail[:400],
                "since_at": at,
            },
        )
        is_wider = False
        if not is_new and scope == Scope.ALL:
            narrow = Suppression.objects.filter(pk=row.pk).exclude(scope=scope)
            is_wider = bool(narrow.update(scope=scope))
        if is_new or is_wider:
            _tell_holders(channel, address, at)
    return is_new


def _tell_holders(channel: str, address: str, at: int) -> None:
    """Have the next live step look at whoever holds ``address``."""
    kind = ADDRESS_KINDS.get(Channel(channel))
    if kind is not None:
        unheard.tell(unheard.sharing(kind, [address]), at=at)


def suppress_digest(channel: str, digest: str, *, reason: str, detail: str = "", at: int) -> bool:
    """Do as ``suppress`` for an address of which only the keyed hash is known."""
    _row, is_new = Suppression.objects.get_or_create(
        channel=channel,
        digest=digest,
        lifted_at=None,
        defaults={"reason": reason, "detail": detail[:400], "since_at": at},
    )
    return is_new


def lift(suppression_id: int, *, by: str, reason: str, at: int) -> bool:
    """End a suppression; return whether it stood. Consent is another matter and stays as it is."""
    standing = Suppression.objects.filter(pk=suppression_id, lifted_at=None)
    with transaction.atomic():
        if not standing.update(lifted_at=at, lifted_by=by[:150], lift_reason=reason[:400]):
            return False
        ended = Suppression.objects.get(pk=suppression_id)
        if ended.address:
            _tell_holders(ended.channel, ended.address, at)
    return True


def forget(channel: str, addresses: Iterable[str], *, at: int) -> int:
    """Keep ``addresses`` closed without keeping them: of a person who is erased; return how many.

    What was suppressed stays so by its hash; of the others the hash alone is kept.
    """
    n = 0
    for address in set(addresses):
        digest = digests.of(channel, address)
        suppress_digest(channel, digest, reason=Reason.ERASED, at=at)
        n += Suppression.objects.filter(channel=channel, digest=digest).update(
            address="", detail=""
        )
    return n


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
    said = (getattr(decision, column) for column in _LEDGER_COLUMNS[:-3])
    proof = json.dumps(proofs.checked(decision.proof), ensure_ascii=False)
    return (*said, proof, at, key)


def _content_key(decision: Decision) -> str:
    """Return the key of a decision that has no number of its own: the same words, the same key."""
    told = (
        decision.profile_id,
        decision.channel,
        decision.purpose,
        decision.status,
        decision.decided_at,
        decision.evidence,
        *([decision.address] if decision.address else []),
    )
    digest = hashlib.sha256("\x1f".join(map(str, told)).encode()).hexdigest()
    return f"{decision.source}:{digest}"


def derive(subjects: set[Subject]) -> set[int]:
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
