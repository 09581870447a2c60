"""What a journey asks about those who move, answered with the facts of the moment it asks.

The machine asks for one thing after the other, the kernel answers many people at once. So a world
that does not know an answer yet breaks off and notes the question; all questions of a round are
answered together, and who broke off begins anew.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date

import numpy as np

from pusula.journeys.backtest import moments
from pusula.journeys.backtest.orders import Orders
from pusula.journeys.backtest.setting import Part, Setting
from pusula.journeys.facts import HOURS, OWN_HOUR
from pusula.journeys.language.nodes import DateOf, WaitUntilDate
from pusula.lake.as_of import Span
from pusula.outbox import zones
from pusula.profiles import relations as profiles
from pusula.profiles.relations import Ids

Spans = list[tuple[int, int, date]]  # from, to before, and the day it was meanwhile


class AskedError(Exception):
    """A question that has no answer yet: about the one who moves, at the moment ``at``."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


class Then:
    """The facts about the profiles ``ids`` at all moments of a backtest."""

    def __init__(self, part: Part, ids: Ids, known: Orders, setting: Setting) -> None:
        self.part = part
        self.orders = known
        compiled = part.compiled
        self._plan = compiled.plan
        self._places = tuple(compiled.graph.conditions)
        self._history = moments.during(ids, self._plan.requirements, setting)
        self._answers: dict[int, dict[int, frozenset[str]]] = defaultdict(dict)
        self._waits = [
            node.kind.date
            for node in compiled.graph.nodes.values()
            if isinstance(node.kind, WaitUntilDate)
        ]
        self._traits = _traits(ids, {of.trait for of in self._waits if of.trait}, setting)
        self._hours = _hours(ids, setting) if compiled.has_own_hours else {}
        self._zones = zones.of(ids.tolist()) if compiled.has_own_times else {}
        self._owned: dict[int, set[int]] = defaultdict(set)
        if any(of.column for of in self._waits):
            for versions in known.values():
                for one in versions:
                    self._owned[one.profile_id].add(one.order_id)

    def answer(self, asked: Mapping[int, int]) -> None:
        """Find out what holds for each profile at the moment it was asked about."""
        ids = np.array(sorted(asked), np.int64)
        at = np.array([asked[profile_id] for profile_id in ids.tolist()], np.int64)
        members = self._plan.evaluate(moments.at_each(self._history, ids, at), at).members
        masks = {place: members[place].tolist() for place in self._places}
        for number, profile_id in enumerate(ids.tolist()):
            holding = frozenset(place for place, mask in masks.items() if mask[number])
            self._answers[profile_id][asked[profile_id]] = holding

    def holds(self, profile_id: int, place: str, at: int) -> bool:
        """Say whether a condition held; raise ``AskedError`` if that is not known yet."""
        found = self._answers[profile_id].get(at)
        if found is None:
            raise AskedError(at)
        return place in found

    def day(self, of: DateOf, profile_id: int, order_id: int | None, at: int) -> date | None:
        """Return the day that an order or a trait had."""
        if not of.column:
            spans = self._traits.get((profile_id, of.trait), [])
            return next((day for since, until, day in spans if since <= at < until), None)
        versions = self.orders.get(order_id or 0, ())
        held = next((one for one in versions if one.at <= at < one.end_at), None)
        return held.day(of.column, self.part.compiled.tz) if held else None

    def zone(self, profile_id: int) -> str:
        """Return the time zone somebody lives in, as it is known today."""
        return self._zones.get(profile_id, self.part.compiled.tz)

    def hour(self, profile_id: int, at: int) -> int | None:
        """Return the hour of the day at which somebody acted, as it was predicted."""
        spans = self._hours.get(profile_id, [])
        return next((hour for since, until, hour in spans if since <= at < until), None)

    def changes(self, profile_id: int) -> list[int]:
        """Return when a day changed that somebody may be waiting for, ascending."""
        found = {
            one.at for order_id in self._owned.get(profile_id, ()) for one in self.orders[order_id]
        }
        for of in self._waits:
            found |= {
                at for span in self._traits.get((profile_id, of.trait), []) for at in span[:2]
            }
        return sorted(found)


class Person:
    """The world of one profile: it has the facts of ``now`` at least, as of a live step.

    ``coupons`` counts the codes given away by pool: there are always enough.
    """

    def __init__(self, then: Then, profile_id: int, coupons: Counter[str]) -> None:
        self.then = then
        self.profile_id = profile_id
        self.coupons = coupons
        self.now = 0

    def world(self, _version_id: int, order_id: int | None) -> World:
        """Return the world it moves in on a ride."""
        return World(self, order_id)


class World:
    """The world of a ride of one profile."""

    __slots__ = ("_order_id", "_person")

    def __init__(self, person: Person, order_id: int | None) -> None:
        self._person = person
        self._order_id = order_id

    @property
    def tz(self) -> str:
        """The business time zone."""
        return self._person.then.part.compiled.tz

    def holds(self, condition: str, at: int) -> bool:
        """Say whether the condition at this place held."""
        person = self._person
        return person.then.holds(person.profile_id, condition, max(at, person.now))

    def day(self, of: DateOf) -> date | None:
        """Return the day of the order, or of the trait."""
        person = self._person
        return person.then.day(of, person.profile_id, self._order_id, person.now)

    @property
    def zone(self) -> str:
        """The time zone the person lives in."""
        return self._person.then.zone(self._person.profile_id)

    def hour(self, at: int) -> int | None:
        """Return the hour of the day at which they acted."""
        person = self._person
        return person.then.hour(person.profile_id, max(at, person.now))

    def coupon(self, step: str, pool: str) -> str | None:  # noqa: ARG002 - the pool says it all
        """Return a made-up code."""
        self._person.coupons[pool] += 1
        return "CODE"


def _hours(ids: Ids, setting: Setting) -> dict[int, list[tuple[int, int, int]]]:
    span = Span(setting.since_at, setting.until_at, setting.known_at)
    table = profiles.traits_during(ids, [OWN_HOUR], span)
    given = (table[c].to_pylist() for c in ("profile_id", "since_at", "until_at", "number"))
    found: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for profile_id, since, until, hour in zip(*given, strict=True):
        if hour in HOURS:
            found[profile_id].append((since, until, int(hour)))
    return found


def _traits(ids: Ids, names: set[str], setting: Setting) -> dict[tuple[int, str], Spans]:
    span = Span(setting.since_at, setting.until_at, setting.known_at)
    found: dict[tuple[int, str], Spans] = defaultdict(list)
    if not names:
        return found
    table = profiles.traits_during(ids, sorted(names), span)
    given = (table[c].to_pylist() for c in ("profile_id", "name", "since_at", "until_at", "day"))
    for profile_id, name, since, until, day in zip(*given, strict=True):
        if day is not None:
            found[profile_id, name].append((since, until, day))
    return found
