"""Opens and clicks: the pixel and the links of mails. Neither ever changes a consent."""

from __future__ import annotations

import base64

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from pusula.lib import clock
from pusula.outbox import links, receipts
from pusula.outbox.models import Message, ReceiptKind

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
    _note(request, token, ReceiptKind.CLICKED, target)
    return _private(HttpResponseRedirect(target))


def _note(request: HttpRequest, token: str, kind: ReceiptKind, url: str = "") -> None:
    message = Message.objects.filter(token=token).first()
    if message is None:
        return  # erased since; the link still leads on
    at = clock.now()
    machine = receipts.is_machine(
        message, method=request.method or "", agent=request.headers.get("User-Agent", ""), at=at
    )
    receipts.note(message, kind, at=at, machine=machine, url=url)


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store, private"
    response["Referrer-Policy"] = "no-referrer"  # the address names a person's message
    return response
