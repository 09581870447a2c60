"""What the audit log says in the active language: a sentence for each verb.

A verb is ``thing.participle``. A sentence names its actor and object and what it needs of the
detail; what an old entry did not write down is shown as a dash.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from pusula.privacy.audit import SYSTEM
from pusula.privacy.models import AuditEntry

_NOTHING = "–"

SENTENCES: dict[str, Promise] = {
    "audit.forgotten": _lazy("%(actor)s forgot the entries up to number %(up_to)s by age."),
    "audit.exported": _lazy("%(actor)s exported %(n)s entries of this log."),
    "campaign.adopted": _lazy("%(actor)s took over the campaign %(object)s that ran elsewhere."),
    "campaign.changed": _lazy("%(actor)s changed the draft of the campaign %(object)s."),
    "campaign.created": _lazy("%(actor)s created the campaign %(object)s."),
    "campaign.started": _lazy("%(actor)s started the campaign %(object)s for %(n)s people."),
    "consent.form_added": _lazy("%(actor)s made the sign-up form %(object)s."),
    "consent.form_closed": _lazy("%(actor)s closed the sign-up form %(object)s."),
    "consent.purpose_added": _lazy("%(actor)s added the purpose of consents %(object)s."),
    "consent.text_published": _lazy("%(actor)s published the consent text %(object)s."),
    "consent.recorded": _lazy("%(actor)s recorded a consent of customer number %(object)s."),
    "customer.disclosed": _lazy(
        "%(actor)s was shown the addresses of customer number %(object)s in full."
    ),
    "customer.erased": _lazy("%(actor)s had the request number %(request)s carried out: erased."),
    "customer.exported": _lazy(
        "%(actor)s exported all data of customer number %(object)s (%(n)s rows): %(reason)s"
    ),
    "entry.disclosed": _lazy(
        "%(actor)s was shown entry number %(object)s of the log of what came in, in full."
    ),
    "erasure.begun": _lazy("%(actor)s began the erasure number %(object)s."),
    "erasure.done": _lazy("The erasure number %(object)s is done in all stores."),
    "erasure.replayed": _lazy("%(actor)s replayed the ledger of erasures: %(n)s people found."),
    "export.fetched": _lazy("%(actor)s downloaded the export number %(object)s."),
    "import.checked": _lazy("%(actor)s uploaded a file to import: %(kind)s."),
    "import.done": _lazy(
        "%(actor)s imported file number %(object)s: %(new)s new, %(changed)s changed."
    ),
    "import.rejects_disclosed": _lazy(
        "%(actor)s downloaded the rejected rows of import number %(object)s."
    ),
    "import.started": _lazy("%(actor)s started an import: %(kind)s."),
    "import.undone": _lazy("%(actor)s took back the import number %(object)s."),
    "iys.set_up": _lazy("%(actor)s set up how the company stands to İYS (%(object)s)."),
    "key.issued": _lazy("%(actor)s issued a key of the source %(object)s."),
    "key.revoked": _lazy("%(actor)s revoked a key of the source %(object)s."),
    "list.put": _lazy("%(actor)s changed the list %(object)s: %(n)s customers."),
    "list.removed": _lazy("%(actor)s removed the list %(object)s."),
    "log.forgotten": _lazy("%(actor)s deleted %(n)s old entries of the log of what came in."),
    "profile.merged": _lazy("%(actor)s merged customer number %(object)s."),
    "profile.unmerged": _lazy("%(actor)s took back the merge of customer number %(object)s."),
    "quarantine.given_up": _lazy("%(actor)s deleted %(n)s entries of the quarantine."),
    "quarantine.retried": _lazy("%(actor)s had %(n)s entries of the quarantine tried again."),
    "request.answered": _lazy("%(actor)s answered the request number %(object)s: %(state)s."),
    "request.changed": _lazy("%(actor)s changed the request number %(object)s."),
    "request.received": _lazy("%(actor)s registered the request number %(object)s: %(kind)s."),
    "retention.changed": _lazy("%(actor)s changed how long data is kept."),
    "retention.run": _lazy("%(actor)s deleted what was older than it is kept: %(n)s rows."),
    "segment.applied": _lazy("%(actor)s applied definitions of segments: %(n)s."),
    "segment.archived": _lazy("%(actor)s put the segment %(object)s into the archive."),
    "segment.discarded": _lazy("%(actor)s discarded a change of the segment %(object)s."),
    "segment.proposed": _lazy("%(actor)s proposed version %(version)s of the segment %(object)s."),
    "segment.published": _lazy(
        "%(actor)s published version %(version)s of the segment %(object)s."
    ),
    "segment.unarchived": _lazy("%(actor)s took the segment %(object)s back from the archive."),
    "sender.paused": _lazy("%(actor)s paused sending: %(object)s."),
    "sender.resumed": _lazy("%(actor)s resumed sending: %(object)s."),
    "source.changed": _lazy("%(actor)s changed the source %(object)s."),
    "source.created": _lazy("%(actor)s added the source %(object)s."),
    "suppression.added": _lazy("%(actor)s blocked an address (%(object)s)."),
    "suppression.exported": _lazy("%(actor)s exported %(n)s blocked addresses."),
    "suppression.imported": _lazy("%(actor)s took over a list of blocked addresses: %(n)s new."),
    "suppression.lifted": _lazy("%(actor)s unblocked the address number %(object)s."),
    "user.created": _lazy("%(actor)s created the user %(object)s."),
    "user.link_issued": _lazy("%(actor)s issued a login link for the user %(object)s."),
    "user.signed_in": _lazy("%(actor)s signed in."),
}


class _Words(dict[str, Any]):
    """The words of a sentence; what is not there is a dash."""

    def __missing__(self, key: str) -> str:
        return _NOTHING


def sentence(entry: AuditEntry) -> str:
    """Return ``entry`` as a sentence; a verb nobody described is shown as it is."""
    told = SENTENCES.get(entry.verb)
    words = _Words(_shown(json.loads(entry.detail)))
    words["actor"] = actor(entry.actor)
    words["object"] = entry.object.partition(":")[2] or entry.object or _("everything")
    if told is None:
        return f"{words['actor']}: {entry.verb} {entry.object}".strip()
    return str(told) % words


def actor(name: str) -> str:
    """Return who did something in words: a login, the command line, the program itself."""
    if name == SYSTEM:
        return _("Pusula")
    kind, _colon, user = name.partition(":")
    return _("%(user)s on the command line") % {"user": user} if kind == "cli" else name


def _shown(detail: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: ", ".join(map(str, value)) if isinstance(value, list) else value
        for key, value in detail.items()
    }
