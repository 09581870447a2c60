"""Asking people of the company, and closing what they are asked when its sense is gone.

Whoever calls holds the lock of all who move people.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from pusula.journeys import machine as journeys
from pusula.journeys.models import Enrollment, Task
from pusula.lake import rows
from pusula.outbox import machine, moves
from pusula.outbox.models import Message


def ask(tasks: Mapping[str, Task], decided: Mapping[str, str], *, at: int) -> None:
    """Write down new tasks, by the key of their message; an approval has none.

    ``decided`` is the state of each message by its key: whoever is not to be called goes on at
    once. What is closed already is not to be called either.
    """
    calls: dict[str, int] = {}
    for part in rows.parts(sorted(key for key, task in tasks.items() if task.is_call)):
        held = Message.objects.filter(dedupe_key__in=part)
        calls.update(held.values_list("dedupe_key", "pk"))
    refused = []
    for key, task in tasks.items():
        task.message_id = calls.get(key)
        if task.closed_at is None and decided.get(key) == machine.SKIPPED:
            task.closed_at = at
            refused.append(task)
    Task.objects.bulk_create(tasks.values())
    withdraw((task.message_id for task in tasks.values() if task.closed_at is not None), at=at)
    lead_on(refused, at=at)


def close(enrollment_ids: Iterable[int], *, at: int) -> None:
    """Close the open tasks of people who have gone on; calls in line are not made.

    One that somebody has in hand just now stays in hand, so that what is said can be noted.
    """
    for part in rows.parts(list(enrollment_ids)):
        open_ = Task.objects.filter(enrollment_id__in=part, closed_at=None)
        calls = list(open_.values_list("message_id", flat=True))
        open_.update(closed_at=at)
        withdraw(calls, at=at)


def lead_on(tasks: Sequence[Task], *, at: int) -> None:
    """Let those go on who wait for these tasks, with the next step of journeys."""
    waiting = defaultdict(list)
    for task in tasks:
        waiting[task.step].append(task.enrollment_id)
    for step, ids in waiting.items():
        for part in rows.parts(ids):
            there = Enrollment.objects.filter(
                pk__in=part, node=step, waits_for=journeys.A_PERSON, due_at__gt=at
            )
            there.update(due_at=at)


def withdraw(message_ids: Iterable[int | None], *, at: int) -> None:
    """Take calls out of the line; one that somebody has in hand stays theirs."""
    for part in rows.parts([pk for pk in message_ids if pk is not None]):
        moves.withdraw(Message.objects.filter(pk__in=part), at=at)
