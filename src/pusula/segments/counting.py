"""Counts while somebody builds: the facts of everybody in memory, one vector per condition.

The facts are read once for each version of the data, the columns that conditions ask for and no
others; every distinct condition is evaluated once by the kernel and kept as bits (38 kB for 300,000
profiles), and the tree is combined in numpy. While newer data are read in the background the old
answer stands, with its age. Nothing here is stored: each web process has its own.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import numpy as np
import pyarrow as pa
from django.db import connection
from django.db.models import Max

from pusula.consent.models import ConsentEntry, Suppression
from pusula.events.models import Event
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.orders.models import Order, OrderChange
from pusula.profiles import relations as profiles
from pusula.profiles.models import Identifier, Profile, Score, TraitChange
from pusula.profiles.relations import Ids
from pusula.segments import catalog, facts, kernel
from pusula.segments.evaluate import published_cut_points
from pusula.segments.kernel import Block, Plan, Requirements
from pusula.segments.kernel.block import Bools
from pusula.segments.language import Condition, Definition, Schema, parse
from pusula.segments.language.nodes import AllOf, AnyOf, InSegment, Leaf, Not, Words
from pusula.segments.models import CutPoint, Membership, Segment, SetMember

HOLD = 2 * clock.MINUTE  # how long the moment stands still for which everything is counted
PATIENCE_S = 2.0  # how long a request waits for facts before it shows progress
SMALL = 20_000  # up to so many profiles facts are read at once, in the request
MOST_PROFILES = 1_000_000  # beyond, every n-th stands for the others: an estimate
MOST_VECTOR_BYTES = 64 * 2**20
BLOCK = 50_000
_REST = 10  # times as long as reading took, at least, before facts are read again
_TABLES = ("orders", "items", "events", "traits", "consents", "reach", "scores", "sets", "created")
_WRITTEN: tuple[Any, ...] = (
    Profile, Identifier, TraitChange, Order, OrderChange, Event, ConsentEntry, Suppression, Score,
    SetMember, CutPoint,
)  # fmt: skip
NOTHING = Requirements(None, None, (), (), (), (), consents=False)


class CountingError(PusulaError):
    """A condition cannot be counted as things are."""

    code = "segment_counting"


@dataclass(frozen=True)
class Reading:
    """The facts are being read: so many of so many profiles."""

    done: int
    all: int


def data_version() -> tuple[int, ...]:
    """Return numbers of which one grows whenever facts are written."""
    newest = (table.objects.aggregate(n=Max("pk"))["n"] for table in _WRITTEN)
    return tuple(n or 0 for n in newest)


class _Vectors:
    """For whom conditions hold, as bits; the least used give way."""

    def __init__(self) -> None:
        self._bits: OrderedDict[object, Bools] = OrderedDict()
        self._lock = threading.Lock()
        self.n_bytes = 0

    def get(self, key: object, n: int) -> Bools | None:
        with self._lock:
            bits = self._bits.get(key)
            if bits is None:
                return None
            self._bits.move_to_end(key)
        return np.unpackbits(bits, count=n).view(np.bool_)

    def put(self, key: object, mask: Bools) -> None:
        bits = np.packbits(mask)
        with self._lock:
            if key not in self._bits:
                self.n_bytes += bits.nbytes
            self._bits[key] = bits
            while self.n_bytes > MOST_VECTOR_BYTES:
                self.n_bytes -= self._bits.popitem(last=False)[1].nbytes


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
    vectors: _Vectors = field(default_factory=_Vectors)

    @property
    def n_bytes(self) -> int:
        """The size of what is kept, vectors included."""
        tables = sum(getattr(self.block, name).nbytes for name in _TABLES)
        return int(tables + self.ids.nbytes + self.vectors.n_bytes)


class Counts:
    """Who stands what, for one set of facts. ``is_current``: nothing was written since."""

    def __init__(self, held: Facts, schema: Schema, *, is_current: bool) -> None:
        self.facts = held
        self.schema = schema
        self.is_current = is_current
        self._segments: dict[str, Condition] = {}

    @property
    def n_all(self) -> int:
        """How many profiles there are."""
        return len(self.facts.ids) * self.facts.step

    @property
    def is_exact(self) -> bool:
        """Whether every profile was looked at, with everything that is written."""
        return self.facts.step == 1 and self.is_current

    def n(self, mask: Bools) -> int:
        """Return how many profiles a mask means."""
        return int(np.count_nonzero(mask)) * self.facts.step

    def holds(self, condition: Condition) -> Bools:
        """Return for whom ``condition`` holds; raise the error of one that cannot be evaluated."""
        self.fill([condition])
        return self._combined(condition, ())

    def fill(self, conditions: Iterable[Condition]) -> None:
        """Evaluate what ``conditions`` are made of, all at once."""
        wanted: set[Leaf] = set()
        for condition in conditions:
            wanted |= self.leaves(condition)
        n = len(self.facts.ids)
        at = self.facts.at
        missing = [leaf for leaf in wanted if self.facts.vectors.get((at, leaf), n) is None]
        if missing:
            with _EVALUATING:
                self._evaluate(missing)

    def _evaluate(self, missing: list[Leaf]) -> None:
        held = self.facts
        plan, named = self._plan(missing)
        members = plan.evaluate(_narrowed(held.block, plan.requirements), held.at).members
        for key, leaf in named.items():
            held.vectors.put((held.at, leaf), members[key])

    def _plan(self, missing: list[Leaf]) -> tuple[Plan, dict[str, Leaf]]:
        """Return a plan; limits that nobody has published yet are those that everybody sets now."""
        limits = published_cut_points()
        bare, _ = _compiled(missing, self.schema, {})
        if not bare.populations.keys() <= limits.keys():
            block = _narrowed(self.facts.block, bare.requirements)
            values = bare.population_values(block, self.facts.at)
            own = {key: each.cut_point(values[key]) for key, each in bare.populations.items()}
            limits = own | limits
        return _compiled(missing, self.schema, limits)

    def needs(self, conditions: Iterable[Condition]) -> Requirements:
        """Return what must be known to answer ``conditions`` and the segments that they name."""
        found: set[Leaf] = set()
        for condition in conditions:
            found |= self.leaves(condition)
        return _compiled(found, self.schema, {})[0].requirements if found else NOTHING

    def leaves(self, condition: Condition, way: tuple[str, ...] = ()) -> set[Leaf]:
        """Return the conditions without parts, also those of segments that are named."""
        match condition:
            case AllOf(parts) | AnyOf(parts):
                return set().union(*(self.leaves(part, way) for part in parts))
            case Not(part):
                return self.leaves(part, way)
            case InSegment(key):
                return self.leaves(self._definition(key, way), (*way, key))
        return {condition}

    def members(self, segment: Segment) -> Bools:
        """Return who is in ``segment`` by the memberships that are shown."""
        key = ("members", segment.pk, segment.version_id, segment.n_members, segment.evaluated_at)
        mask = self.facts.vectors.get(key, len(self.facts.ids))
        if mask is None:
            rows = Membership.objects.filter(segment=segment, left_at=None)
            inside = rows.values_list("profile_id", flat=True).iterator(10_000)
            mask = np.isin(self.facts.ids, np.fromiter(inside, np.int64))
            self.facts.vectors.put(key, mask)
        return mask

    def sample(self, mask: Bools, n: int) -> list[int]:
        """Return the ids of ``n`` profiles of ``mask``, always the same ones of the same mask."""
        places = np.flatnonzero(mask)
        spread = np.random.default_rng(3).permutation(len(mask))[:: max(1, len(mask) // 50_000)]
        found = spread[mask[spread]][:n]
        chosen = found if len(found) >= min(n, len(places)) else places[:n]
        return sorted(self.facts.ids[chosen].tolist())

    def _combined(self, condition: Condition, way: tuple[str, ...]) -> Bools:
        match condition:
            case AllOf(parts):
                return reduce(np.logical_and, [self._combined(part, way) for part in parts])
            case AnyOf(parts):
                return reduce(np.logical_or, [self._combined(part, way) for part in parts])
            case Not(part):
                return ~self._combined(part, way)
            case InSegment(key):
                return self._combined(self._definition(key, way), (*way, key))
        mask = self.facts.vectors.get((self.facts.at, condition), len(self.facts.ids))
        if mask is None:
            raise CountingError(f"{condition} was not evaluated")
        return mask

    def _definition(self, key: str, way: tuple[str, ...] = ()) -> Condition:
        """Return what the segment ``key`` asks for, by its newest version."""
        if key in way:
            raise CountingError(f"a circle of segments: {' → '.join([*way, key])}")
        if key not in self._segments:
            segment = Segment.objects.filter(key=key, archived_at=None).first()
            version = segment and (segment.version or segment.versions.order_by("-number").first())
            if not version:
                raise CountingError(f"there is no segment {key!r}")
            self._segments[key] = parse(version.definition, self.schema).where
        return self._segments[key]


def _compiled(
    wanted: Iterable[Leaf], schema: Schema, limits: Mapping[str, float]
) -> tuple[Plan, dict[str, Leaf]]:
    named = {f"c{place}": leaf for place, leaf in enumerate(wanted)}
    given = {key: Definition(key, Words(key, key), leaf) for key, leaf in named.items()}
    return kernel.compile(given, schema, limits), named


def _narrowed(block: Block, needs: Requirements) -> Block:
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
    return table.filter(pa.compute.is_in(column, wanted))


# Reading: what is needed and not there, in the request or in the background.


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
    return replace(
        one,
        **{name: joined(name) for name in named},
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
    needs: Requirements, version: tuple[int, ...], ids: Ids, step: int, progress: _Progress
) -> Facts:
    """Read the facts ``needs`` about ``ids``."""
    began = clock.now()
    return Facts(version, ids, needs, _tables(needs, ids, progress), began, began, step)


def extended(held: Facts, needs: Requirements, progress: _Progress) -> Facts:
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


def _tables(needs: Requirements, ids: Ids, progress: _Progress) -> Block:
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
class _Progress:
    all: int = 0
    done: int = 0
    error: BaseException | None = None


class Store:
    """The facts of this process: read when first asked for, and again when they are old."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: Facts | None = None
        self._schema: tuple[int, Schema] | None = None
        self._thread: threading.Thread | None = None
        self._progress = _Progress()
        self._took = 0
        self._ended_at = 0

    def schema(self) -> Schema:
        """Return the installation's schema, at most a minute old: to list all traits is slow."""
        found = self._schema
        if found is None or clock.now() - found[0] > clock.MINUTE:
            found = self._schema = (clock.now(), catalog.schema())
        return found[1]

    def counts(self, conditions: Iterable[Condition]) -> Counts | Reading:
        """Return counts that can answer ``conditions``, or how far reading has got.

        Raises the error of a condition that names what is not there.
        """
        schema = self.schema()
        needs = Counts(_NOBODY, schema, is_current=True).needs(conditions)
        version = data_version()
        held = self._fresh(needs, version, Profile.objects.count())
        if held is None:
            return Reading(self._progress.done, max(self._progress.all, 1))
        return Counts(held, schema, is_current=held.version == version)

    def forget(self) -> None:
        """Forget everything; what is being read is thrown away."""
        with self._lock:
            self._held = self._thread = self._schema = None

    def _fresh(
        self, needs: Requirements, version: tuple[int, ...], n_profiles: int
    ) -> Facts | None:
        with self._lock:
            held = self._held
            lacks = held is None or missing(held.needs, needs) is not None
            is_old = held is not None and held.version != version
            if lacks or (is_old and self._may_read_again(n_profiles)):
                self._read(needs, version, n_profiles)
        if lacks and (thread := self._thread) is not None:
            thread.join(PATIENCE_S)
        with self._lock:
            self._raise()
            held = self._held
            if held is None or missing(held.needs, needs) is not None:
                return None
            if clock.now() - held.at > HOLD:
                held = self._held = replace(held, at=clock.now())
            return held

    def _may_read_again(self, n_profiles: int) -> bool:
        return n_profiles <= SMALL or clock.now() - self._ended_at > _REST * self._took

    def _raise(self) -> None:
        error, self._progress.error = self._progress.error, None
        if error is not None:
            raise error

    def _read(self, needs: Requirements, version: tuple[int, ...], n_profiles: int) -> None:
        """Read ``needs``: here if there are few profiles, else in the background."""
        if self._thread is not None and self._thread.is_alive():
            return
        progress = self._progress = _Progress(n_profiles)
        if n_profiles <= SMALL:
            self._held = self._work(needs, version, 1, progress)
            self._thread = None
            return
        step = -(-n_profiles // MOST_PROFILES)
        self._thread = threading.Thread(
            target=self._in_background, args=(needs, version, step, progress), daemon=True
        )
        self._thread.start()

    def _work(
        self, needs: Requirements, version: tuple[int, ...], step: int, progress: _Progress
    ) -> Facts:
        held = self._held
        is_there = held is not None and (
            held.version == version or step > 1 or len(held.ids) > SMALL
        )
        if held is not None and is_there and missing(held.needs, needs) is not None:
            return extended(held, needs, progress)
        wanted = union(held.needs if held else USUAL, needs)
        return read(wanted, version, _everybody(step), step, progress)

    def _in_background(
        self, needs: Requirements, version: tuple[int, ...], step: int, progress: _Progress
    ) -> None:
        began = clock.now()
        try:
            found = self._work(needs, version, step, progress)
            with self._lock:
                if self._thread is threading.current_thread():
                    self._held = found
        except Exception as error:  # noqa: BLE001 - told to whoever asks next
            progress.error = error
        finally:
            self._took, self._ended_at = clock.now() - began, clock.now()
            connection.close()


def _everybody(step: int) -> Ids:
    blocks = [np.empty(0, np.int64), *profiles.blocks(BLOCK)]
    return np.concatenate(blocks)[::step]


_EVALUATING = threading.Lock()
_NOBODY = Facts((), np.empty(0, np.int64), NOTHING, Block(np.empty(0, np.int64)), 0, 0)
STORE = Store()
