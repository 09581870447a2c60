"""Messages: what is in line, what left, what did not and why; and the limits of them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pusula.campaigns import words
from pusula.journeys import figures as journeys
from pusula.journeys.models import JourneyVersion
from pusula.lib import clock
from pusula.measurement.reports import names as called
from pusula.outbox import doubts, machine, policies, queries, room
from pusula.outbox.models import Message
from pusula.outbox.queries import Tally
from pusula.outbox.reasons import Reason
from pusula.outbox.rules import policy as rules
from pusula.outbox.rules.policy import PolicyError
from pusula.privacy import audit
from pusula.web import codes, limit_words, limits_form, titles
from pusula.web.request import asked, next_address, signed_in, whole

PAGE = 50
_DAYS = (1, 7, 30, 365)
_USUAL_DAYS = 7
_NARROWS = ("state", "reason", "origin", "step", "channel")
_EXAMPLE = """\
caps:
- {most: 1, in: 1d}
- {channel: sms, most: 2, in: 7d}
quiet:
- {from: "21:00", to: "09:00", channels: [sms, call, webpush]}
budgets:
- {channel: call, most: 120, per: day}
holdout: {share: 5%, name: "2026"}"""


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show messages by state and reason and one by one; the address narrows."""
    now = clock.now()
    days = whole(asked(request, "days"))
    days = days if days in _DAYS else _USUAL_DAYS
    equal = {name: value for name in _NARROWS if (value := asked(request, name))}
    if equal.get("state", machine.SENT) not in machine.STATES:
        del equal["state"]
    # What waits for a later day is shown with what was due.
    span = (now - days * clock.DAY, now + days * clock.DAY)
    version = _version(asked(request, "version"), equal.get("origin", ""))
    shown = queries.between(*span, equal)
    shown = shown.filter(pk__in=journeys.messages(version).values("pk")) if version else shown
    found = queries.tallies(shown)
    rows = shown.select_related("profile")
    before = whole(asked(request, "before"))
    if before is not None and (last := Message.objects.filter(pk=before).first()) is not None:
        rows = rows.filter(due_at__lte=last.due_at).exclude(due_at=last.due_at, pk__gte=last.pk)
    page = list(rows[: PAGE + 1])
    origins = {one.origin for one in page} | {one.origin for one in found}
    names = called.origins(origins | {equal.get("origin", "")})
    full = room.full(at=now)
    here = (equal.get("origin", ""), equal.get("step", ""))
    steps = called.steps({(one.origin, one.step) for one in page} | {here})
    narrowed = equal | ({"version": str(version.number)} if version else {})
    context: dict[str, Any] = {
        "n": sum(one.n for one in found),
        "states": _states(found),
        "reasons": _reasons(found),
        "origins": _origins(found, names),
        "filters": [
            (name, steps.get(here, value) if name == "step" else _called(name, value, names))
            for name, value in narrowed.items()
        ],
        "rows": [
            _row(message, names, steps) | _waits(message, full, now) for message in page[:PAGE]
        ],
        "next_before": page[PAGE - 1].pk if len(page) > PAGE else None,
        "is_first": before is None,
        "days": days,
        "choices": _DAYS,
    }
    return render(request, "web/sending/index.html", context)


@require_POST
def resend(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a message anew of which nobody knows whether it arrived."""
    login = signed_in(request).get_username()
    with transaction.atomic():
        decision = doubts.resend(pk, by=login, at=clock.now())
        if decision is not None:
            audit.record(login, "message.resent", f"message:{pk}")
    if decision is None:
        messages.info(request, gettext("It is no longer uncertain: look at it again."))
    elif decision.state == machine.PENDING:
        messages.success(request, gettext("The message is in line once more."))
    else:
        why = Reason(decision.reason).label
        messages.warning(request, gettext("It is not sent again: %(reason)s.") % {"reason": why})
    return redirect(next_address(request))


@require_http_methods(["GET", "HEAD", "POST"])
def limits(request: HttpRequest) -> HttpResponse:
    """Show the limits of all messages as a form and as a file; a POST lets others hold."""
    version = policies.current()
    form = limits_form.of(version.policy)
    text, error = rules.written(version.policy), ""
    if request.method == "POST":
        try:
            if "policy" in request.POST:
                text = request.POST["policy"]
                policy = rules.read(text, gettext("Limits"))
            else:
                form = limits_form.read(request.POST)
                policy = rules.parse(form.data, gettext("Limits"))
            if not form.has_errors:
                _apply(request, policy)
                return redirect("sending-limits")
        except PolicyError as problem:
            error = problem.said(gettext)
    context = {
        "form": form,
        "channels": limits_form.channels(),
        "units": limits_form.UNITS,
        "per": limits_form.PER,
        "version": version.number,
        "lines": limit_words.lines(version.policy),
        "text": text,
        "example": _EXAMPLE,
        "error": error,
        "history": policies.history(20),
        "zone": settings.PUSULA.time_zone,
    }
    status = 422 if error or form.has_errors else 200
    return render(request, "web/sending/limits.html", context, status=status)


def _apply(request: HttpRequest, policy: rules.Policy) -> None:
    login = signed_in(request).get_username()
    note = request.POST.get("note", "").strip()
    with transaction.atomic():
        before = policies.current().number
        after = policies.apply(policy, by=login, at=clock.now(), note=note).number
        if after != before:
            audit.record(login, "sending.limits", str(after))
    if after != before:
        messages.success(request, gettext("The new limits hold from now on."))
    else:
        messages.info(request, gettext("Nothing was changed."))


def _states(found: Iterable[Tally]) -> list[tuple[str, str, str, int]]:
    """Return code, words, tone and number of each state there is, in their order."""
    n = Counter[str]()
    for one in found:
        n[one.state] += one.n
    return [
        (state, str(words.MESSAGE_STATES[state]), codes.MESSAGE_TONES.get(state, ""), n[state])
        for state in machine.STATES
        if n[state]
    ]


def _reasons(found: Iterable[Tally]) -> list[tuple[str, str, str, int]]:
    """Return state, code, words and number of each reason, most first."""
    n = Counter[tuple[str, str]]()
    for one in found:
        if one.reason:
            n[one.state, one.reason] += one.n
    return [(state, code, _reason(code), count) for (state, code), count in n.most_common()]


def _origins(found: Iterable[Tally], names: dict[str, str]) -> list[tuple[str, str, int]]:
    n = Counter[str]()
    for one in found:
        n[one.origin] += one.n
    return [(origin, names.get(origin, origin), count) for origin, count in n.most_common(20)]


def _version(number: str, origin: str) -> JourneyVersion | None:
    """Return the version of the journey ``origin`` that the address narrows to."""
    wanted, (kind, _colon, pk) = whole(number), origin.partition(":")
    journey = whole(pk) if kind == "journey" else None
    if wanted is None or journey is None:
        return None
    found = JourneyVersion.objects.filter(journey=journey, number=wanted)
    return found.select_related("journey").first()


def _called(name: str, value: str, names: dict[str, str]) -> str:
    if name == "version":
        return gettext("Version %(number)s") % {"number": value}
    if name == "state":
        return str(words.MESSAGE_STATES[value])
    if name == "reason":
        return _reason(value)
    if name == "channel" and value in titles.CHANNELS:
        return titles.channel(value)[1]
    return names.get(value, value)


def _reason(code: str) -> str:
    return str(Reason(code).label) if code in Reason.values else code


def _waits(message: Message, full: Collection[str], at: int) -> dict[str, str]:
    """Return the reason of what is due and commercial, and finds no room in a budget."""
    is_due = message.state == machine.PENDING and message.due_at <= at
    if is_due and message.is_commercial and message.channel in full and not message.reason:
        return {"reason": gettext("Waits for the next hour or day with room in the budget")}
    return {}


def _row(
    message: Message, names: dict[str, str], steps: dict[tuple[str, str], str]
) -> dict[str, Any]:
    return {
        "message": message,
        "customer": titles.customer(message.profile.name),
        "channel": titles.channel(message.channel)[1],
        "origin": names.get(message.origin, message.origin),
        "step": steps.get((message.origin, message.step), message.step),
        "state": words.MESSAGE_STATES[message.state],
        "tone": codes.MESSAGE_TONES.get(message.state, ""),
        "reason": _reason(message.reason),
        "detail": message.detail if message.reason == Reason.TEMPLATE else "",
        "at": message.gated_at or message.settled_at or message.due_at,
        "is_doubtful": message.state == machine.UNKNOWN,
    }
