"""The builder: a segment made and changed as a form, with counts while one types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_http_methods, require_POST

from pusula.lib.errors import PusulaError
from pusula.orders import queries as orders
from pusula.profiles import queries as profiles
from pusula.profiles.models import Profile
from pusula.segments import counting, publication, queries
from pusula.segments.language import DefinitionError, sentence
from pusula.segments.models import Segment
from pusula.web import people, search, titles
from pusula.web import segment_charts as charts
from pusula.web.builder import documents, edits, naming, outline, results, undo
from pusula.web.builder import draft as drafts
from pusula.web.builder.documents import Said
from pusula.web.builder.draft import Draft
from pusula.web.builder.editors import written
from pusula.web.builder.fields import Fields
from pusula.web.builder.picks import Picker
from pusula.web.builder.undo import Steps
from pusula.web.builder.view import Drawer
from pusula.web.request import MOST_LETTERS, HtmxRequest, asked, plain, signed_in, whole
from pusula.web.why import Why, why_drafted

_SAMPLE = 6
_HITS = 6


@dataclass
class Desk:
    """What lies before somebody who builds: the draft, what it says, the way back."""

    draft: Draft
    picker: Picker
    steps: Steps
    said: Said
    yaml: str = ""  # the text they edit in place of the tree
    yaml_error: str = ""

    @property
    def in_yaml(self) -> bool:
        """Whether they edit the text."""
        return bool(self.yaml)


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
    desk = _sent(request)
    context = _result_context(desk) | {"carries": True}
    response = render(request, "web/segments/_result.html", context)
    if not context["result"].reading:
        response["HX-Trigger-After-Settle"] = "counted"
    return response


@require_POST
def sample(request: HttpRequest) -> HttpResponse:
    """Show some of those who would be in, for htmx."""
    desk = _sent(request)
    context = {"has_stays": orders.has_stays(), "people": _sample(desk.said)}
    return render(request, "web/segments/_sample.html", context)


@require_POST
def overlap(request: HttpRequest) -> HttpResponse:
    """Show which other segments share the most, for htmx."""
    desk = _sent(request)
    found = results.overlaps(desk.said, but=request.POST.get("of", ""))
    n = results.count(desk.said).n
    return render(request, "web/segments/_overlap.html", {"overlaps": found, "n": n})


@require_POST
def past(request: HttpRequest) -> HttpResponse:
    """Show how large it would have been in the last weeks, for htmx.

    Looking back over many customers is slow: it is done when somebody asks for it.
    """
    desk = _sent(request)
    context: dict[str, object] = {}
    if desk.said.condition and not results.count(desk.said).reading:
        if "now" in request.GET or Profile.objects.count() <= counting.SMALL:
            context = _past(desk)
        else:
            context = {"asks": True}
    return render(request, "web/segments/_past.html", context)


@require_POST
def why(request: HttpRequest) -> HttpResponse:
    """Explain why somebody would be in, or not, for htmx: ``who`` finds them, ``person`` is one."""
    desk = _sent(request)
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
            told = Why(is_in=False, reason=None, problem=error.message)
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
        return {"error": error.message}
    chart = charts.sizes(sizes) if any(n for _, n in sizes) else None
    return {"chart": chart, "change": charts.change_words(sizes)}


def _page(request: HttpRequest, segment: Segment | None) -> HttpResponse:
    if request.method != "POST":
        desk = _opened(request, segment)
        return _drawn(request, segment, desk)
    desk = _sent(request)
    op = request.POST.get("op", "")
    if op == "save":
        return _saved(request, segment, desk)
    done = _changed(desk, op)
    return _drawn(request, segment, desk, done)


def _opened(request: HttpRequest, segment: Segment | None) -> Desk:
    """Return the desk of a segment as it is, by its newest version."""
    picker = Picker()
    definition: dict[str, object] = {}
    source = segment or queries.by_key(asked(request, "from"))
    version = source and source.versions.order_by("-number").first()
    if version:
        definition = version.definition
    draft = Draft()
    error = ""
    try:
        draft = documents.draft_of(definition, picker)
    except DefinitionError as problem:
        error = problem.message
    if segment is None:
        draft.words |= {"key": ""}
    if not draft.inc.parts and not draft.exc.parts:
        draft.inc.parts.append(drafts.Leaf(draft.new_id()))
    return Desk(draft, picker, Steps(), documents.say(draft, picker), yaml_error=error)


def _sent(request: HttpRequest) -> Desk:
    """Return the desk that a form says."""
    picker = Picker()
    draft = drafts.read(request.POST)
    for leaf in draft.leaves():
        was = leaf.fields.pop("was", None)
        if was is not None and "".join(was) != leaf.kind:
            picker.choose(leaf, leaf.kind)
        elif leaf.kind not in picker.by_key and leaf.kind:
            leaf.kind, leaf.fields = "", Fields()
        elif picker.by_key and leaf.kind and picker.by_key[leaf.kind].leads_to:
            picker.choose(leaf, leaf.kind)
    past, future = (undo.unpack(request.POST.get(name, "")) for name in ("past", "future"))
    desk = Desk(draft, picker, Steps(past, future), documents.say(draft, picker))
    if "yaml" in request.POST:
        _read_yaml(desk, request.POST["yaml"])
    return desk


def _read_yaml(desk: Desk, text: str) -> None:
    """Put what the text says into the tree; where it says nothing, keep both and tell why."""
    desk.yaml = text.replace("\r\n", "\n").strip() or "{}"
    try:
        documents.set_yaml(desk.draft, desk.yaml, desk.picker)
    except DefinitionError as error:
        desk.yaml_error = error.message
    desk.said = documents.say(desk.draft, desk.picker)


def _changed(desk: Desk, op: str) -> edits.Edit:
    """Change the desk as the button ``op`` says."""
    done = edits.Edit()
    match op:
        case "undo":
            desk.draft = desk.steps.back(desk.draft)
        case "redo":
            desk.draft = desk.steps.forward(desk.draft)
        case "yaml":
            desk.yaml = written(desk.said.document) if desk.said.document else "all: []"
        case "form" if not desk.yaml_error:
            desk.yaml = ""
        case _:
            name, _, node = op.partition(":")
            if name == "draw":  # a box was changed: what is drawn now is the next step
                desk.steps.future = []
                done = edits.Edit(focus=node)
            else:
                desk.steps.done(desk.draft.copy())
                done = edits.edit(desk.draft, op, desk.picker)
    desk.said = documents.say(desk.draft, desk.picker)
    return done


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
    language = "tr" if get_language() == "tr" else "en"
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
    code = "tr" if get_language() == "tr" else "en"
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
    problem = naming.problem(desk.draft.words, segment)
    if not problem and desk.yaml_error:
        problem = desk.yaml_error
    problem = problem or desk.said.error
    if not problem and not desk.said.is_complete:
        problem = gettext("Some conditions are incomplete: complete or remove them, then save.")
    if not problem:
        document = documents.titled(desk.draft) | {"where": desk.said.document}
        document["segment"] = segment.key if segment else document["segment"]
        try:
            made = publication.propose(document, by=signed_in(request).get_username())
        except PusulaError as error:
            problem = error.message
        else:
            key = made.version.segment.key
            messages.success(
                request, gettext("The change is kept. Nobody sees it until you publish it.")
            )
            return redirect("segment-change", key)
    return _drawn(request, segment, desk, problem=problem)
