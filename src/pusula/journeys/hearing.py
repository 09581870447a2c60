"""What happened since the last step, as journeys hear it: events, orders, segments, dates."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from django.db.models import Max

from pusula.events.models import Event
from pusula.journeys import planning, times
from pusula.journeys.advance import CANCELLED
from pusula.journeys.compiled import Compiled, stand
from pusula.journeys.course import Happening
from pusula.journeys.language.nodes import Schedule
from pusula.journeys.models import Cursor, Planned
from pusula.journeys.reading import Row
from pusula.lake import rows
from pusula.orders import machine as orders
from pusula.orders.models import OrderChange
from pusula.profiles import merging
from pusula.profiles.relations import Ids
from pusula.segments import queries as segments
from pusula.segments.models import Membership, Move
from pusula.segments.queries import Moved

Heard = dict[tuple[int, int], list[Happening]]  # by journey and profile
_MOVES = "moves"
# Who enters or leaves by these has done nothing: a definition was changed, a person was merged, an
# import was taken back.
_STILL = frozenset({"definition", "merge", "undo"})
PLACED = "placed"


def add(heard: Heard, journey_id: int, profile_id: int, happening: Happening) -> None:
    """Note that something happened to a profile that concerns a journey."""
    heard.setdefault((journey_id, profile_id), []).append(happening)


def events(heard: Heard, versions: Iterable[Compiled], profile_ids: Sequence[int], at: int) -> None:
    """Hear the events of these profiles that were written down ``at``."""
    versions = list(versions)
    names = {name for one in versions for name in one.event_names}
    if not names:
        return
    found: list[tuple[int, int, str, int]] = []
    for part in rows.parts(profile_ids):
        new = Event.objects.filter(profile_id__in=part, recorded_at=at, name__in=names)
        found += new.values_list("pk", "profile_id", "name", "at")
    if not found:
        return
    numbers = np.array(sorted(pk for pk, *_rest in found), np.int64)
    places = _places(versions, "events", numbers, max(at, *(one[3] for one in found)) + 1)
    for pk, profile_id, _name, happened_at in sorted(found, key=lambda one: (one[3], one[0])):
        for journey_id, by_version in places[pk].items():
            happening = Happening(min(happened_at, at), by_version)
            add(heard, journey_id, profile_id, happening)


def order_changes(
    heard: Heard, versions: Iterable[Compiled], profile_ids: Sequence[int], at: int
) -> None:
    """Hear what became of the orders of these profiles, as it was written down ``at``."""
    versions = list(versions)
    changes: list[OrderChange] = []
    for part in rows.parts(profile_ids):
        new = OrderChange.objects.filter(profile_id__in=part, recorded_at=at)
        changes += new.order_by("changed_at", "pk")
    if not changes:
        return
    before = _before({change.order_id for change in changes}, at)
    numbers = np.unique(np.array([change.order_id for change in changes], np.int64))
    latest = max(max(change.ordered_at, change.changed_at) for change in changes)
    places = _places(versions, "orders", numbers, max(at, latest) + 1)
    for change in changes:
        was = before.get(change.order_id)
        became = {change.status} if was != change.status else set()
        became |= {PLACED} if was is None else set()
        before[change.order_id] = change.status
        happened_at = change.ordered_at if was is None else change.changed_at
        for one in versions:
            mine = {p for word in became for p in one.order_places.get(word, ())}
            stood = places[change.order_id].get(one.journey_id, {}).get(one.version_id, frozenset())
            meant = mine & stood
            if change.status in orders.DEAD and became:
                meant |= {CANCELLED}
            if meant:
                happening = Happening(
                    min(happened_at, at), {one.version_id: frozenset(meant)}, change.order_id
                )
                add(heard, one.journey_id, change.profile_id, happening)


def dead_orders(heard: Heard, versions: Mapping[int, Compiled], found: Iterable[Row]) -> None:
    """Hear of orders of those under way that are no more, though nothing in the log said so.

    ``found`` is of ``reading.with_dead_orders``.
    """
    for row in found:
        one = versions.get(row["version_id"])
        if one is None:
            continue
        places = {one.version_id: frozenset({CANCELLED})}
        happening = Happening(row["died_at"], places, row["order_id"], ride_id=row["pk"])
        add(heard, one.journey_id, row["profile_id"], happening)


def unheard_moves(limit: int) -> list[Moved]:
    """Return who entered and left segments since we heard last, as they are called now.

    Each is heard of once: the caller's transaction moves the cursor.
    """
    cursor = Cursor.objects.filter(name=_MOVES).values_list("value", flat=True).first()
    found = segments.moves_since(cursor or 0, limit)
    if not found:
        return []
    Cursor.objects.update_or_create(name=_MOVES, defaults={"value": found[-1].id})
    present = merging.current({moved.profile_id for moved in found})
    return [
        replace(moved, profile_id=present[moved.profile_id])
        for moved in found
        if moved.profile_id in present
    ]


def moves(heard: Heard, versions: Iterable[Compiled], found: Iterable[Moved]) -> None:
    """Hear who entered and left segments."""
    wanted: dict[tuple[int, bool], list[Compiled]] = defaultdict(list)
    for one in versions:
        for key in one.by_segment:
            wanted[key].append(one)
    for moved in found:
        for one in wanted.get((moved.segment_id, moved.is_entry), ()):
            places = one.by_segment[moved.segment_id, moved.is_entry]
            if moved.cause not in _STILL:
                happening = Happening(moved.at, {one.version_id: places})
                add(heard, one.journey_id, moved.profile_id, happening)


def hear_from_now() -> None:
    """Pass over the moves so far: nobody was on any journey to hear of them."""
    newest = Move.objects.aggregate(newest=Max("pk"))["newest"] or 0
    Cursor.objects.update_or_create(name=_MOVES, defaults={"value": newest})


def has_unheard_moves() -> bool:
    """Say whether somebody entered or left a segment since we heard last."""
    cursor = Cursor.objects.filter(name=_MOVES).values_list("value", flat=True).first()
    return Move.objects.filter(pk__gt=cursor or 0).exists()


def dates(heard: Heard, compiled: Compiled, at: int, limit: int) -> tuple[bool, set[int]]:
    """Hear the dates and schedules of a journey that have come; each is heard once.

    Return whether more may have come, and whose next date has to be planned.
    """
    came = planning.due(compiled.journey_id, at, limit)
    own = [one for one in came if one.profile_id is not None]
    for one in planning.still_means(compiled, own, at=at):
        places = {compiled.version_id: frozenset({one.entry})}
        happening = Happening(one.due_at, places, one.order_id, one.key)
        add(heard, compiled.journey_id, one.profile_id or 0, happening)
    Planned.objects.filter(pk__in=[one.pk for one in own]).delete()
    is_full = len(came) == limit
    for one in came:
        if one.profile_id is None:
            is_full |= _schedule(heard, compiled, one, limit)
    return is_full, {one.profile_id for one in own if one.profile_id is not None}


def _schedule(heard: Heard, compiled: Compiled, planned: Planned, limit: int) -> bool:
    """Bring in the next members of a schedule's segment; after the last, plan its next time.

    Return whether there may be more of them.
    """
    entry = compiled.graph.journey.entries[int(planned.entry.removeprefix("entry:"))]
    if not isinstance(entry, Schedule):
        Planned.objects.filter(pk=planned.pk).delete()
        return False
    inside = Membership.objects.filter(
        segment__key=entry.segment, left_at=None, profile_id__gt=planned.after_id
    )
    ids = list(inside.order_by("profile_id").values_list("profile_id", flat=True)[:limit])
    for profile_id in ids:
        places = {compiled.version_id: frozenset({planned.entry})}
        happening = Happening(planned.due_at, places, key=planned.key)
        add(heard, compiled.journey_id, profile_id, happening)
    row = Planned.objects.filter(pk=planned.pk)
    if len(ids) == limit:
        row.update(after_id=ids[-1])
        return True
    next_at = times.occurrence(entry.when, planned.due_at, compiled.tz)
    if next_at is None:
        row.delete()
    else:
        row.update(due_at=next_at, key=f"at:{next_at}", after_id=0)
    return False


def _places(
    versions: Iterable[Compiled], relation: str, numbers: Ids, at: int
) -> Mapping[int, dict[int, dict[int, frozenset[str]]]]:
    """Return by row, journey and version which triggers the row stands."""
    found: dict[int, dict[int, dict[int, frozenset[str]]]] = defaultdict(dict)
    for one in versions:
        plan = one.events if relation == "events" else one.orders
        if not plan.definitions:
            continue
        by_row: dict[int, set[str]] = defaultdict(set)
        for place, standing in stand(plan, relation, numbers, at).items():
            for pk in standing.tolist():
                by_row[pk].add(place)
        for pk, places in by_row.items():
            by_version = found[pk].setdefault(one.journey_id, {})
            by_version[one.version_id] = frozenset(places)
    return found


def _before(order_ids: Iterable[int], at: int) -> dict[int, str]:
    """Return the status that orders had before what was written down ``at``."""
    found: dict[int, str] = {}
    for part in rows.parts(sorted(order_ids)):
        earlier = OrderChange.objects.filter(order_id__in=part).exclude(recorded_at=at)
        found.update(earlier.order_by("changed_at", "pk").values_list("order_id", "status"))
    return found
