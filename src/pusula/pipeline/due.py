"""Who has to be looked at again because of time alone: for segments, grades or stages."""

from __future__ import annotations

from collections.abc import Iterable

from pusula.predict import living
from pusula.profiles.relations import Ids
from pusula.rfm import live as rfm
from pusula.segments import queries as segments

Due = list[tuple[int, int]]


def waiting(at: int, limit: int) -> Due:
    """Return (profile, moment) of those due by ``at``, the longest due first, each once."""
    late = [*segments.due(at, limit), *rfm.due(at, limit), *living.due(at, limit)]
    return _merged(late)[:limit]


def among(profile_ids: Ids, at: int) -> Due:
    """Return (profile, moment) of those of ``profile_ids`` that are due by ``at``, as above."""
    owners = (segments, rfm, living)
    return _merged(late for owner in owners for late in owner.due_among(profile_ids, at))


def next_at() -> int | None:
    """Return when the next profile is due."""
    found = (segments.next_due_at(), rfm.next_due_at(), living.next_due_at())
    return min((due_at for due_at in found if due_at is not None), default=None)


def _merged(found: Iterable[tuple[int, int]]) -> Due:
    """Return each profile once, at its earliest moment, ascending by moment."""
    earliest: dict[int, int] = {}
    for profile_id, due_at in found:
        earliest[profile_id] = min(due_at, earliest.get(profile_id, due_at))
    return sorted(earliest.items(), key=lambda one: one[::-1])
