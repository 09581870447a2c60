"""What the audit log says in the active language: a sentence for each verb.

A verb is ``thing.participle``. A sentence names its actor and object and what it needs of the
detail; what an old entry did not write down is shown as a dash.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pusula.privacy.audit import SYSTEM
from pusula.privacy.models import AuditEntry, RequestKind, RequestState

_NOTHING = "–"
# How many of something; other whole numbers are names.
_COUNTS = frozenset({"n", "new", "changed"})

SENTENCES: dict[str, Promise] = {
    "audit.forgotten": _("%(actor)s forgot the entries up to number %(up_to)s by age."),
    "audit.exported": _("%(actor)s exported %(n)s entries of this log."),
    "approval.given": _("%(actor)s approved the step %(step)s of %(object)s for %(n)s people."),
    "approval.refused": _("%(actor)s rejected the step %(step)s of %(object)s for %(n)s people."),
    "bi.exported": _("%(actor)s gave analysts tables with identifiers: %(object)s."),
    "bi.fetched": _("%(actor)s downloaded the file for analysts %(object)s."),
    "bi.forgotten": _("%(actor)s ended the care for the files of analysts in %(object)s."),
    "bi.identifiers_on": _("%(actor)s let the tables of analysts hold names and addresses."),
    "bi.identifiers_off": _("%(actor)s took names and addresses out of the tables of analysts."),
    "calls.ended": _("%(actor)s ended list number %(object)s of calls: %(n)s are in line again."),
    "calls.exported": _("%(actor)s exported list number %(object)s of calls: %(n)s people."),
    "calls.taken_over": _("%(actor)s took over what %(n)s calls came to."),
    "call.freed": _("%(actor)s put call number %(object)s back in line."),
    "campaign.adopted": _("%(actor)s took over the campaign %(object)s that ran elsewhere."),
    "campaign.called_back": _("%(actor)s called back the scheduled campaign %(object)s."),
    "campaign.changed": _("%(actor)s changed the draft of the campaign %(object)s."),
    "campaign.created": _("%(actor)s created the campaign %(object)s."),
    "campaign.scheduled": _("%(actor)s scheduled the campaign %(object)s for %(n)s people."),
    "campaign.started": _("%(actor)s started the campaign %(object)s for %(n)s people."),
    "card.call_asked": _("%(actor)s asked for a call to the customer number %(object)s."),
    "card.message": _("%(actor)s put a message to the customer number %(object)s in line."),
    "card.undone": _("%(actor)s called a message to the customer number %(object)s back."),
    "consent.form_added": _("%(actor)s made the sign-up form %(object)s."),
    "consent.form_closed": _("%(actor)s closed the sign-up form %(object)s."),
    "consent.purpose_added": _("%(actor)s added the purpose of consents %(object)s."),
    "consent.text_published": _("%(actor)s published the consent text %(object)s."),
    "consent.recorded": _("%(actor)s recorded a consent of customer number %(object)s."),
    "customer.disclosed": _(
        "%(actor)s was shown the addresses of customer number %(object)s in full."
    ),
    "customer.exported": _(
        "%(actor)s exported all data of customer number %(object)s (%(n)s rows): %(reason)s"
    ),
    "entry.disclosed": _(
        "%(actor)s was shown entry number %(object)s of the log of what came in, in full."
    ),
    "erasure.readmitted": _(
        "%(actor)s let in again %(n)s identifiers of somebody who registered anew: %(reason)s"
    ),
    "erasure.begun": _("%(actor)s began the erasure number %(object)s."),
    "erasure.done": _("The erasure number %(object)s is done in all stores."),
    "erasure.replayed": _("%(actor)s replayed the ledger of erasures: %(n)s people found."),
    "export.fetched": _("%(actor)s downloaded the export number %(object)s."),
    "import.checked": _("%(actor)s uploaded a file to import: %(kind)s."),
    "import.done": _(
        "%(actor)s imported file number %(object)s: %(new)s new, %(changed)s changed."
    ),
    "import.rejects_disclosed": _(
        "%(actor)s downloaded the rejected rows of import number %(object)s."
    ),
    "import.started": _("%(actor)s started an import: %(kind)s."),
    "import.undone": _("%(actor)s took back the import number %(object)s."),
    "iys.set_up": _("%(actor)s set up how the company stands to İYS (%(object)s)."),
    "journey.applied": _("%(actor)s took over journeys from files: %(keys)s."),
    "journey.archived": _("%(actor)s archived the journey %(object)s; %(n)s people left it."),
    "journey.discarded": _("%(actor)s discarded draft %(n)s of the journey %(object)s."),
    "journey.drafted": _("%(actor)s kept draft %(n)s of the journey %(object)s."),
    "journey.enrolled": _("%(actor)s put customer number %(profile)s into the journey %(object)s."),
    "journey.migrated": _(
        "%(actor)s put %(n)s people on the journey %(object)s on its version %(to)s."
    ),
    "journey.pack_added": _(
        "%(actor)s took over the ready scenario %(pack)s as the draft %(object)s."
    ),
    "journey.paused": _("%(actor)s paused the journey %(object)s."),
    "journey.published": _("%(actor)s published version %(n)s of the journey %(object)s."),
    "journey.resumed": _("%(actor)s let the journey %(object)s go on."),
    "key.issued": _("%(actor)s issued a key of the source %(object)s."),
    "key.revoked": _("%(actor)s revoked a key of the source %(object)s."),
    "list.put": _("%(actor)s changed the list %(object)s: %(n)s customers."),
    "list.removed": _("%(actor)s removed the list %(object)s."),
    "log.forgotten": _("%(actor)s deleted %(n)s old entries of the log of what came in."),
    "pilot.prepared": _("%(actor)s prepared the pilot %(object)s."),
    "pilot.started": _("%(actor)s started the pilot %(object)s."),
    "pilot.stopped": _("%(actor)s stopped the pilot %(object)s."),
    "profile.merged": _("%(actor)s merged customer number %(object)s."),
    "profile.unmerged": _("%(actor)s took back the merge of customer number %(object)s."),
    "quarantine.given_up": _("%(actor)s deleted %(n)s entries of the quarantine."),
    "quarantine.retried": _("%(actor)s had %(n)s entries of the quarantine tried again."),
    "reports.ended": _("%(actor)s ended the scheduled report %(object)s."),
    "reports.rules": _("%(actor)s changed how orders are ascribed to messages."),
    "reports.scheduled": _("%(actor)s scheduled the report %(object)s by mail."),
    "property.changed": _("%(actor)s changed what is known of the hotel %(object)s."),
    "proposal.rejected": _("%(actor)s kept the people of proposal number %(object)s apart."),
    "proposal.reopened": _("%(actor)s opened proposal number %(object)s of one person again."),
    "request.answered": _("%(actor)s answered the request number %(object)s: %(state)s."),
    "request.changed": _("%(actor)s changed the request number %(object)s."),
    "request.received": _("%(actor)s registered the request number %(object)s: %(kind)s."),
    "retention.changed": _("%(actor)s changed how long data is kept."),
    "retention.run": _("%(actor)s deleted what was older than it is kept: %(n)s rows."),
    "rfm.alert_added": _("%(actor)s added the alert number %(object)s on RFM groups."),
    "rfm.alert_removed": _("%(actor)s removed the alert number %(object)s on RFM groups."),
    "rfm.asked": _("%(actor)s asked for version %(object)s of the RFM rules."),
    "rfm.discarded": _("%(actor)s discarded version %(object)s of the RFM rules."),
    "rfm.published": _("%(actor)s brought version %(object)s of the RFM rules into force."),
    "segment.applied": _("%(actor)s applied definitions of segments: %(n)s."),
    "segment.archived": _("%(actor)s put the segment %(object)s into the archive."),
    "segment.discarded": _("%(actor)s discarded a change of the segment %(object)s."),
    "segment.proposed": _("%(actor)s proposed version %(version)s of the segment %(object)s."),
    "segment.published": _("%(actor)s published version %(version)s of the segment %(object)s."),
    "segment.unarchived": _("%(actor)s took the segment %(object)s back from the archive."),
    "sender.paused": _("%(actor)s paused sending: %(object)s."),
    "sender.resumed": _("%(actor)s resumed sending: %(object)s."),
    "sender.confirmed": _("%(actor)s confirmed that this installation may send."),
    "message.resent": _("%(actor)s sent an uncertain message anew: %(object)s."),
    "sending.limits": _("%(actor)s changed the limits of all messages: %(object)s."),
    "sending.prices": _("%(actor)s changed what messages cost: %(object)s."),
    "source.changed": _("%(actor)s changed the source %(object)s."),
    "source.created": _("%(actor)s added the source %(object)s."),
    "suppression.added": _("%(actor)s blocked an address (%(object)s)."),
    "suppression.exported": _("%(actor)s exported %(n)s blocked addresses."),
    "suppression.imported": _("%(actor)s took over a list of blocked addresses: %(n)s new."),
    "suppression.lifted": _("%(actor)s unblocked the address number %(object)s."),
    "team.asked": _("%(actor)s asked an address or number to take tests (%(object)s)."),
    "team.revoked": _(
        "%(actor)s took an address, number or browser off the list for tests (%(object)s)."
    ),
    "team.verified": _("The owner of an address, number or browser agreed to tests (%(object)s)."),
    "template.archived": _("%(actor)s archived the template %(object)s."),
    "template.saved": _("%(actor)s saved the template %(object)s as version %(version)s."),
    "template.tested": _(
        "%(actor)s sent a test to somebody of the team (%(object)s), as customer number"
        " %(customer)s gets it."
    ),
    "template.unarchived": _("%(actor)s took the template %(object)s out of the archive."),
    "user.created": _("%(actor)s created the user %(object)s."),
    "user.disabled": _("%(actor)s disabled the user %(object)s."),
    "user.enabled": _("%(actor)s enabled the user %(object)s again."),
    "user.granted": _("%(actor)s gave the user %(object)s the right %(right)s."),
    "user.revoked": _("%(actor)s took the right %(right)s from the user %(object)s."),
    "user.link_issued": _("%(actor)s issued a login link for the user %(object)s."),
    "user.signed_in": _("%(actor)s signed in."),
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
    words["object"] = entry.object.partition(":")[2] or entry.object or gettext("everything")
    if told is None:
        return f"{words['actor']}: {entry.verb} {entry.object}".strip()
    return str(told) % words


def actor(name: str) -> str:
    """Return who did something in words: a login, the command line, the program itself."""
    if name == SYSTEM:
        return gettext("Pusula")
    kind, _colon, user = name.partition(":")
    return gettext("%(user)s on the command line") % {"user": user} if kind == "cli" else name


def _shown(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return a detail's values in words; codes of requests by what they are called."""
    called = dict(RequestKind.choices) | dict(RequestState.choices)
    told: dict[str, Any] = {}
    for key, value in detail.items():
        if isinstance(value, list):
            told[key] = ", ".join(map(str, value))
        elif key in _COUNTS and isinstance(value, int):
            told[key] = number_format(value, force_grouping=True)
        elif not isinstance(value, dict):
            told[key] = called.get(value, value)
    return told


def areas() -> dict[str, str]:
    """Return the areas that verbs are of, by the word before their dot."""
    return {
        "user": gettext("Signing in"),
        "customer": gettext("Customers"),
        "segment": gettext("Segments"),
        "campaign": gettext("Campaigns"),
        "journey": gettext("Journeys"),
        "template": gettext("Templates"),
        "pilot": gettext("Pilots"),
        "rfm": gettext("RFM"),
        "import": gettext("Imports"),
        "consent": gettext("Consents"),
        "source": gettext("Sources"),
        "key": gettext("Keys"),
        "request": gettext("Requests"),
        "erasure": gettext("Erasures"),
        "retention": gettext("Retention"),
    }


def actors() -> list[str]:
    """Return who stands in the log, by name."""
    found = AuditEntry.objects.order_by("actor").values_list("actor", flat=True).distinct()
    return list(found)
