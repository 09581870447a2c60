"""Writes of how analysts get their tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from pusula.destinations.models import BiFolder, BiFormat, BiSettings
from pusula.lib.errors import PusulaError

_ROW = 1
_LONGEST_WAIT = 24 * 31


class BiError(PusulaError):
    """The tables for analysts cannot be written as asked."""

    code = "bi"


def choose(**changes: Any) -> BiSettings:
    """Change the settings named; raise ``BiError`` for one that cannot be."""
    folder = str(changes.get("folder") or "")
    if folder and not Path(folder).is_absolute():
        raise BiError(_("%(folder)s: write the whole path, from / on.") % {"folder": folder})
    home = Path(settings.PUSULA_HOME)
    if folder and home in (Path(folder), *Path(folder).parents) and Path(folder) != home / "bi":
        raise BiError(_("Inside the home folder only bi may hold these files."))
    if "format" in changes and changes["format"] not in BiFormat.values:
        raise BiError(_("%(format)s is no format: parquet or csv.") % {"format": changes["format"]})
    hours = changes.get("every_hours", 1)
    if not 0 <= hours <= _LONGEST_WAIT:
        raise BiError(_("Hours are 0 to %(most)s.") % {"most": _LONGEST_WAIT})
    return remember(**changes)


def remember(**changes: Any) -> BiSettings:
    """Set columns of the one row of settings."""
    held, _new = BiSettings.objects.update_or_create(pk=_ROW, defaults=changes)
    return held


def forget(folder: Path) -> bool:
    """Look after a folder no more, whatever is in it; return whether it was known.

    For one that is gone: an erasure waits until every folder can be searched.
    """
    return BiFolder.objects.filter(folder=str(folder)).delete()[0] > 0
