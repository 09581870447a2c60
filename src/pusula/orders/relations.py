"""Orders as columns."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from pusula.lake import arrow
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
    "source": ("source", pa.string()),
    "adults": ("adults", pa.float64()),
    "children": ("children", pa.float64()),
    "net_amount": ("net_base_minor", pa.int64()),
    "gross_amount": ("gross_base_minor", pa.int64()),
}
NIGHTS = "nights"  # counted from the two days, not stored


def rows(ids: profiles.Ids, columns: Sequence[str]) -> pa.Table:
    """Return the orders of ``ids``: ``profile_id`` and ``columns``; text is folded."""
    wanted = ["profile_id", *(c for c in columns if c not in {"profile_id", NIGHTS})]
    if NIGHTS in columns:
        wanted += [c for c in ("starts_on", "ends_on") if c not in wanted]
    schema = pa.schema([(name, COLUMNS[name][1]) for name in wanted])
    table = profiles.fetch("orders_order", [COLUMNS[c][0] for c in wanted], schema, ids)
    table = arrow.fold_texts(table)
    if NIGHTS in columns:
        table = table.append_column(
            NIGHTS, arrow.days_between(table["starts_on"], table["ends_on"])
        )
    return table
