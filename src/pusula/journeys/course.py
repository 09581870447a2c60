"""All that one profile does on one journey, in the order of time: in, on, out, and in again.

No clock and no database: the live step and a backtest run the same course.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from pusula.journeys import machine
from pusula.journeys.advance import CANCELLED, advance, ended, enter, heard_only
from pusula.journeys.language.graph import Graph
from pusula.journeys.language.nodes import OnOrder
from pusula.journeys.spots import Advanced, Effect, Occurrence, Passed, Spot, World
from pusula.orders import machine as orders

NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to the profile, and which triggers it stands.

    ``places`` are those of each version (by id). ``order_id`` is the order it is about; ``key``
    names the occurrence where its moment does not.
    """

    at: int
    places: Mapping[int, frozenset[str]]
    order_id: int | None = None
    key: str = ""
    answer: str = ""
    ride_id: int | None = None  # an answer is about one enrollment


@dataclass(slots=True)
class Ride:
    """An enrollment on its course; ``id`` 0: it has just begun."""

    id: int
    version_id: int
    spot: Spot
    entry_key: str
    entry: str
    order_id: int | None = None
    is_holdout: bool = False
    passages: list[Passed] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    is_changed: bool = False
    error: str = ""  # why it could not move
    asked_at: str = ""  # the step at which a person was asked about it when it was read

    def take(self, done: Advanced) -> None:
        """Take over what a move brought."""
        self.is_changed = self.is_changed or done.spot != self.spot
        self.spot = done.spot
        self.passages += done.passages
        self.effects += done.effects

    @property
    def is_waiting(self) -> bool:
        """Whether it is under way."""
        return not self.spot.outcome


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier enrollment of the profile on the journey, of any version, over or not."""

    entered_at: int
    entry_key: str
    order_id: int | None = None


Worlds = Callable[[int, int | None], World]  # by version and order


@dataclass(slots=True)
class Course:
    """One profile on one journey.

    ``version_id`` is the version people come in on now, ``graphs`` those of its rides and of this.
    Nobody comes in by what happened before ``since_at``, nor if that is ``None`` (paused).
    """

    profile_id: int
    version_id: int
    graphs: Mapping[int, Graph]
    rides: list[Ride]
    past: list[Past]
    since_at: int | None
    is_held_out: bool
    is_paused: bool = False
    refusals: list[tuple[int, str]] = field(default_factory=list)  # moment, why nobody came in

    def run(self, happenings: Iterable[Happening], until: int, worlds: Worlds) -> None:
        """Let happen what happened, in the order of time, and time pass ``until`` then."""
        for happening in sorted(happenings, key=lambda each: each.at):
            for ride in self.rides:
                if ride.is_waiting:
                    self._hear(ride, happening, worlds)
            self._come_in(happening, worlds)
        if self.is_paused:
            return
        for ride in self.rides:
            if ride.is_waiting and ride.spot.due_at is not None and ride.spot.due_at <= until:
                world = worlds(ride.version_id, ride.order_id)
                ride.take(advance(self.graphs[ride.version_id], ride.spot, (), until, world))

    def _hear(self, ride: Ride, happening: Happening, worlds: Worlds) -> None:
        graph = self.graphs[ride.version_id]
        places = happening.places.get(ride.version_id, NOTHING)
        if happening.ride_id is not None and happening.ride_id != ride.id:
            return
        orders = {happening.order_id, ride.order_id}
        if None not in orders and len(orders) > 1:
            places = frozenset(place for place in places if _is_of_any_order(graph, place))
        if not _ends_with_orders(graph, ride):
            places -= {CANCELLED}
        due_at = ride.spot.due_at
        if not places and (due_at is None or due_at >= happening.at):
            return
        occurrence = Occurrence(happening.at, places, happening.answer)
        world = worlds(ride.version_id, ride.order_id)
        if self.is_paused:
            ride.take(heard_only(graph, ride.spot, occurrence, world))
        else:
            ride.take(advance(graph, ride.spot, (occurrence,), happening.at - 1, world))

    def _come_in(self, happening: Happening, worlds: Worlds) -> None:
        entries = _entries(happening.places.get(self.version_id, NOTHING))
        if not entries or self.since_at is None or self.is_paused:
            return
        journey = self.graphs[self.version_id].journey
        order_id = happening.order_id if journey.keyed_by == "order" else None
        if journey.keyed_by == "order" and order_id is None:
            return
        key = entry_key(journey.reentry.rule, order_id, happening)
        reason = self._refusal(happening, order_id, key, worlds)
        if reason:
            self.refusals.append((happening.at, reason))
            return
        for ride in self._own(order_id):
            if journey.reentry.rule == "restart" and ride.is_waiting:
                ride.take(ended(ride.spot, machine.RESTARTED, happening.at))
        self._enter(happening, order_id, key, entries[0], worlds)

    def _refusal(self, happening: Happening, order_id: int | None, key: str, worlds: Worlds) -> str:
        """Return why the profile does not come in: a word, nothing if it does."""
        graph = self.graphs[self.version_id]
        rule = graph.journey.reentry.rule
        past = [one for one in self.past if order_id is None or one.order_id == order_id]
        world = worlds(self.version_id, order_id)
        reason = ""
        if happening.at < (self.since_at or 0) and not happening.key:
            reason = "before"
        elif any(one.entry_key == key for one in self.past):
            reason = "again"
        elif rule == "never" and past:
            reason = "never_again"
        elif rule == "one_at_a_time" and any(ride.is_waiting for ride in self._own(order_id)):
            reason = "still_in"
        elif self._is_too_soon(past, happening.at, world.tz):
            reason = "too_soon"
        elif "who" in graph.conditions and not world.holds("who", happening.at):
            reason = "who"
        return reason

    def _is_too_soon(self, past: list[Past], at: int, tz: str) -> bool:
        after = self.graphs[self.version_id].journey.reentry.after
        return after is not None and any(after.moment(p.entered_at, tz) > at for p in past)

    def _enter(
        self, happening: Happening, order_id: int | None, key: str, entry: str, worlds: Worlds
    ) -> None:
        spot = Spot(self.profile_id, entered_at=happening.at, moved_at=happening.at)
        ride = Ride(0, self.version_id, spot, key, entry, order_id, self.is_held_out)
        self.rides.append(ride)
        self.past.append(Past(happening.at, key, order_id))
        done = enter(
            self.graphs[self.version_id],
            self.profile_id,
            happening.at,
            worlds(self.version_id, order_id),
            entry=entry,
            is_held_out=self.is_held_out,
        )
        ride.take(done)
        ride.is_changed = True

    def _own(self, order_id: int | None) -> list[Ride]:
        return [ride for ride in self.rides if order_id is None or ride.order_id == order_id]


def entry_key(rule: str, order_id: int | None, happening: Happening) -> str:
    """Return the name of the occurrence for the one who comes in: they do so once by it.

    Two things at the same moment are one. An order that may not come in twice is one occurrence
    however often it is changed.
    """
    if order_id is None:
        return happening.key or f"at:{happening.at}"
    if rule in ("never", "one_at_a_time"):
        return f"order:{order_id}"
    return f"order:{order_id}:{happening.key or happening.at}"


def _entries(places: frozenset[str]) -> list[str]:
    return sorted(place for place in places if place.startswith("entry:"))


def _ends_with_orders(graph: Graph, ride: Ride) -> bool:
    """Return whether a cancelled order ends a ride: it is for that order, or an order began it.

    One that began because an order was cancelled goes on.
    """
    entry = graph.triggers.get(ride.entry)
    if isinstance(entry, OnOrder):
        return entry.becomes not in orders.DEAD
    return ride.order_id is not None


def _is_of_any_order(graph: Graph, place: str) -> bool:
    """Return whether a trigger means any order: that a new one is placed, and not a change."""
    trigger = graph.triggers.get(place)
    return isinstance(trigger, OnOrder) and trigger.becomes == "placed"
