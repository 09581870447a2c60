"""Calls: messages that a person of the company speaks, through the same gate as all others.

Whoever is to call passes the gate at the moment the number is shown. From then on the call is
``sending`` and belongs to no sender: who has it in hand stands with its task. What the person says
afterwards settles it, or puts it back in line.
"""

from __future__ import annotations

from pathlib import Path

from pusula.consent.models import Channel
from pusula.outbox import fence, gate, machine, moves
from pusula.outbox.brakes import is_stopped
from pusula.outbox.gate import GO, HELD, NOT_OURS, PUT_OFF
from pusula.outbox.models import FENCE, Hold, Message, channel_hold
from pusula.outbox.moves import Move
from pusula.outbox.reasons import Reason
from pusula.outbox.registry import RUN_FOLDER

_NOBODY = ""


def is_held(home: Path, *, at: int) -> bool:
    """Return whether nobody may be called: calls or everything is held, or this may be a copy."""
    holds = ("", FENCE, channel_hold(Channel.CALL))
    if is_stopped(home) or Hold.objects.filter(origin__in=holds).exists():
        return True
    return bool(fence.trouble(home / RUN_FOLDER, at=at))


def let_pass(message_id: int, *, at: int) -> str:
    """Let a call pass the gate; return ``GO``, or why it must not be made now or at all.

    ``HELD`` and ``PUT_OFF`` leave it in line, ``NOT_OURS`` says that it is not in line; any other
    word is a ``Reason``, and the call is skipped for it. In the caller's transaction, so that who
    has it in hand is written with it; raises ``FencedError`` where somebody was faster. The number
    must not be shown before ``is_called_back`` was asked behind the commit.
    """
    owner = f"call:{message_id}"
    free = Message.objects.filter(
        pk=message_id, channel=Channel.CALL, state=machine.PENDING, owner=_NOBODY
    )
    if not free.update(owner=owner):
        return NOT_OURS
    verdict = gate.turn([], [], [message_id], owner=owner, at=at)[message_id]
    if verdict == HELD:
        moves.release(owner=owner)
    elif verdict == GO:
        Message.objects.filter(pk=message_id, owner=owner).update(owner=_NOBODY)
    return verdict


def is_called_back(message_id: int, *, at: int) -> bool:
    """Return whether what came before the commit, and was not seen in it, forbids the call."""
    return bool(gate.withdrawn([message_id], owner=_NOBODY, at=at))


def spoken(message_id: int, *, detail: str = "", at: int) -> bool:
    """Settle a call that reached the person; return whether it was under way."""
    return _settle(Move(message_id, machine.SENT, detail=detail), at)


def missed(message_id: int, reason: Reason, *, detail: str = "", at: int) -> bool:
    """Settle a call that did not reach the person, for good; return whether it was under way."""
    return _settle(Move(message_id, machine.FAILED, reason, detail), at)


def again(message_id: int, *, detail: str = "", later_at: int, at: int) -> bool:
    """Put a call back in line for ``later_at``; return whether it was under way."""
    return _settle(Move(message_id, machine.PENDING, detail=detail, later_at=later_at), at)


def _settle(move: Move, at: int) -> bool:
    return bool(moves.apply([move], state=machine.SENDING, owner=_NOBODY, at=at))


__all__ = [
    "GO", "HELD", "NOT_OURS", "PUT_OFF", "again", "is_called_back", "is_held", "let_pass", "missed",
    "spoken",
]  # fmt: skip
