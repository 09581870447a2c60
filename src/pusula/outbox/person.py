"""What the outbox holds of a person: told on request, erased on request."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pusula.outbox.models import Message, PushSubscription, Receipt
from pusula.profiles.told import Record, told

_INNER = ("dedupe_key", "content_id", "token", "owner")


def told_of(profile_id: int) -> Iterator[Record]:
    """Yield every message to the person and what became of it, the oldest first."""
    sent = Message.objects.filter(profile_id=profile_id).order_by("created_at")
    yield from told("message", sent, *_INNER, subject="content__subject")
    receipts = Receipt.objects.filter(message__profile_id=profile_id).order_by("at")
    yield from told("receipt", receipts, "message_id", "key", origin="message__origin")
    browsers = PushSubscription.objects.filter(profile_id=profile_id).order_by("subscribed_at")
    yield from told("push_subscription", browsers)


def erase(profile_ids: Collection[int]) -> int:
    """Delete the messages to these people; one that waits to be sent is not sent any more."""
    n_browsers, _ = PushSubscription.objects.filter(profile_id__in=profile_ids).delete()
    return n_browsers + Message.objects.filter(profile_id__in=profile_ids).delete()[0]
