"""Reports by mail: who gets which when, what was sent, and each of them to be downloaded."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pusula.lib import clock
from pusula.measurement.reports import files, mails, schedules, tables
from pusula.measurement.reports.models import Issue, Schedule
from pusula.measurement.reports.schedules import ScheduleError
from pusula.privacy import audit
from pusula.web import formats
from pusula.web.report_period import PRESETS
from pusula.web.request import signed_in, whole

_SHOWN = 25
_USUAL_HOUR = 8
WEEKDAYS: dict[int, str | Promise] = {
    0: _("Monday"),
    1: _("Tuesday"),
    2: _("Wednesday"),
    3: _("Thursday"),
    4: _("Friday"),
    5: _("Saturday"),
    6: _("Sunday"),
}
_LANGUAGES = {"tr": _("Turkish"), "en": _("English")}
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """List the scheduled reports and those sent; on POST schedule another."""
    error = ""
    if request.method == "POST":
        try:
            _create(request)
        except ScheduleError as problem:
            error = problem.said(gettext)
        else:
            messages.success(request, gettext("The report goes out from its next moment on."))
            return redirect("report-mails")
    at = clock.now()
    context = {
        "tab": "mails",
        "error": error,
        "typed": _typed(request),
        "schedules": [_schedule(one, at) for one in schedules.active()],
        "issues": [_issue(issue) for issue in schedules.issues(_SHOWN)],
        "addresses": list(schedules.verified()),
        "parts": mails.TITLES.items(),
        "weekdays": WEEKDAYS.items(),
        "hours": range(24),
        "periods": PRESETS.items(),
        "languages": _LANGUAGES.items(),
    }
    return render(request, "web/reports/mails.html", context, status=422 if error else 200)


@require_POST
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a scheduled report go out no more."""
    by = signed_in(request).get_username()
    with transaction.atomic():
        if schedules.end(pk, at=clock.now()):
            audit.record(by, "reports.ended", f"schedule:{pk}")
    messages.success(request, gettext("This report does not go out any more."))
    return redirect("report-mails")


@require_safe
def issue(_request: HttpRequest, pk: int, form: str) -> HttpResponse:
    """Give a report that was made as a file: the page of the mail, or its tables."""
    held = get_object_or_404(Issue.objects.select_related("schedule"), pk=pk)
    name = f"pusula-{held.from_on.isoformat()}-{held.pk}.{form}"
    with translation.override(held.schedule.language):
        told = [
            table for part in held.schedule.parts if part in held.results
            for table in tables.tables(held.results[part])
        ]  # fmt: skip
        if form == "html":
            response = HttpResponse(mails.page(held), content_type="text/html; charset=utf-8")
        elif form == "xlsx":
            response = HttpResponse(files.as_xlsx(told), content_type=_XLSX)
        elif form == "csv":
            response = HttpResponse(files.as_csv(told), content_type="text/csv; charset=utf-8")
        else:
            raise Http404(form)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _create(request: HttpRequest) -> None:
    given = request.POST
    weekday = whole(given.get("weekday", ""))
    hour, days = whole(given.get("hour", "")), whole(given.get("days", ""))
    by = signed_in(request).get_username()
    with transaction.atomic():
        made = schedules.create(
            title=given.get("title", "").replace("\0", ""),
            parts=given.getlist("part"),
            days=-1 if days is None else days,
            language=given.get("language", ""),
            weekday=weekday,
            hour=-1 if hour is None else hour,
            to=[pk for text in given.getlist("to") if (pk := whole(text)) is not None],
            by=by,
            at=clock.now(),
        )
        audit.record(by, "reports.scheduled", f"schedule:{made.pk}")


def _typed(request: HttpRequest) -> dict[str, Any]:
    """Return what the form shows: what was typed, else what is usual."""
    given = request.POST
    if request.method != "POST":
        return {"title": gettext("Weekly report"), "part": ["kpi", "attribution", "rates"],
                "weekday": 0, "hour": _USUAL_HOUR, "days": 7, "language": formats.locale().language,
                "to": []}  # fmt: skip
    return {
        "title": given.get("title", ""),
        "part": given.getlist("part"),
        "weekday": whole(given.get("weekday", "")),
        "hour": whole(given.get("hour", "")),
        "days": whole(given.get("days", "")),
        "language": given.get("language", ""),
        "to": [whole(text) for text in given.getlist("to")],
    }


def _schedule(one: Schedule, at: int) -> dict[str, Any]:
    when = gettext("every day") if one.weekday is None else str(WEEKDAYS[one.weekday])
    return {
        "schedule": one,
        "when": f"{when}, {one.hour:02}:00",
        "parts": formats.listing(str(mails.TITLES[part]) for part in one.parts),
        "period": PRESETS[one.days],
        "to": [to.address for to in one.recipients.order_by("address")],
        "next_at": schedules.next_at(one, at),
    }


def _issue(one: Issue) -> dict[str, Any]:
    letters, last = list(one.letters.all()), one.until_on - dt.timedelta(days=1)
    return {
        "issue": one,
        "days": f"{formats.short_day(one.from_on)} – {formats.day(last)}",
        "letters": letters,
        "n_sent": sum(letter.sent_at is not None for letter in letters),
    }
