"""What campaigns hold of a person: told on request, erased on request."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.db.models import Count

from pusula.campaigns.models import Assignment
from pusula.profiles.told import Record, told


def told_of(profile_id: int) -> Iterator[Record]:
    """Yield what each campaign decided about the person, and why."""
    found = Assignment.objects.filter(profile_id=profile_id).order_by("assigned_at")
    extra = {"campaign": "campaign__key", "title": "campaign__title"}
    yield from told("campaign", found, "campaign_id", **extra)


def arms_of(profile_ids: Collection[int]) -> dict[str, int]:
    """Return how many of these people each arm of a campaign had: ``bodrum/treated``."""
    found = Assignment.objects.filter(profile_id__in=profile_ids)
    counted = found.values_list("campaign__key", "arm").annotate(n=Count("id"))
    return {f"{key}/{arm}": n for key, arm, n in counted}


def erase(profile_ids: Collection[int]) -> int:
    """Delete what campaigns decided about these people: they no longer count in any result."""
    return Assignment.objects.filter(profile_id__in=profile_ids).delete()[0]
