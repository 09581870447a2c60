"""Reads of journeys: how many are where, who waits, what befell somebody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, QuerySet

from pusula.journeys import machine
from pusula.journeys.errors import JourneyError
from pusula.journeys.language import Graph, Names, graph, parse
from pusula.journeys.language.nodes import USUAL_HOLDOUT
from pusula.journeys.models import Enrollment, Journey, JourneyVersion, Passage
from pusula.lib.sayings import Saying
from pusula.outbox.models import Message
from pusula.segments import catalog
from pusula.segments.language.schema import Schema


@dataclass(frozen=True, slots=True)
class StepCount:
    """How many came to a step: each of them waits there, went on, or left there.

    ``n_in == n_waiting + n_on + n_left``. ``results`` are how many went on by each result,
    ``outcomes`` how many left by each outcome.
    """

    n_in: int = 0
    n_waiting: int = 0
    results: Mapping[str, int] = field(default_factory=dict)
    outcomes: Mapping[str, int] = field(default_factory=dict)

    @property
    def n_on(self) -> int:
        """How many went on from here."""
        return sum(self.results.values())

    @property
    def n_left(self) -> int:
        """How many left the journey here."""
        return sum(self.outcomes.values())


@dataclass(frozen=True, slots=True)
class Counts:
    """Everybody who ever came in: ``n_entered == n_waiting + sum(outcomes.values())``."""

    n_entered: int
    n_waiting: int
    n_put_off: int  # of those who wait: something failed, it is tried again
    outcomes: Mapping[str, int]


def all_journeys() -> QuerySet[Journey]:
    """Return the journeys by key, with the version people come in on."""
    return Journey.objects.select_related("version").order_by("key")


def by_key(key: str) -> Journey | None:
    """Return the journey called ``key``, if there is one."""
    return Journey.objects.filter(key=key).select_related("version").first()


def named(key: str) -> Journey:
    """Return the journey called ``key``; raise ``JourneyError`` if there is none."""
    journey = by_key(key)
    if journey is None:
        raise JourneyError(Saying("there is no journey %(key)s", {"key": key}))
    return journey


def newest(journey: Journey) -> JourneyVersion | None:
    """Return the newest version, published or not."""
    return journey.versions.order_by("-number").first()


def graph_of(version: JourneyVersion, schema: Schema | None = None) -> Graph:
    """Return the graph of a version; raise ``DefinitionError`` if it speaks of what is gone.

    Whoever asks for many gives the ``schema``, which is read from the database.
    """
    schema = catalog.schema() if schema is None else schema
    return graph(parse(version.definition, Names(schema=schema)))


def title(journey: Journey, language: str) -> str:
    """Return the title of a journey in ``language``."""
    version = journey.version or newest(journey)
    titles = version.definition["title"] if version else {}
    return str(titles.get(language, journey.key))


def holdout_share(definition: Mapping[str, Any]) -> float:
    """Return the share (0..1) that a stored definition holds out."""
    return float(str(definition.get("holdout", USUAL_HOLDOUT)).removesuffix("%")) / 100


def counts(journey: Journey) -> Counts:
    """Return how many came in, wait and left, over all versions."""
    mine = Enrollment.objects.filter(journey=journey)
    grouped = mine.values_list("outcome").annotate(n=Count("pk"))
    by_outcome = dict(grouped.values_list("outcome", "n"))
    n_waiting = by_outcome.pop("", 0)
    n_put_off = mine.filter(state=machine.WAITING).exclude(error="").count()
    return Counts(n_waiting + sum(by_outcome.values()), n_waiting, n_put_off, by_outcome)


def by_step(journey: Journey, version: JourneyVersion | None = None) -> dict[str, StepCount]:
    """Return how many came to each step, waited there, went on and left; of one version, or all.

    The step "" is coming in.
    """
    versions = [version] if version else list(journey.versions.all())
    passages = Passage.objects.filter(version__in=versions).exclude(result=machine.MIGRATED)
    results: dict[str, dict[str, int]] = defaultdict(dict)
    outcomes: dict[str, dict[str, int]] = defaultdict(dict)
    grouped = passages.values_list("step", "is_exit", "result").annotate(n=Count("pk"))
    for step, is_exit, result, n in grouped:
        (outcomes if is_exit else results)[step][result] = n
    waiting = Enrollment.objects.filter(version__in=versions, state=machine.WAITING)
    n_waiting = dict(waiting.values_list("node").annotate(n=Count("pk")).values_list("node", "n"))
    steps = results.keys() | outcomes.keys() | n_waiting.keys()
    return {
        step: StepCount(
            n_in=sum(results[step].values())
            + sum(outcomes[step].values())
            + n_waiting.get(step, 0),
            n_waiting=n_waiting.get(step, 0),
            results=dict(results[step]),
            outcomes=dict(outcomes[step]),
        )
        for step in steps
    }


def put_off(journey: Journey | None = None) -> QuerySet[Enrollment]:
    """Return who could not move because something failed, with the error; tried again."""
    found = Enrollment.objects.filter(state=machine.WAITING).exclude(error="")
    found = found if journey is None else found.filter(journey=journey)
    return found.select_related("journey", "profile").order_by("due_at")


@dataclass(frozen=True, slots=True)
class Traced:
    """One thing that befell somebody, and the message that came of it, if one did."""

    at: int
    step: str
    result: str
    reason: str
    is_exit: bool
    message: Message | None = None


def trace(ride: Enrollment) -> list[Traced]:
    """Return all that befell an enrollment, in the order of time."""
    passages = Passage.objects.filter(enrollment=ride).order_by("pk")
    keys = {f"journey:{ride.journey_id}:{one.step}:{ride.pk}": one.step for one in passages}
    sent = Message.objects.filter(dedupe_key__in=keys)
    by_step = {keys[message.dedupe_key]: message for message in sent}
    return [
        Traced(
            one.at, one.step, one.result, one.reason, one.is_exit,
            None if one.is_exit else by_step.get(one.step),
        )
        for one in passages
    ]  # fmt: skip


def of_profile(profile_id: int) -> QuerySet[Enrollment]:
    """Return all that somebody was or is on, the newest first."""
    found = Enrollment.objects.filter(profile_id=profile_id)
    return found.select_related("journey", "version").order_by("-entered_at", "-pk")
