"""Taking due messages for one sender; what another has taken is left alone."""

from __future__ import annotations

from django.db import transaction

from pusula.consent.models import Channel
from pusula.outbox import machine
from pusula.outbox.letters import Letter
from pusula.outbox.models import FENCE, Hold, Message, channel_hold

_FIELDS = (
    "pk", "token", "origin", "profile_id", "content_id", "address", "n_attempts", "variables",
)  # fmt: skip


def claim(owner: str, *, n: int, at: int, channel: str = Channel.EMAIL) -> list[Letter]:
    """Take up to ``n`` messages of ``channel`` due at ``at`` that nobody has and nothing holds.

    The update names what it expects to find, so of two senders only one gets a message.
    """
    free = Message.objects.filter(channel=channel, state=machine.PENDING, owner="", due_at__lte=at)
    with transaction.atomic():
        held = set(Hold.objects.values_list("origin", flat=True))
        if held & {"", FENCE, channel_hold(channel)}:
            return []
        waiting = free.exclude(origin__in=held).order_by("due_at", "pk")
        # On PostgreSQL, pass by what another sender is claiming just now.
        ids = list(waiting.select_for_update(skip_locked=True).values_list("pk", flat=True)[:n])
        if not ids:
            return []
        free.filter(pk__in=ids).update(owner=owner)
    mine = Message.objects.filter(pk__in=ids, owner=owner, state=machine.PENDING)
    return [Letter(*row) for row in mine.order_by("due_at", "pk").values_list(*_FIELDS)]
