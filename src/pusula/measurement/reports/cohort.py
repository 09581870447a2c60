"""Cohorts: people by the month of their first order, and who came again how many months later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from django.conf import settings
from django.db import connection
from django.db.models import Max, Min

from pusula.lake import arrow
from pusula.lib import clock
from pusula.measurement.attribution.credit import Ints
from pusula.measurement.reports import blocks
from pusula.measurement.reports.blocks import Page
from pusula.orders import machine
from pusula.orders.models import Order
from pusula.profiles.models import Profile

MOST_MONTHS = 24
_BLOCK = 200_000  # people whose orders are held at a time, by the range of their numbers
_ALIVE = tuple(sorted(machine.ALIVE))
_MARKS = ", ".join(["%s"] * len(_ALIVE))
_READ = pa.schema(
    [("profile_id", pa.int64()), ("ordered_at", pa.int64()), ("net_minor", pa.int64())]
)


@dataclass(frozen=True)
class Cohort:
    """The people whose first order fell in a month; index 0 is that month itself."""

    month: dt.date  # its first day
    n: int
    came: tuple[int, ...]  # people who ordered in the month so many months later
    revenue_minor: tuple[int, ...]  # what all of them spent then, net of returns


@dataclass(frozen=True)
class Cohorts:
    """Cohorts up to the present month, the oldest first; later months than now are left out."""

    cohorts: tuple[Cohort, ...]
    at: int

    def plain(self) -> list[dict[str, Any]]:
        """Return them as JSON has them."""
        return [
            {
                "month": one.month.isoformat(),
                "n": one.n,
                "came": list(one.came),
                "revenue_minor": list(one.revenue_minor),
            }
            for one in self.cohorts
        ]


def cohorts(months: int, *, at: int) -> Cohorts:
    """Return the cohorts of the last ``months`` months, the present one among them.

    Orders count as they stand now; whose first living order is older belongs to no cohort shown.
    """
    starts = _months(months, at)
    bounds = np.array([clock.start_of(day, settings.PUSULA.time_zone) for day in starts], np.int64)
    people = np.zeros(months, np.int64)
    came = np.zeros((months, months), np.int64)
    revenue = np.zeros((months, months), np.int64)
    for profiles, ordered, net in _blocks(at):
        _count(profiles, ordered, net, bounds, (people, came, revenue))
    return Cohorts(
        tuple(
            Cohort(
                starts[i],
                int(people[i]),
                tuple(came[i, : months - i].tolist()),
                tuple(revenue[i, : months - i].tolist()),
            )
            for i in range(months)
        ),
        at,
    )


def people(month: dt.date, later: int, *, after: int | None, limit: int) -> Page:
    """Return the next people behind ``after`` of the cohort who ordered ``later`` months on."""
    zone = settings.PUSULA.time_zone
    # By the index of people, whose moments say at once who did not order then: hence the sum.
    sql = f"""
    SELECT DISTINCT o.profile_id FROM orders_order o
    WHERE o.profile_id > %s AND o.profile_id <= %s
      AND o.ordered_at + 0 >= %s AND o.ordered_at + 0 < %s AND {_is_order("o")}
      AND EXISTS (
        SELECT 1 FROM orders_order f WHERE f.profile_id = o.profile_id
          AND f.ordered_at >= %s AND f.ordered_at < %s AND {_is_order("f")})
      AND NOT EXISTS (
        SELECT 1 FROM orders_order e WHERE e.profile_id = o.profile_id
          AND e.ordered_at < %s AND {_is_order("e")})
    ORDER BY 1
    """
    then_at = [clock.start_of(clock.add_months(month, later + n), zone) for n in (0, 1)]
    first_at, behind_at = (clock.start_of(clock.add_months(month, n), zone) for n in (0, 1))
    params: list[Any] = [*then_at, *_ALIVE, first_at, behind_at, *_ALIVE, first_at, *_ALIVE]

    def among(low: int, high: int) -> list[int]:
        with connection.cursor() as cursor:
            cursor.execute(sql, [low, high, *params])
            return [pk for (pk,) in cursor.fetchall()]

    return blocks.page(among, Profile, after=after, limit=limit)


def _is_order(table: str) -> str:
    """Return the condition that an order of ``table`` is alive; a return makes nobody a buyer."""
    return f"{table}.status IN ({_MARKS}) AND {table}.net_base_minor >= 0"


def _months(months: int, at: int) -> list[dt.date]:
    today = clock.day_of(at, settings.PUSULA.time_zone)
    this = today.replace(day=1)
    return [clock.add_months(this, i - months + 1) for i in range(months)]


def _blocks(at: int) -> Iterator[tuple[Ints, Ints, Ints]]:
    """Yield the living orders of people, sorted by person and moment, some people at a time."""
    ends = Order.objects.aggregate(first=Min("profile_id"), last=Max("profile_id"))
    if ends["first"] is None:
        return
    sql = f"""
    SELECT profile_id, ordered_at, net_base_minor FROM orders_order
    WHERE profile_id >= %s AND profile_id < %s AND ordered_at <= %s AND status IN ({_MARKS})
    """
    for low in range(ends["first"], ends["last"] + 1, _BLOCK):
        with connection.cursor() as cursor:
            table = arrow.fetch(cursor, sql, [low, low + _BLOCK, at, *_ALIVE], _READ)
        columns = [table[name].to_numpy() for name in _READ.names]
        order = np.lexsort((columns[1], columns[0]))
        yield columns[0][order], columns[1][order], columns[2][order]


def _count(
    profiles: Ints, ordered: Ints, net: Ints, bounds: Ints, into: tuple[Ints, Ints, Ints]
) -> None:
    """Add the orders of some people to ``into``: people, comers and revenue by cohort and month."""
    counted, came, revenue = into
    is_order = net >= 0  # a return makes nobody a buyer
    buyers, first = np.unique(profiles[is_order], return_index=True)
    if not len(buyers):
        return
    of_first = np.searchsorted(bounds, ordered[is_order][first], side="right") - 1
    np.add.at(counted, of_first[of_first >= 0], 1)
    places = np.minimum(np.searchsorted(buyers, profiles), len(buyers) - 1)
    cohort = np.where(buyers[places] == profiles, of_first[places], -1)
    month = np.searchsorted(bounds, ordered, side="right") - 1
    shown = (cohort >= 0) & (month >= cohort)
    np.add.at(revenue, (cohort[shown], month[shown] - cohort[shown]), net[shown])
    shown &= is_order
    once = np.unique(np.stack([profiles[shown], month[shown], cohort[shown]]), axis=1)
    np.add.at(came, (once[2], once[1] - once[2]), 1)
