"""Reads of the event log: one customer's events and how often they did what."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count, QuerySet

from pusula.events.models import Event


def of_profile(profile_id: int) -> QuerySet[Event]:
    """Return the events of a profile, the newest first."""
    return Event.objects.filter(profile_id=profile_id).order_by("-at", "-pk")


def counts_of(profile_id: int, names: Iterable[str], since_at: int) -> dict[str, int]:
    """Return how often the profile did each of ``names`` since ``since_at``; 0 left out."""
    rows = (
        Event.objects.filter(profile_id=profile_id, name__in=list(names), at__gte=since_at)
        .values("name")
        .annotate(n=Count("pk"))
    )
    return {row["name"]: row["n"] for row in rows}
