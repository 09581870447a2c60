"""The way of each profile along a journey, as it would have been: the course of the live path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from pusula.campaigns.holdout import is_held_out
from pusula.journeys import advance
from pusula.journeys.backtest import happened, orders
from pusula.journeys.backtest.happened import Heard
from pusula.journeys.backtest.setting import Part, Setting
from pusula.journeys.backtest.then import AskedError, Person, Then
from pusula.journeys.course import Course, Happening, Ride
from pusula.journeys.spots import Effect
from pusula.profiles.relations import Ids


@dataclass(slots=True)
class Life:
    """What a profile did on a journey, and what was asked for it: ride, effect, and when."""

    course: Course
    happenings: list[Happening]
    asked: list[tuple[Ride, Effect, int]] = field(default_factory=list)
    coupons: Counter[str] = field(default_factory=Counter)


def live(part: Part, ids: Ids, setting: Setting) -> Iterator[Life]:
    """Yield the life of each of the profiles ``ids`` (ascending) to whom something happened."""
    known = orders.read(ids, setting) if _needs_orders(part) else {}
    heard = happened.hear(part, ids, known, setting)
    if not heard:
        return
    then = Then(part, ids, known, setting)
    waiting = sorted(heard)
    found: dict[int, Life] = {}
    while waiting:
        asked: dict[int, int] = {}
        for profile_id in waiting:
            try:
                found[profile_id] = _Way(then, profile_id, heard, setting).run()
            except AskedError as question:
                asked[profile_id] = question.at
        waiting = list(asked)
        if waiting:
            then.answer(asked)
    for profile_id in sorted(found):
        yield found[profile_id]


def _needs_orders(part: Part) -> bool:
    return part.needs_orders or part.compiled.has_order_days


class _Way:
    """One profile on its way."""

    def __init__(self, then: Then, profile_id: int, heard: Heard, setting: Setting) -> None:
        compiled = then.part.compiled
        journey = compiled.graph.journey
        share = float(journey.holdout) / 100
        self._until_at = setting.until_at
        self._then = then
        self._graph = compiled.graph
        self._life = Life(
            Course(
                profile_id=profile_id,
                version_id=compiled.version_id,
                graphs={compiled.version_id: compiled.graph},
                rides=[],
                past=[],
                since_at=setting.since_at,
                is_held_out=share > 0 and is_held_out(f"journey:{journey.key}", profile_id, share),
            ),
            heard[profile_id],
        )
        self._person = Person(then, profile_id, self._life.coupons)
        self._seen: dict[int, int] = {}  # effects by the place of the ride

    def run(self) -> Life:
        """Let happen what happened; where a day changes, those who wait for it wait for the new."""
        left = list(self._life.happenings)
        for change in self._then.changes(self._life.course.profile_id):
            if change > self._until_at:
                break
            before = [one for one in left if one.at < change]
            self._go(before, change - 1)
            self._person.now = change
            self._go([one for one in left if one.at == change], change - 1)
            self._retime()
            left = [one for one in left if one.at > change]
        self._go(left, self._until_at)
        return self._life

    def _go(self, happenings: list[Happening], until: int) -> None:
        course = self._life.course
        course.run(happenings, until, self._person.world)
        for place, ride in enumerate(course.rides):
            for effect in ride.effects[self._seen.get(place, 0) :]:
                self._life.asked.append((ride, effect, max(effect.at, self._person.now)))
            self._seen[place] = len(ride.effects)

    def _retime(self) -> None:
        for ride in self._life.course.rides:
            if ride.is_waiting and ride.spot.node:
                world = self._person.world(ride.version_id, ride.order_id)
                due_at = advance.retimed(self._graph, ride.spot, world)
                if due_at != ride.spot.due_at:
                    ride.spot = replace(ride.spot, due_at=due_at)
