"""What journeys ask a colleague to approve: who asks, for how many, and what would be sent."""

from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from pusula.journeys import queries as journeys
from pusula.journeys.errors import JourneyError
from pusula.journeys.models import JourneyVersion
from pusula.journeys.tasks import approvals, queries
from pusula.lib import clock
from pusula.privacy import audit
from pusula.web import formats, titles
from pusula.web.request import plain, whole
from pusula.web.rights import DECIDE, demand, may

_MOST_NOTE = 400


@never_cache
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List what waits for approval, the most urgent first, and what was decided last."""
    at, language = clock.now(), get_language() or "en"
    rows = []
    for asked in queries.approvals(at):
        sample = approvals.sample(asked, language, at=at)
        rows.append(
            {
                "asked": asked,
                "title": approvals.title(asked, language),
                "journey": journeys.title(asked.version.journey, language),
                "sample": sample,
                "channel": titles.channel(sample.channel) if sample else ("", ""),
            }
        )
    decided = [
        (task, n, journeys.title(task.enrollment.journey, language))
        for task, n in queries.decided()
    ]
    context = {"rows": rows, "decided": decided, "may_decide": may(request, DECIDE)}
    return render(request, "web/tasks/approvals.html", context)


@require_POST
def decide(request: HttpRequest, version: int, step: str) -> HttpResponse:
    """Approve or reject for all who waited when the page was drawn."""
    who = demand(request, DECIDE)
    answer = request.POST.get("answer", "")
    up_to = whole(request.POST.get("up_to", ""))
    found = JourneyVersion.objects.select_related("journey").filter(pk=version).first()
    if found is None or up_to is None or answer not in {approvals.YES, approvals.NO}:
        return redirect("approvals")
    note = plain(request.POST.get("note", "")).strip()[:_MOST_NOTE]
    try:
        with transaction.atomic():
            n = approvals.decide(
                version, step, answer, up_to=up_to, by=who, note=note, at=clock.now()
            )
            verb = "approval.given" if answer == approvals.YES else "approval.refused"
            if n:
                audit.record(who, verb, f"journey:{found.journey.key}", step=step, n=n)
    except JourneyError as error:
        messages.error(request, error.said(gettext))
        return redirect("approvals")
    _say(request, answer, n)
    return redirect("approvals")


def _say(request: HttpRequest, answer: str, n: int) -> None:
    if not n:
        messages.info(request, gettext("Nobody waits for this any more."))
        return
    if answer == approvals.YES:
        form = ngettext("Approved for %(n)s person.", "Approved for %(n)s people.", n)
    else:
        form = ngettext("Rejected for %(n)s person.", "Rejected for %(n)s people.", n)
    messages.success(request, form % {"n": formats.number(n)})
