"""Orders as columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from django.conf import settings

from pusula.lake import arrow
from pusula.lake.as_of import EVER, Span
from pusula.orders import measures
from pusula.profiles import relations as profiles

# column: (SQL expression, Arrow type). Amounts are minor units of the company's currency.
COLUMNS: dict[str, tuple[str, pa.DataType]] = {
    "profile_id": ("profile_id", pa.int64()),
    "ordered_at": ("ordered_at", pa.int64()),
    "cancelled_at": ("cancelled_at", pa.int64()),
    "starts_on": ("starts_on", pa.date32()),
    "ends_on": ("ends_on", pa.date32()),
    "status": ("status", pa.string()),
    "property": ("property", pa.string()),
    "region": ("region", pa.string()),
    "room_type": ("room_type", pa.string()),
    "board": ("board", pa.string()),
    "channel": ("channel", pa.string()),
    "rate_code": ("rate_code", pa.string()),
    "market_code": ("market_code", pa.string()),
    "source_code": ("source_code", pa.string()),
    "cancel_reason": ("cancel_reason", pa.string()),
    "rooms": ("rooms", pa.float64()),
    "source": ("source", pa.string()),
    "adults": ("adults", pa.float64()),
    "children": ("children", pa.float64()),
    "net_amount": ("net_base_minor", pa.int64()),
    "gross_amount": ("gross_base_minor", pa.int64()),
}
# Counted from other columns, not stored: the name, what it is counted from, and how.
NIGHTS = "nights"
LEAD_DAYS = "lead_days"  # from the day of booking to arrival; 0 for who walks in
_COUNTED = {NIGHTS: ("starts_on", "ends_on"), LEAD_DAYS: ("ordered_at", "starts_on")}

# The columns of lines: their own, and those of the order or of a version of it.
_LINES: dict[str, pa.DataType] = {
    "profile_id": pa.int64(),
    "sku": pa.string(),
    "name": pa.string(),
    "quantity": pa.float64(),
    "amount": pa.int64(),
    "status": pa.string(),
    "region": pa.string(),
    "channel": pa.string(),
    "ordered_at": pa.int64(),
}
AMOUNT = "amount"  # converted at the rate of the order
_MOST = 2**62
_RATE = {"gross": pa.int64(), "gross_base": pa.int64()}


def rows(ids: profiles.Ids, columns: Sequence[str]) -> pa.Table:
    """Return the orders of ``ids``: ``profile_id`` and ``columns``; text is folded."""
    wanted, schema = _stored(columns)
    table = profiles.fetch("orders_order", [COLUMNS[c][0] for c in wanted], schema, ids)
    return _finished(table, columns)


def each(numbers: profiles.Ids, columns: Sequence[str]) -> pa.Table:
    """Return orders by their own numbers, as ``rows`` does: each as if of a profile of its own.

    So a condition over the orders of a profile can be asked of one order.
    """
    wanted, schema = _stored(columns)
    stored = ", ".join(dict.fromkeys(COLUMNS[c][0] for c in wanted if c != "profile_id"))
    table = f"(select id as profile_id{', ' if stored else ''}{stored} from orders_order) one"
    found = profiles.fetch(table, [COLUMNS[c][0] for c in wanted], schema, numbers)
    return _finished(found, columns)


def each_version(numbers: profiles.Ids, columns: Sequence[str]) -> pa.Table:
    """Return versions of orders by the numbers of their changes, as ``each`` does orders."""
    wanted, schema = _stored(columns)
    stored = dict.fromkeys(COLUMNS[c][0] for c in wanted if c != "profile_id")
    told = "".join(f", {'o' if column == 'source' else 'c'}.{column}" for column in stored)
    table = f"""(select c.id as profile_id{told} from orders_orderchange c
  join orders_order o on o.id = c.order_id) one"""
    found = profiles.fetch(table, [COLUMNS[c][0] for c in wanted], schema, numbers)
    return _finished(found, columns)


def rows_during(ids: profiles.Ids, columns: Sequence[str], span: Span) -> pa.Table:
    """Return the versions of orders that ``ids`` had at the moments of ``span``, as ``rows`` does.

    Behind these columns stand those of the spans in which a version held.
    """
    wanted, schema = _stored(columns)
    table = "orders_orderchange"
    if "source" in wanted:  # no change can change it
        table = f"(select c.*, o.source from {table} c join orders_order o on o.id = c.order_id) c"
    found = profiles.fetch_versions(
        table,
        [COLUMNS[c][0] for c in wanted],
        schema,
        ids,
        span,
        of=("order_id",),
        order=("changed_at", "recorded_at", "id"),
        things=_WHOLE_ORDERS,
    )
    return _finished(found, columns)


def items(ids: profiles.Ids, columns: Sequence[str]) -> pa.Table:
    """Return the lines of the orders of ``ids``: ``profile_id`` and ``columns``; text is folded."""
    schema = _lines(columns)
    return _converted(profiles.fetch(_joined("orders_order"), schema.names, schema, ids))


def items_during(ids: profiles.Ids, columns: Sequence[str], span: Span) -> pa.Table:
    """Return lines with the versions of their orders at the moments of ``span``, as ``items`` does.

    Behind these columns stand those of the spans in which a version held. The lines themselves are
    those that are known today.
    """
    schema = _lines(columns)
    found = profiles.fetch_versions(
        _joined("orders_orderchange"),
        schema.names,
        schema,
        ids,
        span,
        of=("order_id", "line_no"),
        order=("changed_at", "recorded_at", "id"),
        things=_WHOLE_ORDERS,
    )
    return _converted(found)


# All versions of orders that a profile ever had: orders can pass on.
_WHOLE_ORDERS = "order_id in (select order_id from orders_orderchange where {owned})"


def _lines(columns: Sequence[str]) -> pa.Schema:
    wanted = ["profile_id", *(c for c in columns if c != "profile_id")]
    rate = _RATE if AMOUNT in wanted else {}
    return pa.schema([(name, _LINES[name]) for name in wanted] + list(rate.items()))


def _joined(orders: str) -> str:
    """Return SQL for lines with what ``orders``, or versions of orders, say of their order."""
    versions = orders == "orders_orderchange"
    order_id = "o.order_id" if versions else "o.id"
    times = "o.changed_at, o.recorded_at, " if versions else ""
    return f"""(select {times}o.id, o.profile_id, o.status, o.region, o.channel, o.ordered_at,
    i.order_id, i.line_no, i.sku, i.name, i.quantity, i.amount_minor as amount,
    paid.gross_minor as gross, paid.gross_base_minor as gross_base
  from {orders} o join orders_orderitem i on i.order_id = {order_id}
  join orders_order paid on paid.id = i.order_id) lines"""


def _converted(table: pa.Table) -> pa.Table:
    """Return ``table`` with text folded and amounts in the company's currency.

    A line of an order for nothing in another currency has no rate, and so no amount; nor has one
    that would be larger than any amount is.
    """
    table = arrow.fold_texts(table)
    if AMOUNT not in table.column_names:
        return table
    amount, gross, base = (table[name].to_numpy() for name in (AMOUNT, *_RATE))
    rate = np.where(gross == base, 1.0, base / np.where(gross == 0, 1, gross))
    converted = np.rint(amount * rate)
    has_amount = ((gross != 0) | (base == 0)) & (np.abs(converted) < _MOST)
    amounts = pa.array(np.where(has_amount, converted, 0).astype(np.int64), mask=~has_amount)
    place = table.column_names.index(AMOUNT)
    return table.set_column(place, AMOUNT, amounts).drop_columns(list(_RATE))


# A version holds at the moments in (changed_at, until_at]: see ``history.AS_OF``.
_VERSIONS = pa.schema(
    [
        ("profile_id", pa.int64()),
        ("id", pa.int64()),
        ("ordered_at", pa.int64()),
        ("changed_at", pa.int64()),
        ("until_at", pa.int64()),
        ("starts_on", pa.date32()),
        ("status", pa.string()),
        ("net_base_minor", pa.int64()),
        ("gross_base_minor", pa.int64()),
    ]
)
_EACH_VERSION = f"""(select o.profile_id, o.id, o.ordered_at, c.changed_at,
    coalesce(lead(c.changed_at) over (partition by o.profile_id, o.id
      order by c.changed_at, c.recorded_at, c.id), {EVER}) as until_at,
    c.starts_on, c.status, c.net_base_minor, c.gross_base_minor
  from orders_order o join orders_orderchange c on c.order_id = o.id) versions"""


def versions(ids: profiles.Ids) -> pa.Table:
    """Return all versions of the orders that are of ``ids`` now, and when each of them held.

    Asked for a moment ``t``, those with ``changed_at`` < t <= ``until_at`` are what
    ``history.AS_OF`` gives; no statement has to look at two versions of an order together.
    """
    return profiles.fetch(_EACH_VERSION, _VERSIONS.names, _VERSIONS, ids)


def earliest(ids: profiles.Ids, told_by: int) -> tuple[profiles.Ids, profiles.Ids]:
    """Return who of ``ids`` has orders, and when the first was made, as known at ``told_by``."""
    return profiles.earliest("orders_order", "ordered_at", ids, told_by)


def _stored(columns: Sequence[str]) -> tuple[list[str], pa.Schema]:
    """Return the columns to be read, the owner first, and their types."""
    wanted = ["profile_id", *(c for c in columns if c != "profile_id" and c not in _COUNTED)]
    for name in columns:
        wanted += [c for c in _COUNTED.get(name, ()) if c not in wanted]
    return wanted, pa.schema([(name, COLUMNS[name][1]) for name in wanted])


def _finished(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    """Return ``table`` with text folded, nights and days of lead time counted."""
    table = arrow.fold_texts(table)
    if LEAD_DAYS in columns:
        lead = measures.lead_days(
            table["ordered_at"], table["starts_on"], settings.PUSULA.time_zone
        )
        table = table.append_column(LEAD_DAYS, lead)
    if NIGHTS in columns:
        nights = arrow.days_between(table["starts_on"], table["ends_on"])
        table = table.append_column(NIGHTS, nights)
    return table


def marks(first: int, last: int) -> dict[str, tuple[int, ...]]:
    """Return by relation what changes whenever the rows of the profiles ``first``..``last`` do."""
    orders = profiles.summary("orders_order", ["id", "status_at"], first, last)
    orders += profiles.summary("orders_orderchange", ["id"], first, last)
    lines = "orders_orderitem i join orders_order o on o.id = i.order_id"
    return {"orders": orders, "items": orders + profiles.summary(lines, ["i.id"], first, last)}
