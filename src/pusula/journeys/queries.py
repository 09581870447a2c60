"""Reads of journeys: how many are where, who waits, what befell somebody, why they are not on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from django.db.models import Count, QuerySet

from pusula.campaigns.holdout import is_held_out
from pusula.journeys import machine
from pusula.journeys.advance import COMING_IN, ENTERED
from pusula.journeys.compiled import Compiled, compile_
from pusula.journeys.language import Graph, Names, graph, parse
from pusula.journeys.models import Enrollment, Journey, JourneyVersion, Passage, Planned, Task
from pusula.lib import clock
from pusula.outbox.models import Message
from pusula.profiles.models import Profile
from pusula.segments import catalog
from pusula.segments.facts import block
from pusula.segments.language import DefinitionError

_MIGRATED = "migrated"


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
    """Return the journeys by key, those in use first, with the version people come in on."""
    found = Journey.objects.select_related("version")
    return found.extra(select={"is_over": "state = 'archived'"}).order_by("is_over", "key")


def by_key(key: str) -> Journey | None:
    """Return the journey called ``key``, if there is one."""
    return Journey.objects.filter(key=key).select_related("version").first()


def newest(journey: Journey) -> JourneyVersion | None:
    """Return the newest version, published or not."""
    return journey.versions.order_by("-number").first()


def graph_of(version: JourneyVersion) -> Graph:
    """Return the graph of a version; raise ``DefinitionError`` if it speaks of what is gone."""
    return graph(parse(version.definition, Names(schema=catalog.schema())))


def title(journey: Journey, language: str) -> str:
    """Return the title of a journey in ``language``."""
    version = journey.version or newest(journey)
    titles = version.definition["title"] if version else {}
    return str(titles.get(language, journey.key))


def counts(journey: Journey) -> Counts:
    """Return how many came in, wait and left, over all versions."""
    mine = Enrollment.objects.filter(journey=journey)
    by_outcome = dict(mine.values_list("outcome").annotate(n=Count("pk")).values_list("outcome", "n"))
    n_waiting = by_outcome.pop("", 0)
    n_put_off = mine.filter(state=machine.WAITING).exclude(error="").count()
    return Counts(n_waiting + sum(by_outcome.values()), n_waiting, n_put_off, by_outcome)


def by_step(journey: Journey, version: JourneyVersion | None = None) -> dict[str, StepCount]:
    """Return how many came to each step, waited there, went on and left; of one version, or all.

    The step "" is coming in.
    """
    versions = [version] if version else list(journey.versions.all())
    passages = Passage.objects.filter(version__in=versions).exclude(result=_MIGRATED)
    results: dict[str, dict[str, int]] = defaultdict(dict)
    outcomes: dict[str, dict[str, int]] = defaultdict(dict)
    grouped = passages.values_list("step", "result").annotate(n=Count("pk"))
    for step, result, n in grouped.values_list("step", "result", "n"):
        kind = outcomes if result in machine.OUTCOMES and result not in _ALSO_RESULTS else results
        kind[step][result] = n
    left = Enrollment.objects.filter(version__in=versions, state=machine.FINISHED)
    left = left.filter(outcome__in=_ALSO_RESULTS)
    waiting = Enrollment.objects.filter(version__in=versions, state=machine.WAITING)
    n_waiting = dict(waiting.values_list("node").annotate(n=Count("pk")).values_list("node", "n"))
    steps = results.keys() | outcomes.keys() | n_waiting.keys()
    return {
        step: StepCount(
            n_in=sum(results[step].values()) + sum(outcomes[step].values()) + n_waiting.get(step, 0),
            n_waiting=n_waiting.get(step, 0),
            results=dict(results[step]),
            outcomes=dict(outcomes[step]),
        )
        for step in steps
    }
