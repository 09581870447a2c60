"""Pilots: prepared from a file, checked, started, followed day by day, and told of at the end."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pusula.campaigns.checklist import Level
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.measurement.pilot import actions, checklist, definition, plan, sprint
from pusula.measurement.pilot.definition import FLAVOURS, Definition
from pusula.measurement.pilot.models import PLANNED, Pilot
from pusula.measurement.pilot.pdf import pdf
from pusula.measurement.pilot.report import Report, counted, report
from pusula.measurement.reports import measured
from pusula.measurement.reports.answers import Given
from pusula.orders import queries as orders
from pusula.privacy import audit
from pusula.web import kept, pilot_pages
from pusula.web.agreed import mismatch
from pusula.web.request import asked, plain, signed_in
from pusula.web.rights import PUBLISH, demand, may

_LONGEST = 60_000


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List all pilots, the newest first."""
    rows, waits = [], None
    for one in Pilot.objects.order_by("-created_at", "-pk"):
        found, kept_ = _counted(request, one)
        rows.append(pilot_pages.row(one, found))
        waits = waits or (kept_ if found is None else None)
    return render(request, "web/pilot/index.html", {"rows": rows, "kept": waits})


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Show a file to begin with; a POST prepares the pilot that it describes."""
    flavour = asked(request, "kit")
    if flavour not in FLAVOURS:
        flavour = "hotel" if orders.has_stays() else "shop"
    text, problem = definition.kit(flavour), ""
    if request.method == "POST":
        text = plain(request.POST.get("text", ""))[:_LONGEST]
        try:
            made = _prepared(request, definition.parse(text, gettext("file")))
        except PusulaError as error:
            problem = error.said(gettext)
        else:
            return redirect("pilot", made.key)
    context = {"text": text, "problem": problem, "flavour": flavour, "flavours": FLAVOURS}
    return render(request, "web/pilot/new.html", context, status=422 if problem else 200)


def _prepared(request: HttpRequest, told: Definition) -> Pilot:
    """Prepare a pilot whose segments are there: to evaluate new ones is no work for a page."""
    if missing := sorted(actions.missing_segments(told)):
        raise definition.PilotError(
            gettext(
                "There is no segment %(keys)s yet: take it over under Segments, or run "
                "`pusula pilot plan FILE`, which does."
            )
            % {"keys": ", ".join(missing)}
        )
    who = signed_in(request).get_username()
    with transaction.atomic():
        made = actions.prepare(told, by=who, at=clock.now())
        audit.record(who, "pilot.prepared", made.key)
    return made


@require_safe
def show(request: HttpRequest, key: str) -> HttpResponse:
    """Show a pilot: its plan and list, then its progress, at the end its report."""
    one = _found(key)
    told = definition.restored(one.definition)
    found, kept_ = _counted(request, one)
    if found is None:
        return kept.waiting(request, kept_, pilot_pages.title(told))
    at = clock.now()
    expected = plan.restored(one.expected)
    items = checklist.look(told, expected, at=at) if one.state == PLANNED else []
    context = {
        "pilot": one,
        "may_start": may(request, PUBLISH),
        "page": pilot_pages.page(found),
        "kept": kept_,
        "told": told,
        "expected": pilot_pages.expected(told, expected),
        "n_people": sum(each.n_treated for each in expected),
        "items": items,
        "can_start": all(item.level is not Level.ERROR for item in items),
        "points": checklist.by_people(one),
        "steps": list(sprint.steps(told)),
        "today": clock.day_of(at, pilot_pages.zone()),
    }
    return render(request, "web/pilot/show.html", context)


@require_POST
def recount(request: HttpRequest, key: str) -> HttpResponse:
    """Count anew whom a pilot would reach."""
    one = _found(key)
    try:
        _prepared(request, definition.restored(one.definition))
    except PusulaError as error:
        messages.error(request, error.said(gettext))
    return redirect("pilot", key)


@require_POST
def tick(request: HttpRequest, key: str) -> HttpResponse:
    """Note that a point of the list is done, or is not after all."""
    one = _found(key)
    item = request.POST.get("item", "")
    if item not in checklist.BY_PEOPLE:
        raise Http404(item)
    who = signed_in(request).get_username()
    actions.tick(one, item, is_done=request.POST.get("to") == "done", by=who, at=clock.now())
    return redirect("pilot", key)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest, key: str) -> HttpResponse:
    """Ask for the number of people; only if it is typed and still holds register and start."""
    demand(request, PUBLISH)
    one = _found(key)
    if one.state != PLANNED:
        return redirect("pilot", key)
    told = definition.restored(one.definition)
    expected = plan.restored(one.expected)
    items = checklist.look(told, expected, at=clock.now())
    if any(item.level is Level.ERROR for item in items):
        return redirect("pilot", key)
    n = sum(each.n_treated for each in expected)
    problem = ""
    if request.method == "POST":
        said = gettext("You typed %(typed)s, but %(n)s people would get a message. Look again.")
        problem = mismatch(request.POST.get("people", ""), n, said)
        if not problem:
            try:
                return _started(request, one, n)
            except PusulaError as error:
                problem = error.said(gettext)
    context = {"pilot": one, "told": told, "n": n, "problem": problem, "items": items,
               "title": pilot_pages.title(told)}  # fmt: skip
    return render(request, "web/pilot/start.html", context, status=422 if problem else 200)


def _started(request: HttpRequest, one: Pilot, n: int) -> HttpResponse:
    who = signed_in(request).get_username()
    with transaction.atomic():
        actions.start(one, agreed_n=n, by=who, at=clock.now())
        audit.record(who, "pilot.started", one.key)
    messages.success(request, gettext("The pilot is registered; it begins by itself."))
    return redirect("pilot", one.key)


@require_POST
def stop(request: HttpRequest, key: str) -> HttpResponse:
    """Let nobody come in or go on any more."""
    one = _found(key)
    try:
        with transaction.atomic():
            actions.stop(one, at=clock.now())
            audit.record(signed_in(request).get_username(), "pilot.stopped", key)
    except PusulaError as error:
        messages.error(request, error.said(gettext))
    else:
        messages.success(request, gettext("The pilot is stopped; what was sent is measured."))
    return redirect("pilot", key)


@never_cache
@require_safe
def download(request: HttpRequest, key: str) -> HttpResponse:
    """Return the report as PDF in the language of the page."""
    found, _kept = _counted(request, _found(key))
    if found is None:
        return redirect("pilot", key)  # which says that it is being counted
    made = pdf(found)
    answer = HttpResponse(made, content_type="application/pdf")
    name = f"{key}-{get_language() or 'en'}.pdf"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _counted(request: HttpRequest, one: Pilot) -> tuple[Report | None, kept.State]:
    """Return the report of a pilot, if it is counted; of one that has not begun that is nothing."""
    if one.state == PLANNED:
        at = clock.now()
        return report(one, counted(one, at=at)), kept.state(
            request, Given(None, at, is_waiting=False)
        )
    found, state = kept.figures(request, measured.PILOT, {"key": one.key})
    return None if found is None else report(one, found), state


def _found(key: str) -> Pilot:
    one = Pilot.objects.filter(key=key).first()
    if one is None:
        raise Http404(key)
    return one
