"""What events hold of a person: told on request, erased on request."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pusula.events.models import Event
from pusula.profiles.told import Record, told


def told_of(profile_id: int) -> Iterator[Record]:
    """Yield every event of the person, the oldest first."""
    yield from told("event", Event.objects.filter(profile_id=profile_id).order_by("at"))


def erase(profile_ids: Collection[int]) -> int:
    """Delete the events of these people; return how many rows went."""
    return Event.objects.filter(profile_id__in=profile_ids).delete()[0]
