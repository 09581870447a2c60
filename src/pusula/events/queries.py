"""Reads of the event log: one customer's events."""

from __future__ import annotations

from django.db.models import QuerySet

from pusula.events.models import Event


def of_profile(profile_id: int) -> QuerySet[Event]:
    """Return the events of a profile, the newest first."""
    return Event.objects.filter(profile_id=profile_id).order_by("-at", "-pk")
