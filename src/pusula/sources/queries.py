"""Reads of imports."""

from __future__ import annotations

from django.db.models import QuerySet

from pusula.sources.models import Import, ImportState


def newest() -> QuerySet[Import]:
    """Return all imports, the newest first."""
    return Import.objects.order_by("-started_at", "-pk")


def names() -> list[str]:
    """Return the systems that data has come from."""
    done = Import.objects.filter(state=ImportState.DONE)
    return sorted(done.values_list("source", flat=True).distinct())
