"""Dates that are to come: of orders and traits, and the next time of schedules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from django.db import connection

from pusula.journeys import times
from pusula.journeys.compiled import Compiled, stand
from pusula.journeys.course import Happening, entry_key
from pusula.journeys.language import Journey as Definition
from pusula.journeys.language.nodes import OnDate, Schedule
from pusula.journeys.models import Enrollment, Journey, Planned
from pusula.lake import rows
from pusula.lib import clock
from pusula.orders import machine as orders
from pusula.orders.models import Order
from pusula.profiles import relations as profiles
from pusula.profiles.models import Profile
from pusula.profiles.relations import Ids

_TABLE = "journeys_planned"
_COLUMNS = ("journey_id", "entry", "profile_id", "order_id", "due_at", "key", "after_id")
_PART = 2_000


@dataclass(frozen=True, slots=True)
class _Plan:
    """A date of a profile or an order."""

    entry: str
    profile_id: int
    order_id: int | None
    due_at: int
    key: str


def plan(compiled: Compiled, profile_ids: Ids, *, at: int) -> None:
    """Bring the planned dates of these profiles (ascending) to what their orders and traits say.

    In the caller's transaction; what is planned already and stays is left alone. Dates behind
    ``at`` count; one that was heard already brings nobody in again.
    """
    dated = {
        f"entry:{n}": entry
        for n, entry in enumerate(compiled.graph.journey.entries)
        if isinstance(entry, OnDate)
    }
    if not dated:
        return
    for part in rows.parts(profile_ids.tolist(), _PART):
        ids = np.array(part, np.int64)
        wanted = [
            *_of_orders(compiled, {e: d for e, d in dated.items() if d.date.column}, ids, at),
            *_of_traits(compiled, {e: d for e, d in dated.items() if d.date.trait}, ids, at),
        ]
        _sync(compiled, part, wanted, at)


def plan_everybody(compiled: Compiled, *, at: int, before: Definition | None = None) -> None:
    """Plan the dates of all profiles, and the next time of each schedule, anew.

    Of many profiles only the first are planned at once; live steps go on with the others
    (``go_on``). What is planned stays meanwhile if ``before``, which it was planned for, says the
    same; so does a schedule that is on its way through its members.
    """
    same = _same_entries(before, compiled.graph.journey)
    held = Planned.objects.filter(journey_id=compiled.journey_id)
    held.exclude(entry__in=same).delete()
    waiting = set(held.filter(profile=None).values_list("entry", flat=True))
    for n, entry in enumerate(compiled.graph.journey.entries):
        if isinstance(entry, Schedule) and f"entry:{n}" not in waiting:
            due_at = times.occurrence(entry.when, at - 1, compiled.tz)
            if due_at is not None:
                row = (compiled.journey_id, f"entry:{n}", None, None, due_at, f"at:{due_at}", 0)
                rows.insert(connection, _TABLE, _COLUMNS, [row])
    plan_people(compiled, at=at)


def plan_people(compiled: Compiled, *, at: int) -> None:
    """Bring the planned dates of all profiles to what their orders and traits say by ``at``.

    The first are planned at once, and live steps go on with the others.
    """
    mine = Journey.objects.filter(pk=compiled.journey_id)
    if any(isinstance(entry, OnDate) for entry in compiled.graph.journey.entries):
        mine.update(planning_at=at, planned_to_id=0)
        go_on(compiled, mine.get())
    else:
        mine.update(planning_at=None)


def go_on(compiled: Compiled, journey: Journey) -> None:
    """Plan the next profiles of a journey whose dates are being planned."""
    if journey.planning_at is None:
        return
    people = Profile.objects.order_by("pk").filter(pk__gt=journey.planned_to_id)
    part = list(people.values_list("pk", flat=True)[:_PART])
    plan(compiled, np.array(part, np.int64), at=journey.planning_at)
    if len(part) < _PART:
        journey.planning_at = None
    else:
        journey.planned_to_id = part[-1]
    journey.save(update_fields=["planning_at", "planned_to_id"])


def _same_entries(before: Definition | None, after: Definition) -> list[str]:
    """Return the places of entries that stand in both definitions."""
    if before is None:
        return []
    pairs = enumerate(zip(before.entries, after.entries, strict=False))
    return [f"entry:{n}" for n, (old, new) in pairs if old == new]


def due(journey_id: int, at: int, limit: int) -> list[Planned]:
    """Return the dates and schedules of a journey that have come by ``at``, the oldest first."""
    found = Planned.objects.filter(journey_id=journey_id, due_at__lte=at)
    return list(found.order_by("due_at", "pk")[:limit])


def still_means(compiled: Compiled, planned: Sequence[Planned], *, at: int) -> list[Planned]:
    """Return those of the dates that have come whose orders stand and have the same day still."""
    places = {one.entry for one in planned if one.order_id is not None}
    numbers = np.unique(np.array([one.order_id for one in planned if one.order_id], np.int64))
    stay = Order.objects.filter(pk__in=numbers.tolist(), status__in=orders.ALIVE)
    found = {row.pk: row for row in stay}
    counts = stand(compiled.orders, "orders", numbers, at + 1) if places else {}
    meant = []
    for one in planned:
        entry = compiled.graph.journey.entries[int(one.entry.removeprefix("entry:"))]
        if one.order_id is None:
            meant.append(one)
        elif isinstance(entry, OnDate) and (order := found.get(one.order_id)):
            due_at = times.moment(entry.date, _day(order, entry, compiled.tz), at, compiled.tz)
            if f"at:{due_at}" == one.key and one.order_id in counts[one.entry]:
                meant.append(one)
    return meant


def _day(order: Order, entry: OnDate, tz: str) -> date | None:
    if entry.date.column == "ordered_at":
        return clock.day_of(order.ordered_at, tz)
    return order.starts_on if entry.date.column == "starts_on" else order.ends_on


def _sync(compiled: Compiled, profile_ids: list[int], wanted: Sequence[_Plan], at: int) -> None:
    held = Planned.objects.filter(journey_id=compiled.journey_id, profile_id__in=profile_ids)
    present = {(one.entry, one.profile_id, one.order_id): one for one in held}
    used = _used(compiled, [one for one in wanted if one.due_at <= at])
    new = []
    for one in wanted:
        row = present.pop((one.entry, one.profile_id, one.order_id), None)
        if row is not None and row.key != one.key and row.due_at > at:
            Planned.objects.filter(pk=row.pk).update(due_at=one.due_at, key=one.key)
        elif row is None and one not in used:
            new.append(
                (compiled.journey_id, one.entry, one.profile_id, one.order_id, one.due_at,
                 one.key, 0)
            )  # fmt: skip
    gone = [row.pk for row in present.values() if row.due_at > at]  # others are looked at when due
    Planned.objects.filter(pk__in=gone).delete()
    rows.insert(connection, _TABLE, _COLUMNS, new)


def _used(compiled: Compiled, late: Sequence[_Plan]) -> set[_Plan]:
    """Return those of the late dates that have brought somebody in already."""
    rule = compiled.graph.journey.reentry.rule
    keys = {one: entry_key(rule, one.order_id, Happening(0, {}, key=one.key)) for one in late}
    found = Enrollment.objects.filter(
        journey_id=compiled.journey_id,
        profile_id__in={one.profile_id for one in late},
        entry_key__in=set(keys.values()),
    )
    known = set(found.values_list("profile_id", "entry_key"))
    return {one for one, key in keys.items() if (one.profile_id, key) in known}


def _of_orders(
    compiled: Compiled, dated: Mapping[str, OnDate], ids: Ids, at: int
) -> Iterator[_Plan]:
    if not dated:
        return
    alive = Order.objects.filter(profile_id__in=ids.tolist(), status__in=orders.ALIVE)
    found = list(alive.order_by("pk"))
    if not found:
        return
    numbers = np.array([order.pk for order in found], np.int64)
    counts = stand(compiled.orders, "orders", numbers, at + 1)
    for place, entry in dated.items():
        counting = set(counts[place].tolist())
        for order in found:
            if order.pk in counting:
                day = _day(order, entry, compiled.tz)
                whose = (order.profile_id, order.pk)
                yield from _planned(compiled, place, entry, whose, day, at)


def _of_traits(
    compiled: Compiled, dated: Mapping[str, OnDate], ids: Ids, at: int
) -> Iterator[_Plan]:
    table = profiles.traits(ids, sorted({entry.date.trait for entry in dated.values()}))
    given = zip(*(table[c].to_pylist() for c in ("profile_id", "name", "day")), strict=True)
    for profile_id, name, day in given:
        for place, entry in dated.items():
            if entry.date.trait == name:
                yield from _planned(compiled, place, entry, (profile_id, None), day, at)


def _planned(  # noqa: PLR0917 - what a date is made of
    compiled: Compiled,
    place: str,
    entry: OnDate,
    whose: tuple[int, int | None],
    day: date | None,
    at: int,
) -> Iterator[_Plan]:
    """Yield the date to come; or that it is late and welcome, as long as the day is not over."""
    # One that comes round has been heard if it comes just now: its next is planned.
    since = at + 1 if entry.date.is_yearly else at
    due_at = times.moment(entry.date, day, since, compiled.tz)
    if due_at is None or day is None:
        return
    key = f"at:{due_at}"
    if due_at > at:
        yield _Plan(place, *whose, due_at, key)
    elif entry.is_late_welcome and clock.day_of(at, compiled.tz) <= day:
        yield _Plan(place, *whose, at, key)
