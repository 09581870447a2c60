"""Enrollments read for those who move them: as rows, as rides, with their past."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pusula.journeys import machine
from pusula.journeys.compiled import Compiled
from pusula.journeys.course import Happening, Past, Ride
from pusula.journeys.language import Graph
from pusula.journeys.models import Enrollment
from pusula.journeys.spots import Spot
from pusula.lake import rows
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.orders import machine as orders
from pusula.orders.models import OrderChange

Key = tuple[int, int]  # journey and profile
Row = dict[str, Any]  # an enrollment, by ``COLUMNS``
Due = dict[Key, list[Row]]
COLUMNS = (
    "pk", "journey_id", "version_id", "profile_id", "order_id", "entry_key", "entry",
    "entered_at", "node", "moved_at", "due_at", "waits_for", "data",
)  # fmt: skip


class BrokenVersionError(PusulaError):
    """A version of a journey cannot run any more."""

    code = "broken_version"


def waiting_of(profile_ids: Iterable[int], journeys: Collection[int]) -> list[Row]:
    """Return who of these profiles is under way on one of the ``journeys`` (by id)."""
    found: list[Row] = []
    for part in rows.parts(profile_ids):
        waiting = Enrollment.objects.filter(
            profile_id__in=part, state=machine.WAITING, journey_id__in=journeys
        )
        found += waiting.order_by("pk").values(*COLUMNS)
    return found


def waiting_with_dead_orders(
    journeys: Collection[int], profile_ids: Collection[int] | None
) -> list[Row]:
    """Return who is under way for an order that is no more; of these profiles, or of all."""
    waiting = Enrollment.objects.filter(
        state=machine.WAITING, journey_id__in=journeys, order__status__in=orders.DEAD
    ).order_by("pk")
    if profile_ids is None:
        return with_dead_orders(waiting.values(*COLUMNS))
    found: list[Row] = []
    for part in rows.parts(sorted(profile_ids)):
        found += with_dead_orders(waiting.filter(profile_id__in=part).values(*COLUMNS))
    return found


def with_dead_orders(found: Iterable[Row]) -> list[Row]:
    """Return those of the enrollments whose order died after they came in, with ``died_at``."""
    asked = [row for row in found if row["order_id"] is not None]
    died: dict[int, int] = {}
    for part in rows.parts(sorted({row["order_id"] for row in asked})):
        dead = OrderChange.objects.filter(
            order_id__in=part, order__status__in=orders.DEAD, status__in=orders.DEAD
        )
        died.update(dead.order_by("recorded_at").values_list("order_id", "recorded_at"))
    return [
        row | {"died_at": died[row["order_id"]]}
        for row in asked
        if died.get(row["order_id"], 0) > row["entered_at"]
    ]


def rides_of(keys: Sequence[Key]) -> dict[Key, list[Row]]:
    """Return what each of these is under way on."""
    found: dict[Key, list[Row]] = {}
    profile_ids = sorted({profile_id for _journey, profile_id in keys})
    for row in waiting_of(profile_ids, {journey_id for journey_id, _profile in keys}):
        found.setdefault((row["journey_id"], row["profile_id"]), []).append(row)
    return {key: found.get(key, []) for key in keys}


def pasts_of(keys: Sequence[Key]) -> dict[Key, list[Past]]:
    """Return all that these were on these journeys before."""
    found: dict[Key, list[Past]] = {}
    asked = set(keys)
    for part in rows.parts(sorted({profile_id for _journey, profile_id in keys})):
        before = Enrollment.objects.filter(
            profile_id__in=part, journey_id__in={journey_id for journey_id, _ in keys}
        )
        for journey_id, profile_id, entered_at, entry_key, order_id in before.values_list(
            "journey_id", "profile_id", "entered_at", "entry_key", "order_id"
        ):
            if (journey_id, profile_id) in asked:
                past = Past(entered_at, entry_key, order_id)
                found.setdefault((journey_id, profile_id), []).append(past)
    return found


class Graphs(Mapping[int, Graph]):
    """The graphs of versions by their id."""

    def __init__(self, versions: Mapping[int, Compiled]) -> None:
        self._versions = versions

    def __getitem__(self, version_id: int) -> Graph:
        if version_id not in self._versions:
            raise BrokenVersionError(Saying("this version speaks of something that is gone"))
        return self._versions[version_id].graph

    def __iter__(self) -> Iterator[int]:
        return iter(self._versions)

    def __len__(self) -> int:
        return len(self._versions)


def ride_of(row: Row) -> Ride:
    """Return an enrollment that waits, ready to move."""
    spot = Spot(
        profile_id=row["profile_id"],
        entered_at=row["entered_at"],
        node=row["node"],
        moved_at=row["moved_at"],
        due_at=row["due_at"],
        waits_for=row["waits_for"],
        data=row["data"],
    )
    asked_at = row["node"] if row["waits_for"] == machine.A_PERSON else ""
    return Ride(
        row["pk"], row["version_id"], spot, row["entry_key"], row["entry"], row["order_id"],
        asked_at=asked_at,
    )  # fmt: skip


def orders_of(rides: Iterable[Iterable[Row]], heard: Iterable[Iterable[Happening]]) -> set[int]:
    """Return the orders that rides and happenings are about."""
    own = {row["order_id"] for each in rides for row in each}
    told = {happening.order_id for each in heard for happening in each}
    return {order_id for order_id in own | told if order_id is not None}
