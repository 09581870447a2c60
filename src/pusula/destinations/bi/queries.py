"""Reads of how analysts get their tables, and of what was written."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from pusula.destinations.models import BiFolder, BiSettings
from pusula.lib import clock


def chosen() -> BiSettings:
    """Return the settings; those of a new installation where nobody chose any."""
    return BiSettings.objects.first() or BiSettings()


def folder() -> Path:
    """Return where the batch run writes the files."""
    held = chosen().folder
    return Path(held) if held else Path(settings.PUSULA_HOME) / "bi"


def newest() -> BiFolder | None:
    """Return what is known of the folder that the batch run writes."""
    return BiFolder.objects.filter(folder=str(folder())).first()


def written() -> list[BiFolder]:
    """Return every folder that holds an export."""
    return list(BiFolder.objects.order_by("folder"))


def is_due() -> bool:
    """Say whether the batch run is to write the files: they are wanted, and old enough."""
    wanted, last = chosen(), newest()
    if not wanted.is_on:
        return False
    if last is None or last.finished_at is None:
        return True
    return clock.now() >= last.finished_at + wanted.every_hours * clock.HOUR


def readers() -> list[tuple[str, str]]:
    """Return which roles of the database may read which view, as last seen."""
    held = BiSettings.objects.values_list("readers", flat=True).first() or []
    return [(view, role) for view, role in held]
