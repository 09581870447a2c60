"""What the pages of reports draw: figures, tables and cells, each with what is behind it."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext, ngettext

from pusula.measurement.reports import tables
from pusula.measurement.reports.catalog import Result
from pusula.measurement.reports.names import Names, step
from pusula.orders import queries as orders
from pusula.web import formats
from pusula.web.charts.axes import Point
from pusula.web.charts.columns import columns
from pusula.web.charts.figure import Figure
from pusula.web.charts.heat import LEVELS
from pusula.web.report_period import Shown

Context = dict[str, Any]


def _address(name: str, **values: object) -> str:
    told = {key: value for key, value in values.items() if value not in {"", None}}
    return f"{reverse(name)}?{urlencode(told)}"


# What a figure of the period opens: the name of a page and what its address says besides the days.
_BEHIND: tuple[tuple[str, dict[str, str]], ...] = (
    ("report-orders", {}),
    ("report-orders", {}),
    ("report-orders", {}),
    ("report-people", {"who": "buyers"}),
    ("report-people", {"who": "new"}),
    ("report-orders", {"state": "dead"}),
    ("report-messages", {"kind": "sent"}),
    ("report-messages", {"kind": "delivered"}),
    ("report-messages", {"kind": "opened"}),
    ("report-messages", {"kind": "clicked"}),
    ("report-messages", {"kind": "unsubscribed"}),
    ("report-credits", {}),
)


def tiles(result: Result, shown: Shown) -> list[Context]:
    """Return the figures of a period, each with what it was before and its rows."""
    found = []
    rows = zip(tables.kpi_rows(), _BEHIND, strict=True)
    for (title, kind, read), (name, more) in rows:
        now, before = read(result["now"]), read(result["before"])
        found.append(
            {
                "title": _orders_word() if title == gettext("Orders") else title,
                "value": tables.shown(now, kind, result["currency"]),
                "before": tables.shown(before, kind, result["currency"]),
                "change": None if kind == tables.SHARE else tables.growth(now, before),
                "href": _address(name, **shown.address, **more) if now else "",
            }
        )
    return found


def _orders_word() -> str:
    return gettext("Bookings") if orders.has_stays() else gettext("Orders")


def course(result: Result) -> Figure | None:
    """Return the chart of the net revenue; ``None`` where there was none."""
    points = []
    for one in result["columns"]:
        first, after = dt.date.fromisoformat(one["from"]), dt.date.fromisoformat(one["until"])
        last = after - dt.timedelta(days=1)
        name = formats.day(first)
        if first != last:
            name = f"{formats.short_day(first)} – {formats.day(last)}"
        points.append(Point(formats.short_day(first), name, max(one["net"], 0) / 100))
    if not any(point.value for point in points):
        return None
    return columns(
        points,
        sentence=gettext("Net revenue by the day of booking, %(first)s to %(last)s")
        % {"first": points[0].name, "last": points[-1].name},
        head=(gettext("Days"), gettext("Net revenue")),
        form=lambda value: formats.amount(round(value * 100), result["currency"]),
    )


def credited(result: Result, by: str, shown: Shown, segment: str) -> list[Context]:
    """Return the rows of a table of credit, each with the orders behind it."""
    rows = result["by"][by]
    names = Names.of(rows)
    most = max((row["revenue_minor"] for row in rows), default=0)
    given = result["question"]["rules"]
    ruled = {"model": given["model"], "half_life": given["half_life_days"], **given["windows"]}
    found = []
    for row in rows:
        wanted = {
            name: row[name]
            for name in ("origin", "step", "trigger", "channel", "content_id")
            if name in row
        }
        wanted["segment"] = row.get("segment", segment)
        n = row.get("n_sent")
        found.append(
            row
            | {
                "name": names.row(row),
                "orders": tables.shown(row["n_orders"], tables.DECIMAL, result["currency"]),
                "href": _address("report-credits", **shown.address, **ruled, **wanted),
                "share": row["revenue_minor"] / most if most > 0 else 0.0,
                "per_message": row["revenue_minor"] / n if n else None,
                "sent_href": _address("report-messages", kind="sent", **shown.address, **wanted),
            }
        )
    return found


def has_lift(result: Result) -> bool:
    """Say whether anything of the report was measured against people held out."""
    return any(row["lift"] for row in result["by"]["origin"])


def rated(result: Result, shown: Shown, narrowed: dict[str, Any]) -> list[Context]:
    """Return the rows of a table of rates; ``narrowed`` is what the address says besides."""
    by = result["by"]
    rows = result["rows"]
    names = Names.of(rows)
    found = []
    for row in rows:
        wanted = {**narrowed, **shown.address}
        if by == "day":
            first = dt.date.fromisoformat(row["from"])
            last = dt.date.fromisoformat(row["until"]) - dt.timedelta(days=1)
            name = (
                formats.day(first)
                if first == last
                else (f"{formats.short_day(first)} – {formats.day(last)}")
            )
            wanted |= {"from": first.isoformat(), "to": last.isoformat()}
        else:
            name = names.row(row)
            wanted |= {key: row[key] for key in ("origin", "step", "channel", "content_id")
                       if key in row}  # fmt: skip
        cells = [
            {
                "share": row["shares"][kind],
                "range": _range(row["intervals"].get(kind)),
                "href": _address("report-messages", kind=kind, **wanted),
                "n": row[f"n_{kind}"],
            }
            for kind, _title in tables.rate_titles()
        ]
        found.append(
            {
                "name": name,
                "n_sent": row["n_sent"],
                "sent_href": _address("report-messages", kind="sent", **wanted),
                "cells": cells,
                "order_minor": row["order_minor"],
            }
        )
    return found


def _range(interval: list[float] | None) -> str:
    if interval is None:
        return ""
    low, high = (formats.percent(end) for end in interval)
    return gettext("95%% interval %(low)s to %(high)s") % {"low": low, "high": high}


def reached(result: Result, shown: Shown) -> list[Context]:
    """Return the steps of a funnel, each with its people."""
    steps = [one["step"] for one in result["steps"]]
    rows = []
    for number, one in enumerate(result["steps"]):
        address = [*shown.address.items(), ("window", result["window_days"]), ("at", number)]
        address += [("step", code) for code in steps]
        lost = result["steps"][number - 1]["n"] - one["n"] if number else 0
        rows.append(
            {
                "name": step(one["step"]),
                "n": one["n"],
                "of_first": one["share_of_first"] or 0.0,
                "of_before": one["share_of_before"] if number else None,
                "lost": _lost(lost) if lost else "",
                "href": f"{reverse('report-funnel-people')}?{urlencode(address)}",
            }
        )
    return rows


def _lost(n: int) -> str:
    return ngettext("%(n)s did not go on", "%(n)s did not go on", n) % {"n": formats.number(n)}


def cohorts(result: Result, what: str) -> list[Context]:
    """Return the rows of cohorts: shares who came again, or (``revenue``) what they spent."""
    rows = []
    found = result["cohorts"]
    most = _most(found, what)
    for one in found:
        month = dt.date.fromisoformat(one["month"])
        cells = []
        for later, (came, minor) in enumerate(zip(one["came"], one["revenue_minor"], strict=True)):
            share = came / one["n"] if one["n"] else 0.0
            value = share if what == "people" else minor
            cells.append(
                {
                    "text": formats.percent(share, 0 if share == 1 or not share else 1)
                    if what == "people"
                    else formats.short_amount(minor, result["currency"]),
                    "level": _level(value, most) if later else 0,
                    "label": gettext("%(month)s, %(n)s months later")
                    % {"month": formats.month(month), "n": later},
                    "href": _address("report-cohort-people", month=one["month"], later=later)
                    if came
                    else "",
                }
            )
        name = formats.month(month)
        rows.append({"name": name, "n": one["n"], "cells": cells, "href": cells[0]["href"]})
    return rows


def _most(found: list[Context], what: str) -> float:
    """Return the largest cell behind the first month, which would outshine all others."""
    if what == "people":
        shares = [n / one["n"] for one in found if one["n"] for n in one["came"][1:]]
        return max(shares, default=0.0)
    return max((n for one in found for n in one["revenue_minor"][1:]), default=0)


def _level(value: float, most: float) -> int:
    return max(0, min(LEVELS - 1, int(LEVELS * value / most))) if most > 0 else 0
