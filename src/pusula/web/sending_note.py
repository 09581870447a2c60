"""Why nothing is being sent, for the top of every page; mostly there is nothing to say."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pusula.lib import clock
from pusula.outbox import fence, queries
from pusula.outbox.models import FENCE
from pusula.outbox.registry import RUN_FOLDER

_FENCES: dict[str, str | Promise] = {
    fence.RESTORED: _(
        "Sending is held: the database is older than what was sent from here. Messages sent since "
        "the backup would be sent again."
    ),
    fence.CLONED: _("This installation sends nothing: it may be a copy of another one that sends."),
    fence.CLOCK: _("Sending is held: the clock of the machine has jumped."),
}


def note(request: HttpRequest) -> str:
    """Return why the fence stops sending, in words; empty where it does not."""
    if not request.user.is_authenticated:
        return ""
    held = next((hold.reason for hold in queries.holds() if hold.origin == FENCE), "")
    why = held or fence.trouble(settings.PUSULA_HOME / RUN_FOLDER, at=clock.now())
    return str(_FENCES.get(why, "")) if why else ""
