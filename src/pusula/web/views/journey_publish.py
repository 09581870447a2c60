"""Publishing the draft of a journey: what it changes, for whom; or discarding it."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from pusula.journeys import machine, queries, versions
from pusula.journeys.models import Journey, JourneyVersion
from pusula.lib.errors import PusulaError
from pusula.privacy import audit
from pusula.segments import evaluate, spoken
from pusula.web import formats, journey_versions, journey_words
from pusula.web.journey_form import desk as desks
from pusula.web.journey_form import publishing
from pusula.web.journey_form.draft import FormError
from pusula.web.request import signed_in
from pusula.web.rights import PUBLISH, demand, may
from pusula.web.views.journeys import found_or_404


@require_http_methods(["GET", "HEAD", "POST"])
def publish(request: HttpRequest, key: str) -> HttpResponse:
    """Show what publishing the draft would do to whom; publish it, or discard it."""
    journey = found_or_404(key)
    version = queries.newest(journey)
    if version is None or version.published_at is not None:
        messages.info(request, gettext("There is no draft to publish."))
        return redirect("journey", key)
    if request.method == "POST":
        return _decided(request, journey, version)
    return _plan(request, journey, version)


@require_POST
def take_up(request: HttpRequest, key: str, number: int) -> HttpResponse:
    """Make a draft that says what an earlier version said, to be looked at and published."""
    by = demand(request, PUBLISH)
    journey = found_or_404(key)
    with transaction.atomic(), evaluate.alone():
        newest = queries.newest(journey)
        earlier = journey.versions.filter(number=number).exclude(published_at=None).first()
        if earlier is None or newest is None:
            raise Http404(number)
        if newest.published_at is None:
            messages.error(request, gettext("There is a draft: publish or discard it first."))
            return redirect("journey-publish", key)
        try:
            version = versions.again(earlier, by=by)
        except PusulaError as error:
            messages.error(request, error.said(gettext))
            return redirect("journey", key)
        audit.record(by, "journey.drafted", f"journey:{key}", n=version.number)
    return redirect("journey-publish", key)


def _plan(
    request: HttpRequest, journey: Journey, version: JourneyVersion, problem: str = ""
) -> HttpResponse:
    language = spoken.language()
    plan = publishing.plan(journey, version)
    context = {
        "journey": journey,
        "title": version.definition["title"].get(language) or journey.key,
        "state": journey_words.STATES[journey.state],
        "version": version,
        "mark": desks.mark(version),
        "differences": journey_versions.between(journey.version, version),
        "plan": plan,
        "problem": problem or plan.problem,
        "can_publish": not plan.problem and journey.state != machine.ARCHIVED,
        "may_publish": may(request, PUBLISH),
        "is_archived": journey.state == machine.ARCHIVED,
    }
    return render(request, "web/journeys/publish.html", context, status=422 if problem else 200)


def _decided(request: HttpRequest, journey: Journey, version: JourneyVersion) -> HttpResponse:
    key = journey.key
    if request.POST.get("mark") != desks.mark(version):
        said = gettext("Another draft has taken the place of the one you saw: this is it.")
        messages.error(request, said)
        return redirect("journey-publish", key)
    by = signed_in(request).get_username()
    if request.POST.get("decision") == "discard":
        try:
            with transaction.atomic():
                is_gone = publishing.discard(_as_seen(version))
                audit.record(by, "journey.discarded", f"journey:{key}", n=version.number)
        except FormError as error:
            messages.error(request, error.said(gettext))
            return redirect("journey", key)
        messages.success(request, gettext("The draft was discarded."))
        return redirect("journeys") if is_gone else redirect("journey", key)
    demand(request, PUBLISH)
    n_moved = 0
    try:
        with transaction.atomic(), evaluate.alone():
            versions.publish(_as_seen(version))
            audit.record(by, "journey.published", f"journey:{key}", n=version.number)
            if request.POST.get("people") == "move":
                steps = publishing.stand_ins(request.POST)
                n_moved = versions.migrate(key, to=version.number, steps=steps)
                audit.record(by, "journey.migrated", f"journey:{key}", n=n_moved, to=version.number)
    except PusulaError as error:
        return _plan(request, journey, version, error.said(gettext))
    said = gettext("Version %(n)d is published.") % {"n": version.number}
    if n_moved:
        moved = gettext("%(n)s people were put on it.") % {"n": formats.number(n_moved)}
        said = f"{said} {moved}"
    messages.success(request, said)
    return redirect("journey", key)


def _as_seen(version: JourneyVersion) -> JourneyVersion:
    """Return a draft locked, as it was seen; raise ``FormError`` if it changed meanwhile."""
    now = JourneyVersion.objects.select_for_update().filter(pk=version.pk).first()
    if now is None or desks.mark(now) != desks.mark(version) or now.published_at is not None:
        raise FormError(gettext("Somebody else has just changed or published it: look again."))
    return now
