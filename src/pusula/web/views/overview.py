"""The first page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from pusula.measurement.reports import measured
from pusula.profiles import queries as profiles
from pusula.segments import queries as segments
from pusula.web import concerns, kept, titles
from pusula.web import overview as story
from pusula.web.report_period import PRESETS
from pusula.web.request import asked, whole


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show how the period ``days`` went; before there are customers, the first steps."""
    steps = story.steps()
    if not profiles.everybody().exists():
        return render(request, "web/overview/first.html", {"steps": steps})
    days = whole(asked(request, "days"))
    days = days if days in PRESETS else story.USUAL_PERIOD
    found, kept_ = kept.figures(request, measured.GLANCE, story.asked(days))
    period = story.period(days, found) if found else None
    context = {
        "periods": PRESETS.items(),
        "days": days,
        "kept": kept_,
        "found": found,
        "period": period,
        "headline": story.headline(period) if period else "",
        "steps": [step for step in steps if not step.is_done],
        "concerns": concerns.concerns(found.stuck if found else {}),
        "reaches": story.reaches(found) if found else [],
        "segments": [
            (segment, titles.segment_title(segment), change)
            for segment, change in story.changed_most(days)
        ],
        "n_segments": segments.active().count(),
    }
    return render(request, "web/overview/overview.html", context)
