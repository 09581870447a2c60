"""Figures of journeys as their pages show them: lately, by step, by version."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django.db.models import Count, Max, Min, Q, QuerySet

from pusula.journeys import machine
from pusula.journeys.models import Enrollment, Journey, JourneyVersion, Passage, Planned
from pusula.outbox.models import Message

_GOAL = "goal"  # of the step that only says so, and of who left by it


@dataclass(frozen=True, slots=True)
class Lately:
    """Who came in since a moment, and what became of them; ``n_finished`` whenever they came in.

    ``n_waiting`` and ``n_put_off`` are as of now. Of those in the control group none has a goal.
    """

    n_entered: int = 0
    n_held_out: int = 0
    n_goal: int = 0
    n_finished: int = 0
    n_waiting: int = 0
    n_put_off: int = 0

    @property
    def conversion(self) -> float | None:
        """Return which share of those not held out has reached the goal; ``None`` of nobody."""
        n = self.n_entered - self.n_held_out
        return self.n_goal / n if n else None


@dataclass(frozen=True, slots=True)
class Sending:
    """What became of the messages of a step: how many by state, and why not by (state, reason)."""

    states: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failing:
    """People who cannot go on for one reason: how many, and when the next is tried again."""

    error: str
    n: int
    next_at: int


def lately(since_at: int, journey: Journey | None = None) -> dict[int, Lately]:
    """Return the figures of each journey (or one) that ever had people, by its number."""
    is_waiting = Q(state=machine.WAITING)
    came = Q(entered_at__gte=since_at)
    asked = Enrollment.objects.all() if journey is None else journey.enrollments.all()
    rows = asked.values_list("journey_id").annotate(
        n_entered=Count("pk", filter=came),
        n_held_out=Count("pk", filter=came & Q(is_holdout=True)),
        n_goal=Count("pk", filter=came & Q(outcome=machine.GOAL)),
        n_finished=Count("pk", filter=Q(finished_at__gte=since_at)),
        n_waiting=Count("pk", filter=is_waiting),
        n_put_off=Count("pk", filter=is_waiting & ~Q(error="")),
    )
    return {row[0]: Lately(*row[1:]) for row in rows.order_by()}


def n_goal_passed(
    journey: Journey, steps: Collection[str], *, since_at: int = 0, version_id: int | None = None
) -> int:
    """Return how many came by one of ``steps``, which say that the goal is reached.

    Those who have left by the goal as well are counted there.
    """
    versions = [version_id] if version_id else journey.versions.values_list("pk", flat=True)
    passed = Passage.objects.filter(
        version__in=list(versions), step__in=steps, is_exit=False, result=_GOAL
    )
    passed = passed.filter(enrollment__entered_at__gte=since_at) if since_at else passed
    by_goal = passed.exclude(enrollment__outcome=machine.GOAL)
    return by_goal.aggregate(n=Count("enrollment", distinct=True))["n"] or 0


def of_version(version: JourneyVersion) -> Counter[str]:
    """Return how many of those on a version left by each outcome; "" are those who wait."""
    rows = Enrollment.objects.filter(version=version).values_list("outcome")
    return Counter(dict(rows.annotate(n=Count("pk")).order_by()))


def waiting_by_version(journey: Journey) -> dict[int, int]:
    """Return how many wait on each version, by its number in the database."""
    waiting = Enrollment.objects.filter(journey=journey, state=machine.WAITING)
    return dict(waiting.values_list("version_id").annotate(n=Count("pk")).order_by())


def sending(journey: Journey) -> dict[str, Sending]:
    """Return what became of the messages that a journey asked for, by step."""
    rows = Message.objects.filter(origin=journey.origin).order_by()
    states: dict[str, Counter[str]] = defaultdict(Counter)
    reasons: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    grouped = rows.values_list("step", "state", "reason").annotate(n=Count("pk"))
    for step, state, reason, n in grouped:
        states[step][state] += n
        if reason:
            reasons[step][state, reason] += n
    return {step: Sending(states[step], dict(reasons[step].most_common())) for step in states}


def failing(journey: Journey, *, most: int = 5) -> list[Failing]:
    """Return why people cannot go on, the most frequent first."""
    rows = Enrollment.objects.filter(journey=journey, state=machine.WAITING).exclude(error="")
    grouped = rows.values_list("error").annotate(n=Count("pk"), next_at=Min("due_at"))
    return [Failing(*row) for row in grouped.order_by("-n", "error")[:most]]


def errors() -> dict[int, str]:
    """Return one reason why people cannot go on, by journey, where there is one."""
    rows = Enrollment.objects.filter(state=machine.WAITING).exclude(error="").order_by()
    return dict(rows.values_list("journey_id").annotate(error=Max("error")))


def planned(journey: Journey) -> tuple[int, int | None]:
    """Return how many are to come in on a day of theirs, and when the next of all comes."""
    rows = Planned.objects.filter(journey=journey)
    next_one = rows.order_by("due_at").values_list("due_at", flat=True).first()
    return rows.exclude(profile=None).count(), next_one


def people(
    journey: Journey, *, step: str = "", outcome: str = "", fails: bool = False
) -> QuerySet[Enrollment]:
    """Return who is or was on a journey, who came in last first.

    ``step`` narrows to those who wait there, ``outcome`` to those who left by it ("waiting": who
    has not left), ``fails`` to those who cannot go on.
    """
    found = Enrollment.objects.filter(journey=journey).select_related("profile", "version")
    if step:
        found = found.filter(state=machine.WAITING, node=step)
    if outcome == machine.WAITING:
        found = found.filter(state=machine.WAITING)
    elif outcome:
        found = found.filter(outcome=outcome)
    if fails:
        found = found.filter(state=machine.WAITING).exclude(error="")
    return found.order_by("-entered_at", "-pk")
