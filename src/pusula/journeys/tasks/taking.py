"""Taking calls in hand: each is in one pair of hands, and free again when nobody shows a sign.

A call in hand has passed the gate (``outbox.calls``); one that is left goes back in line.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Case, Q, QuerySet, Value, When

from pusula.journeys import asking
from pusula.journeys import machine as journeys
from pusula.journeys.models import Task
from pusula.journeys.tasks.results import GRACE, HOLD, LONGEST_HOLD
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.outbox import calls, machine, moves
from pusula.outbox.gate import FencedError
from pusula.outbox.models import Hold, Message
from pusula.segments import evaluate

LIST = "list:"  # how the holder of an exported call begins
# Somebody took the call, or this agent another one, at the same moment.
_FASTER = (FencedError, IntegrityError, OperationalError)
_MOST_TRIES = 200  # calls that turn out not to be makeable, before somebody is told to ask again


class NotInHandError(PusulaError):
    """A call is not in the hands of whoever speaks of it: it was noted, left, or never theirs."""

    code = "not_in_hand"
    status = 409


def in_hand(holder: str) -> Task | None:
    """Return the call that somebody has in hand."""
    mine = Task.objects.filter(holder=holder, holder__gt="")
    return mine.select_related("message", "enrollment__journey", "enrollment__order").first()


def waiting(at: int) -> QuerySet[Task]:
    """Return the calls that may be taken ``at``, in no order."""
    return Task.objects.filter(
        is_call=True, closed_at=None, holder="", until_at__gt=at,
        enrollment__journey__state=journeys.LIVE,
        message__state=machine.PENDING, message__owner="", message__due_at__lte=at,
    ).exclude(
        enrollment__journey__in=_held_journeys()
    )  # fmt: skip


def take(agent: str, home: Path, *, at: int) -> Task | None:
    """Return the call that ``agent`` has in hand, or the next one; ``None`` if there is none.

    Not within a transaction. Calls back that were promised come first, those of ``agent`` before
    all others; then the more important, then the longest due. Another's promise waits a while.
    """
    release_left(at=at)
    held = in_hand(agent)
    if held is not None:
        keep(held.pk, agent, at=at)
        return held
    if calls.is_held(home, at=at):
        return None
    mine = Q(reserved_for__in=("", agent)) | Q(message__due_at__lte=at - GRACE)
    found = _first(waiting(at).filter(mine), agent, at=at, until_at=at + HOLD)
    return in_hand(agent) if found else None


def take_list(
    holder: str, home: Path, *, most: int, at: int, until_at: int, key: str = ""
) -> list[int]:
    """Take up to ``most`` calls for a list until ``until_at``; return the tasks' ids.

    ``key`` narrows to one journey. What was promised to somebody by name stays with us.
    """
    release_left(at=at)
    if calls.is_held(home, at=at):
        return []
    free = waiting(at).filter(reserved_for="")
    if key:
        free = free.filter(enrollment__journey__key=key)
    taken: list[int] = []
    for pk in _next(free, holder):
        if len(taken) == most:
            break
        if _take(pk, holder, at=at, until_at=until_at):
            taken.append(pk)
    return taken


def _first(free: QuerySet[Task], holder: str, *, at: int, until_at: int) -> bool:
    tries = islice(_next(free, holder), _MOST_TRIES)
    return any(_take(pk, holder, at=at, until_at=until_at) for pk in tries)


def _next(free: QuerySet[Task], holder: str) -> Iterator[int]:
    """Yield the free calls in the order in which they are made, as long as there are new ones."""
    promised = Case(When(reserved_for=holder, then=Value(0)), default=Value(1))
    order = free.annotate(rank=promised).order_by(
        "rank", "message__priority", "message__due_at", "pk"
    )
    seen: set[int] = set()
    while True:
        found = [
            pk for pk in order.values_list("pk", flat=True)[: len(seen) + 50] if pk not in seen
        ]
        if not found:
            return
        for pk in found:
            seen.add(pk)
            yield pk


def _take(pk: int, holder: str, *, at: int, until_at: int) -> bool:
    """Take one call if nobody was faster and it may be made; let its person go on if not.

    Who has it in hand and the passing of the gate are one commit. What was withdrawn meanwhile
    shows behind it: then the call goes back in line, and is looked at once more.
    """
    for _try in range(2):
        try:
            verdict = _hand_out(pk, holder, at=at, until_at=until_at)
        except _FASTER:
            return False
        if verdict != calls.GO:
            break
        task = Task.objects.get(pk=pk)
        if task.message_id is not None and not calls.is_called_back(task.message_id, at=at):
            return True
        with suppress(NotInHandError):
            put_back(pk, holder, at=at)
    if verdict not in {calls.GO, calls.HELD, calls.NOT_OURS, calls.PUT_OFF}:
        with evaluate.alone():
            drop(Task.objects.get(pk=pk), at=at)
    return False


def _hand_out(pk: int, holder: str, *, at: int, until_at: int) -> str:
    """Put a free call into somebody's hands if it passes the gate; return the verdict."""
    with transaction.atomic():
        free = Task.objects.filter(pk=pk, closed_at=None, holder="", message__isnull=False)
        if not free.update(holder=holder, held_until_at=until_at):
            return calls.NOT_OURS
        message_id = Task.objects.values_list("message_id", flat=True).get(pk=pk)
        verdict = calls.let_pass(message_id or 0, at=at)
        if verdict != calls.GO:
            _let_go(pk, holder)
        return verdict


def take_again(pk: int, holder: str, home: Path, *, at: int) -> bool:
    """Take a call that went back in line once more for what is to be noted; return whether."""
    return not calls.is_held(home, at=at) and _take(pk, holder, at=at, until_at=at + HOLD)


def drop(task: Task, *, at: int) -> None:
    """Close a call that must not be made; its person goes on without it.

    The caller holds the lock of all who move people.
    """
    if Task.objects.filter(pk=task.pk, closed_at=None).update(closed_at=at):
        asking.lead_on([task], at=at)


def keep(pk: int, agent: str, *, at: int) -> bool:
    """Give a sign of life: the call stays in hand, but not for ever; return whether it does."""
    mine = Task.objects.filter(pk=pk, holder=agent, message__gated_at__gt=at - LONGEST_HOLD)
    return bool(mine.update(held_until_at=at + HOLD))


def put_back(pk: int, holder: str, *, at: int) -> None:
    """Put a call that was not made back in line.

    Raises ``NotInHandError`` if it is not in the hands of ``holder``.
    """
    with transaction.atomic():
        task = hand_in(pk, holder)
        _back_in_line(task, at)


def hand_in(pk: int, holder: str) -> Task:
    """Take a call out of somebody's hands, for good; within the caller's transaction.

    Raises ``NotInHandError``; of two at the same moment exactly one succeeds.
    """
    if not holder or not _let_go(pk, holder):
        raise NotInHandError(
            Saying("this call is not in your hands: it was noted, or left for too long")
        )
    return Task.objects.select_related("message", "enrollment__journey").get(pk=pk)


def release_left(*, at: int) -> int:
    """Put back in line what nobody has shown a sign of for too long; return how many calls."""
    left = Task.objects.filter(holder__gt="", held_until_at__lte=at)
    n = 0
    for pk, holder in list(left.values_list("pk", "holder")):
        with transaction.atomic():
            still = Task.objects.filter(pk=pk, holder=holder, held_until_at__lte=at)
            if still.update(holder="", held_until_at=None):
                _back_in_line(Task.objects.get(pk=pk), at)
                n += 1
    return n


def _back_in_line(task: Task, at: int) -> None:
    """Put the message of a call back; if the person has gone on meanwhile, it is not made."""
    if task.message_id is None:
        return
    calls.again(task.message_id, later_at=at, at=at)
    if task.closed_at is not None:
        moves.withdraw(Message.objects.filter(pk=task.message_id), at=at)


def _let_go(pk: int, holder: str) -> bool:
    mine = Task.objects.filter(pk=pk, holder=holder)
    return bool(mine.update(holder="", held_until_at=None))


def _held_journeys() -> list[int]:
    origins = Hold.objects.filter(origin__startswith="journey:").values_list("origin", flat=True)
    return [int(number) for origin in origins if (number := origin[8:]).isdecimal()]
