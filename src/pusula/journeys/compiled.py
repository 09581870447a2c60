"""Versions of journeys made ready to run: their graph, and their conditions for the kernel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from pusula.events import relations as events
from pusula.journeys.language import Graph, Names, graph, parse
from pusula.journeys.language.nodes import (
    DateOf,
    OnDate,
    OnEvent,
    OnOrder,
    OnSegment,
    WaitUntilDate,
    WaitUntilTime,
)
from pusula.journeys.models import JourneyVersion
from pusula.lib import clock
from pusula.orders import relations as orders
from pusula.profiles.relations import Ids
from pusula.segments import catalog, evaluate, kernel
from pusula.segments.kernel import Block, Plan
from pusula.segments.language import Definition, DefinitionError
from pusula.segments.language import parse as parse_segment
from pusula.segments.language.nodes import (
    Aggregate,
    AggregateTest,
    Column,
    ColumnTest,
    Compare,
    Condition,
    Words,
)
from pusula.segments.language.schema import RELATIONS, Schema
from pusula.segments.models import Segment

# Segments and traits change without a word to us: what is compiled is thrown away at this age.
_KEEP = clock.MINUTE
_NAMELESS = Words("", "")


@dataclass(frozen=True)
class Compiled:
    """A version ready to run.

    ``plan`` answers the conditions of the graph by their place, ``events`` and ``orders`` which
    triggers one row stands. ``segments`` are the ids of the segments that triggers name, by key.
    """

    version_id: int
    journey_id: int
    graph: Graph
    plan: Plan
    events: Plan
    orders: Plan
    segments: Mapping[str, int]
    contents: Mapping[str, list[tuple[str, Mapping[str, int]]]]
    tz: str

    @cached_property
    def event_names(self) -> frozenset[str]:
        """The names of the events that any trigger waits for."""
        triggers = self.graph.triggers.values()
        return frozenset(n for each in triggers if isinstance(each, OnEvent) for n in each.names)

    @cached_property
    def by_segment(self) -> Mapping[tuple[int, bool], frozenset[str]]:
        """The places of triggers by segment id and whether it is entered."""
        found: dict[tuple[int, bool], set[str]] = {}
        for place, each in self.graph.triggers.items():
            if isinstance(each, OnSegment) and each.key in self.segments:
                found.setdefault((self.segments[each.key], each.is_entry), set()).add(place)
        return {key: frozenset(places) for key, places in found.items()}

    @cached_property
    def order_places(self) -> Mapping[str, tuple[str, ...]]:
        """The places of triggers by what an order becomes."""
        found: dict[str, tuple[str, ...]] = {}
        for place, each in self.graph.triggers.items():
            if isinstance(each, OnOrder):
                found[each.becomes] = (*found.get(each.becomes, ()), place)
        return found

    @cached_property
    def has_languages(self) -> bool:
        """Whether some message says different things in different languages."""
        return any(set(said) - {""} for ways in self.contents.values() for _, said in ways)

    @cached_property
    def day_traits(self) -> tuple[str, ...]:
        """The traits whose days entries or waits count from."""
        return tuple(sorted({date.trait for date in self._dates if date.trait}))

    @cached_property
    def has_order_days(self) -> bool:
        """Whether entries or waits count from a day of the order."""
        return any(date.column for date in self._dates)

    @cached_property
    def has_own_hours(self) -> bool:
        """Whether somebody waits for the hour at which they act."""
        return any(wait.is_own for wait in self._times)

    @cached_property
    def has_own_times(self) -> bool:
        """Whether it matters where people live."""
        return bool(self._times or self.day_traits)

    @property
    def _times(self) -> list[WaitUntilTime]:
        kinds = (node.kind for node in self.graph.nodes.values())
        return [kind for kind in kinds if isinstance(kind, WaitUntilTime)]

    @cached_property
    def _dates(self) -> list[DateOf]:
        waits = [
            n.kind.date for n in self.graph.nodes.values() if isinstance(n.kind, WaitUntilDate)
        ]
        entries = [e.date for e in self.graph.journey.entries if isinstance(e, OnDate)]
        return [*waits, *entries]


def compile_(version: JourneyVersion, schema: Schema) -> Compiled:
    """Return ``version`` ready to run; raise ``DefinitionError`` if it speaks of what is gone."""
    made = graph(parse(version.definition, Names(schema=schema)))
    asked = {
        place: Definition(place, _NAMELESS, condition)
        for place, condition in made.conditions.items()
    }
    named = {t.key for t in made.triggers.values() if isinstance(t, OnSegment)}
    ids = dict(Segment.objects.filter(key__in=named).values_list("key", "pk"))
    rows = _row_tests(made)
    return Compiled(
        version_id=version.pk,
        journey_id=version.journey_id,
        graph=made,
        plan=kernel.compile(
            asked | (_segments(schema) if asked else {}), schema, evaluate.published_cut_points()
        ),
        events=kernel.compile(rows["events"], schema, {}),
        orders=kernel.compile(rows["orders"], schema, {}),
        segments=ids,
        contents={
            step: [(channel, said) for channel, said in ways]
            for step, ways in version.contents.items()
        },
        tz=schema.tz,
    )


class Library:
    """The versions that were asked for, compiled once in a while."""

    def __init__(self) -> None:
        self._compiled: dict[int, Compiled] = {}
        self._until = 0
        self._schema: Schema | None = None

    def versions(self, ids: Iterable[int], at: int) -> dict[int, Compiled | DefinitionError]:
        """Return the versions with these ids, or why one cannot run; ``at`` is now."""
        if at >= self._until or self._until > at + _KEEP:
            self.forget()
            self._until = at + _KEEP
        wanted = set(ids)
        found: dict[int, Compiled | DefinitionError] = {}
        missing = JourneyVersion.objects.filter(pk__in=wanted - self._compiled.keys())
        for version in missing if wanted - self._compiled.keys() else ():
            self._schema = self._schema or catalog.schema()
            try:
                self._compiled[version.pk] = compile_(version, self._schema)
            except DefinitionError as error:
                found[version.pk] = error
        return found | {pk: self._compiled[pk] for pk in wanted & self._compiled.keys()}

    def forget(self) -> None:
        """Compile anew next time."""
        self._compiled.clear()
        self._schema = None
        self._until = 0


def stand(plan: Plan, relation: str, numbers: Ids, at: int) -> dict[str, Ids]:
    """Return by place which of the rows with these ``numbers`` (ascending) its trigger means.

    ``at`` is later than all of them.
    """
    needs = plan.requirements
    if relation == "events":
        table = events.each(numbers, texts=needs.event_texts, numbers=needs.event_numbers)
        block = Block(numbers, events=table)
    else:
        block = Block(numbers, orders=orders.each(numbers, needs.orders or ()))
    found = plan.evaluate(block, at)
    return {place: numbers[mask] for place, mask in found.members.items()}


def _segments(schema: Schema) -> dict[str, Definition]:
    """Return the shown segments: conditions may name them."""
    found = {}
    for key, version in evaluate.shown_versions().items():
        try:
            found[key] = parse_segment(version.definition, schema)
        except DefinitionError:
            continue  # who names it fails as well, and says so
    return found


def _row_tests(made: Graph) -> dict[str, dict[str, Definition]]:
    found: dict[str, dict[str, Definition]] = {"events": {}, "orders": {}}
    for place, each in made.triggers.items():
        match each:
            case OnEvent(names, where):
                found["events"][place] = _one_row("events", names, where)
            case OnOrder(_, where):
                found["orders"][place] = _one_row("orders", (), where)
    for n, entry in enumerate(made.journey.entries):
        if isinstance(entry, OnDate) and entry.date.column:
            found["orders"][f"entry:{n}"] = _one_row("orders", (), entry.where)
    return found


def _one_row(relation: str, names: tuple[str, ...], where: tuple[ColumnTest, ...]) -> Definition:
    time = RELATIONS[relation].time
    by = Column(time, RELATIONS[relation].columns[time])
    rows = Aggregate(relation, "count", by, names=names, where=where)
    test: Condition = AggregateTest(rows, Compare("at_least", 1))
    return Definition("row", _NAMELESS, test)
