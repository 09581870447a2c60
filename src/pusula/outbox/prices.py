"""What messages cost: a price for each channel from a moment on, and what was spent by them.

A price is of one message, of SMS of each part, in the company's currency. Prices are never changed:
another one holds from its moment on, so what was sent before goes on costing what it cost. What was
sent before the first price of its channel costs that one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.db.models import QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from pusula.consent.models import Channel
from pusula.lib import money
from pusula.lib.errors import PusulaError
from pusula.outbox import machine
from pusula.outbox.models import Message, Price

MICRO = 1_000_000  # parts of one unit of the currency, since an SMS costs fractions of a kuruş
HIGHEST = Decimal(100_000)
_AMOUNT = re.compile(r"[0-9]{1,6}([.,][0-9]{1,6})?")
# What was paid for: the next hop took it, or may have.
_PAID = (machine.SENT, machine.UNKNOWN)


class PriceError(PusulaError):
    """A price cannot be what it is said to be."""

    code = "bad_price"
    status = 422


@dataclass(frozen=True, slots=True)
class Spent:
    """What messages cost, in minor units of the company's currency.

    ``missing`` are the channels of which some were sent and no price is known: they count nothing.
    """

    minor: int
    missing: tuple[str, ...] = ()


def current() -> dict[str, Decimal]:
    """Return the prices that hold, by channel; a channel without one is not in it."""
    rows = Price.objects.order_by("from_at", "pk").values_list("channel", "micro")
    return {channel: Decimal(micro) / MICRO for channel, micro in rows}


def history(limit: int = 50) -> list[Price]:
    """Return what was set, the newest first."""
    return list(Price.objects.order_by("-from_at", "-pk")[:limit])


def read(text: str) -> Decimal:
    """Return the price that people write as ``0,1325`` or ``0.1325``; raise ``PriceError``."""
    if not _AMOUNT.fullmatch(text.strip()):
        raise PriceError(_("Write a price as a number, such as 0.1325."))
    amount = Decimal(text.strip().replace(",", "."))
    _check(Channel.SMS, amount)
    return amount


def change(wanted: dict[str, Decimal], *, by: str, at: int) -> dict[str, Decimal]:
    """Let prices hold from ``at`` on; return those that were others before.

    Raises ``PriceError`` for a channel there is not, and for what is no price.
    """
    for channel, amount in wanted.items():
        _check(channel, amount)
    held = current()
    changed = {name: amount for name, amount in wanted.items() if held.get(name) != amount}
    Price.objects.bulk_create(
        Price(channel=name, micro=int(amount * MICRO), from_at=at, set_by=by)
        for name, amount in changed.items()
    )
    return changed


def minor(amount: Decimal) -> int:
    """Return an amount of the company's currency in minor units, halves to even."""
    return money.to_minor(amount, settings.PUSULA.currency)


def spent(messages: QuerySet[Message]) -> Spent:
    """Return what those of ``messages`` cost that were sent, or may have been.

    The sum is rounded once. One statement for each price there was.
    """
    paid = messages.filter(state__in=_PAID).order_by()
    total, missing = Decimal(0), list[str]()
    for channel in sorted(paid.values_list("channel", flat=True).distinct()):
        mine = paid.filter(channel=channel)
        spans = list(_spans(channel))
        if not spans:
            missing.append(channel)
        for price, span in spans:
            n = mine.filter(**span).aggregate(n=Sum(Coalesce("n_parts", 1)))["n"]
            total += price * (n or 0)
    return Spent(minor(total), tuple(missing))


def _spans(channel: str) -> Iterator[tuple[Decimal, dict[str, int]]]:
    """Yield each price of a channel and when it held, as conditions of ``gated_at``."""
    rows = Price.objects.filter(channel=channel).order_by("from_at", "pk")
    prices = list(rows.values_list("from_at", "micro"))
    for n, (from_at, micro) in enumerate(prices):
        span = {"gated_at__gte": from_at} if n else {}
        if n + 1 < len(prices):
            span["gated_at__lt"] = prices[n + 1][0]
        yield Decimal(micro) / MICRO, span


def _check(channel: str, amount: Decimal) -> None:
    if channel not in Channel.values:
        raise PriceError(_("There is no channel %(channel)s.") % {"channel": channel})
    if not amount.is_finite() or not 0 <= amount <= HIGHEST or amount * MICRO % 1:
        raise PriceError(
            _("A price is 0 to %(most)s, with at most six decimals.") % {"most": HIGHEST}
        )
