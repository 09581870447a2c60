"""Figures of journeys as their pages show them: lately, by step, by version."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from django.db.models import CharField, Count, F, Max, Min, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from pusula.journeys import machine
from pusula.journeys.language import DefinitionError, nodes
from pusula.journeys.models import Enrollment, Journey, JourneyVersion, Passage, Planned
from pusula.journeys.queries import graph_of
from pusula.outbox.models import Message
from pusula.outbox.reasons import Reason
from pusula.segments.language.schema import Schema

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


@dataclass(frozen=True, slots=True)
class Goal:
    """How many of those who came in have reached the goal, by leaving or on their way.

    ``conversion`` is their share of those not held out; ``None`` of nobody.
    """

    n: int
    conversion: float | None


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


def goal(
    version: JourneyVersion, lately: Lately, *, since_at: int, schema: Schema | None = None
) -> Goal | None:
    """Return who of those of ``lately`` has the goal; ``None`` if a version knows none."""
    try:
        known = list(graph_of(version, schema).nodes.values())
    except DefinitionError:
        known = []
    steps = [one.id for one in known if isinstance(one.kind, nodes.ReachGoal)]
    if not steps and not version.definition.get("goal"):
        return None
    n_base = lately.n_entered - lately.n_held_out
    n = lately.n_goal + (_n_passed(version, steps, since_at) if steps else 0)
    return Goal(n, n / n_base if n_base else None)


def _n_passed(version: JourneyVersion, steps: Collection[str], since_at: int) -> int:
    """Return how many came by a step that says the goal is reached, and have not left by it."""
    versions = JourneyVersion.objects.filter(journey=version.journey_id)
    passed = Passage.objects.filter(
        version__in=list(versions.values_list("pk", flat=True)), step__in=steps, is_exit=False,
        result=_GOAL, enrollment__entered_at__gte=since_at,
    ).exclude(enrollment__outcome=machine.GOAL)  # fmt: skip
    return passed.aggregate(n=Count("enrollment", distinct=True))["n"] or 0


def of_version(version: JourneyVersion) -> Counter[str]:
    """Return how many of those on a version left by each outcome; "" are those who wait."""
    rows = Enrollment.objects.filter(version=version).values_list("outcome")
    return Counter(dict(rows.annotate(n=Count("pk")).order_by()))


def waiting_by_version(journey: Journey) -> dict[int, int]:
    """Return how many wait on each version, by its number in the database."""
    waiting = Enrollment.objects.filter(journey=journey, state=machine.WAITING)
    return dict(waiting.values_list("version_id").annotate(n=Count("pk")).order_by())


def shares_steps(version: JourneyVersion) -> bool:
    """Return whether anybody came to a step on another version of its journey."""
    others = JourneyVersion.objects.filter(journey=version.journey_id).exclude(pk=version.pk)
    numbers = list(others.values_list("pk", flat=True))
    was_there = Passage.objects.filter(version__in=numbers).exists()
    return was_there or Enrollment.objects.filter(version__in=numbers).exists()


def messages(version: JourneyVersion) -> QuerySet[Message]:
    """Return the messages that were asked for on a version of a journey.

    One that was sent anew, as nobody knew whether it had arrived, belongs where the first does.
    """
    found = Message.objects.filter(origin=version.journey.origin)
    if not shares_steps(version):
        return found
    passed = (
        Passage.objects.filter(version=version).exclude(step="").exclude(result=machine.MIGRATED)
    )
    waiting = Enrollment.objects.filter(version=version, state=machine.WAITING).exclude(node="")
    origin = version.journey.origin
    keys = passed.values_list(_key(origin, "step", "enrollment_id")).union(
        waiting.values_list(_key(origin, "node", "pk")), all=True
    )
    first = found.filter(dedupe_key__in=keys)
    anew = Concat(Value("anew:"), Cast("pk", CharField()))
    again = found.filter(dedupe_key__in=first.filter(reason=Reason.RESENT).values_list(anew))
    return found.filter(pk__in=first.values("pk").union(again.values("pk"), all=True))


def _key(origin: str, step: str, ride_id: str) -> Concat:
    """Return the dedupe key of the message that a ride asks for at a step, as SQL."""
    text = Cast(ride_id, CharField())
    return Concat(Value(f"{origin}:"), F(step), Value(":"), text, output_field=CharField())


def sending(version: JourneyVersion) -> dict[str, Sending]:
    """Return what became of the messages that were asked for on a version, by step."""
    rows = messages(version).order_by()
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
    journey: Journey,
    *,
    version: int | None = None,
    step: str = "",
    outcome: str = "",
    fails: bool = False,
) -> QuerySet[Enrollment]:
    """Return who is or was on a journey, who came in last first.

    ``version`` narrows to those on the version of that number, ``step`` to those who wait there,
    ``outcome`` to those who left by it ("waiting": who has not left), ``fails`` to those who
    cannot go on.
    """
    found = Enrollment.objects.filter(journey=journey).select_related("profile", "version")
    if version is not None:
        found = found.filter(version__number=version)
    if step:
        found = found.filter(state=machine.WAITING, node=step)
    if outcome == machine.WAITING:
        found = found.filter(state=machine.WAITING)
    elif outcome:
        found = found.filter(outcome=outcome)
    if fails:
        found = found.filter(state=machine.WAITING).exclude(error="")
    return found.order_by("-entered_at", "-pk")
