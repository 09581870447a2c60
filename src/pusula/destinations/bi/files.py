"""Tables as files of their own: Parquet for programs, CSV for spreadsheets."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pusula.lib.spreadsheets import guarded

# Rows that are compressed together: what a reader skips or reads as one.
_GROUP = 100_000


def write_parquet(
    path: Path, schema: pa.Schema, blocks: Iterable[pa.Table], told: Mapping[str, str]
) -> int:
    """Write ``blocks`` in row groups, ``told`` beside them as metadata; return how many rows."""
    n = 0
    described = schema.with_metadata({key.encode(): text.encode() for key, text in told.items()})
    with pq.ParquetWriter(path, described, compression="zstd") as writer:
        for group in _groups(blocks):
            writer.write_table(group.cast(described), row_group_size=_GROUP)
            n += len(group)
    return n


def write_csv(path: Path, schema: pa.Schema, blocks: Iterable[pa.Table], *, has_bom: bool) -> int:
    """Write ``blocks`` as RFC 4180 has it, UTF-8, with names in the first line; return the rows.

    Moments are ISO 8601 (with Z where they are UTC), amounts have a point. Text that a spreadsheet
    would take for a formula has an apostrophe before it.
    """
    n = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        if has_bom:
            file.write(codecs.BOM_UTF8.decode("utf-8"))
        writer = csv.writer(file)
        writer.writerow(schema.names)
        for block in blocks:
            writer.writerows(zip(*_columns(block), strict=True))
            n += len(block)
    return n


def without_parquet(path: Path, owners: frozenset[int], to: Path) -> int:
    """Write ``path`` without the rows of ``owners`` to ``to``; return how many these were.

    0 where there is none: then ``to`` is not written. Groups that cannot hold any are not searched.
    """
    with pq.ParquetFile(path) as file:
        if not any(
            _may_hold(file.metadata.row_group(i), owners) for i in range(file.num_row_groups)
        ):
            return 0
        gone = pa.array(sorted(owners), pa.int64())
        n = 0
        with pq.ParquetWriter(to, file.schema_arrow, compression="zstd") as writer:
            for index in range(file.num_row_groups):
                rows = file.read_row_group(index)
                kept = rows.filter(pc.invert(pc.is_in(rows["profile_id"], gone)))
                n += len(rows) - len(kept)
                writer.write_table(kept, row_group_size=_GROUP)
    if not n:
        to.unlink()
    return n


def without_csv(path: Path, owners: frozenset[int], to: Path) -> int:
    """Do what ``without_parquet`` does with a file of ``write_csv``."""
    n = 0
    with (
        path.open(encoding="utf-8", newline="") as source,
        to.open("w", encoding="utf-8", newline="") as target,
    ):
        reader, writer = csv.reader(source), csv.writer(target)
        head = next(reader)
        writer.writerow(head)
        place = [name.removeprefix("\ufeff") for name in head].index("profile_id")
        for row in reader:
            if int(row[place]) in owners:
                n += 1
            else:
                writer.writerow(row)
    if not n:
        to.unlink()
    return n


def _may_hold(group: Any, owners: frozenset[int]) -> bool:
    places = range(group.num_columns)
    column = next(c for c in map(group.column, places) if c.path_in_schema == "profile_id")
    found = column.statistics
    if found is None or not found.has_min_max:
        return True
    return any(found.min <= owner <= found.max for owner in owners)


def _groups(blocks: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the rows of ``blocks`` gathered until they make a group."""
    waiting: list[pa.Table] = []
    n = 0
    for block in blocks:
        waiting.append(block)
        n += len(block)
        if n >= _GROUP:
            yield pa.concat_tables(waiting)
            waiting, n = [], 0
    if waiting:
        yield pa.concat_tables(waiting)


def _columns(block: pa.Table) -> Iterator[list[Any]]:
    for field, column in zip(block.schema, block.columns, strict=True):
        yield _shown(field.type, column)


def _shown(kind: pa.DataType, column: pa.ChunkedArray) -> list[Any]:
    values = column.to_pylist()
    shown: Callable[[Any], Any]
    if pa.types.is_string(kind):
        shown = guarded
    elif pa.types.is_boolean(kind):
        shown = _yes_or_no
    elif pa.types.is_timestamp(kind):
        shown = _utc if kind.tz else _wall
    else:
        shown = str
    return [None if value is None else shown(value) for value in values]


def _yes_or_no(value: bool) -> str:
    return "true" if value else "false"


def _utc(value: Any) -> str:
    text: str = value.replace(tzinfo=None).isoformat(timespec="microseconds")
    return f"{text}Z"


def _wall(value: Any) -> str:
    text: str = value.isoformat(timespec="microseconds")
    return text
