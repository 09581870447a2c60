"""What messages cost: the price of each channel, and how prices have changed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from pusula.consent.models import Channel
from pusula.lib import clock
from pusula.outbox import prices
from pusula.outbox.prices import MICRO, PriceError
from pusula.privacy import audit
from pusula.web import formats, titles
from pusula.web.request import plain, signed_in
from pusula.web.rights import PRICES, demand, may

_RECENT = 20


@dataclass
class Row:
    """The price of one channel as it stands in the form."""

    channel: str
    words: str
    typed: str
    error: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
def index(request: HttpRequest) -> HttpResponse:
    """Show what a message of each channel costs; a POST lets other prices hold from now on."""
    held = prices.current()
    rows = [
        Row(code, titles.channel(code)[1], formats.price(held[code]) if code in held else "")
        for code in Channel.values
    ]
    if request.method == "POST":
        demand(request, PRICES)
        wanted = _read(request, rows)
        if not any(row.error for row in rows):
            _change(request, wanted)
            return redirect("sending-prices")
    context = {
        "rows": rows,
        "currency": settings.PUSULA.currency,
        "may_change": may(request, PRICES),
        "history": [
            (one, titles.channel(one.channel)[1], formats.price(Decimal(one.micro) / MICRO))
            for one in prices.history(_RECENT)
        ],
    }
    status = 422 if any(row.error for row in rows) else 200
    return render(request, "web/sending/prices.html", context, status=status)


def _read(request: HttpRequest, rows: list[Row]) -> dict[str, Decimal]:
    """Return the prices typed; what is wrong stands in its row. Nothing typed is no price."""
    wanted: dict[str, Decimal] = {}
    for row in rows:
        row.typed = plain(request.POST.get(row.channel, "")).strip()[:40]
        if not row.typed:
            continue
        try:
            wanted[row.channel] = prices.read(row.typed)
        except PriceError as problem:
            row.error = problem.said(gettext)
    return wanted


def _change(request: HttpRequest, wanted: dict[str, Decimal]) -> None:
    by = signed_in(request).get_username()
    with transaction.atomic():
        changed = prices.change(wanted, by=by, at=clock.now())
        if changed:
            audit.record(by, "sending.prices", ", ".join(sorted(changed)))
    if changed:
        messages.success(request, gettext("The new prices hold from now on."))
    else:
        messages.info(request, gettext("Nothing was changed."))
