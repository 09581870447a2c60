"""What is behind the figures of reports: orders, messages and credits, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_safe

from pusula.campaigns import words
from pusula.lib import clock
from pusula.measurement.attribution import queries as attribution
from pusula.measurement.attribution.credit import SIGN_NAMES
from pusula.measurement.attribution.queries import CreditedOrder, Narrowed
from pusula.measurement.reports import answers, blocks, catalog, rates, tables
from pusula.measurement.reports.blocks import Page
from pusula.measurement.reports.names import MODELS, Names, channel
from pusula.orders import machine
from pusula.orders.models import Order
from pusula.outbox.models import Message
from pusula.profiles.models import Profile
from pusula.segments import queries as segments
from pusula.segments.models import Segment
from pusula.web import formats, report_period, titles
from pusula.web.report_period import Shown
from pusula.web.request import asked, whole

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
    n = _n_orders(request, shown, found, is_dead=is_dead)
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
    return listed(
        request,
        title=gettext("Cancelled orders") if is_dead else gettext("Orders"),
        meta=[days(shown), *([] if n is None else [_orders_words(n)])],
        back=("report-kpi", shown),
        heads=(gettext("Customer"), gettext("Ordered"), gettext("Number"), gettext("State"),
               gettext("Net revenue")),
        rows=rows,
        after=str(held[PAGE - 1].pk) if len(held) > PAGE else "",
    )  # fmt: skip


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
    found = rates.page(wanted, kind, after=after_of(request), limit=PAGE)
    held = list(Message.objects.filter(pk__in=found.ids).select_related("profile").order_by("-pk"))
    names = Names.of([{"origin": one.origin, "step": one.step} for one in held])
    rows = [
        Row(
            reverse("customer", args=[one.profile_id]),
            titles.customer(one.profile.name),
            (
                names.row({"origin": one.origin, "step": one.step}),
                channel(one.channel),
                str(words.MESSAGE_STATES[one.state]),
                formats.moment(one.settled_at or one.due_at),
            ),
        )
        for one in held
    ]
    kinds = dict(tables.rate_titles()) | {"sent": gettext("Messages sent")}
    return listed(
        request,
        title=kinds.get(kind, gettext("Messages")),
        meta=[days(shown), *_narrowing(request)],
        back=("report-rates", shown),
        heads=(gettext("Customer"), gettext("Message"), gettext("Channel"), gettext("State"),
               gettext("Time")),
        rows=rows,
        after=next_place(found),
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
    found, ended = attribution.credited_orders(
        shown.period.span, held, wanted, after=after, limit=PAGE, longest=blocks.LONGEST
    )
    names = Names.of([{"origin": one.origin} for one in found])
    people = Profile.objects.in_bulk({one.profile_id for one in found})
    rows = [_credit_row(one, names, people) for one in found]
    return listed(
        request,
        title=gettext("Credited orders"),
        meta=[days(shown), str(MODELS[held.model.value]), *_narrowing(request)],
        back=("report-attribution", shown),
        heads=(gettext("Customer"), gettext("Ordered"), gettext("Message"), gettext("Touch"),
               gettext("Share"), gettext("Net revenue"), gettext("Credit")),
        rows=rows,
        after=f"{ended[0]}.{ended[1]}" if ended else "",
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


def listed(
    request: HttpRequest,
    *,
    title: str,
    meta: list[str],
    back: tuple[str, Shown | None],
    heads: tuple[str, ...],
    rows: list[Row],
    after: str,
) -> HttpResponse:
    """Draw a page of a list; ``after`` is where the next begins, empty at the end."""
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


def after_of(request: HttpRequest) -> int | None:
    """Return behind which number the page of a list begins."""
    return whole(asked(request, "after"))


def next_place(found: Page) -> str:
    """Return where the next page begins as its address says it; empty at the end."""
    return "" if found.after is None else str(found.after)


def _n_orders(
    request: HttpRequest, shown: Shown, found: QuerySet[Order], *, is_dead: bool
) -> int | None:
    """Return how many orders there are, as far as that is known at once; a return is none."""
    if answers.is_small():
        return (found if is_dead else found.filter(net_base_minor__gte=0)).count()
    held, _error = report_period.rules_or_usual(request)
    question = catalog.of_period(shown.period) | {"rules": held.plain()}
    told = answers.known("kpi", question, at=clock.now())
    n: int | None = told["now"]["n_cancelled" if is_dead else "n_orders"] if told else None
    return n


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


def days(shown: Shown) -> str:
    """Return the days of a period in words."""
    period = shown.period
    return f"{formats.day(period.from_on)} – {formats.day(period.last_on)}"


def _orders_words(n: int) -> str:
    return ngettext("%(n)s order", "%(n)s orders", n) % {"n": formats.number(n)}
