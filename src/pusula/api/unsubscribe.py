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
from pusula.api.signed import opened
from pusula.lib import clock
from pusula.outbox import links, receipts

TEMPLATE = "api/unsubscribe.html"


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, signed: str) -> HttpResponse:
    """Show the button, or stop the messages; an address we did not sign says so, and no more."""
    link = opened(request, signed, links.unsubscribing, TEMPLATE)
    if isinstance(link, HttpResponse):
        return link
    choices = links.MessageLinks(link.token).preferences_url
    if request.method != "POST":
        return pages.answer(request, TEMPLATE, state="ask", choices=choices)
    if link.message is not None:  # else there is nobody left to write to
        receipts.unsubscribe(link.message, at=clock.now())
    return pages.answer(request, TEMPLATE, state="done", choices=choices)
