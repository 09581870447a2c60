"""The facts about a bucket of profiles, read from the lake's files: no database, any machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from pusula.segments.kernel import Block, Requirements
from pusula.segments.kernel.block import Ints

CREATED = "created"  # every profile has a row here, so it says who there is
RELATIONS = (
    "orders", "items", "events", "traits", "consents", "reach", "scores", "sets", CREATED,
)  # fmt: skip
_OWNER = "profile_id"
# Repeated words are read as small numbers into a list of the different ones.
_WORDS = frozenset(
    ("name", "status", "property", "region", "room_type", "board", "channel", "source", "sku",
     "rate_code", "market_code", "source_code", "cancel_reason", "text", "purpose", "state",
     "model", "sort", "key", "arm")
)  # fmt: skip
_PROPERTY = "p."


@dataclass(frozen=True)
class Files:
    """Where one relation's rows of one bucket stand, and the schema of its table."""

    places: tuple[str, ...]
    schema: pa.Schema


def columns_of(needs: Requirements) -> dict[str, tuple[str, ...]]:
    """Return the columns that ``needs`` asks for, by relation, without those it leaves out."""
    properties = [f"{_PROPERTY}{name}" for name in needs.event_texts]
    numbers = [f"n.{name}" for name in needs.event_numbers]
    asked: dict[str, tuple[str, ...] | None] = {
        "orders": needs.orders,
        "items": needs.items,
        "events": ("name", "at", *properties, *numbers) if needs.event_names else None,
        "traits": ("name", "text", "number", "day") if needs.traits else None,
        "consents": ("channel", "purpose", "status") if needs.consents else None,
        "reach": ("channel", "purpose", "state") if needs.reach else None,
        "scores": ("model", "value", "decile", "scored_at") if needs.scores else None,
        "sets": ("sort", "key", "arm") if needs.sets else None,
        CREATED: ("at",) if needs.created else None,
    }
    return {
        relation: (_OWNER, *(name for name in columns if name != _OWNER))
        for relation, columns in asked.items()
        if columns is not None
    }


def block(files: Mapping[str, Files], needs: Requirements, ids: Ints | None = None) -> Block:
    """Return the facts about ``ids`` (ascending; else all profiles of the bucket) in ``files``.

    Raises ``OSError`` or ``pyarrow.ArrowException`` where a file is missing or broken.
    """
    if ids is None:
        ids = np.sort(_table(files[CREATED], (_OWNER,))[_OWNER].to_numpy())
    tables = {
        relation: _table(files[relation], columns)
        for relation, columns in columns_of(needs).items()
    }
    return Block(ids, **tables)


def _table(files: Files, columns: Sequence[str]) -> pa.Table:
    schema = pa.schema([files.schema.field(name) for name in columns])
    if not files.places:
        return schema.empty_table()
    words = [name for name in columns if name in _WORDS or name.startswith(_PROPERTY)]
    parts = [_read(place, columns, words) for place in files.places]
    return pa.concat_tables(parts) if len(parts) > 1 else parts[0]


def _read(place: str, columns: Sequence[str], words: Sequence[str]) -> pa.Table:
    filesystem, path = fs.FileSystem.from_uri(place) if "://" in place else (_LOCAL, place)
    with filesystem.open_input_file(path) as source:
        file = pq.ParquetFile(source, read_dictionary=list(words))
        # One block is one core's work; the other cores have blocks of their own.
        return file.read(list(columns), use_threads=False)


_LOCAL = fs.LocalFileSystem()
