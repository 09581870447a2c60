"""What publishing a draft of a journey does, to whom; and what the rows of the form say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db.models import Count
from django.utils.translation import gettext

from pusula.journeys import machine, queries, versions
from pusula.journeys.language import DefinitionError, parse
from pusula.journeys.language.graph import graph
from pusula.journeys.models import Enrollment, Journey, JourneyVersion
from pusula.web.journey_form.words import Words
from pusula.web.journey_words import Teller

if TYPE_CHECKING:
    from django.http import QueryDict

    from pusula.journeys.language import Graph
    from pusula.web.journey_form.desk import Desk

_PREFIX = "step."


@dataclass(frozen=True)
class Lost:
    """A step where people wait, of which the draft has none of the same id and kind.

    ``others`` are the steps of the same kind that can stand for it: (id, words).
    """

    step: str
    words: str
    n: int
    others: list[tuple[str, str]]


@dataclass(frozen=True)
class Plan:
    """What publishing would do: who is on which version, and what stands in their way."""

    problem: str = ""
    waiting: list[tuple[int, int]] = field(default_factory=list)  # number of a version, people
    lost: list[Lost] = field(default_factory=list)

    @property
    def n_waiting(self) -> int:
        """How many are under way on other versions."""
        return sum(n for _, n in self.waiting)

    @property
    def can_move(self) -> bool:
        """Whether there is a step for everybody who waits."""
        return bool(self.waiting) and all(lost.others for lost in self.lost)


def plan(journey: Journey, version: JourneyVersion) -> Plan:
    """Return what publishing ``version`` would do."""
    waiting = Enrollment.objects.filter(journey=journey, state=machine.WAITING)
    waiting = waiting.exclude(version=version)
    counted = waiting.values_list("version__number").annotate(n=Count("pk"))
    numbers = list(counted.order_by("version__number"))
    try:
        made = graph(parse(version.definition, versions.names()))
    except DefinitionError as error:
        return Plan(error.said(gettext), numbers)
    places = waiting.exclude(node="").values_list("version_id", "node").annotate(n=Count("pk"))
    return Plan("", numbers, _lost(made, list(places.order_by("version_id", "node"))))


def _lost(made: Graph, places: list[tuple[int, str, int]]) -> list[Lost]:
    graphs = {one: _graph(one) for one in dict.fromkeys(version_id for version_id, *_ in places)}
    teller = Teller([made, *graphs.values()])
    found: dict[str, Lost] = {}
    for version_id, node, n in places:
        old = graphs[version_id]
        was = old.nodes[node].kind if old is not None and node in old.nodes else None
        here = made.nodes.get(node)
        if was is None or (here is not None and type(here.kind) is type(was)):
            continue
        others = [
            (one.id, f"{one.number + 1}. {teller.sentence(one.kind)}")
            for one in made.nodes.values()
            if type(one.kind) is type(was)
        ]
        before = found[node].n if node in found else 0
        found[node] = Lost(node, teller.sentence(was), n + before, others)
    return list(found.values())


def _graph(version_id: int) -> Graph | None:
    try:
        return queries.graph_of(JourneyVersion.objects.get(pk=version_id))
    except DefinitionError:
        return None


def stand_ins(form: QueryDict) -> dict[str, str]:
    """Return which steps of the draft stand for those that are gone, as a form says it."""
    return {
        name.removeprefix(_PREFIX): form.get(name, "")
        for name in form
        if name.startswith(_PREFIX) and form.get(name)
    }


def discard(version: JourneyVersion) -> bool:
    """Delete a draft; return whether the journey is gone with it: it never had another version.

    The caller holds a lock on it.
    """
    journey = version.journey
    if journey.versions.count() > 1:
        version.delete()
        return False
    journey.delete()
    return True


def row_words(desk: Desk) -> list[tuple[str, str, str]]:
    """Return (id, sentence, problem) of every row, to be put where they stand."""
    words = Words(desk.draft, desk.said, desk.here.names.schema)
    found = []
    for root in desk.draft.lists.values():
        for above in root.nodes():
            for node in above.below:
                said = words.of(node, above)[2]
                found.append((node.id, said, desk.said.problems.get(node.id, "")))
    return found
