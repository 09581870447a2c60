"""Alerts on RFM groups: what the newest run met, and the rules behind it."""

from __future__ import annotations

import re

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from pusula.privacy import audit
from pusula.rfm import alerts, queries, sentences, words
from pusula.rfm.alerts import AlertError
from pusula.rfm.models import AlertRule
from pusula.web import formats, rfm_moves
from pusula.web.request import plain, signed_in

_FIELDS = ("kind", "group", "to_group", "amount")


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show the alerts that are open and the rules behind them, with a form for a new one."""
    return _page(request)


@require_POST
def add(request: HttpRequest) -> HttpResponse:
    """Keep a new rule; say on the page what is wrong with it."""
    sent = {name: plain(request.POST.get(name, "")).strip() for name in _FIELDS}
    try:
        with transaction.atomic():
            rule = alerts.add(_asked(sent), by=signed_in(request).get_username())
            _record(request, "rfm.alert_added", rule)
    except AlertError as error:
        return _page(request, sent, error.said(gettext))
    messages.success(request, gettext("The rule is kept; it is looked at after each run."))
    return redirect("rfm-alerts")


def _asked(sent: dict[str, str]) -> alerts.Asked:
    kind = sent["kind"]
    amount = _amount(sent["amount"])
    if kind == "moved":
        n = int(amount) if amount is not None and amount == int(amount) else None
        return alerts.Asked("moved", sent["group"], sent["to_group"], n=n)
    share = None if amount is None else amount / 100
    return alerts.Asked("shrank" if kind == "shrank" else "grew", sent["group"], share=share)


def _amount(typed: str) -> float | None:
    """Return the number that was typed; a comma may part its decimals."""
    shape = re.fullmatch(r"%?\s*([0-9]{1,9})(?:[.,]([0-9]{1,3}))?\s*%?", typed)
    return float(f"{shape[1]}.{shape[2] or 0}") if shape else None


@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a rule."""
    rule = AlertRule.objects.filter(pk=pk).first()
    if rule is not None:
        with transaction.atomic():
            alerts.remove(pk)
            _record(request, "rfm.alert_removed", rule)
        messages.success(request, gettext("The rule is removed."))
    return redirect("rfm-alerts")


@require_POST
def put_aside(request: HttpRequest, pk: int) -> HttpResponse:
    """Put an alert aside."""
    alerts.put_aside(pk, by=signed_in(request).get_username())
    return redirect("rfm-alerts")


def _record(request: HttpRequest, verb: str, rule: AlertRule) -> None:
    audit.record(signed_in(request).get_username(), verb, f"rule:{rule.pk}")


def _page(
    request: HttpRequest, sent: dict[str, str] | None = None, problem: str = ""
) -> HttpResponse:
    newest = queries.latest()
    if newest is None:
        return render(request, "web/rfm/none.html")
    context = {
        "run": newest,
        "alerts": [(alert, sentences.alert(alert)) for alert in alerts.open_alerts()],
        "rules": [(rule, sentences.rule(rule), _past(rule)) for rule in alerts.rules()],
        "groups": [(group, words.title(group)) for group in rfm_moves.ordered(newest.groups)],
        "kinds": [
            ("grew", gettext("grows by so many percent")),
            ("shrank", gettext("shrinks by so many percent")),
            ("moved", gettext("loses more customers than this")),
        ],
        "sent": sent or {"kind": "grew", "group": "at_risk", "to_group": "", "amount": "20"},
        "problem": problem,
    }
    return render(request, "web/rfm/alerts.html", context, status=422 if problem else 200)


def _past(rule: AlertRule) -> str:
    """Return how often a rule would have spoken so far."""
    met = alerts.past(rule)
    if not met:
        return ""
    values = {"n": formats.number(sum(met)), "of": formats.number(len(met))}
    return gettext("met in %(n)s of the last %(of)s runs") % values
