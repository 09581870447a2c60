"""The page on which a person stops messages, and the one-click address of RFC 8058.

GET shows a button and changes nothing, because mail gateways fetch every link. POST acts at once,
whatever its body: the address alone says who and what, so no cookie, login or form is needed.
"""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from pusula.api import pages
from pusula.lib import clock
from pusula.outbox import links, receipts
from pusula.outbox.models import Message

TEMPLATE = "api/unsubscribe.html"


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, signed: str) -> HttpResponse:
    """Show the button, or stop the messages; an address we did not sign says so, and no more."""
    if signed == links.PREVIEW:
        return pages.answer(request, TEMPLATE, state="preview")
    token = links.unsubscribing(signed)
    if token is None:
        return pages.answer(request, TEMPLATE, state="unknown")
    choices = links.MessageLinks(token).preferences_url
    if request.method != "POST":
        return pages.answer(request, TEMPLATE, state="ask", choices=choices)
    message = Message.objects.filter(token=token).first()
    if message is not None:  # else erased since: there is nobody left to write to
        receipts.unsubscribe(message, at=clock.now())
    return pages.answer(request, TEMPLATE, state="done", choices=choices)
