"""Who is behind the figures of reports: buyers, people of a cohort or a funnel, page by page."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_safe

from pusula.lib import clock
from pusula.measurement.reports import answers, catalog, cohort, funnel, kpi
from pusula.measurement.reports.blocks import Page
from pusula.measurement.reports.names import step
from pusula.measurement.reports.period import Period, PeriodError
from pusula.web import formats, report_period
from pusula.web import people as shown_people
from pusula.web.report_period import Shown
from pusula.web.request import asked, plain, whole
from pusula.web.views.report_rows import PAGE, Row, after_of, days, listed, next_place


@require_safe
def buyers(request: HttpRequest) -> HttpResponse:
    """List who ordered in the period (``who=new``: for the first time)."""
    shown = report_period.shown(request)
    span = shown.period.span
    are_new = asked(request, "who") == "new"
    title = gettext("Customers who ordered")
    if are_new:
        title = gettext("Customers who ordered for the first time")
    found = kpi.buyers(span, are_new=are_new, after=after_of(request), limit=PAGE)
    return _people(request, found, title=title, meta=[days(shown)], back=("report-kpi", shown))


@require_safe
def cohort_people(request: HttpRequest) -> HttpResponse:
    """List who of the cohort ``month`` ordered ``later`` months on."""
    try:
        month = dt.date.fromisoformat(asked(request, "month")).replace(day=1)
        Period(month, month + dt.timedelta(days=1))
    except (ValueError, PeriodError) as error:
        raise Http404(asked(request, "month")) from error
    later = whole(asked(request, "later")) or 0
    if not 0 <= later < cohort.MOST_MONTHS:
        raise Http404(str(later))
    found = cohort.people(month, later, after=after_of(request), limit=PAGE)
    words = {"month": formats.month(month), "n": later}
    meta = [gettext("First order: %(month)s") % words]
    if later:
        meta.append(gettext("ordered %(n)s months later") % words)
    return _people(
        request,
        found,
        title=gettext("Customers of a cohort"),
        meta=meta,
        back=("report-cohort", None),
    )


@require_safe
def funnel_people(request: HttpRequest) -> HttpResponse:
    """List who reached the step ``at`` of a funnel."""
    shown = report_period.shown(request)
    steps = tuple(plain(one) for one in request.GET.getlist("step") if plain(one))
    place = whole(asked(request, "at")) or 0
    if not 2 <= len(steps) <= funnel.MOST_STEPS or not 0 <= place < len(steps):  # noqa: PLR2004
        raise Http404(str(place))
    window = min(max(whole(asked(request, "window")) or 1, 1), funnel.MOST_WINDOW_DAYS)
    found = funnel.people(
        steps, shown.period.span, window, place, after=after_of(request), limit=PAGE
    )
    question = catalog.of_period(shown.period) | {"steps": list(steps), "window_days": window}
    counted = answers.known("funnel", question, at=clock.now())  # of the page before
    return _people(
        request,
        found,
        title=step(steps[place]),
        meta=[days(shown), *([_people_words(counted["steps"][place]["n"])] if counted else [])],
        back=("report-funnel", shown),
    )


def _people(
    request: HttpRequest,
    found: Page,
    *,
    title: str,
    meta: list[str],
    back: tuple[str, Shown | None],
) -> HttpResponse:
    rows = []
    for one in shown_people.people(found.ids):
        summary = one.summary
        rows.append(
            Row(
                reverse("customer", args=[one.id]),
                one.name,
                (
                    one.city or formats.NOTHING,
                    formats.number(summary.n) if summary else formats.NOTHING,
                    formats.amount(summary.net_minor, settings.PUSULA.currency)
                    if summary
                    else formats.NOTHING,
                ),
            )
        )
    return listed(
        request,
        title=title,
        meta=meta,
        back=back,
        heads=(gettext("Customer"), gettext("City"), gettext("Completed orders"),
               gettext("Net revenue of all of them")),
        rows=rows,
        after=next_place(found),
    )  # fmt: skip


def _people_words(n: int) -> str:
    return ngettext("%(n)s customer", "%(n)s customers", n) % {"n": formats.number(n)}
