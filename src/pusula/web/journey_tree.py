"""A journey drawn: its steps as boxes and as a list, with who came to each and what they got."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext

from pusula.journeys import advance, machine
from pusula.journeys.figures import Sending
from pusula.journeys.language import Graph, nodes
from pusula.journeys.language.nodes import Step, Steps, branches
from pusula.journeys.queries import StepCount
from pusula.measurement.reports.steps import Came
from pusula.outbox import machine as messages
from pusula.outbox.reasons import Reason
from pusula.web import codes, journey_words
from pusula.web.charts import flow
from pusula.web.charts.flow import Box, Flow, Lane, Place
from pusula.web.journey_words import Teller

# Boxes and ways that are no steps: no step is called so.
_ENTRY, _GETS, _HOLDOUT, _END = "+entry", "+gets", "+holdout", "+end"
_ENDS = (nodes.Exit, nodes.GoOn)
_GOT = frozenset({messages.SENT, messages.UNKNOWN})
_OPEN = frozenset({messages.PENDING, messages.SENDING})


@dataclass(frozen=True)
class Refusal:
    """How many messages were not sent for a reason; state and code narrow the list of messages."""

    state: str
    code: str
    words: str
    n: int


@dataclass(frozen=True)
class Card:
    """One step as it is shown: words, people, and its messages where it sends some."""

    key: str
    icon: str
    name: str
    title: str
    sentence: str = ""
    aside: str = ""
    way: str = ""  # what leads to it, where it is the first of a way
    depth: int = 0
    number: int = 0  # of the step, from 1; 0: no step
    n_in: int = 0
    n_waiting: int = 0
    n_on: int = 0
    left: tuple[tuple[str, str, int], ...] = ()  # outcome, words, people
    tone: str = ""  # "act" reaches somebody, "end" ends
    n_sent: int = 0
    n_open: int = 0
    came: Came | None = None  # of its messages, once that is counted
    refusals: tuple[Refusal, ...] = ()
    is_message: bool = False
    goes_to: str = ""  # a step further down that is continued with
    asks: str = ""  # whom it waits for: "agent" or "colleague"

    @property
    def label(self) -> str:
        """What kind of step it is, where its sentence does not say so."""
        return "" if self.name.casefold() in self.sentence.casefold() else self.name

    @property
    def note(self) -> str:
        """What is worth saying below its sentence: that of a step says all of it."""
        return "" if self.number else self.aside

    @property
    def n_left(self) -> int:
        """How many left the journey here."""
        return sum(n for _, _, n in self.left)

    @property
    def n_refused(self) -> int:
        """How many messages were not sent."""
        return sum(one.n for one in self.refusals)


@dataclass(frozen=True)
class Way:
    """A way on from a step: what leads to it, and who went that way of all who went on."""

    words: str
    n: int = 0
    share: float | None = None


@dataclass(frozen=True)
class Placed:
    """A card or a way, and the corner where it stands."""

    what: Card | Way
    place: Place


@dataclass
class Tree:
    """A journey laid out for wide pages, and the same cards as a list for all."""

    flow: Flow
    boxes: list[Placed] = field(default_factory=list)
    ways: list[Placed] = field(default_factory=list)
    cards: list[Card] = field(default_factory=list)


def tree(
    graph: Graph,
    counts: Mapping[str, StepCount],
    outcomes: Mapping[str, int],
    sent: Mapping[str, Sending],
    came: Mapping[str, Came] | None = None,
) -> Tree:
    """Return a journey drawn; ``outcomes`` are how many left by each, over the whole of it.

    ``came`` is what came of the messages of each step; ``None`` before it is counted.
    """
    drawing = _Drawing(graph, counts, outcomes, sent, came)
    laid = flow.lay_out(drawing.boxes())
    return Tree(
        flow=laid,
        boxes=[Placed(drawing.cards[place.key], place) for place in laid.boxes],
        ways=[Placed(drawing.ways[place.key], place) for place in laid.labels],
        cards=list(drawing.listed()),
    )


class _Drawing:
    """The cards of a journey by the keys of their boxes."""

    def __init__(
        self,
        graph: Graph,
        counts: Mapping[str, StepCount],
        outcomes: Mapping[str, int],
        sent: Mapping[str, Sending],
        came: Mapping[str, Came] | None,
    ) -> None:
        self.graph = graph
        self.counts = counts
        self.outcomes = outcomes
        self.sent = sent
        self.came = came
        self.teller = Teller(graph)
        self.cards: dict[str, Card] = {_ENTRY: self._entry()}
        for node in graph.nodes.values():
            self.cards[node.id] = self._step(node.id, node.kind, node.number + 1)
        self.cards[_HOLDOUT] = self._holdout()
        self.cards[_END] = self._end()
        self.ways = self._ways_in()

    def boxes(self) -> list[Box]:
        steps = self.graph.journey.steps
        column = (*self._column(steps), Box(_END, is_end=True))
        if not self.graph.journey.holdout:
            return [Box(_ENTRY), *column]
        held_out = (Box(_HOLDOUT, is_end=True),)
        lanes = (Lane(_GETS, column), Lane(_HOLDOUT, held_out))
        return [Box(_ENTRY, lanes, is_straight=True)]

    def listed(self) -> Iterator[Card]:
        """Yield the cards in the order of the list, the first of each way with what leads there."""
        yield self.cards[_ENTRY]
        if self.graph.journey.holdout:
            yield replace(self.cards[_HOLDOUT], way=self.ways[_HOLDOUT].words, depth=1)
        yield from self._list(self.graph.journey.steps, 0)
        yield self.cards[_END]

    def _list(self, steps: Steps, depth: int, way: str = "") -> Iterator[Card]:
        for position, step in enumerate(steps):
            yield replace(self.cards[step.id], depth=depth, way="" if position else way)
            for result, part in _parts(step):
                words = self._way(step, result).words
                if part:
                    yield from self._list(part, depth + 1, words)
                else:
                    yield Card("", "corner-down-left", "", gettext("Goes on below"), way=words,
                               depth=depth + 1)  # fmt: skip

    def _column(self, steps: Steps) -> tuple[Box, ...]:
        return tuple(
            Box(step.id, self._lanes(step), is_end=isinstance(step.kind, _ENDS)) for step in steps
        )

    def _lanes(self, step: Step) -> tuple[Lane, ...]:
        lanes = []
        for result, part in _parts(step):
            key = f"{step.id}/{result}"
            self.ways[key] = self._way(step, result)
            lanes.append(Lane(key, self._column(part)))
        return tuple(lanes)

    def _way(self, step: Step, result: str) -> Way:
        count = self.counts.get(step.id, StepCount())
        n = count.results.get(result, 0)
        return Way(self.teller.way(step.kind, result), n, n / count.n_on if count.n_on else None)

    def _ways_in(self) -> dict[str, Way]:
        """Return the two ways from the entry, where there is a control group."""
        n_on = self.counts.get(advance.COMING_IN, StepCount()).n_on
        n_out = self.outcomes.get(machine.HELD_OUT, 0)
        n = n_on + n_out
        return {
            _GETS: Way(gettext("Gets the messages"), n_on, n_on / n if n else None),
            _HOLDOUT: Way(gettext("Control group"), n_out, n_out / n if n else None),
        }

    def _step(self, key: str, kind: nodes.Kind, number: int) -> Card:
        icon, name = journey_words.kind(kind)
        count = self.counts.get(key, StepCount())
        is_message = isinstance(kind, nodes.Message)
        return Card(
            key=key,
            icon=icon,
            name=name,
            title=self._title(kind),
            sentence=self.teller.sentence(kind),
            aside=self.teller.aside(kind),
            number=number,
            n_in=count.n_in,
            n_waiting=count.n_waiting,
            n_on=count.n_on,
            left=_left(count.outcomes),
            tone="end" if isinstance(kind, _ENDS) else "act" if _reaches(kind) else "",
            is_message=is_message,
            goes_to=kind.to if isinstance(kind, nodes.GoOn) else "",
            asks=_asks(kind),
            came=None if self.came is None or not is_message else self.came.get(key, Came()),
            **(self._messages(key) if _reaches(kind) else {}),
        )

    def _title(self, kind: nodes.Kind) -> str:
        """Return a step's title; one that is continued with is called by its number too."""
        if isinstance(kind, nodes.GoOn):
            return self.teller.numbered(self.graph, kind.to)
        return self.teller.title(kind)

    def _messages(self, key: str) -> dict[str, Any]:
        found = self.sent.get(key, Sending())
        return {
            "n_sent": sum(n for state, n in found.states.items() if state in _GOT),
            "n_open": sum(n for state, n in found.states.items() if state in _OPEN),
            "refusals": tuple(
                Refusal(state, code, reason(code), n)
                for (state, code), n in found.reasons.items()
                if state in {messages.SKIPPED, messages.FAILED}
            ),
        }

    def _entry(self) -> Card:
        count = self.counts.get(advance.COMING_IN, StepCount())
        entries = [self.teller.entry(one) for one in self.graph.journey.entries]
        who = self.graph.journey.who
        condition = self.teller.printer.condition(who) if who else ""
        notes = [gettext("only who: %(what)s") % {"what": condition}] if condition else []
        notes += [] if self.graph.journey.holdout else [gettext("no control group")]
        return Card(
            key=_ENTRY,
            icon="flag",
            name=gettext("Comes in"),
            title=" · ".join(entries),
            sentence=" · ".join(entries),
            aside=" · ".join(notes),
            tone="act",
            n_in=count.n_in,
            n_waiting=count.n_waiting,
            n_on=count.n_on,
        )

    def _holdout(self) -> Card:
        share = self.teller.printer.per_cent(self.graph.journey.holdout)
        return Card(
            key=_HOLDOUT,
            icon="flask-conical",
            name=gettext("Control group"),
            title=gettext("Gets nothing; is measured against"),
            sentence=gettext("Gets nothing; is measured against"),
            aside=gettext("planned: %(share)s") % {"share": share},
            tone="end",
            n_in=self.outcomes.get(machine.HELD_OUT, 0),
        )

    def _end(self) -> Card:
        return Card(
            key=_END,
            icon="circle-check",
            name=gettext("End"),
            title=journey_words.outcome(machine.DONE),
            sentence=journey_words.outcome(machine.DONE),
            tone="end",
            n_in=self.outcomes.get(machine.DONE, 0),
        )


def _parts(step: Step) -> tuple[tuple[str, Steps], ...]:
    """Return the ways on from a step by their results; none where all go the same way."""
    parts = branches(step.kind)
    if not any(part for _, part in parts) and not isinstance(step.kind, nodes.Split):
        return ()
    reserved: tuple[tuple[str, Steps], ...] = (("reserved", ()),)
    return (*reserved, *parts) if isinstance(step.kind, nodes.Coupon) else parts


def reason(code: str) -> str:
    """Return why a message was not sent."""
    return str(Reason(code).label) if code in Reason.values else codes.called({}, code)


def _left(outcomes: Mapping[str, int]) -> tuple[tuple[str, str, int], ...]:
    """Return how people left at a step, most first; who came to the end there did not drop out."""
    ordered = sorted(outcomes.items(), key=lambda pair: -pair[1])
    return tuple(
        (code, journey_words.outcome(code), n) for code, n in ordered if code != machine.DONE
    )


def _asks(kind: nodes.Kind) -> str:
    return {nodes.Task: "agent", nodes.Approval: "colleague"}.get(type(kind), "")


def _reaches(kind: nodes.Kind) -> bool:
    return isinstance(kind, (nodes.Message, nodes.Task))
