"""Reads of calls and approvals: what waits, what is in hand, what became of the others."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Max, Min, Q, QuerySet

from pusula.journeys import machine as journeys
from pusula.journeys.models import Attempt, CallList, Enrollment, JourneyVersion, Task
from pusula.journeys.tasks import taking
from pusula.journeys.tasks.results import DUE, LATER, STATES
from pusula.lib import clock
from pusula.outbox import machine

_LISTED = Q(holder__startswith=taking.LIST)


@dataclass(frozen=True, slots=True)
class Queue:
    """How many calls may be taken now, come later, are in hand; and what an agent noted today."""

    n_due: int
    n_later: int
    n_in_hand: int
    n_mine_today: int
    next_at: int | None  # when the next one that is not due yet will be


def queue(agent: str, *, at: int, since_at: int) -> Queue:
    """Return how the calls stand; ``since_at`` is when the agent's day began."""
    later = of_state(LATER, at)
    mine = Attempt.objects.filter(by=agent, at__gte=since_at)
    return Queue(
        n_due=of_state(DUE, at).count(),
        n_later=later.count(),
        n_in_hand=Task.objects.filter(is_call=True, holder__gt="").count(),
        n_mine_today=mine.count(),
        next_at=later.aggregate(next=Min("message__due_at"))["next"],
    )


def of_state(state: str, at: int) -> QuerySet[Task]:
    """Return the calls that are in one of ``STATES``."""
    found = Task.objects.filter(is_call=True)
    open_ = found.filter(closed_at=None, holder="")
    match state:
        case "due":
            return open_.filter(message__state=machine.PENDING, message__due_at__lte=at)
        case "later":
            return open_.filter(message__state=machine.PENDING, message__due_at__gt=at)
        case "in_hand":
            return found.filter(holder__gt="").exclude(_LISTED)
        case "listed":
            return found.filter(_LISTED)
        case "done":
            return found.filter(closed_at__isnull=False, holder="").exclude(outcome="")
    return found.filter(closed_at__isnull=False, holder="", outcome="")


def counts(key: str, *, at: int) -> dict[str, int]:
    """Return how many calls are in each state; of one journey, or all (an empty ``key``)."""
    return {state: of_journey(of_state(state, at), key).count() for state in STATES}


def of_journey(found: QuerySet[Task], key: str) -> QuerySet[Task]:
    """Narrow calls to a journey."""
    return found.filter(enrollment__journey__key=key) if key else found


def journeys_that_call() -> list[str]:
    """Return the keys of the journeys that ever asked for a call."""
    keys = Task.objects.filter(is_call=True).values_list("enrollment__journey__key", flat=True)
    return sorted(keys.distinct())


def attempts(task: Task) -> QuerySet[Attempt]:
    """Return what a call came to so far, the newest first."""
    return Attempt.objects.filter(task=task).order_by("-at", "-pk")


def lists() -> QuerySet[CallList]:
    """Return the lists that were handed over, the newest first, with how many are still out."""
    return CallList.objects.order_by("-pk")


def n_out(call_list: CallList) -> int:
    """Return how many calls of a list have no outcome yet."""
    return Task.objects.filter(holder=call_list.holder).count()


@dataclass(frozen=True, slots=True)
class Asked:
    """An approval that a step of a version asks for, for everybody who waits there."""

    version: JourneyVersion
    step: str
    n: int
    first_at: int
    until_at: int  # when the first of them is taken for a no
    last_id: int  # who comes later has not been seen


def approvals(at: int) -> list[Asked]:
    """Return what waits for approval, the most urgent first."""
    waiting = open_approvals(at).order_by()
    grouped = waiting.values_list("enrollment__version_id", "step").annotate(
        n=Count("pk"), first=Min("created_at"), until=Min("until_at"), last=Max("pk")
    )
    found = list(grouped)
    versions = JourneyVersion.objects.select_related("journey").in_bulk(
        [version_id for version_id, *_rest in found]
    )
    asked = [Asked(versions[version_id], *rest) for version_id, *rest in found]
    return sorted(asked, key=lambda one: one.until_at)


def open_approvals(at: int) -> QuerySet[Task]:
    """Return the approvals that nobody has given or refused, and that are not too late."""
    return Task.objects.filter(
        is_call=False, closed_at=None, until_at__gt=at,
        enrollment__state=journeys.WAITING,
    )  # fmt: skip


def decided(limit: int = 10) -> list[tuple[Task, int]]:
    """Return the newest decisions: one task of each, and for how many people it was."""
    closed = Task.objects.filter(is_call=False, closed_at__isnull=False).exclude(closed_by="")
    grouped = (
        closed.order_by()
        .values_list("enrollment__version_id", "step", "closed_at", "closed_by")
        .annotate(n=Count("pk"), last=Max("pk"))
        .order_by("-closed_at")[:limit]
    )
    counted = {last: n for *_same, n, last in grouped}
    tasks = Task.objects.select_related("enrollment__journey", "enrollment__version")
    return [
        (task, counted[task.pk]) for task in tasks.filter(pk__in=counted).order_by("-closed_at")
    ]


def first_person(asked: Asked, at: int) -> Enrollment | None:
    """Return who waits longest for an approval: their message is the sample."""
    waiting = open_approvals(at).filter(enrollment__version=asked.version, step=asked.step)
    task = waiting.select_related("enrollment__order").order_by("pk").first()
    return task.enrollment if task else None


def day_began(at: int, zone: str) -> int:
    """Return when the day of ``at`` began in the company's zone."""
    return clock.start_of(clock.day_of(at, zone), zone)
