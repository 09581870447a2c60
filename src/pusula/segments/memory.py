"""The facts about everybody in memory: what conditions need and no more, read block by block."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from django.db.models import Max

from pusula.consent import relations as consents
from pusula.consent.models import ConsentEntry, Suppression
from pusula.events.models import Event
from pusula.lib import clock
from pusula.orders.models import Order, OrderChange
from pusula.profiles import relations as profiles
from pusula.profiles.models import Identifier, Merge, Profile, Score, TraitChange
from pusula.profiles.relations import Ids
from pusula.segments import facts
from pusula.segments.kernel import Block, Requirements
from pusula.segments.kernel.block import Bools
from pusula.segments.models import CutPoint, SetMember

MOST_VECTOR_BYTES = 64 * 2**20
_KEY_BYTES = 2_000  # what the condition itself takes, about: with few profiles more than its bits
MOST_NAMES = 200  # of events, properties and traits: each is a column or rows in memory
BLOCK = 50_000
_TABLES = ("orders", "items", "events", "traits", "consents", "reach", "scores", "sets", "created")
_WRITTEN: tuple[Any, ...] = (
    Profile, Merge, Identifier, TraitChange, Order, OrderChange, Event, ConsentEntry, Suppression,
    Score, SetMember, CutPoint,
)  # fmt: skip
NOTHING = Requirements(None, None, (), (), (), (), consents=False)


def data_version() -> tuple[int, ...]:
    """Return numbers of which one grows whenever facts are written."""
    newest = [table.objects.aggregate(n=Max("pk"))["n"] for table in _WRITTEN]
    newest.append(Merge.objects.aggregate(n=Max("undone_at"))["n"])
    return (*(n or 0 for n in newest), *consents.version())


class Vectors:
    """For whom conditions hold, as bits; the least used give way."""

    def __init__(self) -> None:
        self._bits: OrderedDict[object, npt.NDArray[np.uint8]] = OrderedDict()
        self._lock = threading.Lock()
        self.n_bytes = 0

    def get(self, key: object, n: int) -> Bools | None:
        """Return the vector of ``key`` over ``n`` profiles, if it is kept."""
        with self._lock:
            bits = self._bits.get(key)
            if bits is None:
                return None
            self._bits.move_to_end(key)
        return np.unpackbits(bits, count=n).view(np.bool_)

    def put(self, key: object, mask: Bools) -> None:
        """Keep a vector; others give way where there is no room."""
        bits = np.packbits(mask)
        with self._lock:
            if key not in self._bits:
                self.n_bytes += bits.nbytes + _KEY_BYTES
            self._bits[key] = bits
            while self.n_bytes > MOST_VECTOR_BYTES:
                self.n_bytes -= self._bits.popitem(last=False)[1].nbytes + _KEY_BYTES


@dataclass(frozen=True)
class Facts:
    """What is in memory: the facts ``needs`` about ``ids``, read at ``read_at``.

    Everything is counted for the moment ``at``. Each profile stands for ``step`` of them: 1 if
    these are all.
    """

    version: tuple[int, ...]
    ids: Ids
    needs: Requirements
    block: Block
    read_at: int
    at: int
    step: int = 1
    vectors: Vectors = field(default_factory=Vectors)

    @property
    def n_bytes(self) -> int:
        """The size of what is kept, vectors included."""
        tables = sum(getattr(self.block, name).nbytes for name in _TABLES)
        return int(tables + self.ids.nbytes + self.vectors.n_bytes)


def narrowed(block: Block, needs: Requirements) -> Block:
    """Return ``block`` with no more rows of events and traits than ``needs`` speaks of."""
    events = block.events
    if needs.event_names and events.num_rows:
        events = _called(events, needs.event_names)
    traits = _called(block.traits, needs.traits) if needs.traits else block.traits
    return replace(block, events=events, traits=traits)


def _called(table: pa.Table, names: Iterable[str]) -> pa.Table:
    wanted = pa.array(list(names), pa.string())
    column = table["name"]
    if pa.types.is_dictionary(column.type):
        column = column.cast(pa.string())
    return table.filter(pc.is_in(column, wanted))


def missing(have: Requirements, needs: Requirements) -> Requirements | None:
    """Return what must still be read to know all of ``needs``; ``None`` if ``have`` is enough.

    Rows of events and traits are read name by name; other rows come with all of their columns.
    """
    both = union(have, needs)
    if both == have:
        return None
    properties = (both.event_texts, both.event_numbers)
    as_before = properties == (have.event_texts, have.event_numbers)
    known_events = have.event_names if as_before else ()
    return replace(
        both,
        orders=None if both.orders == have.orders else both.orders,
        items=None if both.items == have.items else both.items,
        event_names=_without(both.event_names, known_events),
        traits=_without(both.traits, have.traits),
        consents=both.consents and not have.consents,
        reach=_without(both.reach, have.reach),
        scores=_without(both.scores, have.scores),
        sets=_without(both.sets, have.sets),
        created=both.created and not have.created,
    )


def is_overgrown(needs: Requirements) -> bool:
    """Return whether ``needs`` are more than is kept: what nobody asks for any more must go."""
    named = (needs.event_names, needs.event_texts, needs.event_numbers, needs.traits, needs.sets)
    return sum(map(len, named)) > MOST_NAMES


def _without(names: tuple[Any, ...], known: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(name for name in names if name not in known)


def union(one: Requirements, other: Requirements) -> Requirements:
    """Return what both ask for."""

    def joined(name: str) -> tuple[Any, ...] | None:
        first, second = getattr(one, name), getattr(other, name)
        if first is None or second is None:
            found: tuple[Any, ...] | None = first if second is None else second
            return found
        return tuple(sorted({*first, *second}))

    named = ("orders", "items", "event_names", "event_texts", "event_numbers", "traits", "reach",
             "scores", "sets")  # fmt: skip
    found: dict[str, Any] = {name: joined(name) for name in named}
    return replace(
        one,
        **found,
        consents=one.consents or other.consents,
        created=one.created or other.created,
    )


# What most conditions ask for; it is read with the first facts, so that the next condition waits
# for nothing.
USUAL = Requirements(
    orders=("channel", "ends_on", "net_amount", "ordered_at", "property", "region", "starts_on",
            "status"),
    items=None, event_names=(), event_texts=(), event_numbers=(), traits=(), consents=True,
)  # fmt: skip


def read(
    needs: Requirements, version: tuple[int, ...], ids: Ids, step: int, progress: Progress
) -> Facts:
    """Read the facts ``needs`` about ``ids``."""
    began = clock.now()
    return Facts(version, ids, needs, _tables(needs, ids, progress), began, began, step)


def extended(held: Facts, needs: Requirements, progress: Progress) -> Facts:
    """Return ``held`` with what it lacks of ``needs``; what it has stays as old as it is."""
    lacking = missing(held.needs, needs)
    if lacking is None:
        return held
    both = union(held.needs, needs)
    more = _tables(lacking, held.ids, progress)
    by_name = {"traits", "reach", "scores", "sets"}
    if both.event_texts == held.needs.event_texts and (
        both.event_numbers == held.needs.event_numbers
    ):
        by_name.add("events")
    tables = {}
    for name in _TABLES:
        old, new = getattr(held.block, name), getattr(more, name)
        if not new.num_rows:
            tables[name] = old
        elif name in by_name and old.num_rows:
            tables[name] = _joined([old, new])
        else:
            tables[name] = new
    return replace(held, needs=both, block=Block(held.ids, **tables))


def _tables(needs: Requirements, ids: Ids, progress: Progress) -> Block:
    parts: list[Block] = []
    for start in range(0, max(1, len(ids)), BLOCK):
        parts.append(_packed(facts.block(ids[start : start + BLOCK], needs)))
        progress.done = min(start + BLOCK, len(ids))
    tables = {name: _joined([getattr(part, name) for part in parts]) for name in _TABLES}
    return Block(ids, **tables)


def _joined(parts: list[pa.Table]) -> pa.Table:
    whole = pa.concat_tables(parts, promote_options="default")
    return whole.unify_dictionaries().combine_chunks()


def _packed(block: Block) -> Block:
    """Return ``block`` with its texts as codes: words come again and again."""
    return replace(block, **{name: _encoded(getattr(block, name)) for name in _TABLES})


def _encoded(table: pa.Table) -> pa.Table:
    for place, each in enumerate(table.schema):
        if pa.types.is_string(each.type):
            table = table.set_column(place, each.name, table.column(place).dictionary_encode())
    return table


@dataclass
class Progress:
    """How far reading has got, and why it failed, if it did."""

    all: int = 0
    done: int = 0
    error: BaseException | None = None


def everybody(step: int) -> Ids:
    """Return the ids of every ``step``-th profile, ascending."""
    blocks = [np.empty(0, np.int64), *profiles.blocks(BLOCK)]
    return np.concatenate(blocks)[::step]
