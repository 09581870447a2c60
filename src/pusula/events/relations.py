"""Events as columns; the properties that some condition asks for become columns of their own."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from django.db import connection

from pusula.lake import arrow
from pusula.profiles import relations as profiles

TEXT_PREFIX = "p."  # a property compared as folded text
NUMBER_PREFIX = "n."  # a property compared as a number; missing where it is none


def rows(
    ids: profiles.Ids,
    names: Sequence[str],
    *,
    texts: Sequence[str] = (),
    numbers: Sequence[str] = (),
) -> pa.Table:
    """Return the events called ``names`` of ``ids``: profile_id, name, at.

    Behind them stand ``p.X`` (folded text) for each property X in ``texts`` and ``n.X`` (float64)
    for each in ``numbers``.
    """
    properties = sorted({*texts, *numbers})
    schema = pa.schema(
        [("profile_id", pa.int64()), ("name", pa.string()), ("at", pa.int64())]
        + [(name, pa.string()) for name in properties]
    )
    if not names:
        table = schema.empty_table()
    else:
        columns = ["profile_id", "name", "at", *(_property(name) for name in properties)]
        condition = f"name in ({', '.join(['%s'] * len(names))})"
        table = profiles.fetch(
            "events_event", columns, schema, ids, condition=condition, params=list(names)
        )
    result = table.select(["profile_id", "name", "at"])
    for name in texts:
        result = result.append_column(TEXT_PREFIX + name, arrow.folded(table[name]))
    for name in numbers:
        result = result.append_column(NUMBER_PREFIX + name, arrow.numbers(table[name]))
    return result


def _property(name: str) -> str:
    """Return SQL for a property as text; the name is a quoted key, never a path.

    Names are validated by the segment language; doubling quotes here is the second lock. The
    percent sign is doubled because the statement is formatted with parameters.
    """
    if connection.vendor == "postgresql":
        return "properties ->> '" + name.replace("'", "''").replace("%", "%%") + "'"
    path = '$."' + name.replace('"', '\\"') + '"'
    return (
        "cast(json_extract(properties, '"
        + path.replace("'", "''").replace("%", "%%")
        + "') as text)"
    )
