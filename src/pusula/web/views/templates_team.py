"""What tests go to: the team's addresses, numbers and browsers; asked, verified, revoked."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from pusula.campaigns import team, trials
from pusula.campaigns.models import TeamAddress, TeamKind, Trial
from pusula.campaigns.team import TeamError
from pusula.channels.webpush.provider import WebPush
from pusula.consent.models import Channel
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.outbox import providers
from pusula.privacy import audit
from pusula.web import titles
from pusula.web.request import plain, signed_in

_RECENT = 25
_KINDS = {
    TeamKind.EMAIL: _("E-mail"),
    TeamKind.PHONE: _("SMS and WhatsApp"),
    TeamKind.BROWSER: _("Web push"),
}


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """List what tests may go to and the last tests; on POST ask a new address or number."""
    errors: dict[str, str] = {}
    if request.method == "POST":
        what = "number" if "number" in request.POST else "address"
        try:
            _ask(request, what, plain(request.POST.get(what, "")))
        except TeamError as problem:
            errors[what] = problem.said(gettext)
        else:
            return redirect("template-team")
    context = {
        "rows": [_row(one) for one in team.members()],
        "trials": [_tried(one) for one in trials.recent(_RECENT)],
        "error": errors.get("address", ""),
        "number_error": errors.get("number", ""),
        "typed": plain(request.POST.get("address", "")),
        "typed_number": plain(request.POST.get("number", "")),
        "has_sms": _is_set_up(Channel.SMS),
        "vapid_key": _vapid_key(),
        "most": trials.MOST_AN_HOUR,
    }
    return render(request, "web/content/team.html", context, status=422 if errors else 200)


@require_POST
def code(request: HttpRequest, pk: int) -> HttpResponse:
    """Verify a number by the code it got."""
    by = signed_in(request).get_username()
    try:
        # Not in one transaction with what follows: a try counts, whatever becomes of it.
        is_verified = team.verify_code(pk, plain(request.POST.get("code", "")), at=clock.now())
    except TeamError as problem:
        messages.error(request, problem.said(gettext))
        return redirect("template-team")
    if is_verified:
        audit.record(by, "team.verified", f"team:{pk}")
        messages.success(request, gettext("Tests may go to this number now."))
    else:
        messages.error(request, gettext("That is not the code: look at the message again."))
    return redirect("template-team")


@require_POST
def browser(request: HttpRequest) -> HttpResponse:
    """Let test pushes go to the browser that asks, which its user has just allowed them."""
    user = signed_in(request)
    given = {name: plain(request.POST.get(name, "")) for name in ("endpoint", "p256dh", "auth")}
    name = f"{user.get_username()} – {_browser_name(request.headers.get('User-Agent', ''))}"
    told = given | {"vapid_key": _vapid_key()}
    try:
        with transaction.atomic():
            one = team.add_browser(told, name=name, by=user.get_username(), at=clock.now())
            audit.record(user.get_username(), "team.verified", f"team:{one.pk}")
    except TeamError as problem:
        messages.error(request, problem.said(gettext))
    else:
        messages.success(request, gettext("Test pushes are shown in this browser now."))
    return redirect("template-team")


def _ask(request: HttpRequest, what: str, typed: str) -> None:
    """Ask an address or a number; raise ``TeamError``."""
    by = signed_in(request).get_username()
    invite = team.invite_number if what == "number" else team.invite
    with transaction.atomic():
        asked = invite(typed, by=by, at=clock.now())
        audit.record(by, "team.asked", f"team:{asked.pk}")
    if what == "number":
        words = gettext("A code is on its way: type it here once it has come.")
    else:
        words = gettext("A link is on its way: the address counts once it is opened.")
    messages.success(request, words)


def _row(one: TeamAddress) -> dict[str, Any]:
    return {"one": one, "kind": str(_KINDS[TeamKind(one.kind)])}


def _tried(one: Trial) -> dict[str, Any]:
    return {"one": one, "channel": titles.channel(one.channel)[1]}


def _is_set_up(channel: str) -> bool:
    return bool(providers.told(channel).told)


def _vapid_key() -> str:
    """Return the public key that browsers subscribe with; empty if web push is not set up."""
    try:
        provider = providers.of(Channel.WEBPUSH)
    except PusulaError:
        return ""
    return provider.vapid.public_key if isinstance(provider, WebPush) else ""


def _browser_name(agent: str) -> str:
    """Return what people call the browser that says ``agent`` of itself."""
    known = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"))
    return next((name for word, name in known if word in agent), "Safari")


@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an address off the list; what is in line for it does not leave."""
    by = signed_in(request).get_username()
    with transaction.atomic():
        if team.revoke(pk, at=clock.now()):
            audit.record(by, "team.revoked", f"team:{pk}")
    messages.success(request, gettext("No test goes there any more."))
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
