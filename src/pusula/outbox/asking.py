"""Asking providers that do not tell by themselves what became of the messages they took."""

from __future__ import annotations

from typing import Any, cast

from pusula.channels.port import Asked, Provider
from pusula.lib import clock
from pusula.outbox import machine, reports
from pusula.outbox.models import Message, ReceiptKind
from pusula.outbox.reports import Applied

WINDOW = 3 * clock.DAY  # gateways give up on a message before that
_PART = 500
_LAST = (
    ReceiptKind.DELIVERED,
    ReceiptKind.BOUNCED,
    ReceiptKind.SOFT_BOUNCED,
    ReceiptKind.REJECTED,
)


def ask(provider: Provider, *, at: int) -> Applied:
    """Ask about the messages of the last days that have no last word; raises ``CallError``.

    A provider that tells by itself is not asked.
    """
    done = Applied()
    if not hasattr(provider, "ask"):
        return done
    asked = cast("Asked", provider)
    told: Any = Message.objects.filter(
        channel=provider.channel, state=machine.SENT, settled_at__gt=at - WINDOW
    ).exclude(receipts__kind__in=_LAST)
    numbers = sorted(set(told.exclude(provider_id="").values_list("provider_id", flat=True)))
    for start in range(0, len(numbers), _PART):
        found = asked.ask(numbers[start : start + _PART])
        part = reports.apply(found, channel=provider.channel, at=at)
        done.n_new += part.n_new
        done.n_same += part.n_same
        done.n_unknown += part.n_unknown
    return done
