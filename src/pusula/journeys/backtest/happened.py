"""What happened to some profiles while a backtest replays, as a journey hears it.

The same as ``journeys.hearing`` and ``journeys.planning`` say of the present, told of the past.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
from django.db import connection

from pusula.events import relations as events
from pusula.journeys import times
from pusula.journeys.advance import CANCELLED
from pusula.journeys.backtest import membership, moments, orders
from pusula.journeys.backtest.orders import Orders, Version
from pusula.journeys.backtest.setting import Part, Setting
from pusula.journeys.course import Happening
from pusula.journeys.hearing import PLACED
from pusula.journeys.language.nodes import OnDate, OnEvent, OnOrder
from pusula.lake.as_of import Span
from pusula.lib import clock
from pusula.orders import machine
from pusula.profiles import relations as profiles
from pusula.profiles.relations import Ids
from pusula.segments.kernel import Block

Heard = dict[int, list[Happening]]  # by profile
_EVENTS = pa.schema(
    [
        ("profile_id", pa.int64()),
        ("id", pa.int64()),
        ("name", pa.string()),
        ("at", pa.int64()),
    ]
)


def hear(part: Part, ids: Ids, known: Orders, setting: Setting) -> Heard:
    """Return all that happened to the profiles ``ids`` (ascending) and concerns the journey.

    In the order of time; of one moment: events, orders, segments, then dates and schedules.
    ``known`` are their orders.
    """
    heard: Heard = defaultdict(list)
    for source in (_events, _moves, _schedules, _traits):
        for profile_id, happening in source(part, ids, setting):
            heard[profile_id].append(happening)
    for profile_id, happening in (*_changes(part, known, setting), *_days(part, known, setting)):
        heard[profile_id].append(happening)
    for each in heard.values():
        each.sort(key=lambda one: (one.at, _rank(one)))
    return heard


Told = Iterator[tuple[int, Happening]]


def _rank(one: Happening) -> int:
    """Return the place of what happens among the like of its moment."""
    if one.key:
        return 2
    return 0 if one.order_id is None else 1


def _happening(
    part: Part,
    at: int,
    places: Iterator[str] | set[str],
    order_id: int | None = None,
    key: str = "",
) -> Happening:
    return Happening(at, {part.compiled.version_id: frozenset(places)}, order_id, key)


def _events(part: Part, ids: Ids, setting: Setting) -> Told:
    names = sorted(part.compiled.event_names)
    if not names:
        return
    # On SQLite such that rows are found by the profile: see events.relations.
    name = "+name" if connection.vendor == "sqlite" else "name"
    found = profiles.fetch(
        "events_event", _EVENTS.names, _EVENTS, ids,
        condition=f"at between %s and %s and recorded_at <= %s"
        f" and {name} in ({', '.join(['%s'] * len(names))})",
        params=[setting.since_at, setting.until_at, setting.known_at, *names],
    ).sort_by([("at", "ascending"), ("id", "ascending")])  # fmt: skip
    places: dict[str, set[str]] = defaultdict(set)
    tested: dict[str, set[str]] = defaultdict(set)
    for place, trigger in part.compiled.graph.triggers.items():
        if isinstance(trigger, OnEvent):
            for each in trigger.names:
                (tested if trigger.where else places)[each].add(place)
    columns = [found[column].to_pylist() for column in _EVENTS.names]
    standing = _standing(part, columns[1], columns[3]) if tested else {}
    for owner, number, word, at in zip(*columns, strict=True):
        meant = places.get(word, set()) | {
            place for place in tested.get(word, ()) if number in standing[place]
        }
        if meant:
            yield owner, _happening(part, at, meant)


def _standing(part: Part, numbers: list[int], at: list[int]) -> dict[str, set[int]]:
    """Return by place which events, by their numbers, its trigger means."""
    plan = part.compiled.events
    needs = plan.requirements
    order = np.argsort(np.array(numbers, np.int64))
    asked, moments_ = np.array(numbers, np.int64)[order], np.array(at, np.int64)[order] + 1
    found: dict[str, set[int]] = {place: set() for place in plan.definitions}
    for start in range(0, len(asked), profiles.LISTED):
        some = slice(start, start + profiles.LISTED)
        table = events.each(asked[some], texts=needs.event_texts, numbers=needs.event_numbers)
        members = plan.evaluate(Block(asked[some], events=table), moments_[some]).members
        for place, standing in found.items():
            standing.update(asked[some][members[place]].tolist())
    return found


def _changes(part: Part, known: Orders, setting: Setting) -> Told:
    """Yield what became of orders."""
    if not part.needs_orders:
        return
    became: list[tuple[Version, int, set[str]]] = []
    for versions in known.values():
        before = ""
        for one in versions:
            words = {one.status} if one.status != before else set()
            if not before and one.changed_at > one.at:
                became += [(one, one.at, {PLACED}), (one, one.changed_at, words)]
            elif words:
                became.append((one, one.changed_at, words if before else words | {PLACED}))
            before = one.status
    became = [one for one in became if setting.since_at <= one[1] <= setting.until_at]
    tested = {
        place
        for place, trigger in part.compiled.graph.triggers.items()
        if isinstance(trigger, OnOrder) and trigger.where
    }
    standing = _stand(part, [(one, at) for one, at, _words in became]) if tested else {}
    for one, at, words in became:
        meant = {p for word in words for p in part.compiled.order_places.get(word, ())}
        meant -= {p for p in meant & tested if (one.id, at) not in standing[p]}
        if words & machine.DEAD:
            meant.add(CANCELLED)
        if meant:
            yield one.profile_id, _happening(part, at, meant, one.order_id)


def _stand(part: Part, asked: Sequence[tuple[Version, int]]) -> dict[str, set[tuple[int, int]]]:
    """Return by place which versions, each at a moment, its trigger means."""
    found: dict[str, set[tuple[int, int]]] = {p: set() for p in part.compiled.orders.definitions}
    left = list(asked)
    while left:  # a version may be asked about at two moments: one after the other
        now: dict[int, tuple[Version, int]] = {}
        rest = [pair for pair in left if now.setdefault(pair[0].id, pair)[1] != pair[1]]
        left = rest
        versions, at_each = zip(*now.values(), strict=True)
        for place, ids in orders.stand(part.compiled.orders, versions, at_each).items():
            found[place] |= {(number, now[number][1]) for number in ids}
    return found


def _days(part: Part, known: Orders, setting: Setting) -> Told:
    """Yield the dates of orders that came."""
    for place, entry in part.dates.items():
        if not entry.date.column:
            continue
        came = [
            (one, at, key)
            for versions in known.values()
            for one, at, key in _came(entry, versions, part.compiled.tz, setting)
        ]
        counts = _stand(part, [(one, at) for one, at, _key in came]) if entry.where else None
        for one, at, key in came:
            if counts is None or (one.id, at) in counts[place]:
                yield one.profile_id, _happening(part, at, {place}, one.order_id, key)


def _came(
    entry: OnDate, versions: Sequence[Version], tz: str, setting: Setting
) -> Iterator[tuple[Version, int, str]]:
    """Yield the version an order had when its date came, that moment, and the date's name."""
    for same in _alike(versions, entry.date.column, tz):
        day = same[0].day(entry.date.column, tz)
        base = max(same[0].at, setting.since_at)
        due_at = times.moment(entry.date, day, base, tz)
        if day is None or due_at is None or same[0].status not in machine.ALIVE:
            continue
        at = max(base, due_at)
        is_welcome = entry.is_late_welcome and clock.day_of(base, tz) <= day
        if at < same[-1].end_at and at <= setting.until_at and (due_at > base or is_welcome):
            holding = next(one for one in reversed(same) if one.at <= at)
            yield holding, at, f"at:{due_at}"


def _alike(versions: Sequence[Version], column: str, tz: str) -> Iterator[list[Version]]:
    """Yield versions that follow each other and have the same day."""
    same: list[Version] = [versions[0]]
    for before, one in pairwise(versions):
        is_same = (before.status in machine.ALIVE) == (one.status in machine.ALIVE)
        if is_same and before.day(column, tz) == one.day(column, tz):
            same.append(one)
        else:
            yield same
            same = [one]
    yield same


def _traits(part: Part, ids: Ids, setting: Setting) -> Told:
    """Yield the days of profiles that came."""
    dated = {place: entry for place, entry in part.dates.items() if entry.date.trait}
    if not dated:
        return
    span = Span(setting.since_at, setting.until_at, setting.known_at)
    table = profiles.traits_during(ids, sorted({e.date.trait for e in dated.values()}), span)
    given = (table[c].to_pylist() for c in ("profile_id", "name", "day", "since_at", "until_at"))
    for profile_id, name, day, since, until in zip(*given, strict=True):
        for place, entry in dated.items():
            if entry.date.trait != name or day is None:
                continue
            base, last = max(since, setting.since_at), min(until - 1, setting.until_at)
            tz = part.compiled.tz
            due_at = times.moment(entry.date, day, base + 1, tz)
            while due_at is not None and base < due_at <= last:
                yield profile_id, _happening(part, due_at, {place}, key=f"at:{due_at}")
                base = due_at
                due_at = times.moment(entry.date, day, base + 1, tz)


def _moves(part: Part, ids: Ids, setting: Setting) -> Told:
    """Yield who entered and left segments."""
    keys = [key for key, which in part.walks.items() if which]
    if part.segments is None or not keys:
        return
    history = moments.during(ids, part.segments.requirements, setting)
    by_key = {
        (key, is_entry): {
            place
            for place, trigger in part.compiled.graph.triggers.items()
            if getattr(trigger, "key", None) == key
            and getattr(trigger, "is_entry", None) is is_entry
        }
        for key in keys
        for is_entry in (True, False)
    }
    for one in membership.moves(part.segments, keys, history, setting):
        if places := by_key[one.key, one.is_entry]:
            yield one.profile_id, _happening(part, one.at, places)


def _schedules(part: Part, ids: Ids, setting: Setting) -> Told:
    """Yield the members of segments at the times of schedules."""
    if part.segments is None or not part.schedules:
        return
    history = moments.during(ids, part.segments.requirements, setting)
    for place, entry in part.schedules.items():
        at = times.occurrence(entry.when, setting.since_at - 1, part.compiled.tz)
        while at is not None and at <= setting.until_at:
            for profile_id in membership.members(
                part.segments, entry.segment, history, at
            ).tolist():
                yield profile_id, _happening(part, at, {place}, key=f"at:{at}")
            at = times.occurrence(entry.when, at, part.compiled.tz)
