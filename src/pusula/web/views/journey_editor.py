"""The editor of journeys: a journey made and changed as a form, kept as a draft."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from pusula.journeys import packs, queries, versions
from pusula.journeys.models import Journey, JourneyVersion
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.orders import queries as orders
from pusula.privacy import audit
from pusula.segments import spoken
from pusula.web import journey_words
from pusula.web.builder import results
from pusula.web.journey_form import conditions, kinds, naming, publishing
from pusula.web.journey_form import desk as desks
from pusula.web.journey_form.desk import Desk
from pusula.web.journey_form.draft import FormError
from pusula.web.journey_form.edits import Edit
from pusula.web.journey_form.head import head_lines
from pusula.web.journey_form.view import Drawer, keep_shown
from pusula.web.journey_form.writing import written
from pusula.web.request import HtmxRequest, asked, signed_in
from pusula.web.views import journey_trial
from pusula.web.views.journeys import found_or_404, shown_version

_TWICE = 10 * clock.SECOND  # the same form again within it is a second press of its button


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Choose a ready journey to begin from, or write one from nothing (``?blank=1``).

    ``?copy=KEY`` begins with what another says, in the version ``version`` or the one in use.
    """
    if request.method == "POST" and request.POST.get("pack"):
        return _from_pack(request)
    if request.method != "POST" and (key := asked(request, "copy")):
        version = shown_version(found_or_404(key), asked(request, "version"))
        document = version.definition if version else None
        return _drawn(request, None, desks.opened(None, document))
    if request.method != "POST" and not asked(request, "blank"):
        return _choices(request)
    return _page(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, key: str) -> HttpResponse:
    """Change a journey; what it says now stays in use until the change is published."""
    return _page(request, found_or_404(key))


@require_POST
def check(request: HttpRequest) -> HttpResponse:
    """Say what the form means and what is wrong with it, for htmx."""
    desk = desks.sent(request.POST)
    response = render(request, "web/journeys/_said.html", {**_said(desk), "carries": True})
    response["HX-Trigger-After-Settle"] = "checked"
    return response


# -- beginning ------------------------------------------------------------------------------------


def _choices(request: HttpRequest) -> HttpResponse:
    language = spoken.language()
    flavour = "hotel" if orders.has_stays() else "shop"
    found = [
        {
            "pack": pack,
            "title": pack.titled(language),
            "about": getattr(pack.about, language),
            "key": packs.load(pack.name, flavour, language).key,
        }
        for pack in packs.all_packs()
        if flavour in pack.flavours
    ]
    taken = set(Journey.objects.values_list("key", flat=True))
    context = {"packs": [one | {"is_there": one["key"] in taken} for one in found]}
    return render(request, "web/journeys/edit_new.html", context)


def _from_pack(request: HttpRequest) -> HttpResponse:
    language = spoken.language()
    flavour = "hotel" if orders.has_stays() else "shop"
    by = signed_in(request).get_username()
    try:
        with transaction.atomic():
            scenario = packs.load(request.POST.get("pack", ""), flavour, language)
            added = packs.add(scenario, by=by)
            if added.is_new:
                audit.record(
                    by, "journey.pack_added", f"journey:{added.key}", pack=scenario.pack.name
                )
    except packs.PackError as error:
        raise Http404(request.POST.get("pack")) from error
    except PusulaError as error:
        messages.error(request, error.said(gettext))
        return redirect("journey-new")
    if added.is_new:
        said = gettext(
            "It is kept as a draft with its templates. Nobody comes in until you publish it."
        )
        messages.success(request, said)
        for one in added.missing:
            messages.warning(request, one.sentence)
    return redirect("journey-edit", added.key)


# -- the form -------------------------------------------------------------------------------------


def _page(request: HttpRequest, journey: Journey | None) -> HttpResponse:
    if request.method != "POST":
        return _drawn(request, journey, desks.opened(journey))
    desk = desks.sent(request.POST)
    op = request.POST.get("op", "")
    if op == "save":
        return _saved(request, journey, desk)
    if op == "download":
        return _download(desk)
    try:
        done = desk.press(op)
    except FormError as error:
        return _drawn(request, journey, desk, problem=error.said(gettext))
    return _drawn(request, journey, desk, done)


def _drawn(
    request: HttpRequest,
    journey: Journey | None,
    desk: Desk,
    done: Edit | None = None,
    *,
    problem: str = "",
) -> HttpResponse:
    """Draw the desk: to htmx the form alone."""
    done = done or Edit()
    before = desk.draft.state
    status = 422 if problem else 200
    drawer = Drawer(desk, done.focus)
    head = head_lines(desk.draft.head.fields)
    keep_shown(desk.draft.head.fields, [*head.entry, *head.manners])
    is_part = cast("HtmxRequest", request).htmx
    context: dict[str, Any] = {
        "journey": journey,
        "state": journey_words.STATES[journey.state] if journey else None,
        "title": _title(desk, journey),
        "desk": desk,
        "head": desk.draft.head.fields,
        "head_lines": head,
        "lists": drawer.lists(),
        "choices": _choices_of(desk),
        "usual": [],
        "focus": done.focus,
        "said_words": done.words,
        "problem": problem,
        "head_problem": desk.said.problems.get("j", ""),
    }
    desk.note_drawn(before)
    context |= {
        "draft_state": desk.draft.state,
        "back": desks.packed(desk.past),
        "ahead": desks.packed(desk.future),
    }
    if is_part:
        return render(request, "web/journeys/_editor.html", context, status=status)
    context |= _said(desk)
    context |= journey_trial.told(desk, asks=request.POST.get("op") == "try")
    return render(request, "web/journeys/edit.html", context, status=status)


def _choices_of(desk: Desk) -> list[Any]:
    """Return the entries of the picker of conditions, where a condition is open."""
    from_builder = desk.condition is not None
    return [(title, picks) for title, picks in desk.picker.groups] if from_builder else []


def _said(desk: Desk) -> dict[str, Any]:
    """Return what the form means: sentences, problems with their place, counts of a condition."""
    lines = []
    if desk.said.journey is not None:
        lines = journey_words.lines(desk.said.journey)
    found: dict[str, Any] = {
        "lines": lines,
        "told": _problems(desk),
        "rows": publishing.row_words(desk),
        "result": None,
        "problems": {},
        "nodes": [],
        "yaml_error": desk.yaml_error,
    }
    if desk.condition is not None:
        said = conditions.said(conditions.fields_of(desk.condition), desk.picker)
        found |= {
            "result": results.count(said),
            "problems": said.problems,
            "nodes": [n for n, _ in desk.condition.nodes() if n.id not in ("inc", "exc")],
        }
    return found


def _problems(desk: Desk) -> list[tuple[str, str, str]]:
    """Return what is wrong as (node to open, where, what)."""
    found = []
    for node_id, words in desk.said.problems.items():
        node = desk.draft.find(node_id)
        above = desk.draft.above(node) if node is not None else None
        kind = kinds.of(above.kind, node.kind) if node is not None and above is not None else None
        where = str(kind.title) if kind else ""
        if node is not None and node.fields.one("id"):
            where = f"{where} · {node.fields.one('id')}"
        is_condition = node is not None and node.kind in kinds.CONDITIONS
        can_open = kind is not None and (kind.make is not None or is_condition)
        found.append((node_id if can_open else "", where, words))
    return found


def _title(desk: Desk, journey: Journey | None) -> str:
    code = spoken.language()
    fields = desk.draft.head.fields
    title = fields.one(f"title_{code}") or fields.one("title_tr") or fields.one("title_en")
    if title or journey is None:
        return title or gettext("New journey")
    return queries.title(journey, code)


def _download(desk: Desk) -> HttpResponse:
    key = desk.draft.head.fields.one("key") or naming.key_of(desk.draft.head.fields) or "journey"
    name = "".join(c for c in key if c.isascii() and (c.isalnum() or c in "-_")) or "journey"
    text = desk.yaml or written(desk.document())
    return HttpResponse(
        f"{text}\n",
        content_type="application/yaml; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.yaml"'},
    )


def _saved(request: HttpRequest, journey: Journey | None, desk: Desk) -> HttpResponse:
    """Keep what the desk says as a draft; on any problem draw the desk again."""
    by = signed_in(request).get_username()
    problem = naming.problem(desk.draft.head.fields, journey) or desk.yaml_error
    if not problem:
        desk.look_again()
        if journey is None and (again := _just_saved(desk, by)):
            return redirect("journey-publish", again)
        try:
            version = _kept(journey, desk, by)
        except PusulaError as error:
            problem = error.said(gettext)
    if problem:
        return _drawn(request, journey, desk, problem=problem)
    if version.published_at is not None:
        messages.info(request, gettext("Nothing was changed."))
        return redirect("journey", version.journey.key)
    said = gettext("The draft is kept. Nobody comes in on it until you publish it.")
    messages.success(request, said)
    return redirect("journey-publish", version.journey.key)


def _kept(journey: Journey | None, desk: Desk, by: str) -> JourneyVersion:
    """Keep what the desk says, unless somebody else was faster; raise why it cannot be kept."""
    definition = desk.said.journey
    if definition is None:
        raise FormError(gettext("Something is incomplete or wrong: it is named at its place."))
    with transaction.atomic():
        found = Journey.objects.select_for_update().filter(key=definition.key).first()
        if journey is None and found is not None:
            raise FormError(
                gettext("There is a journey with this key already: choose another key.")
            )
        newest = queries.newest(found) if found is not None else None
        if problem := desks.overtaken(desk, newest):
            raise FormError(problem)
        version = versions.save(definition, by=by)
        if newest is None or desks.mark(version) != desks.mark(newest):
            audit.record(by, "journey.drafted", f"journey:{definition.key}", n=version.number)
    return version


def _just_saved(desk: Desk, by: str) -> str:
    """Return the key of the journey that the same person has just made of the same form.

    A button pressed twice sends the form twice: that makes one journey, not two.
    """
    since = clock.now() - _TWICE
    lately = JourneyVersion.objects.filter(number=1, created_by=by, created_at__gte=since)
    said = desk.document() | {"journey": ""}
    for version in lately.select_related("journey"):
        if version.definition | {"journey": ""} == said:
            return version.journey.key
    return ""
