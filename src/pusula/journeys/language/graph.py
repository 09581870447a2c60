"""A journey as the machine walks it: steps by id, and what comes behind each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pusula.journeys.language.nodes import (
    Branch,
    GoOn,
    Journey,
    Kind,
    OnEvent,
    OnOrder,
    OnSegment,
    Steps,
    Trigger,
    WaitFirst,
    branches,
)
from pusula.segments.language.nodes import Condition


@dataclass(frozen=True, slots=True)
class Node:
    """A step on the way.

    ``next`` is the step behind it (``None``: the end), ``ways`` the first step of each of its
    parts by the result that leads there. ``number`` counts in the order of the page: whoever moves
    comes to a higher one, so nobody goes round. ``depth`` is how far it is indented, from 0.
    """

    id: str
    kind: Kind
    number: int
    depth: int
    next: str | None
    ways: Mapping[str, str | None]

    def after(self, result: str) -> str | None:
        """Return the step that follows ``result``."""
        return self.ways.get(result, self.next)


@dataclass(frozen=True)
class Graph:
    """A journey made ready: ``triggers`` and ``conditions`` by the place where they stand.

    The places are ``entry:0``, ``exit:0``, ``goal``, ``who``, ``wait:step:0``, ``branch:step:1``.
    """

    journey: Journey
    nodes: Mapping[str, Node]
    first: str | None
    triggers: Mapping[str, Trigger]
    conditions: Mapping[str, Condition]


def graph(journey: Journey) -> Graph:
    """Return ``journey`` made ready to be walked."""
    nodes: dict[str, Node] = {}
    _lay(journey.steps, None, 0, nodes)
    return Graph(
        journey=journey,
        nodes=dict(sorted(nodes.items(), key=lambda pair: pair[1].number)),
        first=journey.steps[0].id,
        triggers=dict(_triggers(journey, nodes)),
        conditions=dict(_conditions(journey, nodes)),
    )


def _lay(steps: Steps, behind: str | None, depth: int, nodes: dict[str, Node]) -> None:
    """Put ``steps`` into ``nodes``; what follows the last of them is ``behind``."""
    for position, step in enumerate(steps):
        following = steps[position + 1].id if position + 1 < len(steps) else behind
        if isinstance(step.kind, GoOn):
            following = step.kind.to
        number = len(nodes)
        parts = branches(step.kind)
        ways = {result: part[0].id if part else following for result, part in parts}
        nodes[step.id] = Node(step.id, step.kind, number, depth, following, ways)
        for _result, part in parts:
            _lay(part, following, depth + 1, nodes)


def _triggers(journey: Journey, nodes: Mapping[str, Node]) -> Iterator[tuple[str, Trigger]]:
    for n, entry in enumerate(journey.entries):
        if isinstance(entry, (OnEvent, OnOrder, OnSegment)):
            yield f"entry:{n}", entry
    for place, what in _ends(journey):
        if isinstance(what, (OnEvent, OnOrder, OnSegment)):
            yield place, what
    for node in nodes.values():
        if isinstance(node.kind, WaitFirst):
            for n, trigger in enumerate(node.kind.triggers):
                yield f"wait:{node.id}:{n}", trigger


def _conditions(journey: Journey, nodes: Mapping[str, Node]) -> Iterator[tuple[str, Condition]]:
    if journey.who is not None:
        yield "who", journey.who
    for place, what in _ends(journey):
        if not isinstance(what, (OnEvent, OnOrder, OnSegment)):
            yield place, what
    for node in nodes.values():
        if isinstance(node.kind, Branch):
            for n, way in enumerate(node.kind.ways, 1):
                yield f"branch:{node.id}:{n}", way.when


def _ends(journey: Journey) -> Iterator[tuple[str, Trigger | Condition]]:
    for n, what in enumerate(journey.exit_when):
        yield f"exit:{n}", what
    if journey.goal is not None:
        yield "goal", journey.goal
