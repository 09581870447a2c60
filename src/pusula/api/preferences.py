"""The page on which a person chooses which messages to get, reached from their mail.

Its address holds the opaque name of a message and a signature of a key of its own: nothing about
the person, nothing that a click or an unsubscription could be turned into. Whatever else comes in
its place (a guess, another key, a message of somebody who was erased) gets one and the same page.
GET changes nothing. The page proves the address it was sent to: on that channel consent can be
given, on the others only withdrawn.
"""

from __future__ import annotations

import json
import logging

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, IntegrityError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from pusula.api import pages
from pusula.api.signed import opened
from pusula.consent import preferences, proofs
from pusula.lib import clock
from pusula.outbox import links
from pusula.outbox.models import Message
from pusula.outbox.receipts import SOURCE
from pusula.pipeline import appender
from pusula.pipeline.appender import Entry

_log = logging.getLogger(__name__)
TEMPLATE = "api/preferences.html"
EVENT = "Preferences Changed"


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, signed: str) -> HttpResponse:
    """Show what holds; on POST let hold what was chosen."""
    link = opened(request, signed, links.preferring, TEMPLATE)
    if isinstance(link, HttpResponse):
        return link
    message = link.message
    if message is None:
        return pages.answer(request, TEMPLATE, state="unknown")
    person = preferences.Reached(
        message.profile_id, message.channel, message.address, message.purpose
    )
    language = pages.language_of(request)
    state = "ask"
    if request.method == "POST":
        try:
            _choose(request, message, person, language)
        except IntegrityError:
            if Message.objects.filter(pk=message.pk).exists():
                raise
            return pages.answer(request, TEMPLATE, state="unknown")  # erased at this moment
        state = "done"
    rows = preferences.choices(person, language)
    return pages.answer(request, TEMPLATE, state=state, rows=rows)


def _choose(
    request: HttpRequest, message: Message, person: preferences.Reached, language: str
) -> None:
    wanted, shown = set(request.POST.getlist("yes")), None
    if "nothing" in request.POST:
        wanted = set()
    elif "is_new" in request.POST:
        shown = set(request.POST.getlist("was"))
    at = clock.now()
    proof = {
        "form": "preference page",
        "network": proofs.network(request.META.get("REMOTE_ADDR", "")),
        "iys_source": "HS_WEB",
        "action": f"message {message.token}",
    }
    changed = preferences.choose(person, wanted, language, proof, source=SOURCE, at=at, shown=shown)
    if changed:
        _tell(message, at)


def _tell(message: Message, at: int) -> None:
    """Tell the log that the person chose; what they chose holds, and is heard of, without it."""
    entry = Entry(
        kind="event",
        source=SOURCE,
        message_id=f"{SOURCE}:preferences:{message.token}:{at}",
        body=json.dumps({"profile": message.profile_id, "name": EVENT}),
        occurred_at=at,
    )
    try:
        appender.append([entry])
    except DatabaseError:
        _log.warning("the log is busy; the page was used by somebody, and no event says so")
