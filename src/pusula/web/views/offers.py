"""Doing what a customer's card suggests: a message with time to undo, or a call by an agent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_POST, require_safe

from pusula.campaigns import called, offers, templates
from pusula.campaigns.models import Template
from pusula.campaigns.offers import OfferError
from pusula.consent.models import Channel
from pusula.journeys import actions as journeys
from pusula.journeys import queries as journey_titles
from pusula.journeys.models import Journey, Task
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.outbox import suggesting
from pusula.outbox.suggesting import Rule
from pusula.predict.models import Verdict
from pusula.privacy import audit
from pusula.profiles.models import Profile
from pusula.web import formats, suggestions, titles
from pusula.web import template_preview as previews
from pusula.web.card import permissions_of
from pusula.web.request import asked, plain, whole
from pusula.web.rights import WRITE, demand


@require_safe
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """Show on which channels a suggestion may be followed, and a template as they would get it."""
    demand(request, WRITE)
    profile = get_object_or_404(Profile, pk=pk)
    key, at = asked(request, "suggestion"), clock.now()
    try:
        rule = offers.rule_of(pk, key, at=at)
    except OfferError as problem:
        messages.info(request, problem.said(gettext))
        return redirect("customer", pk)
    channels = offers.open_channels(pk, rule, at=at)
    fitting = list(templates.usable().filter(channel__in=channels).order_by("channel", "name"))
    number = whole(asked(request, "template"))
    # Which of several is a choice of whoever sends it.
    chosen = next((one for one in fitting if one.pk == number or len(fitting) == 1), None)
    context = {
        "profile": profile,
        "name": titles.customer(profile.name),
        "suggestion": suggestions.for_card(pk, []),
        "key": key,
        "permissions": permissions_of(pk, rule.channels),
        "channels": [titles.channel(one) for one in channels],
        "templates": _named(fitting),
        "chosen": chosen,
        "preview": _preview(chosen, profile) if chosen else None,
        "calls": _calling() if _may_call(pk, rule, at) else [],
        "may_call": _may_call(pk, rule, at),
        "minutes": offers.HOLD // clock.MINUTE,
    }
    return render(request, "web/customers/offer.html", context)


@require_POST
def write(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a message in line for one customer."""
    by = demand(request, WRITE)
    get_object_or_404(Profile, pk=pk)
    key = plain(request.POST.get("suggestion", ""))
    template = templates.usable().filter(pk=whole(request.POST.get("template", "")) or 0).first()
    try:
        if template is None:
            raise OfferError(gettext("Choose a template."))
        with transaction.atomic():
            decision = offers.prepare(pk, key, template, by=by, at=clock.now())
            audit.record(by, "card.message", str(pk), suggestion=key, template=template.name)
    except PusulaError as problem:
        messages.error(request, problem.said(gettext))
    else:
        when = {"when": formats.moment(decision.due_at)}
        messages.success(request, gettext("It leaves at %(when)s; undo it until then.") % when)
    return redirect("customer", pk)


@require_POST
def undo(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Call a message back that has not left."""
    by = demand(request, WRITE)
    with transaction.atomic():
        is_undone = offers.undo(pk, number, by=by, at=clock.now())
        if is_undone:
            audit.record(by, "card.undone", str(pk), message=number)
    if is_undone:
        messages.success(request, gettext("Undone: the customer does not get it."))
    else:
        messages.error(request, gettext("Too late: the message has left."))
    return redirect("customer", pk)


@require_POST
def call(request: HttpRequest, pk: int) -> HttpResponse:
    """Lead a customer into a journey that begins with a call: an agent gets it, with its script."""
    by = demand(request, WRITE)
    get_object_or_404(Profile, pk=pk)
    suggestion, key, at = plain(request.POST.get("suggestion", "")), "", clock.now()
    wanted = plain(request.POST.get("journey", ""))
    try:
        rule = offers.rule_of(pk, suggestion, at=at)
        key = next((one.key for one, _title in _calling() if one.key == wanted), "")
        if not key or not _may_call(pk, rule, at):
            raise OfferError(gettext("The customer may not be called now."))
        occurrence = f"card-{suggestion}-{pk}-{formats.today()}"
        if not journeys.enroll(key, pk, occurrence=occurrence, at=at):
            words = gettext("The customer is in this journey already, or may not come in.")
            raise OfferError(words)
    except PusulaError as problem:
        messages.error(request, problem.said(gettext))
        return redirect("customer", pk)
    with transaction.atomic():
        suggesting.answer(pk, suggestion, Verdict.ACCEPTED, by=by, at=at)
        audit.record(by, "card.call_asked", str(pk), suggestion=suggestion, journey=key)
    is_asked = Task.objects.filter(
        enrollment__profile_id=pk, enrollment__journey__key=key, is_call=True, closed_at=None
    ).exists()
    if is_asked:
        messages.success(request, gettext("An agent will call: it stands under Calls."))
    else:
        messages.warning(request, gettext("In the journey, but not called: see Messages for why."))
    return redirect("customer", pk)


def _named(found: Sequence[Template]) -> list[tuple[int, str]]:
    """Return templates by number: the channel, what they say, and their name."""
    said = called.templates(get_language() or "en", [one.name for one in found])
    return [
        (one.pk, f"{titles.channel(one.channel)[1]}: {said[one.name]} ({one.name})")
        for one in found
    ]


def _may_call(pk: int, rule: Rule, at: int) -> bool:
    return Channel.CALL in rule.channels and suggesting.is_open(pk, Channel.CALL, at=at)


def _calling() -> list[tuple[Journey, str]]:
    """Return the live journeys that a person can be led into and that begin with a call."""
    live = Journey.objects.filter(state="live").exclude(version=None).select_related("version")
    language = get_language() or "en"
    return [
        (one, journey_titles.title(one, language))
        for one in live.order_by("key")
        if one.version is not None and _begins_with_a_call(one.version.definition)
    ]


def _begins_with_a_call(definition: dict[str, Any]) -> bool:
    """Return whether it begins with a call that needs a consent: a service call asks for none."""
    entries, steps = definition.get("entry") or [], definition.get("steps") or [{}]
    by_hand = any(isinstance(one, dict) and "api" in one for one in entries)
    is_commercial = definition.get("class", "commercial") == "commercial"
    is_of_people = definition.get("keyed_by", "profile") == "profile"
    return by_hand and is_commercial and is_of_people and "task" in steps[0]


def _preview(template: Template, profile: Profile) -> previews.Preview:
    said = templates.all_said(template)
    read = templates.languages_of([profile.pk]).get(profile.pk, "")
    tag = templates.for_language(said, read)
    return previews.preview(template.channel, said[tag], str(profile.pk), language=tag)
