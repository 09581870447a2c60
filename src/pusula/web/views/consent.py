"""Consents: how many, every decision with its proof, İYS, blocked addresses."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pusula.consent import actions, purposes, queries, suppressions
from pusula.consent.iys import queries as iys
from pusula.consent.models import (
    ConsentText,
    IysState,
    Reason,
    Scope,
    SignUpForm,
    Status,
    Suppression,
)  # fmt: skip
from pusula.lib import clock, ids
from pusula.privacy import audit
from pusula.profiles.contacts import ContactError
from pusula.profiles.models import Profile
from pusula.web import consent_pages, search, titles
from pusula.web.request import asked, searched, signed_in, whole

PAGE = 50
_MOST_FOUND = 200
_SHOWN = 100
_OF_A_CHANNEL = 20
_CHANNELS = [(name, title) for name, (_icon, title) in titles.CHANNELS.items()]
_STATUSES = [(Status.GRANTED.value, _("Consent given")), (Status.REFUSED.value, _("Refused"))]


class DecisionForm(forms.Form):
    """A decision that somebody has just made, by phone or on paper, and its proof."""

    channel = forms.ChoiceField(choices=_CHANNELS)
    purpose = forms.CharField(max_length=30)
    status = forms.ChoiceField(choices=_STATUSES)
    note = forms.CharField(max_length=400, required=False)
    recording = forms.CharField(max_length=120, required=False)
    # Made with the page: pressed twice, or sent again, it is one decision.
    once = forms.RegexField(r"\A[\w-]{10,40}\Z", required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse a purpose there is not, and a consent that nothing proves."""
        given: dict[str, Any] = super().clean() or {}
        if purposes.strange([given.get("purpose", "")]):
            self.add_error("purpose", gettext("Choose one of the purposes."))
        has_proof = given.get("note") or given.get("recording")
        if given.get("status") == Status.GRANTED and not has_proof:
            self.add_error("note", gettext("A consent needs a proof: how was it given?"))
        return given


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show how many decided how, where İYS stands, the texts and the forms."""
    at = clock.now()
    account = iys.account()
    context: dict[str, Any] = {
        "channels": consent_pages.channels(),
        "lines": consent_pages.lines(),
        "n_blocked": Suppression.objects.filter(lifted_at=None).count(),
        "account": account,
        "texts": ConsentText.objects.order_by("purpose", "channel", "language", "-version"),
        "forms": SignUpForm.objects.order_by("slug"),
    }
    if account is not None:
        context |= {
            "states": iys.states(),
            "n_late": iys.late(at).count(),
            "n_apart": sum(iys.n_disagreements().values()),
        }
    return render(request, "web/consent/index.html", context)


@require_safe
def ledger(request: HttpRequest) -> HttpResponse:
    """Show decisions, the newest first; ``q`` is whose, the rest narrows."""
    text = searched(request)
    equal = {
        name: value
        for name, choices in (("channel", _CHANNELS), ("status", _STATUSES))
        if (value := asked(request, name)) in dict(choices)
    }
    owners = None
    if text:
        found = search.find(text).profiles
        owners = list(found.values_list("pk", flat=True)[:_MOST_FOUND])
    rows = queries.ledger(address=text.lower(), profile_ids=owners, **equal)
    before = whole(asked(request, "before"))
    if before is not None:
        rows = rows.filter(pk__lt=before)
    page = list(rows[: PAGE + 1])
    context = {
        "text": text,
        "channels": _CHANNELS,
        "statuses": _STATUSES,
        "channel": equal.get("channel", ""),
        "status": equal.get("status", ""),
        "entries": list(consent_pages.entries(page[:PAGE])),
        "next_before": page[PAGE - 1].pk if len(page) > PAGE else None,
        "is_first": before is None,
    }
    return render(request, "web/consent/ledger.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def customer(request: HttpRequest, pk: int) -> HttpResponse:
    """Show every decision of a customer; on POST write a new one down."""
    profile = get_object_or_404(Profile, pk=pk)
    form = DecisionForm(request.POST) if request.method == "POST" else DecisionForm()
    if request.method == "POST" and form.is_valid():
        _record(request, profile, form.cleaned_data)
        messages.success(request, gettext("The decision is written down and holds from now on."))
        return redirect("customer-consents", pk=pk)
    context = {
        "profile": profile,
        "name": titles.customer(profile.name),
        "form": form,
        "once": form["once"].value() or ids.random_id(),
        "purposes": purposes.known().values(),
        "channels": _CHANNELS,
        "statuses": _STATUSES,
        "entries": list(consent_pages.entries(queries.ledger(profile_ids=[pk])[:_SHOWN])),
    }
    status = 422 if form.errors else 200
    return render(request, "web/consent/customer.html", context, status=status)


def _record(request: HttpRequest, profile: Profile, given: dict[str, Any]) -> None:
    at, who = clock.now(), signed_in(request).get_username()
    decision = actions.Decision(
        profile_id=profile.pk,
        channel=given["channel"],
        purpose=given["purpose"],
        status=given["status"],
        source="operator",
        decided_at=at,
        evidence=given["note"] or given["recording"],
        proof={"note": given["note"], "recording": given["recording"], "operator": who[:120]},
        dedupe_key=f"operator:{profile.pk}:{given['once']}" if given["once"] else "",
    )
    with transaction.atomic():
        if actions.record([decision], at=at).new:
            what = {"channel": given["channel"], "status": given["status"]}
            audit.record(who, "consent.recorded", str(profile.pk), **what)


@require_http_methods(["GET", "HEAD", "POST"])
def blocked(request: HttpRequest) -> HttpResponse:
    """Show blocked addresses; on POST block one more."""
    error = ""
    if request.method == "POST":
        error = _block(request)
        if not error:
            return redirect("consent-blocked")
    text = searched(request)
    rows = suppressions.search(text)
    context = {
        "text": text,
        "n_all": rows.count(),
        "rows": list(consent_pages.blocked(rows[:_SHOWN])),
        "shown": _SHOWN,
        "channels": _CHANNELS,
        "scopes": Scope.choices,
        "error": error,
    }
    return render(request, "web/consent/blocked.html", context, status=422 if error else 200)


def _block(request: HttpRequest) -> str:
    """Block the address of the form; return what is wrong with it."""
    channel, scope = request.POST.get("channel", ""), request.POST.get("scope", "")
    if channel not in dict(_CHANNELS) or scope not in Scope.values:
        return gettext("Choose a channel, and what is to be stopped.")
    try:
        address = suppressions.spelled(channel, request.POST.get("address", "")[:320])
    except ContactError:
        return gettext("Write a whole e-mail address or phone number.")
    with transaction.atomic():
        is_new = actions.suppress(
            channel, address, reason=Reason.MANUAL, scope=scope, at=clock.now(),
            detail=request.POST.get("note", "").replace("\0", ""),
        )  # fmt: skip
        who = signed_in(request).get_username()
        audit.record(who, "suppression.added", channel, scope=scope)
    said = gettext("The address is blocked.") if is_new else gettext("It was blocked already.")
    messages.success(request, said)
    return ""


@require_POST
def lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a blocked address be written to again, with the reason why."""
    reason = request.POST.get("reason", "").replace("\0", "").strip()
    if not reason:
        messages.error(request, gettext("Say why the address may be written to again."))
        return redirect("consent-blocked")
    who = signed_in(request).get_username()
    with transaction.atomic():
        if actions.lift(pk, by=who, reason=reason, at=clock.now()):
            audit.record(who, "suppression.lifted", str(pk))
            messages.success(request, gettext("The address is no longer blocked."))
    return redirect("consent-blocked")


@require_safe
def registry(request: HttpRequest) -> HttpResponse:
    """Show how far decisions are on their way to İYS, and where it and we disagree."""
    account, at = iys.account(), clock.now()
    context: dict[str, Any] = {"account": account}
    if account is not None:
        late, states = iys.late(at), iys.states()
        context |= {
            "states": [(title, states[state]) for state, title in IysState.choices],
            "records": iys.records(),
            "n_late": late.count(),
            "late": list(consent_pages.submissions(late[:_SHOWN])),
            "rejected": list(consent_pages.submissions(iys.rejected()[:_SHOWN])),
            "n_apart": sum(iys.n_disagreements().values()),
            "apart": [consent_pages.disagreement(one) for one in iys.disagreements(_OF_A_CHANNEL)],
        }
    return render(request, "web/consent/registry.html", context)
