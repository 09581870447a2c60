"""Events removed that one source wrote at one recorded time."""

from __future__ import annotations

from collections.abc import Iterable

from pusula.events.models import Event
from pusula.lake import rows

_PART = 500


def take_back(profile_ids: Iterable[int], *, source: str, recorded_at: int) -> tuple[int, set[int]]:
    """Remove the events; return how many, and whose they were."""
    n = 0
    touched: set[int] = set()
    for part in rows.parts(profile_ids, _PART):
        held = Event.objects.filter(profile_id__in=part, source=source, recorded_at=recorded_at)
        touched.update(held.values_list("profile_id", flat=True))
        n += held.delete()[0]
    return n, touched
