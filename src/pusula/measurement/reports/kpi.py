"""The figures of a period beside those of the time before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection

from pusula.measurement.attribution.credit import Rules
from pusula.measurement.attribution.queries import Attributed, attributed
from pusula.measurement.attribution.touches import Span
from pusula.measurement.reports import blocks, rates
from pusula.measurement.reports.blocks import Page
from pusula.measurement.reports.period import Period
from pusula.measurement.reports.rates import Rates
from pusula.orders import machine
from pusula.orders import queries as orders
from pusula.profiles.models import Profile

_ALIVE = tuple(sorted(machine.ALIVE))
_MARKS = ", ".join(["%s"] * len(_ALIVE))


@dataclass(frozen=True)
class Figures:
    """What happened in a span; orders as they stand now, money in minor units."""

    n_orders: int  # alive; returns are none
    net_minor: int  # of all alive, returns taken off
    n_buyers: int
    n_new_buyers: int  # their first order ever
    n_cancelled: int  # of the orders placed in the span
    n_placed: int
    messages: Rates
    credited: Attributed

    @property
    def order_minor(self) -> float | None:
        """The average order value."""
        return self.net_minor / self.n_orders if self.n_orders else None

    def plain(self) -> dict[str, Any]:
        """Return them as JSON has them."""
        total = self.credited.total
        return {
            "n_orders": self.n_orders,
            "net_minor": self.net_minor,
            "order_minor": self.order_minor,
            "n_buyers": self.n_buyers,
            "n_new_buyers": self.n_new_buyers,
            "n_cancelled": self.n_cancelled,
            "n_placed": self.n_placed,
            "messages": self.messages.plain(),
            "credited_orders": total.n_orders,
            "credited_minor": total.revenue_minor,
        }


@dataclass(frozen=True)
class Kpi:
    """A period, the one before it, and the turnover of the period's columns."""

    period: Period
    now: Figures
    before: Figures
    turnovers: list[orders.Turnover]


def kpi(period: Period, rules: Rules) -> Kpi:
    """Return the figures of ``period`` and of as many days before it."""
    return Kpi(
        period=period,
        now=figures(period.span, rules),
        before=figures(period.before().span, rules),
        turnovers=orders.turnovers(period.bounds),
    )


def figures(span: Span, rules: Rules) -> Figures:
    """Return the figures of ``span``."""
    turned = _placed(span)
    return Figures(
        **turned,
        n_new_buyers=_new_buyers(span),
        messages=rates.of(rates.Asked(span)),
        credited=attributed(span, rules),
    )


def _placed(span: Span) -> dict[str, int]:
    sql = f"""
    SELECT count(*),
      sum(CASE WHEN status IN ({_MARKS}) AND net_base_minor >= 0 THEN 1 ELSE 0 END),
      sum(CASE WHEN status IN ({_MARKS}) THEN net_base_minor ELSE 0 END),
      count(DISTINCT CASE WHEN status IN ({_MARKS}) AND net_base_minor >= 0 THEN profile_id END),
      sum(CASE WHEN status IN ({_MARKS}) THEN 0 ELSE 1 END)
    FROM orders_order WHERE ordered_at >= %s AND ordered_at < %s
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [*_ALIVE * 4, span.from_at, span.until_at])
        n_placed, n_orders, net, n_buyers, n_dead = cursor.fetchone()
    return {
        "n_placed": n_placed,
        "n_orders": int(n_orders or 0),
        "net_minor": int(net or 0),
        "n_buyers": n_buyers,
        "n_cancelled": int(n_dead or 0),
    }


# Who ordered in the span, and nothing that is alive before it.
NEW_BUYERS = f"""
SELECT DISTINCT o.profile_id FROM orders_order o
WHERE o.ordered_at >= %s AND o.ordered_at < %s AND o.status IN ({_MARKS}) AND o.net_base_minor >= 0
  AND NOT EXISTS (
    SELECT 1 FROM orders_order e WHERE e.profile_id = o.profile_id AND e.ordered_at < %s
      AND e.status IN ({_MARKS}) AND e.net_base_minor >= 0)
"""


def new_buyers(span: Span) -> list[Any]:
    """Return the parameters of ``NEW_BUYERS``."""
    return [span.from_at, span.until_at, *_ALIVE, span.from_at, *_ALIVE]


def buyers(span: Span, *, are_new: bool, after: int | None, limit: int) -> Page:
    """Return the next people behind the number ``after`` who ordered in the span.

    ``are_new``: only those who ordered for the first time.
    """
    sql, params = (NEW_BUYERS, new_buyers(span)) if are_new else (_BUYERS, _bought(span))
    page = f"""
    SELECT profile_id FROM ({sql}) people WHERE profile_id > %s AND profile_id <= %s ORDER BY 1
    """

    def among(low: int, high: int) -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute(page, [*params, low, high])
            return [pk for (pk,) in cursor.fetchall()]

    return blocks.page(among, Profile, after=after, limit=limit)


_BUYERS = f"""
SELECT DISTINCT profile_id FROM orders_order
WHERE ordered_at >= %s AND ordered_at < %s AND status IN ({_MARKS}) AND net_base_minor >= 0
"""


def _bought(span: Span) -> list[Any]:
    return [span.from_at, span.until_at, *_ALIVE]


def _new_buyers(span: Span) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({NEW_BUYERS}) people", new_buyers(span))
        return int(cursor.fetchone()[0])
