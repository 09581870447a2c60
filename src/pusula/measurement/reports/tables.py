"""What a report says as tables: the one form that files, mails and the command line share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext

from pusula.lib import money
from pusula.measurement.reports import words
from pusula.measurement.reports.catalog import Result
from pusula.measurement.reports.names import BY, MODELS, Names, step

# What a cell holds, so that a file keeps a number a number and a mail shows it as people read it.
TEXT, COUNT, DECIMAL, SHARE, MONEY = "text", "count", "decimal", "share", "money"
Cell = str | float | None


@dataclass(frozen=True)
class Column:
    """The head of a column and what its cells hold."""

    title: str
    kind: str = COUNT


@dataclass(frozen=True)
class Table:
    """A named table; money cells are minor units of ``currency``."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    currency: str
    note: str = ""

    def shown(self) -> list[list[str]]:
        """Return the cells as people read them in the active language."""
        kinds = [column.kind for column in self.columns]
        return [
            [shown(cell, kind, self.currency) for cell, kind in zip(row, kinds, strict=True)]
            for row in self.rows
        ]


def shown(cell: Cell, kind: str, currency: str) -> str:
    """Return one cell as people read it."""
    if cell is None:
        return words.NOTHING
    if kind == MONEY:
        return words.amount(float(cell), currency)
    if kind == SHARE:
        return words.percent(float(cell))
    if kind in {COUNT, DECIMAL}:
        return words.number(float(cell), 0 if kind == COUNT or float(cell).is_integer() else 1)
    return str(cell)


def plain(cell: Cell, kind: str, currency: str) -> Cell:
    """Return one cell as a file has it: money in major units."""
    if cell is None or kind != MONEY:
        return cell
    return float(money.from_minor(round(float(cell)), currency))


def tables(result: Result) -> list[Table]:
    """Return the tables of what a report says, in the active language."""
    return _TABLES[result["report"]](result)


def attribution_table(result: Result, by: str) -> Table:
    """Return what is ascribed to messages ``by`` one of their sides; lift stands apart."""
    rows = result["by"][by]
    names = Names.of(rows)
    model = MODELS[result["question"]["rules"]["model"]]
    columns = [
        Column(str(BY[by]), TEXT),
        Column(gettext("Credited orders"), DECIMAL),
        Column(gettext("Credited revenue"), MONEY),
    ]
    has_sent = bool(rows) and "n_sent" in rows[0]
    if has_sent:
        columns += [
            Column(gettext("Messages sent")), Column(gettext("Credited per message"), MONEY)
        ]  # fmt: skip
    if by == "origin":
        columns += [
            Column(gettext("Lift: additional revenue, measured"), MONEY),
            Column(gettext("Lift, low end"), MONEY),
            Column(gettext("Lift, high end"), MONEY),
            Column(gettext("Credit scaled to lift"), MONEY),
        ]
    made = []
    for row in rows:
        cells: list[Cell] = [names.row(row), row["n_orders"], row["revenue_minor"]]
        if has_sent:
            n = row["n_sent"]
            cells += [n, row["revenue_minor"] / n if n else None]
        if by == "origin":
            lift, scaled = row["lift"], row["calibrated"]
            ends = lift["interval_minor"] if lift else [None, None]
            cells += [lift and lift["revenue_minor"], *ends, scaled and scaled["revenue_minor"]]
        made.append(tuple(cells))
    return Table(
        gettext("Revenue by: %(what)s") % {"what": BY[by]},
        tuple(columns),
        tuple(made),
        result["currency"],
        gettext(
            "Credited by: %(model)s. Credit says after which messages orders came; lift, what "
            "they caused. Never add the two."
        )
        % {"model": model},
    )


def _attribution(result: Result) -> list[Table]:
    return [attribution_table(result, by) for by in result["by"]]


def _kpi(result: Result) -> list[Table]:
    now, before = result["now"], result["before"]
    currency = result["currency"]
    rows = tuple(
        (
            title,
            *(shown(read(one), kind, currency) for one in (now, before)),
            growth(read(now), read(before)),
        )
        for title, kind, read in kpi_rows()
    )
    heads = (gettext("Figure"), gettext("Period"), gettext("Before"))
    columns = (*(Column(head, TEXT) for head in heads), Column(gettext("Change"), SHARE))
    figures = Table(gettext("Figures"), columns, rows, currency)
    columns = (
        Column(gettext("First day"), TEXT),
        Column(gettext("Orders")),
        Column(gettext("Net revenue"), MONEY),
    )
    course = tuple((one["from"], one["n"], one["net"]) for one in result["columns"])
    return [figures, Table(gettext("Net revenue"), columns, course, currency)]


def growth(now: float | None, before: float | None) -> float | None:
    """Return by what share something grew; ``None`` where nothing, or less, was before."""
    return now / before - 1 if now is not None and before is not None and before > 0 else None


Read = Callable[[dict[str, Any]], float | None]


def kpi_rows() -> list[tuple[str, str, Read]]:
    """Return title, kind and reader of each figure."""

    def of_messages(name: str) -> Read:
        return lambda one: one["messages"]["shares"][name]

    return [
        (gettext("Net revenue"), MONEY, lambda one: one["net_minor"]),
        (gettext("Orders"), COUNT, lambda one: one["n_orders"]),
        (gettext("Average order value"), MONEY, lambda one: one["order_minor"]),
        (gettext("Customers who ordered"), COUNT, lambda one: one["n_buyers"]),
        (gettext("of them for the first time"), COUNT, lambda one: one["n_new_buyers"]),
        (gettext("Cancelled orders"), COUNT, lambda one: one["n_cancelled"]),
        (gettext("Messages sent"), COUNT, lambda one: one["messages"]["n_sent"]),
        (gettext("Delivered"), SHARE, of_messages("delivered")),
        (gettext("Opened by people"), SHARE, of_messages("opened")),
        (gettext("Clicked"), SHARE, of_messages("clicked")),
        (gettext("Unsubscribed"), SHARE, of_messages("unsubscribed")),
        (gettext("Credited revenue"), MONEY, lambda one: one["credited_minor"]),
    ]


def _rates(result: Result) -> list[Table]:
    by, rows = result["by"], result["rows"]
    names = Names.of(rows)
    columns = (
        Column(str(BY[by]), TEXT),
        Column(gettext("Messages sent")),
        *(Column(title, SHARE) for _name, title in rate_titles()),
        Column(gettext("Orders")),
        Column(gettext("Average order value"), MONEY),
    )
    made = tuple(
        (
            row["from"] if by == "day" else names.row(row),
            row["n_sent"],
            *(row["shares"][name] for name, _title in rate_titles()),
            row["n_orders"],
            row["order_minor"],
        )
        for row in rows
    )
    return [Table(gettext("Rates"), columns, made, result["currency"])]


def rate_titles() -> list[tuple[str, str]]:
    """Return the rates and their titles, in the order they are shown."""
    return [
        ("delivered", gettext("Delivered")),
        ("opened", gettext("Opened by people")),
        ("opened_any", gettext("Opened, machines too")),
        ("clicked", gettext("Clicked")),
        ("converted", gettext("Ordered")),
        ("unsubscribed", gettext("Unsubscribed")),
        ("complained", gettext("Complained")),
        ("bounced", gettext("Bounced")),
    ]


def _funnel(result: Result) -> list[Table]:
    columns = (
        Column(gettext("Step"), TEXT),
        Column(gettext("Customers")),
        Column(gettext("Of the first step"), SHARE),
        Column(gettext("Of the step before"), SHARE),
    )
    rows = tuple(
        (step(one["step"]), one["n"], one["share_of_first"], one["share_of_before"])
        for one in result["steps"]
    )
    return [Table(gettext("Funnel"), columns, rows, result["currency"])]


def _cohort(result: Result) -> list[Table]:
    found = result["cohorts"]
    months = [gettext("Month %(n)s") % {"n": n} for n in range(1, len(found))]
    first = (Column(gettext("First order"), TEXT), Column(gettext("Customers")))
    titles = [_month(one["month"]) for one in found]

    def padded(values: Sequence[Cell]) -> list[Cell]:
        return [*values, *[None] * (len(months) - len(values))]

    back = tuple(
        (title, one["n"], *padded([n / one["n"] if one["n"] else None for n in one["came"][1:]]))
        for title, one in zip(titles, found, strict=True)
    )
    spent = tuple(
        (title, one["n"], one["revenue_minor"][0], *padded(one["revenue_minor"][1:]))
        for title, one in zip(titles, found, strict=True)
    )
    currency = result["currency"]
    return [
        Table(gettext("Came again"), (*first, *(Column(m, SHARE) for m in months)), back, currency),
        Table(
            gettext("Net revenue of each month"),
            (*first, Column(gettext("Month %(n)s") % {"n": 0}, MONEY),
             *(Column(m, MONEY) for m in months)),
            spent,
            currency,
        ),
    ]  # fmt: skip


def _month(iso: str) -> str:
    return words.month(dt.date.fromisoformat(iso))


_TABLES: dict[str, Callable[[Result], list[Table]]] = {
    "kpi": _kpi,
    "attribution": _attribution,
    "rates": _rates,
    "funnel": _funnel,
    "cohort": _cohort,
}
