"""Writes to the outbox: freeze what is said, reserve who gets it, hold back and let go."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from django.db import transaction

from pusula.channels.email.address import split_sender
from pusula.consent.models import Channel
from pusula.content import template
from pusula.lib import clock, ids
from pusula.lib.text import email_key
from pusula.outbox.models import Content, Hold, Message

_CHUNK = 2_000
PAUSED = "paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message to be reserved; with an empty address it will be skipped for that reason."""

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


def freeze(*, channel: str, sender: str, subject: str, text: str, html: str) -> Content:
    """Keep what messages will say, exactly as it is now.

    Raises ``TemplateError`` and ``AddressError`` rather than let everybody's message fail later.
    """
    if channel == Channel.EMAIL:
        split_sender(sender)
        template.compiled(subject, text, html)
    return Content.objects.create(
        channel=channel,
        sender=sender,
        subject=subject,
        text=text,
        html=html,
        created_at=clock.now(),
    )


def reserve(drafts: Iterable[Draft]) -> int:
    """Put messages in line, each dedupe key once and for all; return how many were new.

    Runs in the caller's transaction, so that who gets what is decided and written together.
    """
    at = clock.now()
    n_new = 0
    remaining = iter(drafts)
    with transaction.atomic():
        while chunk := list(islice(remaining, _CHUNK)):
            n_new += _reserve(chunk, at)
    return n_new


def hold(origin: str = "", *, reason: str = PAUSED, detail: str = "", at: int) -> None:
    """Hold sending back, for ``origin`` or for everything; messages stay in line."""
    Hold.objects.get_or_create(
        origin=origin, defaults={"reason": reason, "detail": detail[:400], "since_at": at}
    )


def lift(origin: str = "") -> bool:
    """Let sending go on; return whether it was held."""
    n_lifted, _ = Hold.objects.filter(origin=origin).delete()
    return bool(n_lifted)


def _reserve(drafts: Sequence[Draft], at: int) -> int:
    held = Message.objects.filter(dedupe_key__in=[draft.dedupe_key for draft in drafts])
    seen = set(held.values_list("dedupe_key", flat=True))
    new = {draft.dedupe_key: draft for draft in drafts if draft.dedupe_key not in seen}
    # Whoever reserves the same at the same moment wins or loses by the unique key.
    Message.objects.bulk_create(
        [_message(draft, at) for draft in new.values()], ignore_conflicts=True
    )
    return len(new)


def _message(draft: Draft, at: int) -> Message:
    is_email = draft.channel == Channel.EMAIL
    return Message(
        dedupe_key=draft.dedupe_key,
        origin=draft.origin,
        profile_id=draft.profile_id,
        content_id=draft.content_id,
        channel=draft.channel,
        purpose=draft.purpose,
        is_commercial=draft.is_commercial,
        address=email_key(draft.address) if is_email else draft.address,
        token=ids.random_id(),
        due_at=draft.due_at,
        not_after_at=draft.not_after_at,
        created_at=at,
    )
