"""Who has to be looked at again because of time alone: for segments, for RFM, or both."""

from __future__ import annotations

from collections.abc import Iterable

from pusula.profiles.relations import Ids
from pusula.rfm import live as rfm
from pusula.segments import queries as segments

Due = list[tuple[int, int]]


def waiting(at: int, limit: int) -> Due:
    """Return (profile, moment) of those due by ``at``, the longest due first, each once."""
    return _merged([*segments.due(at, limit), *rfm.due(at, limit)])[:limit]


def among(profile_ids: Ids, at: int) -> Due:
    """Return (profile, moment) of those of ``profile_ids`` that are due by ``at``, as above."""
    return _merged([*segments.due_among(profile_ids, at), *rfm.due_among(profile_ids, at)])


def next_at() -> int | None:
    """Return when the next profile is due."""
    found = (segments.next_due_at(), rfm.next_due_at())
    return min((due_at for due_at in found if due_at is not None), default=None)


def _merged(found: Iterable[tuple[int, int]]) -> Due:
    """Return each profile once, at its earliest moment, ascending by moment."""
    earliest: dict[int, int] = {}
    for profile_id, due_at in found:
        earliest[profile_id] = min(due_at, earliest.get(profile_id, due_at))
    return sorted(earliest.items(), key=lambda one: one[::-1])
