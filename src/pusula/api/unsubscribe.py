"""The page on which a person stops messages, and the one-click address of RFC 8058.

GET shows a button and changes nothing, because mail gateways fetch every link. POST acts at once,
whatever its body: the address alone says who and what, so no cookie, login or form is needed.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from pusula.lib import clock
from pusula.outbox import links, receipts
from pusula.outbox.models import Message

_LANGUAGES = ("tr", "en")


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, signed: str) -> HttpResponse:
    """Show the button, or stop the messages; 404 for an address we did not sign."""
    if signed == links.PREVIEW:
        return _answer(request, "preview")
    token = links.unsubscribing(signed)
    if token is None:
        return _answer(request, "unknown", status=404)
    if request.method != "POST":
        return _answer(request, "ask")
    message = Message.objects.filter(token=token).first()
    if message is not None:  # else erased since: there is nobody left to write to
        receipts.unsubscribe(message, at=clock.now())
    return _answer(request, "done")


def _answer(request: HttpRequest, state: str, status: int = 200) -> HttpResponse:
    with translation.override(_language(request)):
        context = {
            "state": state,
            "company": settings.PUSULA.name,
            "language": translation.get_language(),
        }
        # Without the request: the page needs nothing of sessions, users or menus.
        body = render_to_string("api/unsubscribe.html", context)
    response = HttpResponse(body, status=status)
    response["Cache-Control"] = "no-store, private"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response


def _language(request: HttpRequest) -> str:
    """Return the language of the person's own device, else the company's."""
    wished = [
        part.split(";")[0].strip().lower()[:2]
        for part in request.headers.get("Accept-Language", "").split(",")
    ]
    return next((one for one in wished if one in _LANGUAGES), settings.PUSULA.language)
