"""Events as columns; the properties that some condition asks for become columns of their own."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from django.db import connection

from pusula.lake import arrow
from pusula.lake.as_of import SINCE, Span
from pusula.profiles import relations as profiles

TEXT_PREFIX = "p."  # a property compared as folded text
NUMBER_PREFIX = "n."  # a property compared as a number; missing where it is none


def rows(
    ids: profiles.Ids,
    names: Sequence[str] | None,
    *,
    texts: Sequence[str] = (),
    numbers: Sequence[str] = (),
    span: Span | None = None,
) -> pa.Table:
    """Return the events called ``names`` (``None``: all) of ``ids``: profile_id, name, at.

    Behind them stand ``p.X`` (folded text) for each property X in ``texts`` and ``n.X`` (float64)
    for each in ``numbers``. With a ``span``: those that were known at its moments, and since when.
    """
    own = {"profile_id": pa.int64(), "name": pa.string(), "at": pa.int64()}
    params: list[object] = list(names or ())
    condition = "1 = 1" if names is None else f"{_name()} in ({', '.join(['%s'] * len(names))})"
    if span is not None:
        condition += " and recorded_at <= %s and at < %s"
        params += [span.told_by, span.last_at]
        if span.known_at is None:
            own["recorded_at"] = pa.int64()
    properties = sorted({*texts, *numbers})
    schema = pa.schema([*own.items(), *((name, pa.string()) for name in properties)])
    if names is not None and not names:
        table = schema.empty_table()
    else:
        columns = [*own, *(told(name) for name in properties)]
        table = profiles.fetch(
            "events_event", columns, schema, ids, condition=condition, params=params
        )
    result = _typed(table, list(own), texts, numbers)
    if "recorded_at" in own:
        names_ = [SINCE if name == "recorded_at" else name for name in result.column_names]
        result = result.rename_columns(names_)
    return result


def each(
    numbers_of_events: profiles.Ids, *, texts: Sequence[str] = (), numbers: Sequence[str] = ()
) -> pa.Table:
    """Return events by their own numbers, as ``rows`` does: each as if of a profile of its own.

    So a condition over the events of a profile can be asked of one event.
    """
    own = {"profile_id": pa.int64(), "name": pa.string(), "at": pa.int64()}
    properties = sorted({*texts, *numbers})
    schema = pa.schema([*own.items(), *((name, pa.string()) for name in properties)])
    columns = [*own, *(told(name) for name in properties)]
    table = "(select id as profile_id, name, at, properties from events_event) one"
    found = profiles.fetch(table, columns, schema, numbers_of_events)
    return _typed(found, list(own), texts, numbers)


def _typed(
    table: pa.Table, own: list[str], texts: Sequence[str], numbers: Sequence[str]
) -> pa.Table:
    """Return the columns ``own``, and the properties as they are compared."""
    result = table.select(own)
    for name in texts:
        result = result.append_column(TEXT_PREFIX + name, arrow.folded(table[name]))
    for name in numbers:
        result = result.append_column(NUMBER_PREFIX + name, arrow.numbers(table[name]))
    return result


def marks(first: int, last: int) -> dict[str, tuple[int, ...]]:
    """Return by relation what changes whenever the rows of the profiles ``first``..``last`` do."""
    return {"events": profiles.summary("events_event", ["id"], first, last)}


def earliest(ids: profiles.Ids, told_by: int) -> tuple[profiles.Ids, profiles.Ids]:
    """Return who of ``ids`` has events, and when the first happened, as known at ``told_by``."""
    return profiles.earliest("events_event", "at", ids, told_by)


def _name() -> str:
    """Return SQL for the name: on SQLite such that it finds rows by the profile, not by this.

    Without statistics, which nobody may have gathered, it would read all events of the names.
    """
    return "+name" if connection.vendor == "sqlite" else "name"


def told(name: str) -> str:
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
