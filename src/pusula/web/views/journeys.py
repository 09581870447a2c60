"""Journeys: how they fare, one drawn with everybody on it, pausing and ending it, its file."""

from __future__ import annotations

from typing import Any

import yaml
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from pusula.journeys import actions, figures, machine, queries, versions
from pusula.journeys.figures import Lately
from pusula.journeys.language import DefinitionError
from pusula.journeys.models import Enrollment, Journey, JourneyVersion
from pusula.journeys.packs import all_packs
from pusula.lib import clock, text
from pusula.lib.errors import PusulaError
from pusula.measurement.reports import measured
from pusula.measurement.reports.names import MODELS
from pusula.measurement.reports.steps import Steps
from pusula.outbox import machine as message_states
from pusula.outbox import queries as outbox
from pusula.outbox.models import FENCE
from pusula.privacy import audit
from pusula.segments import catalog, spoken
from pusula.segments.language import read_yaml
from pusula.web import formats, journey_tree, journey_versions, journey_words, kept
from pusula.web.agreed import mismatch
from pusula.web.request import asked, signed_in, whole
from pusula.web.rights import PUBLISH, may

PERIOD_DAYS = 30
_CREDIT_DAYS = 364
_LONGEST = 200_000  # bytes of a file that is taken over
_VERBS = {
    machine.PAUSED: "journey.paused",
    machine.LIVE: "journey.resumed",
    machine.ARCHIVED: "journey.archived",
}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the journeys with how they fared lately, by title; those in the archive on request."""
    is_archive = asked(request, "show") == machine.ARCHIVED
    found = list(queries.all_journeys())
    since_at, schema = _period_start(), catalog.schema()
    lately = figures.lately(since_at)
    errors = figures.errors()
    rows = [
        {
            "journey": journey,
            "title": queries.title(journey, spoken.language()),
            "state": journey_words.STATES[journey.state],
            "lately": (figured := lately.get(journey.pk, Lately())),
            "goal": journey.version
            and figures.goal(journey.version, figured, since_at=since_at, schema=schema),
            "error": errors.get(journey.pk, ""),
        }
        for journey in found
        if (journey.state == machine.ARCHIVED) == is_archive
    ]
    rows.sort(key=lambda row: text.sort_key(str(row["title"])))
    context = {
        "rows": rows,
        "n_archived": sum(journey.state == machine.ARCHIVED for journey in found),
        "packs": [] if rows else [pack.titled(spoken.language()) for pack in all_packs()],
        "is_archive": is_archive,
        "period": PERIOD_DAYS,
    }
    return render(request, "web/journeys/index.html", context)


@require_safe
def show(request: HttpRequest, key: str) -> HttpResponse:
    """Show a journey as a tree and a list with everybody on it; ``version`` picks one."""
    journey = found_or_404(key)
    version = shown_version(journey, asked(request, "version"))
    since_at = _period_start()
    lately = figures.lately(since_at, journey).get(journey.pk, Lately())
    context: dict[str, Any] = {
        **head(journey),
        "version": version,
        "newest": queries.newest(journey),
        "versions": journey_versions.versions(journey),
        "may_publish": may(request, PUBLISH),
        "period": PERIOD_DAYS,
        "lately": lately,
        "goal": version and figures.goal(version, lately, since_at=since_at),
        "counts": queries.counts(journey),
        "failing": figures.failing(journey),
        "planned": figures.planned(journey),
        **_sending(journey),
    }
    if version is not None:
        question = {"key": journey.key, "days": _CREDIT_DAYS}
        steps, kept_ = kept.figures(request, measured.STEPS, question)
        context |= {
            **_drawn(journey, version, steps),
            "steps": steps,
            "kept": kept_,
            "model": MODELS[steps.model] if steps else "",
        }
    return render(request, "web/journeys/page.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def change_state(request: HttpRequest, key: str) -> HttpResponse:
    """Say what pausing, going on or ending would do; on POST do it."""
    journey = found_or_404(key)
    given = request.POST if request.method == "POST" else request.GET
    to = given.get("to", "")
    if to not in _VERBS:
        raise Http404(to)
    if to not in machine.MOVES[journey.state] or (to == machine.LIVE and not journey.version):
        messages.info(request, gettext("The journey is no longer what it was: look at it again."))
        return redirect("journey", key)
    n = queries.counts(journey).n_waiting
    problem = ""
    if request.method == "POST":
        said = gettext("You typed %(typed)s, but %(n)s people are on the journey now. Look again.")
        is_asked = to == machine.ARCHIVED and n
        problem = mismatch(given.get("people", ""), n, said) if is_asked else ""
        if not problem:
            return _change(request, journey, to)
    context = {**head(journey), "to": to, "n": n, "problem": problem, **_waiting_now(journey)}
    status = 422 if problem else 200
    return render(request, "web/journeys/state.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def bring_in(request: HttpRequest) -> HttpResponse:
    """Take over a journey written as YAML, as a draft that brings nobody in yet."""
    text_, problem = "", ""
    if request.method == "POST":
        text_ = _text(request)
        try:
            [definition] = versions.read([(gettext("File"), read_yaml(text_))]).values()
            with transaction.atomic():
                made = versions.save(definition, by=signed_in(request).get_username())
                _record(request, "journey.applied", definition.key, n=1, keys=[definition.key])
        except PusulaError as error:
            problem = error.said(gettext)
        else:
            said = gettext("Version %(n)s is kept as a draft: nobody comes in on it yet.")
            if made.published_at is not None:
                said = gettext("Nothing was changed: version %(n)s says the same.")
            messages.success(request, said % {"n": made.number})
            return redirect("journey", definition.key)
    context = {"text": text_, "problem": problem}
    status = 422 if problem else 200
    return render(request, "web/journeys/import.html", context, status=status)


@require_safe
def export(request: HttpRequest, key: str) -> HttpResponse:
    """Hand out a version as a file for ``pusula journeys apply``."""
    version = shown_version(found_or_404(key), asked(request, "version"))
    if version is None:
        raise Http404(key)
    return HttpResponse(
        yaml.safe_dump(version.definition, allow_unicode=True, sort_keys=False),
        content_type="application/yaml; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{key}.yaml"'},
    )


def found_or_404(key: str) -> Journey:
    """Return the journey called ``key``; there is no page of one that is not there."""
    journey = queries.by_key(key)
    if journey is None:
        raise Http404(key)
    return journey


def head(journey: Journey) -> dict[str, Any]:
    """Return what stands at the top of every page of a journey."""
    return {
        "journey": journey,
        "title": queries.title(journey, spoken.language()),
        "state": journey_words.STATES[journey.state],
    }


def _period_start() -> int:
    return clock.now() - PERIOD_DAYS * clock.DAY


def shown_version(journey: Journey, number: str) -> JourneyVersion | None:
    """Return the version asked for, else that people come in on, else the draft."""
    if number:
        wanted = whole(number)
        found = None if wanted is None else journey.versions.filter(number=wanted).first()
        if found is None:
            raise Http404(number)
        return found
    return journey.version or queries.newest(journey)


def _drawn(journey: Journey, version: JourneyVersion, steps: Steps | None) -> dict[str, Any]:
    """Return the tree of a version, or why it cannot be drawn."""
    words = version.definition.get("description", {})
    outcomes = figures.of_version(version)
    context = {
        "description": words.get(spoken.language(), ""),
        # What is counted on this version alone leads to what is behind it on this version alone.
        "alone": version.number if figures.shares_steps(version) else None,
        "is_current": version.pk == journey.version_id,
        "n_elsewhere": Enrollment.objects.filter(journey=journey, state=machine.WAITING)
        .exclude(version=version)
        .count(),
        "outcomes": [
            (code, journey_words.outcome(code), n) for code, n in outcomes.most_common() if code
        ],
        "n_entered": outcomes.total(),
    }
    try:
        graph = queries.graph_of(version)
    except DefinitionError as error:
        return {**context, "broken": error.said(gettext)}
    counts = queries.by_step(journey, version)
    came = None if steps is None else steps.by_step
    tree = journey_tree.tree(graph, counts, outcomes, figures.sending(version), came)
    return {**context, "tree": tree}


def _sending(journey: Journey) -> dict[str, Any]:
    """Return what became of all messages of a journey, and what holds them back now."""
    states: dict[str, int] = {}
    for one in outbox.counts(journey.origin):
        states[one.state] = states.get(one.state, 0) + one.n
    n_open = states.get(message_states.PENDING, 0) + states.get(message_states.SENDING, 0)
    holds = [
        one
        for one in outbox.holds()
        if one.origin in {"", FENCE} or (one.origin == journey.origin and n_open)
    ]
    return {
        "n_sent": states.get(message_states.SENT, 0) + states.get(message_states.UNKNOWN, 0),
        "n_refused": states.get(message_states.SKIPPED, 0) + states.get(message_states.FAILED, 0),
        "n_open": n_open,
        "holds": holds if journey.state == machine.LIVE else [],
    }


def _waiting_now(journey: Journey) -> dict[str, int]:
    """Return what would move as soon as the journey goes on."""
    due = Enrollment.objects.filter(journey=journey, state=machine.WAITING, due_at__lte=clock.now())
    return {"n_due": due.count(), "n_open": _sending(journey)["n_open"]}


def _change(request: HttpRequest, journey: Journey, to: str) -> HttpResponse:
    key, detail = journey.key, {}
    try:
        with transaction.atomic():
            if to == machine.ARCHIVED:
                detail["n"] = actions.archive(key)
            elif to == machine.PAUSED:
                actions.pause(key)
            else:
                actions.resume(key)
            _record(request, _VERBS[to], key, **detail)
    except PusulaError as error:
        messages.error(request, error.said(gettext))
        return redirect("journey", key)
    messages.success(request, _said(to, detail.get("n", 0)))
    return redirect("journey", key)


def _said(to: str, n: int) -> str:
    if to == machine.PAUSED:
        return gettext("Paused: nobody comes in, nobody goes on, nothing is sent.")
    if to == machine.LIVE:
        return gettext("The journey goes on.")
    form = ngettext(
        "Archived: %(n)s person has left the journey.",
        "Archived: %(n)s people have left the journey.",
        n,
    )
    return form % {"n": formats.number(n)}


def _text(request: HttpRequest) -> str:
    """Return what was typed, or the file that was chosen."""
    file = request.FILES.get("file")
    if file is None:
        return request.POST.get("text", "")
    content: bytes = file.read(_LONGEST + 1)
    return content.decode("utf-8", errors="replace")


def _record(request: HttpRequest, verb: str, key: str, **detail: object) -> None:
    audit.record(signed_in(request).get_username(), verb, f"journey:{key}", **detail)
