"""Orders and bookings from files: one row an order, or one row a line of an order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pusula.lib.text import fold
from pusula.orders import actions, machine, versions
from pusula.profiles import resolve
from pusula.profiles.relations import Ids
from pusula.sources import references
from pusula.sources.coerce import Coerce, Reading, Refusal, minor
from pusula.sources.kinds.kind import Kind, Outcome, Told
from pusula.sources.mapping import Mapping
from pusula.sources.rejects import Rejects
from pusula.sources.rows import Rows, Values
from pusula.sources.spool import Group, Spool, by_appearance

# Field and column of ``Order``, with the longest text it holds.
_TEXTS = {"property": 120, "region": 120, "room_type": 80, "board": 40, "channel": 60}
_ITEM_FIELDS = ("line_no", "sku", "item_name", "quantity", "unit_price")
_MONEY = ("gross_minor", "net_minor", "gross_base_minor", "net_base_minor")
_MOST_NIGHTS = 366
_MOST_PEOPLE = 9_999

_ORDER_SCHEMA = pa.schema(
    [
        ("source_id", pa.string()),
        ("status", pa.string()),
        ("ordered_at", pa.int64()),
        ("status_at", pa.int64()),
        ("cancelled_at", pa.int64()),
        ("starts_on", pa.date32()),
        ("ends_on", pa.date32()),
        *((name, pa.string()) for name in _TEXTS),
        ("adults", pa.int16()),
        ("children", pa.int16()),
        ("currency", pa.string()),
        *((name, pa.int64()) for name in _MONEY),
    ]
)
_ITEM_SCHEMA = pa.schema(
    [
        ("line_no", pa.int32()),
        ("sku", pa.string()),
        ("item_name", pa.string()),
        ("quantity", pa.int32()),
    ]
)


class Orders(Kind):
    """One row is an order or, where fields of items are mapped, a line of one."""

    name = "orders"
    fields = (
        "source_id", *references.FIELDS, "status", "ordered_at", "status_at", "cancelled_at",
        "starts_on", "ends_on", "nights", *_TEXTS, "adults", "children", "currency",
        "gross_amount", "net_amount", "nightly_amount", "exchange_rate", *_ITEM_FIELDS,
    )  # fmt: skip
    needed = ("source_id", "ordered_at", "status")

    def __init__(self, mapping: Mapping, reading: Reading, rejects: Rejects) -> None:
        super().__init__(mapping, reading, rejects)
        self.has_items = bool(mapping.fields & set(_ITEM_FIELDS))
        self.said = self._said()
        # Orders that lost a line, with the line: an order is never loaded in part.
        self._spoiled: dict[str, int] = {}
        if not mapping.fields & {"net_amount", "nightly_amount"} and not (
            mapping.fields >= {"quantity", "unit_price"}
        ):
            raise mapping.error(
                "[columns]", _("needs net_amount, or nightly_amount, or quantity and unit_price")
            )

    def own_readers(self) -> dict[str, Coerce]:
        """Return how the fields of orders and items are read."""
        reading = self.reading
        return {
            "source_id": reading.text(120),
            "status": reading.word({fold(state): state for state in machine.STATES}),
            "ordered_at": reading.past_moment,
            "status_at": reading.moment,
            "cancelled_at": reading.moment,
            "starts_on": reading.day,
            "ends_on": reading.day,
            "nights": reading.integer(0, _MOST_NIGHTS),
            **{name: reading.text(size) for name, size in _TEXTS.items()},
            "adults": reading.integer(0, _MOST_PEOPLE),
            "children": reading.integer(0, _MOST_PEOPLE),
            "currency": reading.money_word,
            "gross_amount": reading.amount,
            "net_amount": reading.amount,
            "nightly_amount": reading.amount,
            "exchange_rate": reading.rate,
            "line_no": reading.integer(0, 2**31 - 1),
            "sku": reading.text(80),
            "item_name": reading.text(200, cut=True),
            "quantity": reading.integer(-(2**31), 2**31 - 1),
            "unit_price": reading.price,
        }

    @property
    def schema(self) -> pa.Schema:
        """Columns of the reference, the order and, in their case, the item."""
        fields = [*references.SCHEMA, *_ORDER_SCHEMA]
        return pa.schema(fields + list(_ITEM_SCHEMA) if self.has_items else fields)

    def read(self, rows: Rows) -> pa.Table:
        """Return the good rows; amounts in minor units, days put in order."""
        source_id = rows.values("source_id", is_needed=True)
        ordered_at = rows.values("ordered_at", is_needed=True)
        columns: dict[str, Values | pa.Array] = {
            "source_id": source_id,
            "ordered_at": ordered_at,
            "status": rows.values("status", is_needed=True),
            **{name: rows.values(name) for name in ("status_at", "cancelled_at")},
            **{name: _blank(rows.values(name)) for name in _TEXTS},
            **{name: rows.values(name) for name in ("adults", "children")},
        }
        starts_on, nights = rows.values("starts_on"), rows.values("nights")
        ends_on = rows.combine("ends_on", _ends_on, starts_on, rows.values("ends_on"), nights)
        columns.update(starts_on=starts_on, ends_on=ends_on)
        quantity = rows.values("quantity", is_needed="quantity" in self.mapping.fields)
        if self.has_items:
            columns.update(self._item_columns(rows, quantity))
        nights = rows.combine("nights", _nights, starts_on, ends_on, nights)
        columns.update(self._money_columns(rows, quantity, nights))
        columns.update(references.columns(rows, ordered_at))
        if self.has_items:
            self._note_spoiled(rows, source_id)
        return rows.table(columns, self.schema)

    def write(self, spool: Spool, people: references.Resolved, told: Told) -> Outcome:
        """Write every order of the spool with its history."""
        outcome = Outcome(touched=[people.learned])
        done = 0
        numbers = by_appearance(spool.table["source_id"])
        self._note_repeats(numbers)
        for group in spool.groups(numbers):
            owners = _Owners(people.profile_ids[group.positions], people.origins[group.positions])
            if self.has_items:
                spans, versions = self._orders_of_lines(group, owners)
            else:
                spans = [(row, row + 1) for row in range(len(group.positions))]
                versions = list(_versions(group.table, owners))
            recorded = actions.record(
                versions,
                source=self.mapping.source,
                at=self.reading.at,
                tz=settings.PUSULA.time_zone,
                said=self.said,
            )
            for position in recorded.ambiguous:
                for row in range(*spans[position]):
                    references.reject_ambiguous(self.rejects, self.mapping, group.table, row)
            outcome.n_new += recorded.n_new
            outcome.n_changed += recorded.n_changed
            outcome.n_same += recorded.n_same
            outcome.touched.append(recorded.touched)
            outcome.made.append(recorded.made)
            outcome.before += recorded.before
            done += len(group.positions)
            told(done)
        return outcome

    def _note_repeats(self, numbers: npt.NDArray[np.int64]) -> None:
        """Warn of a file whose order numbers repeat although nothing says what that means."""
        n = len(numbers) - len(np.unique(numbers))
        if n and not self.has_items and "status_at" not in self.mapping.fields:
            form = ngettext(
                "%(n)d row repeats an order number of the file; the last row of each counts.",
                "%(n)d rows repeat an order number of the file; the last row of each counts.",
                n,
            )
            self.notes.append(form % {"n": n})

    def _said(self) -> frozenset[str]:
        """Return the columns of ``Order`` this file speaks of."""
        said = {"profile_id", "status", "ordered_at", "currency", *_MONEY}
        said |= self.mapping.fields & set(versions.COLUMNS)
        if "nights" in self.mapping.fields:
            said.add("ends_on")
        return frozenset(said)

    def _item_columns(self, rows: Rows, quantity: Values) -> dict[str, Values | pa.Array]:
        line_no = rows.values("line_no", is_needed="line_no" in self.mapping.fields)
        one = Values(quantity.codes, [1 if n is None else n for n in quantity.distinct])
        return {
            "line_no": line_no,
            "sku": _blank(rows.values("sku")),
            "item_name": _blank(rows.values("item_name")),
            "quantity": one,
        }

    def _money_columns(
        self, rows: Rows, quantity: Values, nights: Values
    ) -> dict[str, Values | pa.Array]:
        company = settings.PUSULA.currency
        currency = _blank(rows.values("currency"), company)
        rate = rows.combine("currency", self._rate, currency, rows.values("exchange_rate"))
        if "net_amount" in self.mapping.fields:
            blamed, net = "net_amount", rows.values("net_amount", is_needed=True)
        elif "nightly_amount" in self.mapping.fields:
            blamed = "nightly_amount"
            nightly = rows.values("nightly_amount", is_needed=True)
            net = rows.combine(blamed, _product, nightly, nights)
        else:
            blamed = "unit_price"
            net = rows.combine(
                blamed, _product, rows.values("unit_price", is_needed=True), quantity
            )
        columns: dict[str, Values | pa.Array] = {"currency": currency}
        amounts = {"net": (net, blamed), "gross": (net, blamed)}
        if "gross_amount" in self.mapping.fields:
            gross = rows.combine("gross_amount", _first_told, rows.values("gross_amount"), net)
            amounts["gross"] = (gross, "gross_amount")
        for name, (amount, field) in amounts.items():
            columns[f"{name}_minor"] = rows.combine(field, _minor, amount, currency)
            columns[f"{name}_base_minor"] = rows.combine(
                field, lambda a, r: _minor(_product(a, r), company), amount, rate
            )
        return columns

    def _rate(self, currency: str, told: Decimal | None) -> Decimal:
        """Return what one unit of ``currency`` is worth in the company's."""
        if currency == settings.PUSULA.currency:
            return Decimal(1)
        rate = told or self.mapping.rates.get(currency)
        if rate is None:
            raise Refusal(
                _("no exchange rate for %(currency)s: map exchange_rate or add it to [rates]")
                % {"currency": currency}
            )
        return rate

    def _note_spoiled(self, rows: Rows, source_id: Values) -> None:
        for row in np.flatnonzero(~rows.good).tolist():
            number = source_id.distinct[int(source_id.codes[row])]
            if number is not None:
                self._spoiled.setdefault(number, int(rows.lines[row]))

    def _orders_of_lines(
        self, group: Group, owners: _Owners
    ) -> tuple[list[tuple[int, int]], list[versions.Version]]:
        """Return the orders that the lines make up, and which rows each is made of."""
        table = group.table
        if "line_no" not in self.mapping.fields:
            numbers = np.arange(len(group.positions)) - np.repeat(group.begins, group.sizes) + 1
            table = _with(table, "line_no", numbers)
        spans = list(zip(group.begins.tolist(), group.ends.tolist(), strict=True))
        good = self._whole_orders(group, table, spans)
        heads = table.take(group.begins)
        for name in _MONEY:
            heads = _with(heads, name, np.add.reduceat(table[name].to_numpy(), group.begins))
        first_at = np.minimum.reduceat(table["ordered_at"].to_numpy(), group.begins)
        heads = _with(heads, "ordered_at", first_at)
        lines = list(_items(table))
        items = [tuple(sorted(lines[begin:end])) for begin, end in spans]
        versions = list(_versions(heads, owners.of(spans), items))
        kept = np.flatnonzero(good).tolist()
        return [spans[order] for order in kept], [versions[order] for order in kept]

    def _whole_orders(
        self, group: Group, table: pa.Table, spans: list[tuple[int, int]]
    ) -> npt.NDArray[np.bool_]:
        """Return which orders are whole and sound; reject every line of the others."""
        numbers = table["source_id"].take(group.begins).to_pylist()
        currency = by_appearance(table["currency"])
        lowest = np.minimum.reduceat(currency, group.begins)
        mixed = (np.maximum.reduceat(currency, group.begins) != lowest).tolist()
        line_nos = table["line_no"].to_pylist()
        good = np.ones(len(spans), bool)
        for order, (begin, end) in enumerate(spans):
            reason = ""
            if (line := self._spoiled.get(numbers[order])) is not None:
                words = {"line": line}
                reason = _("another line of this order (line %(line)d) was rejected") % words
            elif mixed[order]:
                reason = _("the lines of this order are in several currencies")
            elif len(set(line_nos[begin:end])) != end - begin:
                reason = _("two lines of this order have the same number")
            if reason:
                good[order] = False
                column = self.column("source_id")
                for line in table["line"][begin:end].to_pylist():
                    self.rejects.row(line, column, numbers[order], reason)
        return good


class _Owners(NamedTuple):
    """The profile of each row, and the merged one that it named (0: itself)."""

    profile_ids: Ids
    origins: Ids

    def of(self, spans: list[tuple[int, int]]) -> _Owners:
        """Return the owners of orders, given their rows: that of the first row which says."""
        rows = []
        for begin, end in spans:
            told = np.flatnonzero(self.profile_ids[begin:end] != resolve.AMBIGUOUS)
            rows.append(begin + int(told[0]) if len(told) else begin)
        return _Owners(self.profile_ids[rows], self.origins[rows])


def _with(table: pa.Table, name: str, values: npt.NDArray[np.int64]) -> pa.Table:
    place = table.schema.get_field_index(name)
    return table.set_column(place, name, pa.array(values, table.schema.field(place).type))


def _versions(
    table: pa.Table, owners: _Owners, items: list[tuple[versions.Item, ...]] | None = None
) -> Iterator[versions.Version]:
    """Yield an order's version for each row of ``table``."""
    names = _ORDER_SCHEMA.names
    columns = [table[name].to_pylist() for name in names]
    for position, row in enumerate(zip(*columns, strict=True)):
        profile_id = int(owners.profile_ids[position])
        yield versions.Version(
            profile_id=None if profile_id == resolve.AMBIGUOUS else profile_id,
            origin_id=int(owners.origins[position]) or None,
            items=None if items is None else items[position],
            **dict(zip(names, row, strict=True)),
        )


def _items(table: pa.Table) -> Iterator[versions.Item]:
    columns = ("line_no", "sku", "item_name", "quantity", "net_minor")
    for row in zip(*(table[name].to_pylist() for name in columns), strict=True):
        yield versions.Item(*row)


def _blank(values: Values, instead: Any = "") -> Values:
    """Return ``values`` with ``instead`` where there is none."""
    return Values(values.codes, [instead if v is None else v for v in values.distinct])


def _ends_on(starts_on: date | None, ends_on: date | None, nights: int | None) -> date | None:
    if ends_on is None and starts_on is not None and nights is not None:
        ends_on = starts_on + timedelta(days=nights)
    if starts_on is not None and ends_on is not None and ends_on < starts_on:
        raise Refusal(_("the stay ends before it begins"))
    return ends_on


def _nights(starts_on: date | None, ends_on: date | None, nights: int | None) -> int | None:
    if nights is None and starts_on is not None and ends_on is not None:
        return (ends_on - starts_on).days
    return nights


def _product(one: Decimal | None, other: Decimal | int | None) -> Decimal | None:
    return None if one is None or other is None else one * other


def _first_told(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return other if one is None else one


def _minor(amount: Decimal | None, currency: str) -> int:
    if amount is None:
        raise Refusal(_("no amount: it needs the nights of the stay"))
    return minor(amount, currency)
