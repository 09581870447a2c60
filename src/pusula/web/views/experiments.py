"""Experiments: what campaigns and journeys caused, the planner, the control group of everything."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from pusula.campaigns import queries as campaigns
from pusula.journeys import queries as journeys
from pusula.lib import clock, money
from pusula.measurement.experiments import queries as experiments
from pusula.measurement.experiments.verdict import experiment_verdict
from pusula.measurement.planning import words as plan_words
from pusula.measurement.planning.planner import Metric, Plan, UnplannableError, plan
from pusula.measurement.reports import measured
from pusula.measurement.results.campaign import Phase
from pusula.segments import queries as segments
from pusula.segments import spoken
from pusula.web import experiment_pages, formats, kept
from pusula.web.charts.axes import Point
from pusula.web.charts.band import curve
from pusula.web.charts.figure import Figure
from pusula.web.plan_form import PlanForm, usual
from pusula.web.request import asked, whole

_PAGE = 10
_USUAL_DAYS = 14


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List what holds people out, with what it says; a page at a time, since each is measured."""
    at = clock.now()
    sizes, newest = kept.figures(request, measured.SIZES, {})
    if sizes is None:
        return kept.waiting(request, newest, gettext("Experiments"))
    known = list(experiments.experiments(at, sizes))
    found = [one for one in known if one.phase is not Phase.NOT_STARTED]
    waiting = [one for one in known if one.phase is Phase.NOT_STARTED]
    page = max(whole(asked(request, "page")) or 1, 1)
    some = found[(page - 1) * _PAGE : page * _PAGE]
    questions = [measured.of_experiment(one.kind, one.key, is_brief=True) for one in some]
    rows = []
    counted = kept.all_figures(request, measured.EXPERIMENT, questions)
    for one, (figures, kept_) in zip(some, counted, strict=True):
        rows.append((one, experiment_verdict(figures) if figures else None))
        newest = _later(newest, kept_)
    context = {
        "rows": rows,
        "kept": newest,
        "n": len(found),
        "waiting": waiting,
        "page": page,
        "next": page + 1 if page * _PAGE < len(found) else None,
    }
    return render(request, "web/experiments/index.html", context)


@require_safe
def show(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    """Show what one experiment caused, verdict first."""
    title = _title(kind, key)
    with_history = asked(request, "segments") == "then"
    question = measured.of_experiment(kind, key, with_history=with_history)
    found, kept_ = kept.figures(request, measured.EXPERIMENT, question)
    if found is None:
        return kept.waiting(request, kept_, title)
    # Figures speak of the moment they were counted at: before the end, of one that is not over.
    found = replace(found, experiment=replace(found.experiment, title=title))
    context = {
        "page": experiment_pages.page(found, with_history=with_history),
        "one": found.experiment,
        "kept": kept_,
    }
    return render(request, "web/experiments/show.html", context)


@require_safe
def planner(request: HttpRequest) -> HttpResponse:
    """Answer how many people and days a test takes; the address says what is asked."""
    metric = asked(request, "metric") or Metric.RATE.value
    segment = segments.by_key(asked(request, "segment"))
    is_asked = "base" in request.GET
    days = whole(asked(request, "days")) or _USUAL_DAYS
    days = min(max(days, 1), 365)
    question = {"segment": segment.key if segment else "", "days": days}
    found, kept_ = kept.figures(request, measured.BASELINE, question)
    exponent = money.EXPONENTS[settings.PUSULA.currency]
    start = {"segment": segment.key if segment else "", "metric": metric}
    if found is not None:
        start |= usual(found, metric, exponent)
    form = PlanForm(request.GET) if is_asked else PlanForm(start)
    planned, trouble = _planned(form)
    context = {
        "form": form,
        "baseline": found,
        "days": days,
        "kept": kept_,
        "is_rate": metric == Metric.RATE.value,
        "deviation": round(found.amounts.variance**0.5) if found else 0,
        "sentences": plan_words.sentences(planned) if planned else [],
        "trouble": trouble if is_asked else "",
        "chart": _curve(planned) if planned else None,
        "planned": planned,
        "currency": settings.PUSULA.currency,
    }
    return render(request, "web/experiments/plan.html", context)


@require_safe
def everything(request: HttpRequest) -> HttpResponse:
    """Show the control group of all messages, and what all messages together caused."""
    found, kept_ = kept.figures(request, measured.EVERYTHING, {})
    context = {
        "found": found,
        "kept": kept_,
        "chart": experiment_pages.monthly(found) if found else None,
    }
    return render(request, "web/experiments/everything.html", context)


def _title(kind: str, key: str) -> str:
    """Return what an experiment is called, or answer 404."""
    campaign = campaigns.by_key(key) if kind == "campaign" else None
    if campaign is not None:
        return campaign.title
    journey = journeys.by_key(key) if kind == "journey" else None
    if journey is None or journey.version is None:
        raise Http404(key)
    return journeys.title(journey, spoken.language())


def _later(one: kept.State, other: kept.State) -> kept.State:
    """Return which of two says more of a page: that waits, else whose figures are older.

    Whoever asks for newer ones asks for both.
    """
    is_older = (other.given.made_at or 0) < (one.given.made_at or 0)
    is_other = not one.given.is_waiting and (other.given.is_waiting or is_older)
    return replace(other if is_other else one, asked=(*one.asked, *other.asked))


def _planned(form: PlanForm) -> tuple[Plan | None, str]:
    if not form.is_valid():
        return None, gettext("Nothing was planned yet: the fields marked need another look.")
    try:
        return plan(form.asked()), ""
    except UnplannableError as error:
        why = error.said(gettext)
        return None, gettext("Such a test cannot be planned: %(why)s.") % {"why": why}


def _curve(planned: Plan) -> Figure:
    points = [
        Point(
            plan_words.effect(planned, effect),
            plan_words.effect(planned, effect),
            chance,
        )
        for effect, chance in planned.curve
    ]
    said = gettext("How probably each effect is found: from none to twice what is asked about.")
    return curve(
        points,
        sentence=said,
        head=(gettext("Effect"), gettext("Probability")),
        form=lambda share: formats.percent(share, 0),
    )
