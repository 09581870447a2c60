"""What the stores of an erasure and the records of an export are called."""

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
    "bi": _("Files for analysts, written anew without the person"),
    "databases": _("Freed pages and write-ahead logs"),
    "copies": _("Backups: cleaned when they are restored"),
}
_RECORDS: dict[str, Promise] = {
    "profile": _("Person"),
    "identifier": _("Identifiers"),
    "trait": _("Details"),
    "trait history": _("How details changed"),
    "score": _("Scores"),
    "merge": _("Merges with other records"),
    "row put aside by a merge": _("Rows put aside by a merge"),
    "event": _("Events"),
    "order": _("Orders and bookings"),
    "order line": _("Lines of orders"),
    "stay": _("Stays"),
    "guest": _("Guests"),
    "order history": _("How orders changed"),
    "consent decision": _("Decisions about consent, with evidence"),
    "consent that holds": _("Consents that hold"),
    "suppression": _("Blocked addresses"),
    "İYS record": _("Records of İYS"),
    "İYS submission": _("Submissions to İYS"),
    "sign-up": _("Sign-ups"),
    "RFM score": _("RFM scores"),
    "segment": _("Segments, with the definition that applied"),
    "list": _("Lists"),
    "evaluation": _("Last evaluation"),
    "message": _("Messages"),
    "receipt": _("What became of messages"),
    "campaign": _("Campaigns, and why"),
    "log entry": _("What systems sent about you, as it came"),
}


def record_title(name: str) -> str:
    """Return what a kind of record is called; one nobody named by its own name."""
    return str(_RECORDS.get(name, name))


def store_title(store: str) -> str:
    """Return what a store is called; one nobody named by its own name."""
    return str(_STORES.get(store, store))
