"""Reports: figures of a period, credit of messages, rates, funnels and cohorts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.measurement.attribution.credit import SIGN_NAMES, Model
from pusula.measurement.reports import answers, catalog, files, rules, tables
from pusula.measurement.reports.catalog import Question, Result
from pusula.measurement.reports.funnel import MOST_STEPS, ORDER
from pusula.measurement.reports.names import BY, MODELS, Names, step
from pusula.measurement.reports.rates import USUAL_CONVERSION_DAYS
from pusula.privacy import audit
from pusula.segments import queries as segments
from pusula.web import report_drawing, report_period, titles
from pusula.web.builder.choices import Choices
from pusula.web.report_period import PRESETS, Shown
from pusula.web.request import asked, draw, next_address, plain, signed_in, whole

_ATTRIBUTION_BY = ("origin", "message", "trigger", "channel", "content", "segment")
_RATES_BY = ("origin", "message", "channel", "content_id", "day")
_SLOTS = 5
_USUAL_WINDOW = 14
_MONTHS = (6, 12, 18, 24)
_USUAL_MONTHS = 12
_FILES: dict[str, tuple[str, Callable[..., bytes]]] = {
    "csv": ("text/csv; charset=utf-8", files.as_csv),
    "xlsx": (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        files.as_xlsx,
    ),
}
Context = dict[str, Any]


@require_safe
def kpi(request: HttpRequest) -> HttpResponse:
    """Show the figures of the period beside those of the time before it."""
    shown = report_period.shown(request)
    held, error = report_period.rules_or_usual(request)
    question = catalog.of_period(shown.period) | {"rules": held.plain()}

    def fill(result: Result) -> Context:
        return {
            "tiles": report_drawing.tiles(result, shown),
            "chart": report_drawing.course(result),
        }

    return _page(request, "kpi", question, shown, fill, error=error)


@require_safe
def attribution(request: HttpRequest) -> HttpResponse:
    """Show which messages orders are ascribed to; lift stands beside, where it is measured."""
    shown = report_period.shown(request)
    held, error = report_period.rules_or_usual(request)
    segment = _segment(request)
    question = catalog.of_period(shown.period) | {"rules": held.plain(), "segment": segment}
    by = asked(request, "by") if asked(request, "by") in _ATTRIBUTION_BY else "origin"

    def fill(result: Result) -> Context:
        return {
            "rows": report_drawing.credited(result, by, shown, segment),
            "has_lift": report_drawing.has_lift(result),
        }

    more = {
        "rules": held.plain(),
        "are_usual": held == rules.current(),
        "model": MODELS[held.model.value],
        "models": [(one.value, MODELS[one.value]) for one in Model],
        "windows": [
            (name, title, held.windows.get(name, 0)) for name, title in _sign_titles().items()
        ],
        "by": by,
        "choices": [(name, BY[name]) for name in _ATTRIBUTION_BY],
        "by_title": BY[by],
        "segment": segment,
        "segment_title": dict(_segments()).get(segment, ""),
        "segments": _segments(),
    }
    return _page(request, "attribution", question, shown, fill, error=error, more=more)


@require_POST
def keep_rules(request: HttpRequest) -> HttpResponse:
    """Let the rules of the form hold for everybody who says nothing else."""
    by = signed_in(request).get_username()
    try:
        wanted = rules.parsed(
            {
                "model": request.POST.get("model", ""),
                "windows": {name: request.POST.get(name, "") for name in SIGN_NAMES},
                "half_life_days": request.POST.get("half_life", ""),
            }
        )
    except PusulaError as error:
        messages.error(request, error.said(gettext))
        return redirect(next_address(request))
    with transaction.atomic():
        if rules.apply(wanted, by=by, at=clock.now()):
            audit.record(by, "reports.rules", **wanted.plain())
    messages.success(request, gettext("Reports ascribe orders by these rules from now on."))
    return redirect(next_address(request))


@require_safe
def rates(request: HttpRequest) -> HttpResponse:
    """Show what became of the messages of the period."""
    shown = report_period.shown(request)
    by = asked(request, "by") if asked(request, "by") in _RATES_BY else "origin"
    segment = _segment(request)
    days = whole(asked(request, "within"))
    days = days if days in (1, 3, 7, 14, 30) else USUAL_CONVERSION_DAYS
    narrowed = {name: asked(request, name) for name in ("origin", "step", "channel")}
    question = catalog.of_period(shown.period) | {
        **narrowed, "by": by, "segment": segment, "conversion_days": days
    }  # fmt: skip

    def fill(result: Result) -> Context:
        return {
            "rows": report_drawing.rated(
                result, shown, {**narrowed, "segment": segment, "within": days}
            ),
            "titles": [title for _name, title in tables.rate_titles()],
        }

    more = {
        "by": by,
        "choices": [(name, BY[name]) for name in _RATES_BY],
        "by_title": BY[by],
        "segment": segment,
        "segments": _segments(),
        "within": days,
        "withins": (1, 3, 7, 14, 30),
        "narrowed": _narrowed(narrowed),
    }
    return _page(request, "rates", question, shown, fill, more=more)


@require_safe
def funnel(request: HttpRequest) -> HttpResponse:
    """Show who went through the steps that the address names (``step``, repeated)."""
    shown = report_period.shown(request)
    steps = [plain(one) for one in request.GET.getlist("step")[:MOST_STEPS] if plain(one)]
    window = whole(asked(request, "window")) or _USUAL_WINDOW
    known = [(ORDER, step(ORDER)), *((one.value, one.words) for one in Choices().events())]
    more = {
        "steps": [*steps, *[""] * max(0, _SLOTS - len(steps))],
        "known": known,
        "window": window,
        "is_chosen": len(steps) > 1,
    }
    if len(steps) < 2:  # noqa: PLR2004 - one step leads nowhere
        return render(
            request, "web/reports/funnel.html", {**_frame(request, "funnel", shown), **more}
        )
    question = catalog.of_period(shown.period) | {"steps": steps, "window_days": window}

    def fill(result: Result) -> Context:
        return {"rows": report_drawing.reached(result, shown)}

    return _page(request, "funnel", question, shown, fill, more=more)


@require_safe
def cohort(request: HttpRequest) -> HttpResponse:
    """Show who came again, by the month of their first order."""
    months = whole(asked(request, "months"))
    months = months if months in _MONTHS else _USUAL_MONTHS
    what = "revenue" if asked(request, "show") == "revenue" else "people"

    def fill(result: Result) -> Context:
        return {
            "rows": report_drawing.cohorts(result, what),
            "heads": range(months),
            "is_empty": not any(one["n"] for one in result["cohorts"]),
        }

    more = {"months": months, "choices": _MONTHS, "what": what}
    return _page(request, "cohort", {"months": months}, None, fill, more=more)


@require_POST
def count_anew(request: HttpRequest) -> HttpResponse:
    """Ask for newer figures, of any page that shows kept ones, and lead back to it."""
    answers.ask(request.POST.getlist("asked"), at=clock.now())
    return redirect(next_address(request))


def _page(
    request: HttpRequest,
    kind: str,
    question: Question,
    shown: Shown | None,
    fill: Callable[[Result], Context],
    *,
    error: str = "",
    more: Context | None = None,
) -> HttpResponse:
    """Draw the page of a report: filled, waiting for its answer, or saying what is wrong."""
    given = answers.answer(kind, question, at=clock.now())
    wanted = _FILES.get(asked(request, "format"))
    if wanted is not None and given.result is not None:
        return _file(kind, asked(request, "format"), given.result)
    context = {
        **_frame(request, kind, shown),
        **(more or {}),
        "error": error or given.error or (shown.error if shown else ""),
        "has_failed": bool(given.error),
        "digests": (given.digest,) if given.digest else (),
        "again_at": given.again_at,
        "is_waiting": given.is_waiting,
        "made_at": given.made_at,
        "result": given.result,
        **(fill(given.result) if given.result is not None else {}),
    }
    return draw(request, f"web/reports/{kind}.html", f"web/reports/_{kind}.html", context)


def _frame(request: HttpRequest, kind: str, shown: Shown | None) -> Context:
    plain = request.GET.copy()
    plain.pop("format", None)
    return {
        "tab": kind,
        "shown": shown,
        "presets": PRESETS.items(),
        "here": request.path,
        "query": plain.urlencode(),
        "hidden": [(name, value) for name in plain for value in plain.getlist(name)
                   if name not in {"from", "to", "days"}],
        "currency": settings.PUSULA.currency,
    }  # fmt: skip


def _file(kind: str, form: str, result: Result) -> HttpResponse:
    content_type, write = _FILES[form]
    response = HttpResponse(write(tables.tables(result)), content_type=content_type)
    days = ""
    if "from" in result["question"]:
        period = catalog.period_of(result["question"])
        days = f"-{period.from_on.isoformat()}-{period.last_on.isoformat()}"
    response["Content-Disposition"] = f'attachment; filename="pusula-{kind}{days}.{form}"'
    return response


def _segment(request: HttpRequest) -> str:
    wanted = asked(request, "segment")
    return wanted if wanted and segments.by_key(wanted) else ""


def _segments() -> list[tuple[str, str]]:
    return [(one.key, titles.segment_title(one)) for one in segments.active()]


def _sign_titles() -> dict[str, str]:
    return {
        "clicked": gettext("Clicked within"),
        "opened": gettext("Opened within"),
        "sent": gettext("Sent within"),
    }


def _narrowed(narrowed: dict[str, str]) -> list[str]:
    wanted = {name: value for name, value in narrowed.items() if value}
    if not wanted:
        return []
    names = Names.of([wanted])
    return [names.row(wanted)]
