"""Stopping a channel when far more of its addresses are closed than usual, in error or not."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from pusula.consent.models import Reason, Suppression
from pusula.lib import clock
from pusula.outbox import actions, machine
from pusula.outbox.models import Message, channel_hold

SPIKE_HOLD = "spike"
WINDOW = clock.HOUR
LEAST = 50  # fewer than this are everyday
SHARE = 0.05  # of what the channel sent in a day
_CLOSING = (Reason.HARD_BOUNCE, Reason.COMPLAINT)

_log = logging.getLogger("pusula.outbox")


def look(channel: str, *, at: int) -> bool:
    """Hold ``channel`` if bounces and complaints closed too many addresses in the last hour.

    Either somebody tells what is not true, or a list is as bad as it looks: both are for a person
    to judge before more is sent. Returns whether there is a spike.
    """
    closed = (
        Suppression.objects.filter(channel=channel, reason__in=_CLOSING, lifted_at=None)
        .order_by("-pk")
        .values_list("since_at", flat=True)
    )
    if not _is_within(closed[LEAST - 1 : LEAST], at):
        return False
    n_sent = Message.objects.filter(
        channel=channel, state=machine.SENT, due_at__gt=at - clock.DAY
    ).count()
    n_spike = max(LEAST, int(n_sent * SHARE))
    if n_spike > LEAST and not _is_within(closed[n_spike - 1 : n_spike], at):
        return False
    detail = f"{n_spike} addresses closed within an hour"
    _log.error("%s is held: %s", channel, detail)
    actions.hold(channel_hold(channel), reason=SPIKE_HOLD, detail=detail, at=at)
    return True


def _is_within(found: Iterable[int], at: int) -> bool:
    return any(since_at > at - WINDOW for since_at in found)
