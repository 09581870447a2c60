"""Campaigns: plan, preview, send, watch, and see what they earned."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pusula.campaigns import actions, checklist, machine, queries
from pusula.campaigns import words as campaign_words
from pusula.campaigns.checklist import Checklist
from pusula.campaigns.models import Arm, Campaign
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.measurement.reports import measured
from pusula.outbox import machine as message_states
from pusula.outbox import queries as outbox
from pusula.outbox import variables
from pusula.outbox.models import FENCE
from pusula.privacy import audit
from pusula.profiles import queries as profiles
from pusula.profiles.models import Profile
from pusula.segments.models import Segment
from pusula.web import (
    campaign_form,
    campaign_preview,
    campaign_result,
    codes,
    formats,
    kept,
    mails,
    titles,
)
from pusula.web import preview as previews
from pusula.web.campaign_form import CampaignForm
from pusula.web.preview import Parts
from pusula.web.request import asked, asked_all, draw, signed_in, whole

PAGE = 50
_NOBODY = dict.fromkeys(Arm.values)
# What a checklist speaks of that the form can mend.
_EDITABLE = ("audience", "exclusions", "holdout", "template", "window")


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List all campaigns, the newest first."""
    counted, kept_ = kept.figures(request, measured.SIZES, {})
    known, at = counted.arms if counted else {}, clock.now()
    rows = []
    for campaign in queries.campaigns():
        sizes = known.get(campaign.pk, _NOBODY)
        if counted and campaign.pk not in known and campaign.started_at:  # begun since
            sizes = queries.all_arm_sizes(campaign).get(campaign.pk, _NOBODY)
        state = codes.CAMPAIGN_STATES[queries.standing(campaign, at)]
        goal = codes.called(codes.GOALS, campaign.goal)
        rows.append((campaign, goal, state, sizes))
    return render(request, "web/campaigns/index.html", {"rows": rows, "kept": kept_})


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Show an empty form; on POST make the draft."""
    form = _posted(request)
    if form and form.is_valid():
        try:
            with transaction.atomic():
                made = actions.create(form.definition(None), clock.now())
                record(request, "campaign.created", made)
            return _saved(request, made)
        except PusulaError as error:
            form.add_error(None, error.said(gettext))
    form = form or CampaignForm(initial=campaign_form.new(asked_all(request, "audience")))
    return _form(request, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, key: str) -> HttpResponse:
    """Show the form of a draft; on POST change it."""
    campaign = found_by(key)
    if campaign.state != machine.DRAFT:
        return redirect("campaign", key)
    form = _posted(request)
    if form and form.is_valid():
        try:
            definition = form.definition(campaign)
            with transaction.atomic():
                changed = actions.update_draft(campaign, definition, clock.now())
                record(request, "campaign.changed", changed)
            return _saved(request, changed)
        except PusulaError as error:
            form.add_error(None, error.said(gettext))
    return _form(request, form or CampaignForm(initial=campaign_form.of(campaign)), campaign)


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Answer the preview of the form as it stands, unsaved."""
    context = {"preview": campaign_preview.typed(request)}
    return render(request, "web/campaigns/_preview.html", context)


@require_POST
def preview_mail(request: HttpRequest) -> HttpResponse:
    """Answer the HTML of the form as it stands, for the frame."""
    return mails.framed(campaign_preview.typed(request).html, request.POST.get("scheme", "light"))


@require_safe
def show(request: HttpRequest, key: str) -> HttpResponse:
    """Show a campaign as far as it came: its checklist, its progress, or its result."""
    campaign = found_by(key)
    pages = {machine.DRAFT: _draft, machine.SCHEDULED: _draft, machine.SENDING: _sending}
    page = pages.get(queries.standing(campaign, clock.now()), _result)
    return page(request, campaign)


@require_safe
def mail(request: HttpRequest, key: str) -> HttpResponse:
    """Answer the saved message's HTML for one customer, for the frame."""
    found = campaign_preview.saved(request, found_by(key))
    return mails.framed(found.html, request.GET.get("scheme", "light"))


@require_safe
def unsent(request: HttpRequest, key: str) -> HttpResponse:
    """List the people who got nothing for one reason."""
    campaign = found_by(key)
    state, reason = asked(request, "state"), asked(request, "reason")
    found = profiles.page(
        queries.unsent_people(campaign, state, reason), _profile(request), PAGE + 1
    )
    context = {
        "campaign": campaign,
        "reason": _reason(state, reason),
        "n": queries.unsent_people(campaign, state, reason).count(),
        "rows": [(profile, titles.customer(profile.name)) for profile in found[:PAGE]],
        "next_after": found[PAGE - 1].pk if len(found) > PAGE else None,
        "is_first": "after" not in request.GET,
    }
    return render(request, "web/campaigns/unsent.html", context)


def found_by(key: str) -> Campaign:
    """Return the campaign called ``key``, or answer 404."""
    campaign = queries.by_key(key)
    if campaign is None:
        raise Http404(key)
    return campaign


def record(request: HttpRequest, verb: str, campaign: Campaign, **detail: object) -> None:
    """Write down who did what to a campaign."""
    who = signed_in(request).get_username()
    audit.record(who, verb, f"campaign:{campaign.key}", **detail)


def _profile(request: HttpRequest) -> Profile | None:
    after = whole(asked(request, "after"))
    return Profile.objects.filter(pk=after).first() if after is not None else None


def _saved(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    words = {"title": campaign.title}
    messages.success(request, gettext("“%(title)s” saved as a draft.") % words)
    return redirect("campaign", campaign.key)


def _posted(request: HttpRequest) -> CampaignForm | None:
    """Return the posted form; where a button of the preview was pressed, not to be saved."""
    if request.method != "POST":
        return None
    if "to" in request.POST:
        return CampaignForm(initial=campaign_form.typed(request.POST))
    return CampaignForm(request.POST)


def _form(request: HttpRequest, form: CampaignForm, campaign: Campaign | None) -> HttpResponse:
    """Show the form; with the preview of what it says now."""
    said = {name: form[name].value() for name in ("audience", *Parts._fields)}
    who = previews.person(said.pop("audience") or [], campaign_preview.wanted(request))
    parts = Parts(**{name: value or "" for name, value in said.items()})
    found = campaign_preview.of(form["template"].value() or "", parts, who)
    context = {
        "form": form,
        "campaign": campaign,
        "currency": settings.PUSULA.currency,
        "variables": sorted(variables.names()),
        "preview": found,
    }
    return render(request, "web/campaigns/form.html", context, status=422 if form.errors else 200)


def _draft(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    found = checklist.preflight(campaign, clock.now())
    context = {
        "campaign": campaign,
        "checklist": found,
        "editable": _EDITABLE,
        "preview": campaign_preview.saved(request, campaign),
        **_plan(campaign),
        **people_of(found),
    }
    return render(request, "web/campaigns/draft.html", context)


def _plan(campaign: Campaign) -> dict[str, Any]:
    """Return what a campaign is about, for its list of facts."""
    return {
        "goal": codes.called(codes.GOALS, campaign.goal),
        "state": codes.CAMPAIGN_STATES[queries.standing(campaign, clock.now())],
        "audience": _titled(campaign.audience.all()),
        "exclusions": _titled(campaign.exclusions.all()),
    }


def _titled(found: QuerySet[Segment]) -> list[tuple[str, str]]:
    rows = found.select_related("version").order_by("key")
    return [(segment.key, titles.segment_title(segment)) for segment in rows]


def people_of(found: Checklist) -> dict[str, Any]:
    """Return whom the campaign would reach and whom not, and why."""
    if found.plan is None:
        return {"sizes": None, "left_out": []}
    sizes = {arm.value: n for arm, n in found.plan.sizes().items()}
    left_out = [(campaign_words.reason(code), n) for code, n in found.plan.reasons().items()]
    return {"sizes": sizes, "left_out": left_out}


def _sending(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    context = {"campaign": campaign, **_plan(campaign), **_progress(campaign)}
    return draw(request, "web/campaigns/sending.html", "web/campaigns/_progress.html", context)


def _progress(campaign: Campaign) -> dict[str, Any]:
    progress = queries.progress(campaign)
    held = {"", FENCE, campaign.origin}
    return {
        "progress": progress,
        "is_sending": outbox.is_anybody_sending(clock.now()),
        "held": next((one for one in outbox.holds() if one.origin in held), None),
        "states": [
            (codes.called(campaign_words.MESSAGE_STATES, state), n)
            for state, n in progress.states.items()
            if n
        ],
        "unsent": _unsent(campaign),
    }


def _unsent(campaign: Campaign) -> list[tuple[str, int, str]]:
    """Return reason, people and the query of their list, for everybody who got nothing."""
    return [
        (
            _reason(one.state, one.reason),
            one.n,
            urlencode({"state": one.state, "reason": one.reason}),
        )
        for one in queries.unsent(campaign)
    ]


def _reason(state: str, reason: str) -> str:
    words = campaign_words.reason(reason) if reason else ""
    if state in {message_states.FAILED, message_states.UNKNOWN}:
        name = codes.called(campaign_words.MESSAGE_STATES, state)
        return f"{name}: {words}" if words else name
    return formats.capital(words)


def _result(request: HttpRequest, campaign: Campaign) -> HttpResponse:
    is_asking = "HX-Request" in request.headers and request.headers.get("HX-Target") != "main"
    if is_asking:  # the page of the sending asks once more: it is over
        return HttpResponse(headers={"HX-Refresh": "true"})
    found, kept_ = kept.figures(request, measured.CAMPAIGN, {"key": campaign.key})
    if found is None:
        return kept.waiting(request, kept_, campaign.title)
    context = {
        "campaign": campaign,
        "shown": campaign_result.shown(found.result, found.course),
        "kept": kept_,
        "preview": None if campaign.is_adopted else campaign_preview.saved(request, campaign),
        "unsent": _unsent(campaign),
        **_plan(campaign),
    }
    return render(request, "web/campaigns/result.html", context)
