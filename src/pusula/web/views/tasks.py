"""The agent's page: the call in hand, its script, what is known of the person, what it came to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from pusula.journeys import queries as journeys
from pusula.journeys.errors import JourneyError
from pusula.journeys.models import Attempt, Task
from pusula.journeys.tasks import lists, noting, queries, scripts, taking
from pusula.journeys.tasks.noting import OutcomeError, Said
from pusula.journeys.tasks.results import CALL_BACK, NO_ANSWER, NO_CALLS, RESULTS, WRONG_NUMBER
from pusula.journeys.tasks.taking import NotInHandError
from pusula.lib import clock
from pusula.outbox import calls
from pusula.profiles.models import IdentifierKind
from pusula.web import formats, masking
from pusula.web.actions import record_disclosure
from pusula.web.card import Card, card_of
from pusula.web.request import plain, signed_in

_KEYS = "123456789"
# The keys of what every call may come to; those of the step are the digits.
_LETTERS = {NO_ANSWER: "n", WRONG_NUMBER: "w", NO_CALLS: "x"}
_TOLD = {
    "order": "ticket",
    "starts_on": "calendar",
    "ends_on": "calendar-check",
    "coupon": "tag",
}


@dataclass(frozen=True)
class Button:
    """An outcome that can be noted with one key."""

    value: str
    title: str
    key: str


@dataclass(frozen=True)
class InHand:
    """The call somebody has in hand, as the page shows it."""

    task: Task
    card: Card
    script: scripts.Script
    journey: str
    phone: str
    dial: str
    told: list[tuple[str, str]]
    outcomes: list[Button]
    others: list[Button]
    attempts: list[tuple[Attempt, str]]


@never_cache
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show the call in hand, or how many wait."""
    return _page(request)


@require_POST
def take(request: HttpRequest) -> HttpResponse:
    """Take the next call in hand; its number is shown, and that is noted."""
    if _take(request) is None:
        messages.info(request, gettext("There is no call to make just now."))
    return redirect("tasks")


@require_POST
def note(request: HttpRequest, pk: int) -> HttpResponse:
    """Note what a call came to, and take the next one unless the agent stops."""
    login = signed_in(request).get_username()
    given = request.POST
    try:
        again_at = _moment(given.get("again", "")) if given.get("result") == CALL_BACK else None
        said = Said(plain(given.get("result", "")), plain(given.get("note", "")).strip(), again_at)
        noted = noting.note(pk, login, said, at=clock.now())
    except NotInHandError:
        messages.info(request, gettext("This call is noted already, or was left for too long."))
        return redirect("tasks")
    except (OutcomeError, JourneyError) as error:
        return _page(request, problem=error.said(gettext), status=422)
    messages.success(request, _said_of(noted))
    if "stop" not in given:
        _take(request)
    return redirect("tasks")


@require_POST
def put_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Put the call in hand back in line: it was not made."""
    try:
        taking.put_back(pk, signed_in(request).get_username(), at=clock.now())
    except NotInHandError:
        messages.info(request, gettext("This call is noted already, or was left for too long."))
    else:
        messages.success(request, gettext("The call is back in line."))
    return redirect("tasks")


@require_POST
def keep(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep the call in hand for as long as its page is open; show the page anew if it is gone."""
    is_kept = taking.keep(pk, signed_in(request).get_username(), at=clock.now())
    response = HttpResponse(status=204)
    if not is_kept:
        response["HX-Refresh"] = "true"
    return response


def _take(request: HttpRequest) -> Task | None:
    user, at = signed_in(request), clock.now()
    had = taking.in_hand(user.get_username())
    task = taking.take(user.get_username(), settings.PUSULA_HOME, at=at)
    if task is not None and task != had and task.message is not None:
        record_disclosure(user, task.message.profile_id, IdentifierKind.PHONE)
    return task


def _page(request: HttpRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    at = clock.now()
    login = signed_in(request).get_username()
    task = taking.in_hand(login)
    began = queries.day_began(at, settings.PUSULA.time_zone)
    context: dict[str, Any] = {
        "queue": queries.queue(login, at=at, since_at=began),
        "is_held": calls.is_held(settings.PUSULA_HOME, at=at),
        "held": _in_hand(task, at) if task else None,
        "problem": problem,
        "note": request.POST.get("note", ""),
        "again": request.POST.get("again", ""),
        "mine": _newest(login),
    }
    return render(request, "web/tasks/index.html", context, status=status)


def _in_hand(task: Task, at: int) -> InHand | None:
    message = task.message
    if message is None:
        return None
    words = lists.words(task)
    own = [key for key in words if key not in RESULTS]
    return InHand(
        task=task,
        card=card_of(message.profile),
        script=scripts.script_of(message, at=at),
        journey=journeys.title(task.enrollment.journey, get_language() or "en"),
        phone=masking.national_phone(message.address, settings.PUSULA.phone_region),
        dial=message.address,
        told=[(icon, message.variables[name]) for name, icon in _TOLD.items()
              if message.variables.get(name)],
        outcomes=[
            Button(key, words[key], digit)
            for key, digit in zip(own, _KEYS.ljust(len(own)), strict=False)
        ],
        others=[Button(key, words[key], letter) for key, letter in _LETTERS.items()],
        attempts=[(one, words.get(one.result, one.result)) for one in queries.attempts(task)],
    )  # fmt: skip


def _newest(login: str) -> list[tuple[Attempt, str]]:
    """Return what an agent noted last, with its words."""
    found = Attempt.objects.filter(by=login).select_related(
        "task__enrollment__profile", "task__message"
    )
    return [
        (one, lists.words(one.task).get(one.result, one.result))
        for one in found.order_by("-at", "-pk")[:5]
    ]


def _said_of(noted: noting.Noted) -> str:
    if noted.has_gone_on:
        return gettext("Noted. The customer had left this step of the journey meanwhile.")
    if noted.again_at is not None:
        return gettext("Noted. It is called again %(moment)s.") % {
            "moment": formats.moment(noted.again_at)
        }
    return gettext("Noted.")


def _moment(text: str) -> int | None:
    """Return the moment a form's field names in the company's zone; raise ``OutcomeError``."""
    if not text:
        return None
    try:
        wall = datetime.fromisoformat(text)
        return clock.from_datetime(wall.replace(tzinfo=None), settings.PUSULA.time_zone)
    except (ValueError, OverflowError) as error:
        raise OutcomeError(gettext("Say when to call back: a day and a time.")) from error
