"""DB-API rows to Arrow tables: the way owners hand their rows over as columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from pusula.lib.text import fold

CHUNK = 50_000


class Cursor(Protocol):
    """The part of a DB-API cursor that is needed."""

    def execute(self, sql: str, params: Sequence[Any] = ..., /) -> Any:
        """Run one statement."""

    def fetchmany(self, size: int, /) -> list[tuple[Any, ...]]:
        """Return the next rows; an empty list at the end."""


def fetch(cursor: Cursor, sql: str, params: Sequence[Any], schema: pa.Schema) -> pa.Table:
    """Return the rows of ``sql`` as a table of ``schema``, at most ``CHUNK`` Python rows at a time.

    The statement's columns stand in the order of the schema's fields; days may come as
    ``datetime.date`` or as ISO text (SQLite).
    """
    cursor.execute(sql, params)
    batches = []
    while rows := cursor.fetchmany(CHUNK):
        columns = zip(*rows, strict=True)
        arrays = [_array(values, field.type) for values, field in zip(columns, schema, strict=True)]
        batches.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return pa.Table.from_batches(batches, schema)


def _array(values: tuple[Any, ...], kind: pa.DataType) -> pa.Array:
    if pa.types.is_date(kind) and any(isinstance(value, str) for value in values):
        return pa.array(values, pa.string()).cast(kind)
    return pa.array(values, kind)


def folded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text folded for comparison (``lib.text.fold``), each distinct value once."""
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    words = pa.array(
        [None if w is None else fold(w) for w in encoded.dictionary.to_pylist()], pa.string()
    )
    return pa.chunked_array([words.take(encoded.indices)], pa.string())


def fold_texts(table: pa.Table) -> pa.Table:
    """Return ``table`` with every text column folded."""
    for index, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            table = table.set_column(index, field.name, folded(table.column(index)))
    return table


def numbers(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return text read as float64; null where it is no finite number."""
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    values = pa.array([_number(word) for word in encoded.dictionary.to_pylist()], pa.float64())
    return pa.chunked_array([values.take(encoded.indices)], pa.float64())


def days_between(start: pa.ChunkedArray, end: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the days from ``start`` to ``end`` as float64; null where either is missing."""
    days = pc.subtract(end.cast(pa.int32()), start.cast(pa.int32()))
    return days.cast(pa.float64())


def _number(word: str | None) -> float | None:
    if word is None:
        return None
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
