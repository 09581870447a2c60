"""Profiles and traits as columns, and how every owner narrows its rows to some profiles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from django.db import connection

from pusula.lake import arrow
from pusula.profiles.models import Profile

Ids = npt.NDArray[np.int64]

# Below this many profiles their numbers go into the statement; above, their range does.
LISTED = 500

_TRAITS = pa.schema(
    [
        ("profile_id", pa.int64()),
        ("name", pa.string()),
        ("text", pa.string()),
        ("number", pa.float64()),
        ("day", pa.date32()),
    ]
)


def blocks(size: int) -> Iterator[Ids]:
    """Yield the ids of all profiles, ascending, ``size`` at a time."""
    last = 0
    while True:
        page = (
            Profile.objects.filter(id__gt=last).order_by("id").values_list("id", flat=True)[:size]
        )
        ids = np.fromiter(page, np.int64)
        if not len(ids):
            return
        yield ids
        last = int(ids[-1])


def fetch(
    table: str,
    columns: Sequence[str],
    schema: pa.Schema,
    ids: Ids,
    *,
    condition: str = "",
    params: Sequence[Any] = (),
) -> pa.Table:
    """Return the rows of ``table`` that belong to ``ids`` (ascending) and meet ``condition``.

    ``columns`` are SQL expressions in the order of ``schema``, whose first field is
    ``profile_id``; they and ``condition`` come from our own code, never from outside.
    """
    if not len(ids):
        return schema.empty_table()
    listed = len(ids) <= LISTED
    if listed:
        where = f"profile_id in ({', '.join(['%s'] * len(ids))})"
        bounds = ids.tolist()
    else:
        where, bounds = "profile_id between %s and %s", [int(ids[0]), int(ids[-1])]
    if condition:
        where = f"{where} and {condition}"
    sql = f"select {', '.join(columns)} from {table} where {where}"
    with connection.cursor() as cursor:
        rows = arrow.fetch(cursor, sql, [*bounds, *params], schema)
    if listed or len(ids) == ids[-1] - ids[0] + 1:
        return rows
    return rows.filter(pa.array(np.isin(rows["profile_id"].to_numpy(), ids)))


def traits(ids: Ids, names: Sequence[str]) -> pa.Table:
    """Return the traits ``names`` of ``ids``: profile_id, name, text (folded), number, day."""
    if not names:
        return _TRAITS.empty_table()
    columns = ("profile_id", "name", "text_fold", "number", "day")
    condition = f"name in ({', '.join(['%s'] * len(names))})"
    return fetch("profiles_trait", columns, _TRAITS, ids, condition=condition, params=list(names))
