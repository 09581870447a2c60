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
from pusula.measurement.reports import measured
from pusula.measurement.results.journey import Credit, JourneyResult
from pusula.measurement.stats import Seen
from pusula.web import formats, journey_returns, kept
from pusula.web.journey_words import Teller
from pusula.web.request import asked, draw, whole
from pusula.web.views.journeys import found_or_404, head

_WINDOWS = (7, 14, 30)  # days behind coming in, or behind a message, in which an order counts
_USUAL_WINDOW = 14


@dataclass(frozen=True)
class Credited:
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
    question = {"key": journey.key, "days": days}
    counted, kept_ = kept.figures(request, measured.JOURNEY, question)
    context = {
        **head(journey),
        "kept": kept_,
        "days": days,
        "windows": _WINDOWS,
        "currency": settings.PUSULA.currency,
    }
    if counted is not None:
        context |= {
            "found": counted.result,
            "sentence": _sentence(journey, counted.result, counted.seen),
            "range": _range(counted.seen),
            "credited": _credited(journey, counted.result),
            "earned": counted.earned,
            "returns": journey_returns.figures(counted.earned) if counted.earned else [],
        }
    return draw(request, "web/journeys/result.html", "web/journeys/_result.html", context)


def _sentence(journey: Journey, found: JourneyResult, seen: Seen | None) -> str:
    """Return what the comparison says."""
    is_planned = journey.version and queries.holdout_share(journey.version.definition)
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


def _credited(journey: Journey, found: JourneyResult) -> list[Credited]:
    """Return the steps behind which orders came, in the order of the journey."""
    version = journey.version
    try:
        known = queries.graph_of(version).nodes if version else {}
    except DefinitionError:
        known = {}
    teller = Teller(known)
    rows = [
        Credited(step, teller.line(known[step].kind) if step in known else step, credit)
        for step, credit in found.by_step.items()
    ]
    last = len(known)
    rows.sort(key=lambda row: known[row.step].number if row.step in known else last)
    return rows
