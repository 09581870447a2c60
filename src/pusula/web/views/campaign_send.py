"""Sending a campaign: now, or later by itself; and calling a scheduled one back."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from pusula.campaigns import actions, checklist, machine, schedule
from pusula.campaigns.models import Campaign
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.web import formats
from pusula.web.agreed import mismatch
from pusula.web.views.campaigns import found_by, people_of, record


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def send(request: HttpRequest, key: str) -> HttpResponse:
    """Ask for the number of people; only if it is typed and still holds start, now or later."""
    campaign = found_by(key)
    if campaign.state != machine.DRAFT:
        return redirect("campaign", key)
    found = checklist.preflight(campaign, clock.now())
    if not found.may_start or found.plan is None:
        return redirect("campaign", key)
    n = found.plan.n_messages
    problem = ""
    if request.method == "POST":
        later = "later" in request.POST
        said = gettext(
            "You typed %(typed)s, but %(n)s people would get the message now. Look again."
        )
        problem = mismatch(request.POST.get("people", ""), n, said)
        starts_at = _moment(request.POST.get("starts", "")) if later else None
        if later and starts_at is None:
            problem = problem or gettext("Choose the day and the time when it is to begin.")
        if not problem and starts_at is None:
            return _start(request, campaign, n)
        if not problem and starts_at is not None:
            try:
                return _schedule(request, campaign, starts_at, n)
            except PusulaError as error:
                problem = error.said(gettext)
    context = {
        "campaign": campaign,
        "checklist": found,
        "n": n,
        "problem": problem,
        "starts": request.POST.get("starts", ""),
        "zone": settings.PUSULA.time_zone,
    }
    context |= people_of(found)
    status = 422 if problem else 200
    return render(request, "web/campaigns/send.html", context, status=status)


@require_POST
def call_back(request: HttpRequest, key: str) -> HttpResponse:
    """Make a scheduled campaign a draft again."""
    campaign = found_by(key)
    try:
        with transaction.atomic():
            schedule.call_back(campaign)
            record(request, "campaign.called_back", campaign)
    except PusulaError as error:
        messages.error(request, error.said(gettext))
    else:
        messages.success(request, gettext("It is a draft again: nothing will be sent."))
    return redirect("campaign", key)


def _start(request: HttpRequest, campaign: Campaign, n: int) -> HttpResponse:
    try:
        with transaction.atomic():
            actions.start(campaign, clock.now(), expected_n=n)
            record(request, "campaign.started", campaign, n=n)
    except PusulaError as error:
        messages.error(request, error.said(gettext))
    else:
        form = ngettext(
            "Sending to %(n)s person has begun.", "Sending to %(n)s people has begun.", n
        )
        messages.success(request, form % {"n": formats.number(n)})
    return redirect("campaign", campaign.key)


def _moment(typed: str) -> int | None:
    """Return the moment of a field of day and time, on the company's clock."""
    try:
        wall = dt.datetime.fromisoformat(typed)
        if wall.tzinfo is not None:
            return None
        return clock.from_datetime(wall, settings.PUSULA.time_zone)
    except (ValueError, OverflowError):
        return None


def _schedule(request: HttpRequest, campaign: Campaign, starts_at: int, n: int) -> HttpResponse:
    with transaction.atomic():
        schedule.schedule(campaign, starts_at, agreed_n=n, at=clock.now())
        record(request, "campaign.scheduled", campaign, starts_at=starts_at, n=n)
    words = {"title": campaign.title, "moment": formats.moment(starts_at)}
    messages.success(request, gettext("“%(title)s” begins by itself: %(moment)s.") % words)
    return redirect("campaign", campaign.key)
