"""The one door through which messages change their state: compare and set, along the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import QuerySet, Value
from django.db.models.functions import Concat

from pusula.lake import rows
from pusula.outbox import machine
from pusula.outbox.models import Message
from pusula.outbox.reasons import Reason
from pusula.outbox.rules.quiet import Open

# One statement for all: each for itself costs half as much again. It begins with its verb, else
# SQLite's driver does not count. PostgreSQL takes a column of nothing but nulls for text. What is
# back in line asks for its hour anew: by a clock set back it may be due before the one it had.
_MOVE = """
update outbox_message
set state = told.state, reason = told.reason, detail = told.detail, owner = '',
  settled_at = cast(told.settled_at as bigint),
  provider_id = coalesce(nullif(told.provider_id, ''), outbox_message.provider_id),
  due_at = coalesce(cast(told.later_at as bigint), due_at),
  open_until_at = coalesce(cast(told.later_at as bigint), open_until_at),
  n_attempts = n_attempts + told.n_tries
from (
  select column1 as id, column2 as state, column3 as reason, column4 as detail,
    column5 as settled_at, column6 as provider_id, column7 as later_at, column8 as n_tries
  from (values {rows}) as given) as told
where outbox_message.id = told.id
  and outbox_message.state || '' = %s and outbox_message.owner || '' = %s
"""
_ROW = "(%s, %s, %s, %s, %s, %s, %s, %s)"
_MOST = 1_000  # rows of one statement
# Not the bare column beside a list of ids: SQLite would walk the index of all that wait instead.
_LET_PASS = f"""
update outbox_message set state = '{machine.SENDING}', gated_at = %s
where owner = %s and state || '' = '{machine.PENDING}' and id in """


@dataclass(frozen=True, slots=True)
class Move:
    """Where a message goes and why. ``later_at`` puts it back in line for that moment.

    That counts as a try, after which the next wait is longer, unless nothing ``was_tried``.
    """

    id: int
    to: str
    reason: str = ""
    detail: str = ""
    later_at: int | None = None
    provider_id: str = ""  # what the next hop calls it
    was_tried: bool = True


def apply(moves: Sequence[Move], *, state: str, owner: str, at: int) -> int:
    """Move messages that are in ``state`` and belong to ``owner``; return how many there were.

    Messages that are no longer there (another sender thought us dead) stay as they are: fewer
    than ``len(moves)`` come back. What is moved belongs to nobody afterwards.
    """
    for move in moves:
        if move.to != state and move.to not in machine.MOVES[state]:
            message = f"a message cannot go from {state} to {move.to}"
            raise ValueError(message)
    if not moves:
        return 0
    n_moved = 0
    for part in rows.parts(moves, _MOST):
        told: list[Any] = []
        for move in part:
            told += (
                move.id,
                move.to,
                move.reason,
                move.detail[:400],
                at if move.to in machine.FINAL else None,
                move.provider_id[:120],
                move.later_at,
                int(move.later_at is not None and move.was_tried),
            )
        with connection.cursor() as cursor:
            sql = _MOVE.format(rows=", ".join([_ROW] * len(part)))
            cursor.execute(sql, [*told, state, owner])
            n_moved += cursor.rowcount
    return n_moved


def let_pass(ids: Sequence[int], *, owner: str, at: int) -> bool:
    """Move messages from pending to sending for ``owner``; return whether all were still its own.

    The caller's transaction must be rolled back if they were not.
    """
    marks = ", ".join(["%s"] * len(ids))
    with connection.cursor() as cursor:
        cursor.execute(f"{_LET_PASS}({marks})", [at, owner, *ids])
        return bool(cursor.rowcount == len(ids))


def put_off(opened: Mapping[int, Open], *, policy: int, owner: str) -> None:
    """Put messages that ``owner`` has claimed back in line for when they may go."""
    for id_, open_ in opened.items():
        mine = Message.objects.filter(pk=id_, state=machine.PENDING, owner=owner)
        mine.update(due_at=open_.at, open_until_at=open_.until_at, policy=policy, owner="")


def release(*, owner: str, ids: Sequence[int] | None = None) -> int:
    """Give back what ``owner`` has claimed and not let pass: all of it, or ``ids``."""
    if ids is not None:
        return _waiting(Message.objects.filter(pk__in=ids, owner=owner)).update(owner="")
    claimed = Message.objects.filter(owner=owner, owner__gt="", state=machine.PENDING)
    return claimed.update(owner="")


def give_up(*, owner: str, reason: str, at: int) -> int:
    """Mark as unknown what ``owner``, which is dead, had let pass: nobody can tell any more."""
    doubtful = Message.objects.filter(owner=owner, owner__gt="", state=machine.SENDING)
    return doubtful.update(state=machine.UNKNOWN, reason=reason, owner="", settled_at=at)


def displace(ids: Sequence[int], *, at: int) -> bool:
    """Skip waiting messages that give way to a more important one; return whether all still wait.

    A sender that has claimed one finds it gone when it comes to the gate.
    """
    n_moved = _waiting(Message.objects.filter(pk__in=ids)).update(
        state=machine.SKIPPED, reason=Reason.OUTRANKED, owner="", settled_at=at
    )
    return n_moved == len(ids)


def withdraw(named: QuerySet[Message], *, at: int, reason: Reason = Reason.LEFT) -> int:
    """Skip those of these messages that wait: whoever asked for them does not want them any more.

    A sender that has claimed one finds it gone when it comes to the gate.
    """
    return _waiting(named).update(state=machine.SKIPPED, reason=reason, owner="", settled_at=at)


def call_back(named: QuerySet[Message]) -> int:
    """Put those of these messages that a sender has claimed back in line, to be filled anew.

    It finds them gone when it comes to the gate.
    """
    return _waiting(named).exclude(owner="").update(owner="")


def _waiting(named: QuerySet[Message]) -> QuerySet[Message]:
    """Return those of ``named`` that wait, found by what names them: see ``_LET_PASS``."""
    return named.alias(stands=Concat("state", Value(""))).filter(stands=machine.PENDING)
