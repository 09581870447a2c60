"""The calendar of campaigns, journeys and holidays, month by month."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from pusula.web import calendar, formats
from pusula.web.request import asked

# Nobody plans further; and the library's holidays end somewhere.
_FIRST_YEAR, _LAST_YEAR = 2000, 2090


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show a month; the address names it (``month=2026-12``), else it is this one."""
    first_on = _month(asked(request, "month"))
    weeks = calendar.weeks(first_on)
    context = {
        "first_on": first_on,
        "before": calendar.month_beside(first_on, -1),
        "after": calendar.month_beside(first_on, 1),
        "weekdays": [(day.on, formats.weekday(day.on)) for day in weeks[0]],
        "weeks": weeks,
        "is_empty": all(not day.entries for week in weeks for day in week),
        "crowds": calendar.crowds(weeks),
        "conflicts": calendar.conflicts(),
        "title": formats.month(first_on),
        "zone": settings.PUSULA.time_zone,
    }
    return render(request, "web/campaigns/calendar.html", context)


def _month(given: str) -> dt.date:
    try:
        found = dt.datetime.strptime(given, "%Y-%m").date()  # noqa: DTZ007 - a day of the calendar
    except ValueError:
        found = formats.today()
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        found = formats.today()
    return found.replace(day=1)
