"""The lake beside the database: what a bucket's rows are, and whether the lake still has them.

The lake is a copy that may be behind. Each bucket of it carries the mark of the state it was read
from; it is used only while the database gives the same mark, so an answer never depends on it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import pyarrow as pa

from pusula.consent import relations as consents
from pusula.events import relations as events
from pusula.lake.delta import Lake
from pusula.orders import relations as orders
from pusula.profiles import relations as profiles
from pusula.profiles.relations import Ids
from pusula.segments import facts
from pusula.segments import relations as segments
from pusula.segments.everybody.files import CREATED, RELATIONS, Files, block, columns_of
from pusula.segments.kernel import Block, Requirements
from pusula.segments.language import Schema

# Profiles per bucket and per part of an evaluation: their rows are in memory together, about 1 kB
# for each profile.
SPAN = 65_536
NOTHING = Requirements(
    orders=None,
    items=None,
    event_names=(),
    event_texts=(),
    event_numbers=(),
    traits=(),
    consents=False,
)
_OWNERS = (profiles, orders, events, consents, segments)
# What a table is sorted by within each profile.
_TIMES = {"orders": "ordered_at", "items": "ordered_at", "events": "at", "scores": "scored_at"}


@dataclass(frozen=True)
class Snapshot:
    """A lake as it was at a moment: the mark and the files of each bucket, by relation.

    ``spec`` says what its tables hold, ``span`` how many ids make a bucket.
    """

    spec: Requirements
    span: int
    marks: Mapping[str, Mapping[int, int]]
    files: Mapping[str, Mapping[int, Files]]

    @property
    def buckets(self) -> list[int]:
        """The buckets that are held whole, ascending."""
        return sorted(set.intersection(*(set(found) for found in self.files.values())))

    def of(self, bucket: int) -> dict[str, Files]:
        """Return the files of ``bucket``, by relation."""
        return {relation: found[bucket] for relation, found in self.files.items()}


def spec_of(needs: Requirements, schema: Schema) -> Requirements:
    """Return what a lake holds for those who ask ``needs``, and somewhat more.

    All orders, lines, events, consents; of traits, properties, scores and sets only those asked
    for: nobody wants copies of what nobody uses.
    """
    return replace(
        needs,
        orders=tuple(sorted(schema.relations["orders"].columns)),
        items=tuple(sorted(schema.relations["items"].columns)),
        event_names=("*",),
        consents=True,
        created=True,
    )


def rows(relation: str, ids: Ids, spec: Requirements) -> pa.Table:
    """Return what a lake holds of ``relation`` about ``ids``, sorted by profile and time."""
    if relation == "events":
        found = events.rows(ids, None, texts=spec.event_texts, numbers=spec.event_numbers)
    else:
        found = getattr(facts.block(ids, _only(relation, spec)), relation)
    time = _TIMES.get(relation)
    keys = [("profile_id", "ascending"), *([(time, "ascending")] if time else [])]
    return found.sort_by(keys)


def marks(first: int, last: int, spec: Requirements) -> dict[str, int]:
    """Return the mark, by relation, of the state in which the profiles ``first``..``last`` are."""
    counts: dict[str, tuple[int, ...]] = {}
    for owner in _OWNERS:
        counts |= owner.marks(first, last)
    held = {relation: _only(relation, spec) for relation in RELATIONS}
    return {
        relation: mark_of(() if needs == NOTHING else counts[relation], needs)
        for relation, needs in held.items()
    }


def snapshot(lake: Lake, spec: Requirements, buckets: Collection[int]) -> Snapshot:
    """Return what ``lake`` holds now."""
    found_marks: dict[str, dict[int, int]] = {}
    files: dict[str, dict[int, Files]] = {}
    for relation in RELATIONS:
        table = lake.table(relation)
        places, schema = table.files(), table.schema
        written = {bucket: table.mark(bucket) for bucket in buckets}
        found_marks[relation] = {b: mark for b, mark in written.items() if mark is not None}
        files[relation] = {
            b: Files(tuple(places.get(b, ())), schema) for b in found_marks[relation]
        }
    return Snapshot(spec, SPAN, found_marks, files)


def is_current(held: Snapshot, ids: Ids, needs: Requirements) -> bool:
    """Return whether ``held`` has what ``needs`` asks about ``ids`` as the database has it now."""
    if not len(ids) or not _covers(held.spec, needs):
        return False
    bucket = int(ids[0]) // held.span
    first, last = bucket * held.span, (bucket + 1) * held.span - 1
    if ids[-1] > last:
        return False
    now = marks(first, last, held.spec)
    asked = {CREATED, *columns_of(needs)}
    return all(held.marks[relation].get(bucket) == now[relation] for relation in asked)


def read(held: Snapshot, ids: Ids, needs: Requirements) -> Block:
    """Return the facts about ``ids`` (ascending), from the lake where that is the same."""
    if is_current(held, ids, needs):
        try:
            return block(held.of(int(ids[0]) // held.span), needs, ids)
        except (OSError, pa.ArrowException):
            pass  # a lake with holes is mended by the next mirroring; the database knows it all
    return facts.block(ids, needs)


def mark_of(counts: tuple[int, ...], what: object) -> int:
    """Return the mark of rows that these numbers sum up, read as ``what`` says."""
    digest = hashlib.blake2b(repr((counts, what)).encode(), digest_size=8).digest()
    return int.from_bytes(digest) >> 1  # Delta's numbers are signed


def _only(relation: str, spec: Requirements) -> Requirements:
    """Return what ``spec`` asks of one relation."""
    match relation:
        case "events":
            names = ("event_names", "event_texts", "event_numbers")
            return replace(NOTHING, **{name: getattr(spec, name) for name in names})
        case _:
            return replace(NOTHING, **{relation: getattr(spec, relation)})


def _covers(spec: Requirements, needs: Requirements) -> bool:
    """Return whether tables made by ``spec`` hold all that ``needs`` asks for."""
    lists = ("orders", "items", "event_texts", "event_numbers", "traits", "reach", "scores", "sets")
    return all(set(getattr(needs, name) or ()) <= set(getattr(spec, name) or ()) for name in lists)
