"""Writes to the event log: append, each event once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction

from pusula.events.models import Event
from pusula.lake import rows

EVENTS = "events_event"
_COLUMNS = (
    "profile_id", "name", "at", "recorded_at", "dedupe_key", "source", "properties", "origin_id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be written down; ``profile_id`` is ``None`` where several came into question."""

    profile_id: int | None
    name: str
    at: int
    dedupe_key: str  # unique for the life of the log; begins with the source's name
    properties: Mapping[str, Any] = field(default_factory=dict)
    origin_id: int | None = None  # the merged profile that the sender named


@dataclass(frozen=True)
class Appended:
    """What became of events: positions in the sequence that was given, and who is touched."""

    n_new: int
    n_same: int
    ambiguous: list[int]  # positions of new events without a profile; not written
    touched: npt.NDArray[np.int64]


def append(events: Sequence[NewEvent], *, source: str, at: int) -> Appended:
    """Write the events whose dedupe key the log does not hold yet; ``at`` is their recorded time.

    One transaction. A key that stands twice in ``events`` is written once: the first of them.
    """
    with transaction.atomic():
        seen = _known(event.dedupe_key for event in events)
        new: list[NewEvent] = []
        for event in events:
            if event.profile_id is not None and event.dedupe_key not in seen:
                seen.add(event.dedupe_key)
                new.append(event)
        rows.insert(
            connection, EVENTS, _COLUMNS, (_row(event, source=source, at=at) for event in new)
        )
    ambiguous = [i for i, event in enumerate(events) if event.dedupe_key not in seen]
    touched = np.unique(np.fromiter((event.profile_id or 0 for event in new), np.int64, len(new)))
    return Appended(len(new), len(events) - len(new) - len(ambiguous), ambiguous, touched)


def _known(dedupe_keys: Iterable[str]) -> set[str]:
    known: set[str] = set()
    for part in rows.parts(dedupe_keys):
        held = Event.objects.filter(dedupe_key__in=part)
        known.update(held.values_list("dedupe_key", flat=True))
    return known


def _row(event: NewEvent, *, source: str, at: int) -> tuple[Any, ...]:
    properties = json.dumps(event.properties, ensure_ascii=False, separators=(",", ":"))
    said = (event.profile_id, event.name, event.at, at, event.dedupe_key, source, properties)
    return (*said, event.origin_id)
