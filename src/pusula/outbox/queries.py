"""Reads of the outbox: how far a mailing is, what became of it, what one person got."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, F, QuerySet

from pusula.consent.models import Channel
from pusula.lib import clock
from pusula.outbox import machine
from pusula.outbox.models import Hold, Message, Receipt, ReceiptKind, Sender


@dataclass(frozen=True)
class Standing:
    """How many messages are in a state for a reason (empty where there is none)."""

    state: str
    reason: str
    n: int


@dataclass(frozen=True)
class Rates:
    """What became of the messages of one origin; people, not machines, and each message once."""

    n_messages: int
    n_sent: int
    n_opened: int
    n_clicked: int
    n_unsubscribed: int
    n_bounced: int

    def share(self, n: int) -> float | None:
        """Return ``n`` as a share of those sent, ``None`` before any was."""
        return n / self.n_sent if self.n_sent else None


def counts(origin: str) -> list[Standing]:
    """Return the messages of ``origin`` by state and reason, in the order of the states."""
    rows = Message.objects.filter(origin=origin).values_list("state", "reason")
    found = [Standing(*row) for row in rows.annotate(n=Count("pk")).order_by("reason")]
    return sorted(found, key=lambda count: machine.STATES.index(count.state))


def is_settled(origin: str) -> bool:
    """Return whether no message of ``origin`` can change any more."""
    open_ = Message.objects.filter(origin=origin).exclude(state__in=machine.FINAL)
    return not open_.exists()


def doubtful(origin: str) -> QuerySet[Message]:
    """Return the messages of ``origin`` of which nobody knows whether they arrived."""
    return Message.objects.filter(origin=origin, state=machine.UNKNOWN).order_by("pk")


def n_doubtful() -> int:
    """Return of how many messages nobody knows whether they arrived."""
    return Message.objects.filter(state=machine.UNKNOWN).count()


def n_waiting(at: int) -> int:
    """Return how many messages are due at ``at`` and have not left; calls wait for agents."""
    due = Message.objects.filter(state=machine.PENDING, due_at__lte=at)
    return due.exclude(channel=Channel.CALL).count()


def holds() -> list[Hold]:
    """Return what is held back now; an empty origin means everything."""
    return list(Hold.objects.order_by("origin"))


def of_profile(profile_id: int) -> QuerySet[Message]:
    """Return the messages of a profile with their content and receipts, the newest first."""
    messages = Message.objects.filter(profile_id=profile_id).order_by("-created_at", "-pk")
    return messages.select_related("content").prefetch_related("receipts")


def recent(profile_id: int, *, limit: int = 50) -> Sequence[Message]:
    """Return the newest messages of a profile with their content and receipts."""
    return list(of_profile(profile_id)[:limit])


def rates(origin: str) -> Rates:
    """Return what became of the messages of ``origin``."""
    messages = Message.objects.filter(origin=origin)
    receipts = Receipt.objects.filter(message__origin=origin, is_machine=False)
    by_kind = dict(
        receipts.values_list("kind").annotate(n=Count("message", distinct=True)).order_by()
    )
    return Rates(
        n_messages=messages.count(),
        n_sent=messages.filter(state=machine.SENT).count(),
        n_opened=by_kind.get(ReceiptKind.OPENED, 0),
        n_clicked=by_kind.get(ReceiptKind.CLICKED, 0),
        n_unsubscribed=by_kind.get(ReceiptKind.UNSUBSCRIBED, 0),
        n_bounced=by_kind.get(ReceiptKind.BOUNCED, 0),
    )


def is_anybody_sending(at: int) -> bool:
    """Return whether a sender has shown itself in the last minute."""
    return Sender.objects.filter(heartbeat_at__gte=at - clock.MINUTE).exists()


@dataclass(frozen=True)
class Tally:
    """How many messages are alike: state, reason, who asked, step, channel."""

    state: str
    reason: str
    origin: str
    step: str
    channel: str
    n: int


def between(from_at: int, to_at: int, equal: Mapping[str, str]) -> QuerySet[Message]:
    """Return the messages due in ``[from_at, to_at)``, the last first; ``equal`` narrows them."""
    # Those of one origin may be behind all others of the span: not by a walk along the due moments.
    due = F("due_at") + 0 if "origin" in equal else F("due_at")
    found = Message.objects.filter(due_at__gte=from_at, due_at__lt=to_at, **equal)
    return found.order_by(due.desc(), "-pk")


def tallies(messages: QuerySet[Message]) -> list[Tally]:
    """Return how many of ``messages`` are alike, most first."""
    columns = ("state", "reason", "origin", "step", "channel")
    rows = messages.order_by().values_list(*columns).annotate(n=Count("pk"))
    return sorted((Tally(*row) for row in rows), key=lambda one: (-one.n, one.origin, one.step))
