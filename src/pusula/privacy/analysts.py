"""What analysts are given: changed and handed out with an entry in the audit log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.db import transaction

from pusula.destinations.bi import actions, queries, views
from pusula.destinations.models import BiSettings
from pusula.lib import clock
from pusula.privacy import audit


def choose(changes: dict[str, Any], *, actor: str) -> BiSettings:
    """Change how the tables are written; raise ``BiError`` for what cannot be.

    Views lose identifiers at once where these are given no more; files do with the next writing.
    """
    with transaction.atomic():
        before = queries.chosen().with_identifiers
        after = actions.choose(**changes)
        if after.with_identifiers != before:
            if after.views_at is not None:
                views.install(at=clock.now())
            verb = "bi.identifiers_on" if after.with_identifiers else "bi.identifiers_off"
            audit.record(actor, verb)
    return after


def note_exported(to: str, *, actor: str) -> None:
    """Write down that tables go to ``to``, if they hold identifiers."""
    if queries.chosen().with_identifiers:
        audit.record(actor, "bi.exported", to)


def forget(folder: Path, *, actor: str) -> bool:
    """Look after a folder no more, as ``actions.forget``; return whether it was known."""
    with transaction.atomic():
        known = actions.forget(folder)
        if known:
            audit.record(actor, "bi.forgotten", str(folder))
    return known
