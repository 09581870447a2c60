"""Dates that are to come: of orders and traits, and the next time of schedules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from django.db import connection

from pusula.journeys import times
from pusula.journeys.compiled import Compiled, stand
from pusula.journeys.language.nodes import OnDate, Schedule
from pusula.journeys.models import Enrollment, Planned
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
_FAR = 400 * clock.DAY  # dates further away are planned when they come nearer


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

    In the caller's transaction; what is planned already and stays is left alone.
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
        _sync(compiled.journey_id, part, wanted, at)


def plan_everybody(compiled: Compiled, *, at: int) -> None:
    """Plan the dates of all profiles, and the next time of each schedule, anew."""
    Planned.objects.filter(journey_id=compiled.journey_id).delete()
    for n, entry in enumerate(compiled.graph.journey.entries):
        if isinstance(entry, Schedule):
            due_at = times.occurrence(entry.when, at - 1, compiled.tz)
            if due_at is not None:
                row = (compiled.journey_id, f"entry:{n}", None, None, due_at, f"at:{due_at}", 0)
                rows.insert(connection, _TABLE, _COLUMNS, [row])
    if not any(isinstance(entry, OnDate) for entry in compiled.graph.journey.entries):
        return
    last = 0
    people = Profile.objects.order_by("pk").values_list("pk", flat=True)
    while part := list(people.filter(pk__gt=last)[:_PART]):
        plan(compiled, np.array(part, np.int64), at=at)
        last = part[-1]


def _sync(journey_id: int, profile_ids: list[int], wanted: Sequence[_Plan], at: int) -> None:
    held = Planned.objects.filter(journey_id=journey_id, profile_id__in=profile_ids)
    present = {
        (entry, profile_id, order_id): (pk, key, due_at)
        for pk, entry, profile_id, order_id, key, due_at in held.values_list(
            "pk", "entry", "profile_id", "order_id", "key", "due_at"
        )
    }
    late = [one.key for one in wanted if one.due_at <= at]
    known = _keys(journey_id, profile_ids, late)
    new = []
    for one in wanted:
        pk, key, due_at = present.pop((one.entry, one.profile_id, one.order_id), (0, "", 0))
        if key == one.key and due_at:
            continue
        if one.due_at <= at and one.key in known:
            continue
        if pk:
            Planned.objects.filter(pk=pk).update(due_at=one.due_at, key=one.key)
        else:
            new.append(
                (journey_id, one.entry, one.profile_id, one.order_id, one.due_at, one.key, 0)
            )
    Planned.objects.filter(pk__in=[pk for pk, _key, due_at in present.values() if due_at > at]).delete()
    rows.insert(connection, _TABLE, _COLUMNS, new)


def _keys(journey_id: int, profile_ids: list[int], keys: Iterable[str]) -> set[str]:
    """Return which of the occurrences have brought somebody in already."""
    asked = set(keys)
    if not asked:
        return set()
    found = Enrollment.objects.filter(journey_id=journey_id, profile_id__in=profile_ids)
    return {key for key in found.values_list("data__key", flat=True) if key in asked}


def _of_orders(
    compiled: Compiled, dated: Mapping[str, OnDate], ids: Ids, at: int
) -> Iterator[_Plan]:
    if not dated:
        return
    alive = Order.objects.filter(profile_id__in=ids.tolist(), status__in=orders.ALIVE)
    found = list(
        alive.order_by("pk").values_list("pk", "profile_id", "starts_on", "ends_on", "ordered_at")
    )
    if not found:
        return
    numbers = np.array([row[0] for row in found], np.int64)
    counts = stand(compiled.orders, "orders", numbers, at + 1)
    for place, entry in dated.items():
        counting = set(counts[place].tolist())
        for pk, profile_id, starts_on, ends_on, ordered_at in found:
            if pk not in counting:
                continue
            days = {
                "starts_on": starts_on,
                "ends_on": ends_on,
                "ordered_at": clock.day_of(ordered_at, compiled.tz),
            }
            yield from _planned(compiled, place, entry, profile_id, pk, days[entry.date.column], at)


def _of_traits(
    compiled: Compiled, dated: Mapping[str, OnDate], ids: Ids, at: int
) -> Iterator[_Plan]:
    table = profiles.traits(ids, sorted({entry.date.trait for entry in dated.values()}))
    given = zip(*(table[c].to_pylist() for c in ("profile_id", "name", "day")), strict=True)
    for profile_id, name, day in given:
        for place, entry in dated.items():
            if entry.date.trait == name:
                yield from _planned(compiled, place, entry, profile_id, None, day, at)


def _planned(
    compiled: Compiled,
    place: str,
    entry: OnDate,
    profile_id: int,
    order_id: int | None,
    day: date | None,
    at: int,
) -> Iterator[_Plan]:
    """Yield the date to come; or that it is late and welcome, as long as the day is not over."""
    due_at = times.moment(entry.date, day, at, compiled.tz)
    if due_at is None or day is None or due_at > at + _FAR:
        return
    key = f"at:{due_at}"
    if due_at > at:
        yield _Plan(place, profile_id, order_id, due_at, key)
    elif entry.is_late_welcome and clock.day_of(at, compiled.tz) <= day:
        yield _Plan(place, profile_id, order_id, at, key)
