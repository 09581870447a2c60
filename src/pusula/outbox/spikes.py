"""Stopping what closes far more addresses than usual: a channel, or one campaign or journey."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db import connection

from pusula.consent.models import Reason, Suppression
from pusula.lake import locks
from pusula.lib import clock
from pusula.lib.sayings import Saying, kept
from pusula.outbox import actions, machine
from pusula.outbox.models import Message, Receipt, ReceiptKind, channel_hold

SPIKE_HOLD = "spike"  # of a channel
ORIGIN_HOLD = "returns"  # of what a campaign or journey sends
WINDOW = clock.HOUR
LEAST = 50  # fewer than this are everyday
FAR = 20_000  # suppressions, the newest: further back none is of the last hour, or there are many
SHARE = 0.05  # of what the channel sent in a day
FIRST = 10_000  # messages of an origin: how good its list is shows in these
_CLOSING = (Reason.HARD_BOUNCE, Reason.COMPLAINT)
_GONE = (machine.SENT, machine.UNKNOWN, machine.FAILED)
_TOLD_OF = (machine.SENDING, *_GONE)  # a provider may tell before its answer is taken in

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
_KINDS = tuple(brake.kind for brake in _BRAKES)


class Look(NamedTuple):
    """Whether a channel is held now, and how many closed addresses would have been too many."""

    is_held: bool
    n_spike: int


def look(channel: str, *, at: int) -> Look:
    """Hold ``channel`` if bounces and complaints closed too many addresses in the last hour.

    Either somebody tells what is not true, or a list is as bad as it looks: both are for a person
    to judge before more is sent. Who looks next sees all that was missed.
    """
    closed = (
        Suppression.objects.filter(channel=channel, reason__in=_CLOSING, lifted_at=None)
        .order_by("-pk")
        .values_list("since_at", flat=True)
    )
    newest = Suppression.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    if not _is_within(closed.filter(pk__gt=newest - FAR)[LEAST - 1 : LEAST], at):
        return Look(is_held=False, n_spike=LEAST)
    n_sent = Message.objects.filter(
        channel=channel, state=machine.SENT, due_at__gt=at - clock.DAY, due_at__lte=at
    ).count()
    n_spike = max(LEAST, int(n_sent * SHARE))
    if n_spike > LEAST and not _is_within(closed[n_spike - 1 : n_spike], at):
        return Look(is_held=False, n_spike=n_spike)
    said = Saying("%(n)s addresses closed within an hour", {"n": n_spike})
    _log.error("%s is held: %s", channel, said)
    actions.hold(channel_hold(channel), reason=SPIKE_HOLD, detail=kept(said), at=at)
    return Look(is_held=True, n_spike=n_spike)


@dataclass(slots=True)
class Watch:
    """Looks whether what is sent comes to nothing too often, where that is written down.

    It looks within the transaction that writes the receipts: receipts and hold are there together,
    or neither is. What only informs is never held.
    """

    beyond: set[str] = field(default_factory=set)  # origins that have sent more than these
    closed: Counter[str] = field(default_factory=Counter)  # addresses, since their channel's look
    n_spike: dict[str, int] = field(
        default_factory=dict
    )  # what that look would have found too many

    def look(self, told: Sequence[int], *, at: int) -> bool:
        """Hold the origins of messages that are too many now; ``told`` are receipts just written.

        Returns whether there are such.

        Only what they make too much holds: what a person has let go on is not held again for what
        was known then. Whoever looks at an origin waits for who did so before to commit, so that of
        two at the same moment one sees the receipts of both.
        """
        counted = Receipt.objects.filter(
            pk__in=told, kind__in=_KINDS, message__is_commercial=True, is_machine=False
        )
        mine: dict[str, dict[str, list[int]]] = {}
        for origin, kind, pk in counted.values_list("message__origin", "kind", "pk"):
            mine.setdefault(origin, {}).setdefault(kind, []).append(pk)
        is_held = False
        for origin in sorted(mine.keys() - self.beyond):
            locks.take(connection, f"{ORIGIN_HOLD} {origin}")
            is_held = self._look(origin, mine[origin], at) or is_held
        return is_held

    def close(self, channel: str, n: int, *, at: int) -> bool:
        """Look at ``channel``, of which ``n`` addresses were closed; return whether it is held.

        What a large channel sends in a day takes a while to count: it is looked at anew after a
        fifth of what would be too many.
        """
        self.closed[channel] += n
        if self.closed[channel] < self.n_spike.get(channel, LEAST) // 5:
            return False
        is_held, self.n_spike[channel] = look(channel, at=at)
        self.closed[channel] = 0
        return is_held

    def undo(self) -> None:
        """Look at each channel anew when it is next told of: what the last look did is undone."""
        self.n_spike = dict.fromkeys(self.closed, 0)

    def _look(self, origin: str, mine: Mapping[str, Sequence[int]], at: int) -> bool:
        asked_for = Message.objects.filter(origin=origin, is_commercial=True)
        n = asked_for.filter(state__in=_GONE).values("pk")[: FIRST + 1].count()
        if n > FIRST:
            self.beyond.add(origin)
            return False
        # With a limit, or PostgreSQL might walk along all that wait behind the first.
        told_of = asked_for.filter(state__in=_TOLD_OF).values("pk")[: 2 * FIRST]
        is_held = False
        for brake in _BRAKES:
            if brake.kind not in mine:
                continue
            receipts = Receipt.objects.filter(
                message__in=told_of, kind=brake.kind, is_machine=False
            )
            bad = receipts.order_by().values("message").distinct()
            most = max(brake.least, int(n * brake.share))
            n_before = bad.exclude(pk__in=mine[brake.kind]).count()
            if n_before <= most < (n_bad := bad.count()):
                _hold(origin, brake, n_bad, n, at)
                is_held = True
        return is_held


def _hold(origin: str, brake: _Brake, n_bad: int, n: int, at: int) -> None:
    said = Saying(
        "of %(n)s messages %(n_bad)s came to nothing: %(why)s",
        {"n": n, "n_bad": n_bad, "why": brake.said},
    )
    _log.error("%s is held: %s", origin, said)
    actions.hold(origin, reason=ORIGIN_HOLD, detail=kept(said), at=at)


def _is_within(found: Iterable[int], at: int) -> bool:
    return any(since_at > at - WINDOW for since_at in found)
