"""Opens and clicks: the pixel and the links of mails. Neither ever changes a consent."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.decorators import login_not_required
from django.db import IntegrityError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from pusula.content.template import TRAP
from pusula.lib import clock
from pusula.outbox import links, receipts
from pusula.outbox.models import Message, ReceiptKind

PATIENCE_MS = 500
_log = logging.getLogger("pusula.tracking")
_PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


@login_not_required
@require_safe
def opened(request: HttpRequest, signed: str) -> HttpResponse:
    """Answer with the pixel, whoever asks, and keep the opening if the address is ours."""
    token = links.opened(signed)
    if token is not None:
        _note(request, token, ReceiptKind.OPENED)
    response = HttpResponse(_PIXEL, content_type="image/gif")
    response["Cross-Origin-Resource-Policy"] = "cross-origin"  # web mail shows it on its own pages
    return _private(response)


@login_not_required
@require_safe
def clicked(request: HttpRequest, signed: str) -> HttpResponse:
    """Lead on to the page the mail named; an address we did not sign leads nowhere."""
    found = links.clicked(signed)
    if found is None:
        return HttpResponse(_("This link is incomplete."), status=404, content_type="text/plain")
    token, target = found
    if target == TRAP:
        _trapped(token)
        return _private(HttpResponse(status=204))
    _note(request, token, ReceiptKind.CLICKED, target)
    return _private(HttpResponseRedirect(target))


def _note(request: HttpRequest, token: str, kind: ReceiptKind, url: str = "") -> None:
    at = clock.now()
    agent = request.headers.get("User-Agent", "")
    try:
        with _soon():
            message = Message.objects.filter(token=token).first()
            if message is None:
                return  # erased since; the link still leads on
            machine = receipts.is_machine(message, method=request.method or "", agent=agent, at=at)
            receipts.note(message, kind, at=at, machine=machine, url=url)
    except OperationalError:
        # An import may hold SQLite for long; a person must reach their page all the same.
        _log.warning("not noted, the database is busy: %s of message %s", kind, token)
    except IntegrityError:
        return  # erased at this moment; the link still leads on


def _trapped(token: str) -> None:
    try:
        with _soon():
            message = Message.objects.filter(token=token).first()
            if message is not None:
                receipts.trapped(message, at=clock.now())
    except (OperationalError, IntegrityError):
        _log.warning("not noted: the trap of message %s", token)


@contextmanager
def _soon() -> Iterator[None]:
    """Wait for SQLite's one writer for a moment only, not for a minute as elsewhere."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("pragma busy_timeout")
        usual_ms = cursor.fetchone()[0]
        cursor.execute(f"pragma busy_timeout = {PATIENCE_MS}")
        try:
            yield
        finally:
            cursor.execute(f"pragma busy_timeout = {usual_ms}")


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store, private"
    response["Referrer-Policy"] = "no-referrer"  # the address names a person's message
    return response
