"""One enrollment moves along its graph: no clock and no database, frozen values in, values out.

Time here is the time things happened: a wait that ended while nobody looked ended when it was due.
A machine that slept does what one that never slept had done, and messages that came too late by
that say so themselves. Whoever moves comes to a step further down, so every move ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from pusula.journeys import machine, times
from pusula.journeys.language import nodes
from pusula.journeys.language.graph import Graph, Node
from pusula.journeys.spots import Advanced, Effect, Occurrence, Passed, Spot, World
from pusula.lib import clock, ids

CANCELLED = "cancelled"  # the place of an occurrence: the order of the enrollment is no more
COMING_IN = ""  # the step of what befalls somebody before the first one
ENTERED = "entered"
WAITED = "waited"
ASKED = "asked"
ELSE = "else"
RESERVED = "reserved"
ANSWER = "answer"  # the place of a person's answer, with the step behind it: "answer:call"


def enter(
    graph: Graph, profile_id: int, at: int, world: World, *, entry: str, is_held_out: bool = False
) -> Advanced:
    """Return how somebody comes in ``at`` by the entry at this place, and where they come to."""
    run = _Run(graph, Spot(profile_id, entered_at=at, moved_at=at), world)
    if is_held_out:
        run.passages.append(Passed(COMING_IN, at, machine.HELD_OUT, entry, is_exit=True))
        run.finish(machine.HELD_OUT, at)
        return run.done()
    run.passages.append(Passed(COMING_IN, at, ENTERED, entry))
    run.walk(graph.first, at)
    return run.done()


def advance(
    graph: Graph,
    spot: Spot,
    occurrences: Iterable[Occurrence],
    until: int,
    world: World,
) -> Advanced:
    """Return what became of somebody by the moment ``until``, given what happened to them.

    ``occurrences`` are in the order of time. One at the very moment a wait ends comes before it.
    """
    run = _Run(graph, spot, world)
    for occurrence in occurrences:
        run.pass_time(occurrence.at - 1)
        if run.outcome:
            break
        run.hear(occurrence)
    run.pass_time(until)
    return run.done()


def heard_only(graph: Graph, spot: Spot, occurrence: Occurrence, world: World) -> Advanced:
    """Return what became of somebody on a paused journey: they may leave, and do not move."""
    run = _Run(graph, spot, world)
    run.leave(occurrence)
    return run.done()


def ended(spot: Spot, outcome: str, at: int) -> Advanced:
    """Return somebody taken off the journey from outside."""
    at = max(at, spot.moved_at)
    after = replace(spot, outcome=outcome, finished_at=at, due_at=None, waits_for=machine.NOTHING)
    return Advanced(after, [Passed(spot.node, at, outcome, is_exit=True)], [])


def retimed(graph: Graph, spot: Spot, world: World) -> int | None:
    """Return until when somebody waits whose order or trait has another day now."""
    node = graph.nodes[spot.node]
    if not isinstance(node.kind, nodes.WaitUntilDate):
        return spot.due_at
    due_at = _moment(node.kind.date, world, spot.moved_at)
    return spot.moved_at if due_at is None else max(due_at, spot.moved_at)


@dataclass(slots=True)
class _Waits:
    """The step is not left before ``due_at`` unless what it waits for comes."""

    due_at: int
    waits_for: str = machine.NOTHING


@dataclass(slots=True)
class _Leaves:
    """The journey is left at this step."""

    outcome: str


class _Run:
    """An enrollment on the move."""

    __slots__ = (
        "data", "due_at", "effects", "entered_at", "finished_at", "graph", "moved_at", "node",
        "outcome", "passages", "profile_id", "waits_for", "world",
    )  # fmt: skip

    def __init__(self, graph: Graph, spot: Spot, world: World) -> None:
        self.graph = graph
        self.profile_id = spot.profile_id
        self.world = world
        self.entered_at = spot.entered_at
        self.node = spot.node
        self.moved_at = spot.moved_at
        self.due_at = spot.due_at
        self.waits_for = spot.waits_for
        self.data = dict(spot.data)
        self.outcome = spot.outcome
        self.finished_at = spot.finished_at
        self.passages: list[Passed] = []
        self.effects: list[Effect] = []

    def done(self) -> Advanced:
        spot = Spot(
            self.profile_id,
            self.entered_at,
            self.node,
            self.moved_at,
            self.due_at,
            self.waits_for,
            self.data,
            self.outcome,
            self.finished_at,
        )
        return Advanced(spot, self.passages, self.effects)

    def pass_time(self, until: int) -> None:
        """Let every wait end that ends by ``until``."""
        while not self.outcome and self.due_at is not None and self.due_at <= until:
            at = self.due_at
            if not self.node:
                self._come_in(at)
                continue
            if self._ends(self.node, at):
                return
            result = ELSE if self.waits_for else WAITED
            self._leave_step(self.graph.nodes[self.node], at, result)

    def hear(self, occurrence: Occurrence) -> None:
        """Let something happen: it ends the journey, or a wait, or nothing."""
        if self.leave(occurrence):
            return
        at = max(occurrence.at, self.moved_at)
        if self.waits_for == machine.A_PERSON and f"{ANSWER}:{self.node}" in occurrence.places:
            self._leave_step(self.graph.nodes[self.node], at, occurrence.answer)
        elif self.waits_for == machine.A_TRIGGER and occurrence.at > self.moved_at:
            mine = [p for p in occurrence.places if p.startswith(f"wait:{self.node}:")]
            if mine:
                self._leave_step(self.graph.nodes[self.node], at, "then", min(mine))

    def leave(self, occurrence: Occurrence) -> bool:
        """Leave if that is what the occurrence means: the goal, an exit, a cancelled order."""
        if CANCELLED not in occurrence.places and not self._is_later(occurrence):
            return False
        at = max(occurrence.at, self.moved_at)
        for place, outcome in self._leads_out(occurrence):
            self.passages.append(Passed(self.node, at, outcome, place, is_exit=True))
            self.finish(outcome, at)
            return True
        return False

    def walk(self, step: str | None, at: int) -> None:
        """Go on from ``step`` until it has to be waited, or the journey ends."""
        while step is not None:
            if self._ends(step, at):
                return
            node = self.graph.nodes[step]
            result = _WORK[type(node.kind)](self, node, node.kind, at)
            if isinstance(result, _Waits):
                self.node, self.moved_at = step, at
                self.due_at, self.waits_for = result.due_at, result.waits_for
                return
            if isinstance(result, _Leaves):
                self.node, self.moved_at = step, at
                self.passages.append(Passed(step, at, result.outcome, is_exit=True))
                self.finish(result.outcome, at)
                return
            self.passages.append(Passed(step, at, result))
            self.node, self.moved_at = step, at
            step = node.after(result)
        self.finish(machine.DONE, at)

    def finish(self, outcome: str, at: int) -> None:
        """Leave the journey."""
        self.outcome, self.finished_at = outcome, at
        self.due_at, self.waits_for = None, machine.NOTHING

    def ask(self, node: Node, at: int, until_at: int) -> None:
        """Have something done about the step."""
        kind: Any = node.kind
        self.effects.append(Effect(node.id, kind, at, until_at, dict(self.data)))

    def _is_later(self, occurrence: Occurrence) -> bool:
        """Say whether it came behind what brought them in: at one moment, the like of it is that.

        What does not bring people in is heard in the order in which it happened.
        """
        if occurrence.at == self.entered_at:
            return not any(place.startswith("entry:") for place in occurrence.places)
        return occurrence.at > self.entered_at

    def _come_in(self, at: int) -> None:
        """Begin: something had failed when they came in."""
        if "who" in self.graph.conditions and not self.world.holds("who", at):
            self.passages.append(Passed(COMING_IN, at, machine.EXITED, "who", is_exit=True))
            self.finish(machine.EXITED, at)
        else:
            self.passages.append(Passed(COMING_IN, at, ENTERED))
            self.walk(self.graph.first, at)

    def _leave_step(self, node: Node, at: int, result: str, reason: str = "") -> None:
        self.passages.append(Passed(node.id, at, result, reason))
        self.due_at, self.waits_for = None, machine.NOTHING
        self.walk(node.after(result), at)

    def _ends(self, step: str, at: int) -> bool:
        """Leave at ``step`` if a condition says so."""
        for place, outcome in ends(self.graph):
            if place in self.graph.conditions and self.world.holds(place, at):
                self.node, self.moved_at = step, at
                self.passages.append(Passed(step, at, outcome, place, is_exit=True))
                self.finish(outcome, at)
                return True
        return False

    def _leads_out(self, occurrence: Occurrence) -> list[tuple[str, str]]:
        if CANCELLED in occurrence.places:
            return [(CANCELLED, machine.CANCELLED)]
        return [pair for pair in ends(self.graph) if pair[0] in occurrence.places]


def ends(graph: Graph) -> list[tuple[str, str]]:
    """Return the places whose trigger or condition leads out, and the outcome; the goal first."""
    goal = [] if graph.journey.goal is None else [("goal", machine.GOAL)]
    exits = [(f"exit:{n}", machine.EXITED) for n in range(len(graph.journey.exit_when))]
    return goal + exits


def variant(journey_key: str, step: str, split: nodes.Split, profile_id: int) -> str:
    """Return the variant that a profile draws: the same as often as it comes by."""
    drawn = ids.bucket("split", journey_key, step, str(profile_id))
    limit = 0
    for each in split.variants:
        limit += int(each.share * ids.BUCKETS / 100)
        if drawn < limit:
            return each.name
    return split.variants[-1].name


# What a step does when somebody comes to it: a result, a wait, or the end.


def _wait_for(run: _Run, _node: Node, kind: nodes.WaitFor, at: int) -> str | _Waits:
    return _Waits(kind.length.moment(at, run.world.tz))


def _wait_time(run: _Run, _node: Node, kind: nodes.WaitUntilTime, at: int) -> str | _Waits:
    world = run.world
    hour = world.hour(at) if kind.is_own else None
    if hour is None:
        due_at = times.next_at(kind.time, kind.weekdays, at, world.zone)
    else:  # nobody waits for an hour that has begun
        due_at = times.next_at(hour * 60, kind.weekdays, at - clock.HOUR + 1, world.zone)
    return _Waits(due_at) if due_at > at else WAITED


def _wait_date(run: _Run, _node: Node, kind: nodes.WaitUntilDate, at: int) -> str | _Waits:
    due_at = _moment(kind.date, run.world, at)
    return WAITED if due_at is None or due_at <= at else _Waits(due_at)


def _moment(of: nodes.DateOf, world: World, at: int) -> int | None:
    """Return when a date comes: a stay is where the house is, one's own day where one lives."""
    return times.moment(of, world.day(of), at, world.zone if of.trait else world.tz)


def _wait_first(run: _Run, _node: Node, kind: nodes.WaitFirst, at: int) -> _Waits:
    return _Waits(kind.at_most.moment(at, run.world.tz), machine.A_TRIGGER)


def _branch(run: _Run, node: Node, kind: nodes.Branch, at: int) -> str:
    for n in range(1, len(kind.ways) + 1):
        if run.world.holds(f"branch:{node.id}:{n}", at):
            return f"way {n}"
    return ELSE


def _split(run: _Run, node: Node, kind: nodes.Split, _at: int) -> str:
    return variant(run.graph.journey.key, node.id, kind, run.profile_id)


def _message(run: _Run, node: Node, kind: nodes.Message, at: int) -> str:
    run.ask(node, at, kind.not_after.moment(at, run.world.tz))
    return ASKED


def _person(run: _Run, node: Node, kind: nodes.Task | nodes.Approval, at: int) -> _Waits:
    until_at = kind.at_most.moment(at, run.world.tz)
    run.ask(node, at, until_at)
    return _Waits(until_at, machine.A_PERSON)


def _told(run: _Run, node: Node, _kind: object, at: int) -> str:
    run.ask(node, at, at)
    return "done"


def _coupon(run: _Run, node: Node, kind: nodes.Coupon, at: int) -> str | _Leaves:
    code = run.world.coupon(node.id, kind.pool)
    if code is not None:
        run.data["coupon"] = code
        run.ask(node, at, at)
        return RESERVED
    return ELSE if kind.otherwise else _Leaves(machine.NO_COUPON)


_WORK: dict[type, Callable[[_Run, Node, Any, int], str | _Waits | _Leaves]] = {
    nodes.WaitFor: _wait_for,
    nodes.WaitUntilTime: _wait_time,
    nodes.WaitUntilDate: _wait_date,
    nodes.WaitFirst: _wait_first,
    nodes.Branch: _branch,
    nodes.Split: _split,
    nodes.Message: _message,
    nodes.Task: _person,
    nodes.Approval: _person,
    nodes.Webhook: _told,
    nodes.SetTrait: _told,
    nodes.ChangeList: _told,
    nodes.Coupon: _coupon,
    nodes.ReachGoal: lambda _run, _node, _kind, _at: "goal",
    nodes.Exit: lambda _run, _node, _kind, _at: _Leaves(machine.EXITED),
    nodes.GoOn: lambda _run, _node, _kind, _at: "continued",
}
