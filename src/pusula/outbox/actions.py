"""Writes to the outbox: freeze what is said, reserve who gets it, hold back and let go."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

from django.db import connection, transaction

from pusula.channels.email.address import split_sender
from pusula.consent.models import Channel
from pusula.content import template
from pusula.lake import rows
from pusula.lib import clock, ids
from pusula.lib.text import email_key
from pusula.outbox import machine, moves, outgoing
from pusula.outbox.models import Content, Hold, Message
from pusula.outbox.reasons import Reason

_CHUNK = 2_000
_MESSAGES = "outbox_message"
_COLUMNS = (
    "dedupe_key", "origin", "step", "profile_id", "order_id", "content_id", "variables", "channel",
    "purpose", "is_commercial", "priority", "policy", "address", "token", "state", "reason",
    "detail", "provider_id", "owner", "n_attempts", "due_at", "not_after_at", "open_until_at",
    "created_at", "settled_at",
)  # fmt: skip
PAUSED = "paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message to be reserved, or one that was decided against: then with state and reason."""

    dedupe_key: str  # campaign or step version, profile, entry: makes it happen once
    origin: str  # who asks for it: "campaign:12"
    profile_id: int
    content_id: int
    channel: str
    purpose: str
    address: str
    due_at: int
    not_after_at: int
    is_commercial: bool = True
    step: str = ""
    order_id: int | None = None
    variables: Mapping[str, str] | None = None
    priority: int = 5
    policy: int = 0
    open_until_at: int | None = None
    state: str = machine.PENDING
    reason: str = ""


def freeze(
    *,
    channel: str,
    sender: str,
    subject: str,
    text: str,
    html: str,
    details: Mapping[str, object] | None = None,
) -> Content:
    """Keep what messages will say, exactly as it is now.

    Raises ``TemplateError`` and ``AddressError`` rather than let everybody's message fail later.
    """
    if channel == Channel.EMAIL:
        split_sender(sender)
        template.compiled(subject, text, html)
    else:
        outgoing.Prepared.of(channel, sender, subject, text, details or {})
    return Content.objects.create(
        channel=channel,
        sender=sender,
        subject=subject,
        text=text,
        html=html,
        details=dict(details or {}),
        created_at=clock.now(),
    )


def reserve(drafts: Iterable[Draft]) -> int:
    """Put messages in line, each dedupe key once and for all; return how many were new.

    Runs in the caller's transaction. Asks nothing: what asks is ``decisions.decide``.
    """
    at = clock.now()
    n_new = 0
    remaining = iter(drafts)
    with transaction.atomic():
        while chunk := list(islice(remaining, _CHUNK)):
            seen = known_keys(draft.dedupe_key for draft in chunk)
            new = {d.dedupe_key: d for d in chunk if d.dedupe_key not in seen}
            put(new.values(), at=at)
            n_new += len(new)
    return n_new


def known_keys(dedupe_keys: Iterable[str]) -> set[str]:
    """Return those of the keys that a message has already."""
    found: set[str] = set()
    for part in rows.parts(dedupe_keys):
        held = Message.objects.filter(dedupe_key__in=part)
        found.update(held.values_list("dedupe_key", flat=True))
    return found


def put(drafts: Iterable[Draft], *, at: int) -> None:
    """Write messages whose keys nobody has; raise ``IntegrityError`` if somebody has."""
    rows.insert(connection, _MESSAGES, _COLUMNS, (_row(d, at) for d in drafts))


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a provider says of a message of which we did not know whether it arrived."""

    has_arrived: bool
    detail: str  # in its words


def resolve(message_id: int, evidence: Evidence, *, at: int) -> bool:
    """Settle a message that was unknown; return whether it still was.

    Without evidence of a provider nothing resolves a doubt; see ``doubts.resend``.
    """
    doubtful = Message.objects.filter(pk=message_id, state=machine.UNKNOWN)
    if evidence.has_arrived:
        return bool(
            doubtful.update(
                state=machine.SENT, reason="", detail=evidence.detail[:400], settled_at=at
            )
        )
    return bool(
        doubtful.update(
            state=machine.FAILED, reason=Reason.REJECTED, detail=evidence.detail[:400],
            settled_at=at,
        )
    )  # fmt: skip


def hold(origin: str = "", *, reason: str = PAUSED, detail: str = "", at: int) -> None:
    """Hold sending back, for ``origin`` or for everything; messages stay in line."""
    held = Hold(origin=origin, reason=reason, detail=detail[:400], since_at=at)
    # In one statement: somebody may hold the same, or let it go, at the same moment.
    Hold.objects.bulk_create([held], ignore_conflicts=True)


def lift(origin: str = "") -> bool:
    """Let sending go on; return whether it was held."""
    n_lifted, _ = Hold.objects.filter(origin=origin).delete()
    return bool(n_lifted)


def withdraw(dedupe_keys: Iterable[str], *, at: int) -> int:
    """Skip those of these messages that are still in line; return how many were."""
    return sum(
        moves.withdraw(Message.objects.filter(dedupe_key__in=part), at=at)
        for part in rows.parts(sorted(dedupe_keys))
    )


def withdraw_all(origin: str, *, at: int) -> int:
    """Skip all that an origin has in line; return how much it was."""
    return moves.withdraw(Message.objects.filter(origin=origin), at=at)


def _row(draft: Draft, at: int) -> tuple[object, ...]:
    """Return the values of ``_COLUMNS``."""
    is_email = draft.channel == Channel.EMAIL
    return (
        draft.dedupe_key,
        draft.origin,
        draft.step,
        draft.profile_id,
        draft.order_id,
        draft.content_id,
        json.dumps(dict(draft.variables), ensure_ascii=False) if draft.variables else "{}",
        draft.channel,
        draft.purpose,
        draft.is_commercial,
        draft.priority,
        draft.policy,
        email_key(draft.address) if is_email else draft.address,
        ids.random_id(),
        draft.state,
        draft.reason,
        "",
        "",
        "",
        0,
        draft.due_at,
        draft.not_after_at,
        draft.open_until_at,
        at,
        at if draft.state in machine.FINAL else None,
    )
