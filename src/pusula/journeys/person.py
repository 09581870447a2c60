"""What journeys hold of a person: told on request, erased on request."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pusula.journeys.models import (
    Attempt,
    Call,
    Coupon,
    Enrollment,
    Passage,
    Planned,
    Task,
)
from pusula.profiles.told import Record, told


def told_of(profile_id: int) -> Iterator[Record]:
    """Yield each journey the person was on, what befell them there, and what is planned."""
    rides = Enrollment.objects.filter(profile_id=profile_id).order_by("entered_at")
    inner = ("journey_id", "version_id", "order_id", "entry_key", "error")
    yield from told("journey", rides, *inner, journey="journey__key")
    mine = {"enrollment__profile_id": profile_id}
    key = {"journey": "enrollment__journey__key"}
    passages = Passage.objects.filter(**mine).order_by("at", "pk")
    yield from told("journey_step", passages, "enrollment_id", "version_id", **key)
    for name, model in (("task", Task), ("coupon", Coupon), ("journey_call", Call)):
        found = model.objects.filter(**mine).order_by("pk")
        inner = ("enrollment_id", "pool_id", "dedupe_key", "message_id", "held_until_at")
        yield from told(name, found, *inner, **key)
    noted = Attempt.objects.filter(task__enrollment__profile_id=profile_id).order_by("pk")
    yield from told("call", noted, "task_id", "key", journey="task__enrollment__journey__key")
    planned = Planned.objects.filter(profile_id=profile_id).order_by("due_at")
    yield from told("planned_journey", planned, "journey_id", "order_id", journey="journey__key")


def erase(profile_ids: Collection[int]) -> int:
    """Delete what journeys hold of these people; a code they were given stays taken."""
    n_planned, _ = Planned.objects.filter(profile_id__in=profile_ids).delete()
    return n_planned + Enrollment.objects.filter(profile_id__in=profile_ids).delete()[0]
