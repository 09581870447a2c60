"""Trying a draft of a journey on what happened lately, beside its form."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from pusula.journeys.backtest import Result
from pusula.lib.errors import PusulaError
from pusula.web import journey_tree
from pusula.web.journey_form import desk as desks
from pusula.web.journey_form.desk import Desk
from pusula.web.journey_form.trial import TRIALS, Running

_MOST_REASONS = 6
_NOTES: dict[str, str | Promise] = {
    "api": _("Whom programs or people put in is not replayed."),
    "people": _("Nobody called or approved: those who wait for it wait."),
    "facts": _("What the journey itself writes does not change conditions here."),
    "goal": _("The goal is a condition and was not looked at."),
}


@require_POST
def show(request: HttpRequest) -> HttpResponse:
    """Show what the form would have done, for htmx; ``ask`` has it replayed."""
    desk = desks.sent(request.POST)
    return render(request, "web/journeys/_trial.html", told(desk, asks="ask" in request.POST))


def told(desk: Desk, *, asks: bool) -> dict[str, Any]:
    """Return what the panel shows: the result, how far it is, why there is none."""
    journey = desk.said.journey
    if journey is None:
        return {"can_try": False}
    try:
        found = TRIALS.ask(journey) if asks else TRIALS.found(journey)
    except PusulaError as error:
        return {"can_try": True, "trial_error": error.said(gettext)}
    if isinstance(found, Running):
        return {"can_try": True, "running": found}
    return {"can_try": True, **(_result(found) if found is not None else {})}


def _result(found: Result) -> dict[str, Any]:
    skipped = sorted(found.messages.skipped.items(), key=lambda pair: -pair[1])
    return {
        "trial": found,
        "trial_skipped": [
            (journey_tree.reason(code), n) for code, n in skipped[:_MOST_REASONS] if n
        ],
        "trial_coupons": list(found.coupons.items()),
        "trial_notes": [str(_NOTES[note]) for note in found.notes if note in _NOTES],
    }
