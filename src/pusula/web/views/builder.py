"""The builder: a segment made and changed as a form, with counts while one types."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.orders import queries as orders
from pusula.privacy import audit
from pusula.profiles import queries as profiles
from pusula.profiles.models import Profile
from pusula.segments import queries, spoken
from pusula.segments.language import dump_condition, sentence
from pusula.segments.models import Segment
from pusula.segments.publishing import publication
from pusula.web import people, search, titles
from pusula.web import segment_charts as charts
from pusula.web.builder import desk as desks
from pusula.web.builder import documents, edits, naming, outline, results, undo
from pusula.web.builder.desk import Desk
from pusula.web.builder.documents import Said
from pusula.web.builder.draft import Draft
from pusula.web.builder.past import Looking
from pusula.web.builder.picks import Picker
from pusula.web.builder.view import Drawer
from pusula.web.request import MOST_LETTERS, HtmxRequest, asked, plain, signed_in, whole
from pusula.web.why import Why, why_drafted

_SAMPLE = 6
_HITS = 6
_TWICE = 10 * clock.SECOND  # the same form again within it is a second press of its button


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Build a segment from nothing, or from what ``?from=`` names."""
    return _page(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, key: str) -> HttpResponse:
    """Change a segment."""
    segment = queries.by_key(key)
    if segment is None:
        raise Http404(key)
    return _page(request, segment)


@require_POST
def count(request: HttpRequest) -> HttpResponse:
    """Count what the form says, for htmx."""
    desk = desks.sent(request.POST)
    context = _result_context(desk) | {"carries": True}
    response = render(request, "web/segments/_result.html", context)
    if not context["result"].reading:
        response["HX-Trigger-After-Settle"] = "counted"
    return response


@require_POST
def sample(request: HttpRequest) -> HttpResponse:
    """Show some of those who would be in, for htmx."""
    desk = desks.sent(request.POST)
    context = {"has_stays": orders.has_stays(), "people": _sample(desk.said)}
    return render(request, "web/segments/_sample.html", context)


@require_POST
def overlap(request: HttpRequest) -> HttpResponse:
    """Show which other segments share the most, for htmx."""
    desk = desks.sent(request.POST)
    found = results.overlaps(desk.said, but=request.POST.get("of", ""))
    n = results.count(desk.said).n
    return render(request, "web/segments/_overlap.html", {"overlaps": found, "n": n})


@require_POST
def past(request: HttpRequest) -> HttpResponse:
    """Show how large it would have been in the last weeks, for htmx; ask again while it is found.

    Looking back over many customers is slow: nobody waits for it.
    """
    desk = desks.sent(request.POST)
    context: dict[str, object] = {}
    if desk.said.condition and not results.count(desk.said).reading:
        context = _past(desk)
    return render(request, "web/segments/_past.html", context)


@require_POST
def why(request: HttpRequest) -> HttpResponse:
    """Explain why somebody would be in, or not, for htmx: ``who`` finds them, ``person`` is one."""
    desk = desks.sent(request.POST)
    words = plain(request.POST.get("who", "")).strip()[:MOST_LETTERS]
    number = whole(request.POST.get("person", ""))
    profile = Profile.objects.filter(pk=number).first() if number is not None else None
    found = profiles.page(search.find(words).profiles, None, _HITS) if words and not profile else []
    if len(found) == 1:
        profile = found[0]
    told = None
    if profile is not None and desk.said.condition is not None:
        try:
            told = why_drafted(desk.said.condition, profile)
        except PusulaError as error:
            told = Why(is_in=False, reason=None, problem=error.said(gettext))
    context = {
        "words": words,
        "hits": [(person, titles.customer(person.name)) for person in found],
        "name": titles.customer(profile.name) if profile else "",
        "why": told,
    }
    return render(request, "web/segments/_why.html", context)


def _past(desk: Desk) -> dict[str, object]:
    try:
        sizes = results.past(desk.said)
    except PusulaError as error:
        return {"error": error.said(gettext)}
    if isinstance(sizes, Looking):
        return {"looking": sizes}
    chart = charts.sizes(sizes) if any(n for _, n in sizes) else None
    return {"chart": chart, "change": charts.change_words(sizes), "is_nobody": chart is None}


def _page(request: HttpRequest, segment: Segment | None) -> HttpResponse:
    if request.method != "POST":
        desk = desks.opened(segment, queries.by_key(asked(request, "from")))
        return _drawn(request, segment, desk)
    desk = desks.sent(request.POST)
    op = request.POST.get("op", "")
    if op == "save":
        return _saved(request, segment, desk)
    done = desk.press(op)
    return _drawn(request, segment, desk, done)


def _drawn(
    request: HttpRequest,
    segment: Segment | None,
    desk: Desk,
    done: edits.Edit | None = None,
    *,
    problem: str = "",
) -> HttpResponse:
    """Draw the desk: to htmx the tree alone."""
    done = done or edits.Edit()
    status = 422 if problem else 200
    drawer = Drawer(desk.picker, desk.said, done.focus)
    inc, exc = drawer.roots(desk.draft)
    desk.steps.drawn(desk.draft)
    context: dict[str, Any] = {
        "segment": segment,
        "draft": desk.draft,
        "desk": desk,
        "title": _title(desk.draft, segment),
        "inc": inc,
        "exc": exc,
        "choices": drawer.choices(),
        "said_words": done.words,
        "past": undo.pack(desk.steps.past),
        "future": undo.pack(desk.steps.future),
        "can_undo": desk.steps.can_undo,
        "can_redo": bool(desk.steps.future),
        "problem": problem,
        "key_shown": desk.draft.words["key"] or naming.key_of(desk.draft.words),
        "usual": _usual(desk.picker),
    }
    if cast("HtmxRequest", request).htmx:
        return render(request, "web/segments/_builder.html", context, status=status)
    context |= _result_context(desk)
    context["campaigns"] = _campaigns(segment)
    if request.method == "POST":  # without scripts nothing fills the slow panels later
        context |= {"people": _sample(desk.said), "has_stays": orders.has_stays()}
    return render(request, "web/segments/builder.html", context, status=status)


def _usual(picker: Picker) -> list[tuple[str, str]]:
    """Return the conditions that campaigns leave people out by most often."""
    keys = ("orders.count!upcoming", "reach!email")
    return [(key, picker.by_key[key].title) for key in keys if key in picker.by_key]


def _result_context(desk: Desk) -> dict[str, Any]:
    result = results.count(desk.said)
    named = {s.key: titles.segment_title(s) for s in queries.active()}
    return {
        "result": result,
        "nodes": [node for node, _ in desk.draft.nodes() if node.id not in ("inc", "exc")],
        "problems": desk.said.problems,
        "outline": outline.outline(desk.said.condition, named) if desk.said.condition else [],
        "narrowest": _narrowest(desk, result, named),
        "yaml_error": desk.yaml_error,
    }


def _narrowest(desk: Desk, result: results.Result, named: dict[str, str]) -> str:
    """Return the narrowest part in words."""
    if result.narrowest is None:
        return ""
    if result.narrowest.node_id == "exc":
        return gettext("who is left out")
    condition = desk.said.conditions[result.narrowest.node_id]
    language = spoken.language()
    return sentence(condition, language, named).rstrip(".")


def _sample(said: Said) -> list[people.Person] | None:
    """Return some who would be in; ``None`` while facts are read or nothing is asked."""
    try:
        counts, mask = results.whole(said)
    except PusulaError:
        return []
    if counts is None or mask is None:
        return None
    return people.people(counts.sample(mask, _SAMPLE))


def _title(draft: Draft, segment: Segment | None) -> str:
    code = spoken.language()
    other = "en" if code == "tr" else "tr"
    words = draft.words
    title = words[f"title_{code}"] or words[f"title_{other}"]
    if title or segment is None:
        return title or gettext("New segment")
    return titles.segment_title(segment)


def _campaigns(segment: Segment | None) -> int:
    if segment is None:
        return 0
    return len({*segment.audience_of.all(), *segment.excluded_from.all()})


def _saved(request: HttpRequest, segment: Segment | None, desk: Desk) -> HttpResponse:
    """Propose what the desk says as a new version; on any problem draw the desk again."""
    by = signed_in(request).get_username()
    if segment is None and (again := _just_saved(desk, by)):
        return redirect("segment-change", again)
    problem = naming.problem(desk.draft.words, segment) or desk.yaml_error or desk.said.error
    if not problem and not desk.said.is_complete:
        problem = gettext("Some conditions are incomplete: complete or remove them, then save.")
    if not problem and segment is not None:
        problem = desk.overtaken(segment)
    if not problem:
        document = documents.titled(desk.draft) | {"where": desk.said.document}
        document["segment"] = segment.key if segment else document["segment"]
        try:
            with transaction.atomic():
                version = publication.propose(document, by=by).version
                key = version.segment.key
                audit.record(by, "segment.proposed", f"segment:{key}", version=version.number)
        except PusulaError as error:
            problem = error.said(gettext)
        else:
            messages.success(
                request, gettext("The change is kept. Nobody sees it until you publish it.")
            )
            return redirect("segment-change", key)
    return _drawn(request, segment, desk, problem=problem)


def _just_saved(desk: Desk, by: str) -> str:
    """Return the key of the segment that the same person has just made of the same form.

    A button pressed twice sends the form twice: that makes one segment, not two.
    """
    named = documents.titled(desk.draft)
    title = named["title"]
    if desk.said.condition is None or not isinstance(title, dict) or not any(title.values()):
        return ""
    for key, found in publication.open_publications().items():
        made = found.version.definition
        is_new = found.asked_by == by and clock.now() - found.asked_at < _TWICE
        is_same = made.get("where") == dump_condition(desk.said.condition)
        if is_new and is_same and set(filter(None, title.values())) <= {*made["title"].values()}:
            return key
    return ""
