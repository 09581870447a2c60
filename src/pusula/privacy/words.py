"""What the stores of an erasure are called."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_STORES: dict[str, Promise] = {
    "ledger": _("Refused from now on, by hash"),
    "log": _("Log of what came in, quarantine"),
    "imports": _("Uploads, rejected rows, notes of imports"),
    "exports": _("Exports of the person’s data"),
    "files": _("Caught mails, logs"),
    "rows": _("Tables of the database"),
    "lake": _("Lake: files written anew, old ones deleted"),
    "databases": _("Freed pages and write-ahead logs"),
    "copies": _("Backups: cleaned when they are restored"),
}


def store_title(store: str) -> str:
    """Return what a store is called; one nobody named by its own name."""
    return str(_STORES.get(store, store))
