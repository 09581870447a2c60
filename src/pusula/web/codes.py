"""What the pages call the codes of the domain: states, goals, kinds of files."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from pusula.campaigns import machine as campaigns
from pusula.campaigns import words
from pusula.campaigns.models import Goal
from pusula.outbox import machine as messages

Words = dict[str, str | Promise]

GOALS: Words = {
    Goal.LOYALTY: _("Loyalty"),
    Goal.CROSS_SELL: _("Cross-sell"),
    Goal.UPSELL: _("Upsell"),
}
MESSAGE_CLASSES: Words = {
    "commercial": _("Commercial: needs a consent"),
    "informational": _("Informational: about what somebody booked or bought"),
}
PRIORITIES: dict[int, str | Promise] = {
    1: _("1, before all others"),
    **{n: str(n) for n in range(2, 9)},
    5: _("5, as usual"),
    9: _("9, after all others"),
}
IN_QUIET_HOURS: Words = {
    "wait": _("They get it when their quiet hours are over"),
    "skip": _("They do not get it"),
}
_CAMPAIGN_TONES = {
    campaigns.SCHEDULED: "info",
    campaigns.SENDING: "warn",
    campaigns.RUNNING: "info",
    campaigns.FINISHED: "good",
}
# State: tone of its badge, words.
CAMPAIGN_STATES: dict[str, tuple[str, str | Promise]] = {
    state: (_CAMPAIGN_TONES.get(state, ""), said) for state, said in words.STATES.items()
}
MESSAGE_TONES = {messages.SENT: "good", messages.FAILED: "bad", messages.UNKNOWN: "warn"}
IMPORT_KINDS: Words = {
    "profiles": pgettext_lazy("kind of a file", "Customers"),
    "orders": pgettext_lazy("kind of a file", "Orders and bookings"),
    "events": pgettext_lazy("kind of a file", "Events"),
    "consents": pgettext_lazy("kind of a file", "Consents"),
}
READING = pgettext_lazy("state of an import", "Being read")
DONE = pgettext_lazy("state of an import", "Imported")
FAILED = pgettext_lazy("state of an import", "Failed")
UNDONE = pgettext_lazy("state of an import", "Taken back")


def called(known: Words, code: str) -> str:
    """Return what ``code`` is called; a code nobody has words for as it is, made readable."""
    return str(known[code]) if code in known else code.replace("_", " ").strip().capitalize()
