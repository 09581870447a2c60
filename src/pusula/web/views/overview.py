"""The first page."""

from __future__ import annotations

import datetime as dt

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from pusula.lib import clock
from pusula.orders import queries as orders
from pusula.profiles import queries as profiles
from pusula.segments import queries as segments
from pusula.web import formats, titles
from pusula.web import overview as story


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show how the period ``days`` went; before there are customers, the first steps."""
    steps = story.steps()
    if not profiles.everybody().exists():
        return render(request, "web/overview/first.html", {"steps": steps})
    wanted = request.GET.get("days", "")
    known = {str(days): days for days in story.PERIODS}
    period = story.period(known.get(wanted, story.USUAL_PERIOD))
    since_at = clock.now() - period.days * clock.DAY
    today = formats.today()
    context = {
        "periods": [(days, title) for days, (title, _step) in story.PERIODS.items()],
        "period": period,
        "until": today - dt.timedelta(days=1),
        "headline": story.headline(period),
        "steps": [step for step in steps if not step.is_done],
        "concerns": story.concerns(),
        "n_customers": profiles.everybody().count(),
        "n_new": profiles.everybody().filter(created_at__gte=since_at).count(),
        "has_stays": orders.has_stays(),
        "n_upcoming": orders.n_upcoming(today),
        "reaches": story.reaches(),
        "segments": [
            (segment, titles.segment_title(segment), change)
            for segment, change in story.changed_most(period.days)
        ],
        "n_segments": segments.active().count(),
    }
    return render(request, "web/overview/overview.html", context)
