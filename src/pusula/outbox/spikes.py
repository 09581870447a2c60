"""Stopping what closes far more addresses than usual: a channel, or one campaign or journey."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db.models import QuerySet

from pusula.consent.models import Reason, Suppression
from pusula.lib import clock
from pusula.lib.sayings import Saying, kept
from pusula.outbox import actions, machine
from pusula.outbox.models import Message, Receipt, ReceiptKind, channel_hold

SPIKE_HOLD = "spike"  # of a channel
ORIGIN_HOLD = "returns"  # of what a campaign or journey sends
WINDOW = clock.HOUR
LEAST = 50  # fewer than this are everyday
SHARE = 0.05  # of what the channel sent in a day
FIRST = 10_000  # messages of an origin: how good its list is shows in these
_CLOSING = (Reason.HARD_BOUNCE, Reason.COMPLAINT)
_GONE = (machine.SENT, machine.UNKNOWN, machine.FAILED)

_log = logging.getLogger("pusula.outbox")


@dataclass(frozen=True, slots=True)
class _Brake:
    """An origin is held once more than ``share`` of its messages, and ``least``, are told bad."""

    kind: ReceiptKind
    share: float
    least: int
    said: Saying


_BRAKES = (
    _Brake(ReceiptKind.BOUNCED, 0.05, 20, Saying("there is nobody at the address")),
    _Brake(ReceiptKind.COMPLAINED, 0.003, 5, Saying("it was called spam")),
)


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
    said = Saying("%(n)s addresses closed within an hour", {"n": n_spike})
    _log.error("%s is held: %s", channel, said)
    actions.hold(channel_hold(channel), reason=SPIKE_HOLD, detail=kept(said), at=at)
    return True


@dataclass(slots=True)
class Watch:
    """Looks whether the first messages of a campaign or journey come to nothing too often.

    What only informs is never held.
    """

    beyond: set[str] = field(default_factory=set)  # origins that have sent more than these

    def look(self, told: QuerySet[Receipt], *, at: int) -> None:
        """Hold the origins of messages that are too many now; ``told`` are receipts just committed.

        Only what they make too much holds: what a person has let go on is not held again for what
        was known then. Of several who look at the same moment, one has the receipt that is one too
        many, and sees all before it or is followed by who committed one of these.
        """
        first: dict[tuple[str, str], int] = {}
        mine = told.filter(message__is_commercial=True, is_machine=False).order_by("-pk")
        for origin, kind, pk in mine.values_list("message__origin", "kind", "pk"):
            first[origin, kind] = pk
        for origin in sorted({origin for origin, _kind in first} - self.beyond):
            self._look(origin, first, at)

    def _look(self, origin: str, first: Mapping[tuple[str, str], int], at: int) -> None:
        sent = Message.objects.filter(origin=origin, is_commercial=True, state__in=_GONE)
        n = sent.values("pk")[: FIRST + 1].count()
        if n > FIRST:
            self.beyond.add(origin)
            return
        for brake in _BRAKES:
            since = first.get((origin, brake.kind))
            if since is None:
                continue
            receipts = Receipt.objects.filter(message__in=sent, kind=brake.kind, is_machine=False)
            bad = receipts.order_by().values("message").distinct()
            most = max(brake.least, int(n * brake.share))
            if bad.filter(pk__lt=since).count() <= most < (n_bad := bad.count()):
                _hold(origin, brake, n_bad, n, at)


def _hold(origin: str, brake: _Brake, n_bad: int, n: int, at: int) -> None:
    said = Saying(
        "of %(n)s messages %(n_bad)s came to nothing: %(why)s",
        {"n": n, "n_bad": n_bad, "why": brake.said},
    )
    _log.error("%s is held: %s", origin, said)
    actions.hold(origin, reason=ORIGIN_HOLD, detail=kept(said), at=at)


def _is_within(found: Iterable[int], at: int) -> bool:
    return any(since_at > at - WINDOW for since_at in found)
