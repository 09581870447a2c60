"""What a journey brought: those who came in against those held out, and orders by message."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from pusula.journeys import queries
from pusula.journeys.language import DefinitionError
from pusula.journeys.models import Journey
from pusula.lib import clock
from pusula.measurement.experiments import queries as experiments
from pusula.measurement.results.journey import Credit, JourneyResult, journey_result
from pusula.measurement.stats import Seen
from pusula.web import formats
from pusula.web.journey_words import Teller
from pusula.web.request import asked, draw, whole
from pusula.web.views.journeys import found_or_404, head

_WINDOWS = (7, 14, 30)  # days behind coming in, or behind a message, in which an order counts
_USUAL_WINDOW = 14


@dataclass(frozen=True)
class Earned:
    """A step that sent messages, and the orders whose last message before them was one of its."""

    step: str
    title: str
    credit: Credit


@require_safe
def result(request: HttpRequest, key: str) -> HttpResponse:
    """Show what a journey brought; ``days`` is how long behind it orders count."""
    journey = found_or_404(key)
    days = whole(asked(request, "days"))
    days = days if days in _WINDOWS else _USUAL_WINDOW
    at = clock.now()
    found = journey_result(journey, window_days=days, at=at)
    seen = experiments.seen_so_far(journey, days, at)
    context = {
        **head(journey),
        "found": found,
        "days": days,
        "windows": _WINDOWS,
        "sentence": _sentence(journey, found, seen),
        "range": _range(seen),
        "earned": _earned(journey, found),
        "currency": settings.PUSULA.currency,
    }
    return draw(request, "web/journeys/result.html", "web/journeys/_result.html", context)


def _sentence(journey: Journey, found: JourneyResult, seen: Seen | None) -> str:
    """Return what the comparison says."""
    is_planned = bool(journey.version and journey.version.definition.get("holdout"))
    if not found.holdout.n and not is_planned:
        return gettext("Nobody is held out, so nothing can be said about what it caused.")
    if seen is None:
        return gettext("Too few orders so far to say what it caused.")
    if seen.interval.has(0):
        return gettext("No difference to the control group is seen so far.")
    form = (
        gettext("%(points)s points more of them order than of the control group.")
        if seen.difference > 0
        else gettext("%(points)s points fewer of them order than of the control group.")
    )
    return form % {"points": formats.number(abs(seen.difference) * 100, 1)}


def _range(seen: Seen | None) -> str:
    """Return the interval of the difference, in points."""
    if seen is None:
        return ""
    low, high = (formats.number(end * 100, 1) for end in (seen.interval.low, seen.interval.high))
    return gettext("%(low)s to %(high)s points") % {"low": low, "high": high}


def _earned(journey: Journey, found: JourneyResult) -> list[Earned]:
    """Return the steps behind which orders came, in the order of the journey."""
    teller, version = Teller(), journey.version
    try:
        known = queries.graph_of(version).nodes if version else {}
    except DefinitionError:
        known = {}
    rows = [
        Earned(step, teller.line(known[step].kind) if step in known else step, credit)
        for step, credit in found.by_step.items()
    ]
    last = len(known)
    rows.sort(key=lambda row: known[row.step].number if row.step in known else last)
    return rows
