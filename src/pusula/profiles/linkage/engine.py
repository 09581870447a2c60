"""From records to pairs that may be one person, each with what speaks for and against it.

Two nulls of one comparison (a value that is missing, an exchanged family name) both weigh nothing.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from pusula.profiles.linkage import model

_SEED = 7
_SAMPLE = 2_000_000  # pairs of strangers from which chance agreement is estimated
_ENOUGH = 200  # pairs to learn from; with fewer the shares of the model stay
_LEARNED = 0.5  # of one person's records at least this share agrees, or it learned something else
_DECIDING = ("given", "born", "national", "document")
_NAMED = frozenset({model.SAME, model.SWAPPED})
_BATCH = 10_000


@dataclass(frozen=True)
class Agreement:
    """How one field stands in a pair: a level of ``model`` and its weight (log2 of odds)."""

    level: str
    weight: float


@dataclass(frozen=True)
class Pair:
    """Two records, ``one`` < ``other``; their weight, and what it is made of by field.

    ``certain``: may be merged unseen.
    """

    one: int
    other: int
    weight: float
    fields: Mapping[str, Agreement]
    certain: bool


def link(
    records: pa.Table, *, least: float = model.PROPOSED, memory: str = "1GB", folder: Path | None = None
) -> Iterator[Pair]:
    """Yield the pairs of ``records`` that weigh at least ``least``, in the order of their numbers.

    ``records``: ``id`` (int64, unique) and any of ``model.FIELDS`` (string). DuckDB takes at most
    ``memory`` and then goes on in ``folder``. The same records give the same pairs.
    """
    columns = [f for f in model.FIELDS if f in records.column_names and _says_something(records, f)]
    rules = model.blocks(columns)
    if records.num_rows < 2 or not rules:  # noqa: PLR2004  a pair takes two
        return
    with duckdb.connect(config=_limits(memory, folder)) as db:
        db.register("told", records)
        db.execute(_cleaned(columns))
        linker = _trained(db, columns, rules, records.num_rows)
        pairs = linker.inference.predict(threshold_match_weight=least)
        named = {f: [level.name for level in _weighed(f, columns)] for f in columns}
        rows = db.execute(f"select * from {pairs.physical_name} order by id_l, id_r")
        reader = rows.to_arrow_reader(_BATCH)
        for batch in reader:
            for row in batch.to_pylist():
                yield _pair(row, columns, named)


def _says_something(records: pa.Table, field: str) -> bool:
    return bool(records[field].null_count < records.num_rows)


def _limits(memory: str, folder: Path | None) -> dict[str, str | int]:
    limits: dict[str, str | int] = {"memory_limit": memory, "threads": 2}
    return limits if folder is None else limits | {"temp_directory": str(folder)}


def _cleaned(columns: list[str]) -> str:
    """Return the statement that makes the table of records: nothing in it is known to be shared.

    One blank document on thousands of guests, an agency's address: a value of many names says
    nothing of anybody.
    """
    name = " || ' ' || ".join(f"coalesce({c}, '')" for c in ("given", "family") if c in columns)
    said = [
        f"case when {c} is not null and {c} not in (select {c} from told where {c} is not null"
        f" group by {c} having count(distinct {name or 'id'}) > {model.HOLDERS}) then {c} end as {c}"
        if c in model.SINGULAR
        else c
        for c in columns
    ]
    derived = [f"{sql} as {c}" for c, (of, sql) in model.DERIVED.items() if of in columns]
    kept = ", ".join(["id", *said])
    more = ", ".join(["*", *derived])
    return f"create table people as select {more} from (select {kept} from told) order by id"
