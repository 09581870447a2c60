"""Signing up by a form, with a second step by mail: nothing holds before the person confirms.

The form says what may be asked for; a request names an address and which of that it wants. What
else it holds is not looked at. The answer is the same for every address.
"""

from __future__ import annotations

import json

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from pusula.api import pages
from pusula.consent import proofs, purposes, sign_ups, texts
from pusula.consent.models import Channel, SignUp, SignUpForm, Status
from pusula.lib import clock
from pusula.outbox.receipts import SOURCE
from pusula.pipeline import appender
from pusula.pipeline.appender import Entry
from pusula.privacy import audit, erasure
from pusula.profiles import contacts, erased
from pusula.profiles.models import IdentifierKind

TEMPLATE = "api/sign_up.html"
HONEYPOT = "website"
_LONGEST = 320


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def form(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a form, or take what was filled in; the page of a company may hold the form itself."""
    found = SignUpForm.objects.filter(slug=slug, is_open=True).first()
    if found is None:
        return pages.answer(request, TEMPLATE, status=404, state="closed")
    rows = _rows(found.purposes, pages.language_of(request))
    if request.method != "POST":
        return pages.answer(request, TEMPLATE, state="form", rows=rows)
    if not _may_ask(request, found):
        return pages.answer(request, TEMPLATE, status=403, state="closed")
    address = _address(request.POST.get("email", ""))
    wanted = tuple(request.POST.getlist("purpose")[:20])
    is_none = len(found.purposes) > 1 and not wanted
    if not address or is_none:
        wrong = {"is_wrong": not address, "is_none": is_none}
        return pages.answer(request, TEMPLATE, status=400, state="form", rows=rows, **wrong)
    return _ask(request, found, address, wanted)


def _ask(
    request: HttpRequest, found: SignUpForm, address: str, wanted: tuple[str, ...]
) -> HttpResponse:
    asked = sign_ups.Asked(
        address=address,
        language=pages.language_of(request),
        purposes=wanted,
        network=proofs.network(request.META.get("REMOTE_ADDR", "")),
        is_robot=bool(request.POST.get(HONEYPOT)),
    )
    try:
        sign_ups.ask(found, asked, at=clock.now())
    except sign_ups.TooManyError:
        answer = pages.answer(request, TEMPLATE, status=429, state="busy")
        answer["Retry-After"] = "3600"
        return answer
    return pages.answer(request, TEMPLATE, state="asked")


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Show what is to be confirmed; on POST record it, one decision for each purpose chosen."""
    at = clock.now()
    found = sign_ups.find(token, at=at)
    if found is None:
        # Whoever pressed the button twice sees the answer to the first.
        state = "done" if sign_ups.is_confirmed(token, at=at) else "unknown"
        return pages.answer(request, TEMPLATE, state=state)
    rows = _rows(found.purposes, found.language)
    if request.method != "POST":
        return pages.answer(request, TEMPLATE, state="confirm", rows=rows)
    chosen = [one for one in found.purposes if one in request.POST.getlist("purpose")]
    if len(found.purposes) == 1:
        chosen = list(found.purposes)  # the button is the decision
    if not chosen:
        return pages.answer(request, TEMPLATE, state="confirm", rows=rows, is_none=True)
    # First the way in, then the log: a crash in between repeats them, and neither minds.
    _let_in(found, at)
    appender.append([_entry(found, purpose, request, at) for purpose in chosen])
    sign_ups.confirmed(found, at=at)
    return pages.answer(request, TEMPLATE, state="done")


def _let_in(found: SignUp, at: int) -> None:
    """Let somebody who was erased be a new customer: it is their inbox that says so."""
    pair = (IdentifierKind.EMAIL.value, found.address)
    if erased.refused([pair]):
        reason = f"sign-up {found.form.slug}, confirmed by mail"
        erasure.readmit([pair], actor=audit.SYSTEM, reason=reason, at=at)


def _entry(found: SignUp, purpose: str, request: HttpRequest, at: int) -> Entry:
    proof = {
        **texts.proof_of(purpose, Channel.EMAIL, found.language),
        "form": found.form.slug,
        "network": proofs.network(request.META.get("REMOTE_ADDR", "")),
        "action": f"confirmed by mail: {found.token}:{purpose}",
        "iys_source": "HS_WEB",
    }
    body = {
        "email": found.address,
        "email_verified": True,  # the link came by mail
        "channel": Channel.EMAIL.value,
        "purpose": purpose,
        "status": Status.GRANTED.value,
        "evidence": f"form {found.form.slug}, confirmed by mail",
        "proof": {name: part for name, part in proof.items() if part},
    }
    return Entry(
        kind="consent",
        source=SOURCE,
        message_id=f"{SOURCE}:sign-up:{found.token}:{purpose}",
        body=json.dumps(body, ensure_ascii=False),
        occurred_at=at,
    )


def _rows(slugs: list[str], language: str) -> list[tuple[str, str, str]]:
    with translation.override(language):
        return [
            (slug, purposes.title(slug), texts.shown(slug, Channel.EMAIL, language))
            for slug in slugs
        ]


def _address(text: str) -> str:
    try:
        return (contacts.email(text) or "") if len(text) <= _LONGEST else ""
    except contacts.ContactError:
        return ""


def _may_ask(request: HttpRequest, found: SignUpForm) -> bool:
    """Say whether the page that a form stands on may hold it; old browsers do not tell."""
    origin = request.headers.get("Origin", "")
    ours = f"{request.scheme}://{request.get_host()}"
    return not (found.origins and origin) or origin in {*found.origins, ours}
