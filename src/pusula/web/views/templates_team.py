"""The team's addresses for test mails: asked, verified by their owners, revoked."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from pusula.campaigns import team, trials
from pusula.campaigns.team import TeamError
from pusula.lib import clock
from pusula.privacy import audit
from pusula.web.request import plain, signed_in

_RECENT = 25


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """List the addresses and the last test mails; on POST ask a new address."""
    error, typed = "", ""
    if request.method == "POST":
        typed = plain(request.POST.get("address", ""))
        by = signed_in(request).get_username()
        try:
            with transaction.atomic():
                asked = team.invite(typed, by=by, at=clock.now())
                audit.record(by, "team.asked", f"team:{asked.pk}")
        except TeamError as problem:
            error = problem.message
        else:
            messages.success(
                request, gettext("A link is on its way: the address counts once it is opened.")
            )
            return redirect("template-team")
    context = {
        "rows": team.members(),
        "trials": trials.recent(_RECENT),
        "error": error,
        "typed": typed,
        "most": trials.MOST_AN_HOUR,
    }
    return render(request, "web/content/team.html", context, status=422 if error else 200)


@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an address off the list; what is in line for it does not leave."""
    by = signed_in(request).get_username()
    with transaction.atomic():
        if team.revoke(pk, at=clock.now()):
            audit.record(by, "team.revoked", f"team:{pk}")
    messages.success(request, gettext("No test mail goes to this address any more."))
    return redirect("template-team")


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Show the button that verifies an address; on POST verify it, once.

    Opening the link alone verifies nothing: scanners of mails open links too.
    """
    token = plain(token)
    if request.method == "POST":
        with transaction.atomic():
            verified = team.verify(token, at=clock.now())
            if verified is not None:
                audit.record(audit.SYSTEM, "team.verified", f"team:{verified.pk}")
        context = {"is_open": False, "is_verified": verified is not None}
        status = 200 if verified else 410
        return render(request, "web/content/confirm.html", context, status=status)
    is_open = team.invited(token, at=clock.now()) is not None
    context = {"is_open": is_open, "is_verified": False}
    return render(request, "web/content/confirm.html", context, status=200 if is_open else 410)
