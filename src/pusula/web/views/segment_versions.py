"""What becomes of a segment: a change on its way to being published, old versions, the archive."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pusula.campaigns import machine
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.privacy import audit
from pusula.segments import actions, catalog, queries
from pusula.segments.models import Publication, Segment
from pusula.segments.publishing import publication
from pusula.segments.publishing.export import as_yaml
from pusula.web import titles
from pusula.web.builder import differences
from pusula.web.request import draw, signed_in, whole
from pusula.web.segment_pages import campaigns_of, journeys

_QUIET_AFTER = 20 * clock.SECOND  # nobody works on it: say who would


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: HttpRequest, key: str) -> HttpResponse:
    """Show a change that nobody sees yet and what it would do; publish or discard it."""
    found = publication.open_publications().get(key)
    if found is None:
        if queries.by_key(key) is None:
            raise Http404(key)
        return _to_segment(request, key)
    if request.method == "POST":
        return _decided(request, key, found)
    segment = found.version.segment
    context = {
        "segment": segment,
        "title": titles.segment_title(segment),
        "change": found,
        "state": _state(found),
        "is_quiet": found.heartbeat_at is None and clock.now() - found.asked_at > _QUIET_AFTER,
        "campaigns": campaigns_of(segment),
        "journeys": journeys().get(key, []),
        "differences": differences.between(segment.version, found.version),
    }
    return draw(request, "web/segments/change.html", "web/segments/_change_state.html", context)


def _to_segment(request: HttpRequest, key: str) -> HttpResponse:
    """Lead to the segment, also a page that htmx keeps asking for a part of."""
    address = reverse("segment", args=[key])
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return redirect(address)


def _state(found: Publication) -> str:
    if found.error:
        return "failed"
    if found.confirmed_at is not None:
        return "publishing"
    return "ready" if found.previewed_at is not None else "working"


def _decided(request: HttpRequest, key: str, found: Publication) -> HttpResponse:
    segment = found.version.segment
    if whole(request.POST.get("publication", "")) != found.pk:
        said = gettext("Another change has taken the place of the one you saw: this is it.")
        messages.error(request, said)
        return redirect("segment-change", key)
    is_only = segment.versions.count() == 1
    try:
        match request.POST.get("decision"):
            case "publish":
                with transaction.atomic():
                    publication.confirm(found)
                    _record(request, "segment.published", key, version=found.version.number)
            case "retry":
                publication.retry(found)
            case "discard":
                with transaction.atomic():
                    number = found.version.number
                    publication.discard(found)
                    _record(request, "segment.discarded", key, version=number)
                messages.success(request, gettext("The change was discarded."))
                return redirect("segments") if is_only else redirect("segment", key)
    except PusulaError as error:
        messages.error(request, error.said(gettext))
    return redirect("segment-change", key)


@require_POST
def restore(request: HttpRequest, key: str) -> HttpResponse:
    """Propose what an older version said as a new one."""
    segment = queries.by_key(key)
    number = whole(request.POST.get("version", ""))
    if segment is None or number is None:
        raise Http404(key)
    version = get_object_or_404(segment.versions, number=number)
    try:
        _propose(request, version.definition)
    except PusulaError as error:
        messages.error(request, error.said(gettext))
        return redirect("segment", key)
    return redirect("segment-change", key)


@require_POST
def use(request: HttpRequest) -> HttpResponse:
    """Propose a definition that comes with the program."""
    wanted = request.POST.get("key", "")
    given = (document for _, document in catalog.shipped())
    found = next((d for d in given if isinstance(d, dict) and d.get("segment") == wanted), None)
    if found is None:
        raise Http404(wanted)
    _propose(request, found)
    return redirect("segment-change", wanted)


@require_POST
def archive(request: HttpRequest, key: str) -> HttpResponse:
    """Put a segment aside: it keeps its history, and is found under the archived ones."""
    segment = queries.by_key(key)
    if segment is None:
        raise Http404(key)
    waiting = [c.title for c in campaigns_of(segment) if c.state != machine.FINISHED]
    if waiting:
        said = gettext("The campaign “%(title)s” speaks of it: finish or change that first.")
        messages.error(request, said % {"title": waiting[0]})
        return redirect("segment", key)
    if found := journeys().get(key):
        said = gettext("The journey “%(title)s” speaks of it: change or archive that first.")
        messages.error(request, said % {"title": found[0][1]})
        return redirect("segment", key)
    try:
        with transaction.atomic():
            actions.archive([key], clock.now())
            _record(request, "segment.archived", key)
    except PusulaError as error:
        messages.error(request, error.said(gettext))
        return redirect("segment", key)
    said = gettext("“%(title)s” is in the archive. Its history is kept; it can be taken back.")
    messages.success(request, said % {"title": titles.segment_title(segment)})
    return redirect("segments-archived")


@require_POST
def unarchive(request: HttpRequest, key: str) -> HttpResponse:
    """Take a segment back from the archive."""
    segment = get_object_or_404(Segment, key=key)
    try:
        with transaction.atomic():
            actions.unarchive(key)
            _record(request, "segment.unarchived", key)
    except PusulaError as error:
        messages.error(request, error.said(gettext))
        return redirect("segments-archived")
    said = gettext("“%(title)s” is in use again. Its members follow with the next full evaluation.")
    messages.success(request, said % {"title": titles.segment_title(segment)})
    return redirect("segment", key)


def _propose(request: HttpRequest, document: object) -> None:
    with transaction.atomic():
        made = publication.propose(document, by=signed_in(request).get_username()).version
        _record(request, "segment.proposed", made.segment.key, version=made.number)


def _record(request: HttpRequest, verb: str, key: str, **detail: object) -> None:
    audit.record(signed_in(request).get_username(), verb, f"segment:{key}", **detail)


@require_safe
def export(_: HttpRequest, key: str) -> HttpResponse:
    """Hand out the newest definition as a file for ``pusula segments apply``."""
    segment = queries.by_key(key)
    version = segment.versions.order_by("-number").first() if segment else None
    if version is None:
        raise Http404(key)
    return HttpResponse(
        as_yaml(version.definition),
        content_type="application/yaml; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{key}.yaml"'},
    )
