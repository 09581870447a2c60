"""Who is on a journey and where, what befell each step by step, and why somebody is not on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from pusula.campaigns import words
from pusula.journeys import figures, machine, queries
from pusula.journeys.language import DefinitionError, Graph
from pusula.journeys.models import Enrollment, Journey, JourneyVersion
from pusula.journeys.queries import Traced
from pusula.journeys.why import why_not
from pusula.lib import clock
from pusula.outbox.models import Message
from pusula.profiles import merging
from pusula.profiles import queries as profiles
from pusula.profiles.models import Profile
from pusula.web import codes, journey_tree, journey_words, search, titles
from pusula.web.journey_words import Teller
from pusula.web.request import asked, searched, whole
from pusula.web.views.journeys import found_or_404, head

PAGE = 50
_HITS = 8


@dataclass(frozen=True)
class Passed:
    """One thing that befell somebody: at which step, with what result, decided by what."""

    at: int
    icon: str
    step: str
    title: str
    result: str
    because: str
    is_exit: bool
    message: Message | None = None
    channel: str = ""
    state: str = ""
    tone: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Ride:
    """Somebody's way along a version of the journey, and where they wait if they do."""

    ride: Enrollment
    order: str
    outcome: str
    waits_at: str = ""
    passed: list[Passed] = field(default_factory=list)


@require_safe
def people(request: HttpRequest, key: str) -> HttpResponse:
    """List who is or was on a journey; the address narrows, ``q`` finds anybody at all."""
    journey = found_or_404(key)
    step, state = asked(request, "step"), asked(request, "state")
    state = state if state in (machine.WAITING, *machine.OUTCOMES) else ""
    fails, version = asked(request, "fails") == "1", whole(asked(request, "version"))
    found = figures.people(journey, version=version, step=step, outcome=state, fails=fails)
    n = found.count()
    before = whole(asked(request, "before"))
    if before is not None and (last := Enrollment.objects.filter(pk=before).first()) is not None:
        found = found.filter(entered_at__lte=last.entered_at)
        found = found.exclude(entered_at=last.entered_at, pk__gte=last.pk)
    page = list(found[: PAGE + 1])
    names = _Steps(journey)
    text = searched(request)
    hits = profiles.page(search.find(text).profiles, None, _HITS) if text else []
    context = {
        **head(journey),
        "text": text,
        "hits": [(person, titles.customer(person.name)) for person in hits],
        "filters": _filters(names, step, state, version=version, fails=fails),
        "n": n,
        "rows": [_row(ride, names) for ride in page[:PAGE]],
        "next_before": page[PAGE - 1].pk if len(page) > PAGE else None,
        "is_first": before is None,
        "now": clock.now(),
    }
    return render(request, "web/journeys/people.html", context)


@require_safe
def person(request: HttpRequest, key: str, pk: int) -> HttpResponse:
    """Show all that befell a customer on a journey, and why there was not more."""
    journey = found_or_404(key)
    leads_to = merging.current([pk]).get(pk, pk)
    if leads_to != pk:  # who was merged is found under the number that holds now
        return redirect("journey-person", key, leads_to)
    profile = get_object_or_404(Profile, pk=pk)
    rides = queries.of_profile(pk).filter(journey=journey).select_related("order")
    names = _Steps(journey)
    context = {
        **head(journey),
        "profile": profile,
        "name": titles.customer(profile.name),
        "rides": [_ride(ride, names) for ride in rides],
        "reasons": why_not(journey, pk),
    }
    return render(request, "web/journeys/person.html", context)


class _Steps:
    """The graphs of a journey's versions, and the steps of each by what they are called."""

    def __init__(self, journey: Journey) -> None:
        self.teller = Teller(list(journey.versions.values_list("definition", flat=True)))
        self.graphs: dict[int, Graph | None] = {}
        self.journey = journey
        self.current = journey.version or queries.newest(journey)

    def numbered(self, number: int) -> JourneyVersion | None:
        """Return the version of that number."""
        return self.journey.versions.filter(number=number).first()

    def graph(self, ride: Enrollment) -> Graph | None:
        """Return the graph somebody is on; ``None`` if it speaks of what is gone."""
        if ride.version_id not in self.graphs:
            try:
                self.graphs[ride.version_id] = queries.graph_of(ride.version)
            except DefinitionError:
                self.graphs[ride.version_id] = None
        return self.graphs[ride.version_id]

    def called(self, graph: Graph | None, step: str) -> tuple[str, str]:
        """Return icon and title of a step; one that is no more is called by its code."""
        if not step:
            return "flag", gettext("Coming in")
        node = graph.nodes.get(step) if graph else None
        if node is None:
            return "circle", step
        return journey_words.kind(node.kind)[0], self.teller.line(node.kind, graph)


def _filters(
    names: _Steps, step: str, state: str, *, version: int | None, fails: bool
) -> list[str]:
    found = []
    if version is not None:
        found.append(gettext("Version %(number)s") % {"number": version})
    if step:
        try:
            shown = names.current if version is None else names.numbered(version)
            graph = queries.graph_of(shown) if shown else None
        except DefinitionError:
            graph = None
        found.append(gettext("Waits at: %(step)s") % {"step": names.called(graph, step)[1]})
    if state == machine.WAITING:
        found.append(gettext("On the journey now"))
    elif state:
        found.append(journey_words.outcome(state))
    if fails:
        found.append(gettext("Cannot go on"))
    return found


def _row(ride: Enrollment, names: _Steps) -> dict[str, Any]:
    is_waiting = ride.state == machine.WAITING
    return {
        "ride": ride,
        "name": titles.customer(ride.profile.name),
        "outcome": "" if is_waiting else journey_words.outcome(ride.outcome),
        "step": names.called(names.graph(ride), ride.node)[1] if is_waiting else "",
    }


def _ride(ride: Enrollment, names: _Steps) -> Ride:
    graph = names.graph(ride)
    is_waiting = ride.state == machine.WAITING
    return Ride(
        ride=ride,
        order=ride.order.source_id if ride.order else "",
        outcome="" if is_waiting else journey_words.outcome(ride.outcome),
        waits_at=names.called(graph, ride.node)[1] if is_waiting else "",
        passed=[_passed(one, graph, names) for one in queries.trace(ride)],
    )


def _passed(one: Traced, graph: Graph | None, names: _Steps) -> Passed:
    icon, title = names.called(graph, one.step)
    if one.is_exit:
        result = journey_words.outcome(one.result)
    else:
        result = names.teller.result(graph, one.step, one.result) if graph else one.result
    because = names.teller.place(graph, one.reason) if graph and one.reason else one.reason
    plain = Passed(one.at, icon, one.step, title, result, because, one.is_exit)
    return plain if one.message is None else _with_message(plain, one.message)


def _with_message(passed: Passed, message: Message) -> Passed:
    return Passed(
        passed.at,
        passed.icon,
        passed.step,
        passed.title,
        passed.result,
        passed.because,
        passed.is_exit,
        message=message,
        channel=titles.channel(message.channel)[1],
        state=codes.called(words.MESSAGE_STATES, message.state),
        tone=codes.MESSAGE_TONES.get(message.state, ""),
        reason=journey_tree.reason(message.reason) if message.reason else "",
    )
