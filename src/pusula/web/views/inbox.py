"""Sent mail: what the local mail catcher kept, as the people written to would read it."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from pusula.channels.email import catcher
from pusula.channels.email.catcher import Caught, CaughtMail
from pusula.lib.text import fold
from pusula.web import mails
from pusula.web.request import asked, searched, whole

PAGE = 50
MOST = 2_000


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the newest ``n`` mails that were caught; ``q`` narrows by address or subject."""
    if not mails.folder().is_dir():
        raise Http404("no mail is caught here")
    text = searched(request)
    n = min(max(whole(asked(request, "n")) or PAGE, PAGE), MOST)
    caught = catcher.mails(mails.folder(), limit=MOST if text else n + 1)
    found = [one for one in caught if _matches(one, text)]
    context = {
        "mails": found[:n],
        "text": text,
        "n": n,
        "more": min(n * 2, MOST) if len(found) > n and n < MOST else None,
    }
    return render(request, "web/inbox/index.html", context)


@require_safe
def mail(request: HttpRequest, key: str) -> HttpResponse:
    """Show one mail: its HTML in a frame, its text, its headers."""
    return render(request, "web/inbox/mail.html", {"mail": _mail(key)})


@require_safe
def mail_html(request: HttpRequest, key: str) -> HttpResponse:
    """Answer the HTML of one mail, for the frame."""
    return mails.framed(_mail(key).html, request.GET.get("scheme", ""))


def _mail(key: str) -> CaughtMail:
    found = catcher.mail(mails.folder(), key)
    if found is None:
        raise Http404(key)
    return found


def _matches(caught: Caught, text: str) -> bool:
    wanted = fold(text)
    return any(wanted in fold(part) for part in (caught.to, caught.subject))
