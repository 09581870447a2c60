"""What is behind the figures of reports: orders, people, messages and credits, page by page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_safe

from pusula.lib import clock
from pusula.measurement.attribution import queries as attribution
from pusula.measurement.attribution.credit import SIGN_NAMES
from pusula.measurement.attribution.queries import CreditedOrder, Narrowed
from pusula.measurement.reports import answers, catalog, cohort, funnel, kpi, rates, tables
from pusula.measurement.reports.names import MODELS, Names, channel, step
from pusula.measurement.reports.period import Period, PeriodError
from pusula.orders import machine
from pusula.orders.models import Order
from pusula.outbox.models import Message
from pusula.profiles.models import Profile
from pusula.segments import queries as segments
from pusula.segments.models import Segment
from pusula.web import codes, formats, report_period, titles
from pusula.web import people as shown_people
from pusula.web.report_period import Shown
from pusula.web.request import asked, plain, whole

PAGE = 50
_MOST_WITHIN = 365  # days behind a message in which an order counts


@dataclass(frozen=True)
class Row:
    """A row of a list: its link, and its cells in words."""

    href: str
    title: str
    cells: tuple[str, ...]


@require_safe
def orders(request: HttpRequest) -> HttpResponse:
    """List the orders placed in the period that are alive (``state=dead``: that are not)."""
    shown = report_period.shown(request)
    span = shown.period.span
    is_dead = asked(request, "state") == "dead"
    states = machine.DEAD if is_dead else machine.ALIVE
    found = Order.objects.filter(
        status__in=states, ordered_at__gte=span.from_at, ordered_at__lt=span.until_at
    )
    page = found.order_by("-ordered_at", "-pk").select_related("profile")
    last = _last(Order, asked(request, "after"))
    if last is not None:
        behind = Q(ordered_at=last.ordered_at, pk__lt=last.pk)
        page = page.filter(behind | Q(ordered_at__lt=last.ordered_at))
    counted = found if is_dead else found.filter(net_base_minor__gte=0)  # a return is no order
    held = list(page[: PAGE + 1])
    rows = [
        Row(
            reverse("customer", args=[one.profile_id]),
            titles.customer(one.profile.name),
            (
                formats.moment(one.ordered_at),
                one.source_id,
                str(titles.ORDER_STATES[one.status]),
                formats.amount(one.net_base_minor, settings.PUSULA.currency),
            ),
        )
        for one in held[:PAGE]
    ]
    return _listed(
        request,
        title=gettext("Cancelled orders") if is_dead else gettext("Orders"),
        meta=[_days(shown), _orders_words(counted.count())],
        back=("report-kpi", shown),
        heads=(gettext("Customer"), gettext("Ordered"), gettext("Number"), gettext("State"),
               gettext("Net revenue")),
        rows=rows,
        after=str(held[PAGE - 1].pk) if len(held) > PAGE else "",
    )  # fmt: skip


@require_safe
def buyers(request: HttpRequest) -> HttpResponse:
    """List who ordered in the period (``who=new``: for the first time)."""
    shown = report_period.shown(request)
    span, after = shown.period.span, whole(asked(request, "after")) or 0
    are_new = asked(request, "who") == "new"
    title = gettext("Customers who ordered")
    if are_new:
        title = gettext("Customers who ordered for the first time")
    ids = kpi.buyers(span, are_new=are_new, after=after, limit=PAGE + 1)
    return _people(request, ids, title=title, meta=[_days(shown)], back=("report-kpi", shown))


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
    after = whole(asked(request, "after")) or 0
    ids = cohort.people(month, later, after=after, limit=PAGE + 1)
    words = {"month": formats.month(month), "n": later}
    meta = [gettext("First order: %(month)s") % words]
    if later:
        meta.append(gettext("ordered %(n)s months later") % words)
    return _people(
        request,
        ids,
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
    after = whole(asked(request, "after")) or 0
    ids = funnel.people(steps, shown.period.span, window, place, after=after, limit=PAGE + 1)
    question = catalog.of_period(shown.period) | {"steps": list(steps), "window_days": window}
    counted = answers.answer("funnel", question, at=clock.now()).result  # of the page before
    return _people(
        request,
        ids,
        title=step(steps[place]),
        meta=[_days(shown), *([_people_words(counted["steps"][place]["n"])] if counted else [])],
        back=("report-funnel", shown),
    )


@require_safe
def messages(request: HttpRequest) -> HttpResponse:
    """List the messages behind a rate (``kind``), the newest first."""
    shown = report_period.shown(request)
    within = whole(asked(request, "within")) or 0
    kind = asked(request, "kind") if asked(request, "kind") in rates.KINDS else "sent"
    wanted = rates.Asked(
        shown.period.span,
        origin=asked(request, "origin"),
        step=asked(request, "step"),
        channel=asked(request, "channel"),
        content_id=whole(asked(request, "content_id")) or 0,
        segment=_segment(request),
        conversion_days=within if 1 <= within <= _MOST_WITHIN else rates.USUAL_CONVERSION_DAYS,
    )
    ids = rates.page(wanted, kind, before=whole(asked(request, "after")), limit=PAGE + 1)
    held = list(Message.objects.filter(pk__in=ids).select_related("profile").order_by("-pk"))
    names = Names.of([{"origin": one.origin, "step": one.step} for one in held])
    rows = [
        Row(
            reverse("customer", args=[one.profile_id]),
            titles.customer(one.profile.name),
            (
                names.row({"origin": one.origin, "step": one.step}),
                channel(one.channel),
                str(codes.MESSAGE_STATES[one.state]),
                formats.moment(one.settled_at or one.due_at),
            ),
        )
        for one in held[:PAGE]
    ]
    kinds = dict(tables.rate_titles()) | {"sent": gettext("Messages sent")}
    return _listed(
        request,
        title=kinds.get(kind, gettext("Messages")),
        meta=[_days(shown), *_narrowing(request)],
        back=("report-rates", shown),
        heads=(gettext("Customer"), gettext("Message"), gettext("Channel"), gettext("State"),
               gettext("Time")),
        rows=rows,
        after=str(held[PAGE - 1].pk) if len(held) > PAGE else "",
    )  # fmt: skip


@require_safe
def credits_(request: HttpRequest) -> HttpResponse:
    """List the orders that are ascribed to messages, with the part that each message gets."""
    shown = report_period.shown(request)
    held, _error = report_period.rules_or_usual(request)
    wanted = Narrowed(
        origin=asked(request, "origin"),
        step=asked(request, "step"),
        trigger=asked(request, "trigger"),
        channel=asked(request, "channel"),
        content_id=whole(asked(request, "content_id")) or 0,
        segment=_segment(request),
    )
    profile, _dot, order = asked(request, "after").partition(".")
    after = (whole(profile) or 0, whole(order) or 0)
    found = attribution.credited_orders(shown.period.span, held, wanted, after=after, limit=PAGE)
    names = Names.of([{"origin": one.origin} for one in found])
    people = Profile.objects.in_bulk({one.profile_id for one in found})
    rows = [_credit_row(one, names, people) for one in found]
    last = found[-1] if len(found) >= PAGE else None
    return _listed(
        request,
        title=gettext("Credited orders"),
        meta=[_days(shown), str(MODELS[held.model.value]), *_narrowing(request)],
        back=("report-attribution", shown),
        heads=(gettext("Customer"), gettext("Ordered"), gettext("Message"), gettext("Touch"),
               gettext("Share"), gettext("Net revenue"), gettext("Credit")),
        rows=rows,
        after=f"{last.profile_id}.{last.order_id}" if last else "",
    )  # fmt: skip


def _credit_row(one: CreditedOrder, names: Names, people: dict[int, Profile]) -> Row:
    signs = {
        "sent": gettext("sent"),
        "opened": gettext("opened"),
        "clicked": gettext("clicked"),
    }
    name = people[one.profile_id].name if one.profile_id in people else ""
    currency = settings.PUSULA.currency
    return Row(
        reverse("customer", args=[one.profile_id]),
        titles.customer(name),
        (
            formats.moment(one.ordered_at),
            names.row({"origin": one.origin, "step": one.step}),
            f"{signs[SIGN_NAMES[one.sign]]}, {formats.moment(one.touched_at)}",
            formats.percent(one.share, 0),
            formats.amount(one.net_minor, currency),
            formats.amount(one.credit_minor, currency),
        ),
    )


def _people(
    request: HttpRequest,
    ids: Sequence[int],
    *,
    title: str,
    meta: list[str],
    back: tuple[str, Shown | None],
) -> HttpResponse:
    """List people; ``ids`` are the next ones, one more than a page holds if there are more."""
    rows = []
    for one in shown_people.people(ids[:PAGE]):
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
    return _listed(
        request,
        title=title,
        meta=meta,
        back=back,
        heads=(gettext("Customer"), gettext("City"), gettext("Completed orders"),
               gettext("Net revenue of all of them")),
        rows=rows,
        after=str(ids[PAGE - 1]) if len(ids) > PAGE else "",
    )  # fmt: skip


def _listed(
    request: HttpRequest,
    *,
    title: str,
    meta: list[str],
    back: tuple[str, Shown | None],
    heads: tuple[str, ...],
    rows: list[Row],
    after: str,
) -> HttpResponse:
    name, shown = back
    context: dict[str, Any] = {
        "title": title,
        "meta": meta,
        "back": f"{reverse(name)}?{shown.query}" if shown else reverse(name),
        "heads": heads,
        "n_texts": _N_TEXTS.get(name, len(heads) - 2),
        "rows": rows,
        "after": after,
        "is_first": "after" not in request.GET,
    }
    return render(request, "web/reports/rows.html", context)


# How many columns of a list are words; the others are numbers and stand to the right.
_N_TEXTS = {"report-kpi": 4, "report-rates": 5, "report-attribution": 4}


def _last(model: type[Order], text: str) -> Order | None:
    pk = whole(text)
    return model.objects.filter(pk=pk).first() if pk is not None else None


def _segment(request: HttpRequest) -> Segment | None:
    wanted = asked(request, "segment")
    return segments.by_key(wanted) if wanted else None


def _narrowing(request: HttpRequest) -> list[str]:
    """Return what the list is narrowed to, in words."""
    wanted: dict[str, Any] = {
        name: asked(request, name) for name in ("origin", "step", "trigger") if asked(request, name)
    }
    said = [Names.of([wanted]).row(wanted)] if "origin" in wanted else []
    if asked(request, "channel"):
        said.append(channel(asked(request, "channel")))
    if (segment := _segment(request)) is not None:
        said.append(titles.segment_title(segment))
    return said


def _days(shown: Shown) -> str:
    period = shown.period
    return f"{formats.day(period.from_on)} – {formats.day(period.last_on)}"


def _people_words(n: int) -> str:
    return ngettext("%(n)s customer", "%(n)s customers", n) % {"n": formats.number(n)}


def _orders_words(n: int) -> str:
    return ngettext("%(n)s order", "%(n)s orders", n) % {"n": formats.number(n)}
