"""Requests of people about their data, exports, erasures with their proof, retention, the audit."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language, gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.privacy import background, erasure, export, ledger, requests, retention, sentences
from pusula.privacy.models import (
    AuditEntry,
    ErasedCount,
    Erasure,
    Export,
    Proof,
    Request,
    RequestKind,
    RequestState,
)
from pusula.privacy.stores import STORES
from pusula.privacy.words import store_title
from pusula.profiles.models import Profile
from pusula.web import titles
from pusula.web.request import asked, draw, signed_in, whole
from pusula.web.rights import AUDIT, ERASE, EXPORT, demand, may

PAGE = 50
_LONGEST = 1_000
_TONES = {
    RequestState.OPEN: "info",
    RequestState.WORKING: "info",
    RequestState.ANSWERED: "good",
    RequestState.REFUSED: "warn",
    RequestState.WITHDRAWN: "",
}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the requests, those with the fewest days left first, and the erasures."""
    at = clock.now()
    rows = [
        (one, requests.clock_of(one, at), _TONES[RequestState(one.state)])
        for one in Request.objects.order_by("settled_at", "due_at")
    ]
    rows.sort(key=lambda row: (row[0].settled_at is not None, row[0].due_at))
    context = {
        "rows": rows[:PAGE],
        "erasures": Erasure.objects.order_by("-pk")[:PAGE],
        "n_ledger": len(ledger.standing()),
        "n_missing": len(ledger.missing()),
        "counts": ErasedCount.objects.order_by("what"),
    }
    return render(request, "web/privacy/index.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what can be done with a customer's data; on POST register a request of theirs."""
    profile = get_object_or_404(Profile, pk=pk)
    problem = ""
    if request.method == "POST":
        try:
            made = _registered(request, pk)
        except PusulaError as error:
            problem = error.said(gettext)
        else:
            messages.success(request, gettext("The request is registered."))
            return redirect("privacy-request", made.pk)
    context = {
        "profile": profile,
        "name": titles.customer(profile.name),
        "problem": problem,
        "kinds": RequestKind.choices,
        "proofs": Proof.choices,
        "today": clock.day_of(clock.now(), settings.PUSULA.time_zone),
        "requests": _requests_of(pk),
        "exports": Export.objects.filter(profile_id=pk, expires_at__gt=clock.now()).order_by("-pk"),
        "may_export": may(request, EXPORT),
        "may_erase": may(request, ERASE),
    }
    status = 422 if problem else 200
    return render(request, "web/privacy/person.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a request; on POST write down who asked, or how it was answered."""
    found = get_object_or_404(Request, pk=pk)
    problem = ""
    if request.method == "POST":
        try:
            _answered(request, found)
        except PusulaError as error:
            problem = error.said(gettext)
        else:
            return redirect("privacy-request", pk)
    profile = Profile.objects.filter(pk=found.profile_id).first()
    context = {
        "request_": found,
        "clock": requests.clock_of(found, clock.now()),
        "tone": _TONES[RequestState(found.state)],
        "profile": profile,
        "name": titles.customer(profile.name) if profile else "",
        "proofs": Proof.choices,
        "problem": problem,
        "is_open": found.state in requests.UNDER_WAY,
        "is_erase": found.kind == RequestKind.ERASE,
        "is_object": found.kind == RequestKind.OBJECT,
        "erasures": _erasures_of(found),
        "exports": found.exports.order_by("-pk"),
    }
    status = 422 if problem else 200
    return render(request, "web/privacy/request.html", context, status=status)


@require_POST
def make_export(request: HttpRequest, pk: int) -> HttpResponse:
    """Pack all we hold of a customer, for a reason."""
    demand(request, EXPORT)
    try:
        export.make(
            pk,
            actor=signed_in(request).get_username(),
            reason=request.POST.get("reason", ""),
            request=_named(request, pk),
            language=get_language() or "",
        )
    except PusulaError as error:
        messages.error(request, error.said(gettext))
    else:
        messages.success(request, gettext("The export is ready; it is removed after 24 hours."))
    return redirect("privacy-person", pk)


@require_safe
@never_cache
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Hand out an export that is not a day old."""
    demand(request, EXPORT)
    found = get_object_or_404(Export, pk=pk)
    path = export.fetch(found, actor=signed_in(request).get_username())
    name = f"pusula-{found.profile_id}.zip"
    return FileResponse(path.open("rb"), as_attachment=True, filename=name)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def erase(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the customer's number; erase them only if it is typed."""
    demand(request, ERASE)
    profile = get_object_or_404(Profile, pk=pk)
    problem = ""
    if request.method == "POST":
        if whole(request.POST.get("number", "").strip()) == pk:
            made = erasure.begin(
                pk, actor=signed_in(request).get_username(), request=_named(request, pk)
            )
            background.start()
            return redirect("privacy-erasure", made.pk)
        problem = gettext("That is not the number of this customer; nothing was erased.")
    context = {
        "profile": profile,
        "name": titles.customer(profile.name),
        "problem": problem,
        "asked": whole(asked(request, "request")) or whole(request.POST.get("request", "")),
        "stores": [store_title(store) for store in STORES],
    }
    status = 422 if problem else 200
    return render(request, "web/privacy/erase.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def proof(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an erasure store by store; on POST go on with one that was stopped."""
    found = get_object_or_404(Erasure, pk=pk)
    if request.method == "POST":
        demand(request, ERASE)
        background.start()
        return redirect("privacy-erasure", pk)
    steps = [(store_title(step.store), step) for step in found.steps.order_by("position")]
    context = {
        "erasure": found,
        "steps": steps,
        "error": next((step.error for _title, step in steps if step.error), ""),
    }
    return draw(request, "web/privacy/erasure.html", "web/privacy/_steps.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def keeping(request: HttpRequest) -> HttpResponse:
    """Show for how long each kind of data is kept; on POST change one."""
    problem = ""
    if request.method == "POST":
        demand(request, ERASE)
        try:
            said = request.POST.get("days", "").strip()
            days = whole(said) if said else None
            if said and days is None:
                raise retention.RetentionError(gettext("Type a number of days, or nothing."))
            kind = request.POST.get("kind", "")
            retention.set_days(kind, days, actor=signed_in(request).get_username())
        except PusulaError as error:
            problem = error.said(gettext)
        else:
            messages.success(
                request, gettext("Changed. It takes effect with the next night’s run.")
            )
            return redirect("privacy-retention")
    due = retention.due(clock.now())
    rows = [
        (kind, retention.RULES[kind], days, due.get(kind, 0))
        for kind, days in retention.days_of().items()
    ]
    context = {"rows": rows, "problem": problem, "runs": retention.last_runs()}
    status = 422 if problem else 200
    return render(request, "web/privacy/retention.html", context, status=status)


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """List what was changed or disclosed as sentences; ``actor`` and ``about`` narrow the list."""
    demand(request, AUDIT)
    found = AuditEntry.objects.order_by("-id")
    who, about, area = asked(request, "actor"), asked(request, "about"), asked(request, "area")
    if who:
        found = found.filter(actor=who)
    if about:
        found = found.filter(object=about)
    if area in sentences.areas():
        found = found.filter(verb__startswith=f"{area}.")
    before = whole(asked(request, "before"))
    if before is not None:
        found = found.filter(pk__lt=before)
    page = list(found[: PAGE + 1])
    context = {
        "rows": [(one, sentences.sentence(one)) for one in page[:PAGE]],
        "next_before": page[PAGE - 1].pk if len(page) > PAGE else None,
        "actors": [(one, sentences.actor(one)) for one in sentences.actors()],
        "areas": sentences.areas().items(),
        "who": who,
        "about": about,
        "area": area,
        "is_first": before is None,
    }
    return draw(request, "web/privacy/audit.html", "web/privacy/_audit.html", context)


def _registered(request: HttpRequest, pk: int) -> Request:
    given = request.POST
    return requests.register(
        given.get("kind", ""),
        pk,
        actor=signed_in(request).get_username(),
        received_at=_received(given.get("received", "")),
        proof=given.get("proof", ""),
        note=given.get("note", "")[:_LONGEST],
    )


def _received(text: str) -> int:
    """Return when the day ``text`` began, today's now."""
    now = clock.now()
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return now
    zone = settings.PUSULA.time_zone
    return now if day == clock.day_of(now, zone) else clock.start_of(day, zone)


def _answered(request: HttpRequest, found: Request) -> None:
    who, given = signed_in(request).get_username(), request.POST
    if "proof" in given:
        requests.prove(found, given["proof"], actor=who)
        return
    requests.settle(
        found, given.get("state", ""), actor=who, answer=given.get("answer", "")[:_LONGEST]
    )
    messages.success(request, gettext("The answer is written down."))


def _erasures_of(found: Request) -> QuerySet[Erasure]:
    """Return the erasures that answer a request: its own, or another one of the same person."""
    own = Q(request=found)
    if found.kind == RequestKind.ERASE:
        own |= Q(profile_id=found.profile_id)
    return Erasure.objects.filter(own).order_by("-pk")


def _named(request: HttpRequest, pk: int) -> Request | None:
    number = whole(request.POST.get("request", ""))
    if number is None:
        return None
    return Request.objects.filter(pk=number, profile_id=pk).first()


def _requests_of(pk: int) -> list[tuple[Request, str, Any]]:
    at = clock.now()
    found = Request.objects.filter(profile_id=pk).order_by("-pk")
    return [(one, _TONES[RequestState(one.state)], requests.clock_of(one, at)) for one in found]
