"""The rows of one relation in a block, narrowed step by step: by event name, by column, by time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Generic, TypeVar

import numpy as np
import pyarrow as pa

from pusula.segments.kernel.asked import Asked, Numbers, least, own
from pusula.segments.kernel.block import Bools, Ints, Positions
from pusula.segments.kernel.columns import (
    FIRST,
    MISSING,
    Lexicon,
    Pattern,
    Search,
    Vector,
    Words,
    encode,
    lexicon,
    matching,
    numbers,
)
from pusula.segments.kernel.holds import holds
from pusula.segments.language.nodes import Column, ColumnTest, Contains, Starts, Test
from pusula.segments.language.schema import Kind
from pusula.segments.language.schema import Relation as Schema

K = TypeVar("K")

NAME = Column("name", Kind.TEXT)

# Masks that are kept because another condition may ask again: each has one byte for each row.
_KEPT = 64

# Above this many ids per row a table of all positions would cost more than searching.
_SPARSE = 4


_TEXTS = frozenset({Kind.TEXT, Kind.LIST})
# Shorter to look for in every row than to find the different texts first.
_PLAIN = (Contains, Starts)


def arrow_name(schema: Schema | None, column: Column) -> str:
    """Return what the Arrow table calls a column; a property is there as text or as number."""
    if schema is not None and schema.is_open and column.name not in schema.columns:
        return f"{'p' if column.kind is Kind.TEXT else 'n'}.{column.name}"
    return column.name


def positions(profile_ids: Ints, table: pa.Table) -> tuple[pa.Table, Positions]:
    """Return the rows that belong to ``profile_ids`` and the position of each one's profile."""
    ids: Ints = table["profile_id"].to_numpy()
    if not len(profile_ids) or not len(ids):
        return table.slice(0, 0), np.empty(0, np.intp)
    first, last = profile_ids[0], profile_ids[-1]
    if ids.min() < first or ids.max() > last:
        inside = (ids >= first) & (ids <= last)
        table, ids = table.filter(pa.array(inside)), ids[inside]
    span = int(last - first) + 1
    if span <= _SPARSE * (len(profile_ids) + len(ids)):
        position_of = np.zeros(span, np.intp)
        position_of[profile_ids - first] = np.arange(len(profile_ids))
        found = position_of[ids - first]
    else:
        found = np.searchsorted(profile_ids, ids)
    ours = profile_ids[found] == ids
    if ours.all():
        return table, found
    return table.filter(pa.array(ours)), found[ours]


class Recent(Generic[K]):
    """The vectors that were asked for last; thousands of conditions must not fill the memory."""

    def __init__(self) -> None:
        self._kept: dict[K, Bools] = {}

    def get(self, key: K, make: Callable[[], Bools]) -> Bools:
        """Return the vector of ``key``, made anew if it is not kept any more."""
        found = self._kept.pop(key, None)
        if found is None:
            found = make()
            if len(self._kept) == _KEPT:
                self._kept.pop(next(iter(self._kept)))
        self._kept[key] = found  # the last one asked for stands last
        return found


class Rows(ABC):
    """Some rows of a relation; every column is worked out once, when it is first asked for."""

    def __init__(self, n_profiles: int) -> None:
        self.n_profiles = n_profiles
        self._vectors: dict[Column, Vector] = {}

    @property
    @abstractmethod
    def profiles(self) -> Positions:
        """The position in the block of each row's profile."""

    @property
    @abstractmethod
    def places(self) -> Positions:
        """The place of each row in the table of its relation."""

    @abstractmethod
    def lexicon(self, column: Column) -> Lexicon:
        """Return the different texts of ``column`` and where each row's stands among them."""

    @abstractmethod
    def _vector(self, column: Column) -> Vector:
        """Work out the values of ``column``."""

    def vector(self, column: Column) -> Vector:
        """Return the values of ``column``, one per row."""
        if column not in self._vectors:
            self._vectors[column] = self._vector(column)
        return self._vectors[column]

    @cached_property
    def counts(self) -> Ints:
        """How many rows each profile has."""
        return np.bincount(self.profiles, minlength=self.n_profiles)


@dataclass(frozen=True, slots=True)
class Hidden:
    """Rows whose time has not come: the positions of their profiles, and their times."""

    profiles: Positions
    times: Ints


class Relation(Rows):
    """All rows of a relation that exist at a moment (or at each profile's own): of earlier time.

    ``schema`` is what the language says of the relation, ``None`` of tables that it knows by other
    names; ``words`` are the words that conditions mention, by column.
    ``hidden`` are the rows to come, if there are any.
    """

    def __init__(
        self,
        name: str,
        table: pa.Table,
        profile_ids: Ints,
        *,
        words: Mapping[Column, Words],
        at: Numbers,
        schema: Schema | None,
    ) -> None:
        super().__init__(len(profile_ids))
        self.name = name
        self._schema = schema
        self._words = words
        self._table, self._profiles = positions(profile_ids, table)
        self.hidden: Hidden | None = None
        if schema is not None and len(self._table):
            self._hide(numbers(self._arrow(schema.time), Kind.MOMENT), at)
        self._matches: Recent[tuple[Column, Pattern]] = Recent()
        self._lexicons: dict[Column, Lexicon] = {}

    def _hide(self, times: Vector, at: Numbers) -> None:
        """Part the rows that are still to come from the others."""
        if times.values.max() < least(at):  # the rule; nothing is copied
            return
        is_hidden = (times.values >= own(at, self._profiles)) & times.known
        self.hidden = Hidden(self._profiles[is_hidden], times.values[is_hidden])
        self._table = self._table.filter(pa.array(~is_hidden))
        self._profiles = self._profiles[~is_hidden]

    @property
    def profiles(self) -> Positions:
        """The position in the block of each row's profile."""
        return self._profiles

    @property
    def places(self) -> Positions:
        """The place of each row in the table."""
        return np.arange(len(self._table))

    @property
    def table(self) -> pa.Table:
        """The rows as they came."""
        return self._table

    def lexicon(self, column: Column) -> Lexicon:
        """Return the different texts of ``column`` and where each row's stands among them."""
        if column not in self._lexicons:
            self._lexicons[column] = lexicon(self._arrow(arrow_name(self._schema, column)))
        return self._lexicons[column]

    def called(self, names: Sequence[str]) -> Rows:
        """Return the rows of the events called one of ``names``; of none: all rows."""
        if not names:
            return self
        order, starts = self._by_name
        codes = [self._words[NAME][name] for name in names]
        runs = [order[starts[code] : starts[code + 1]] for code in codes]
        return Part(self, runs[0] if len(runs) == 1 else np.sort(np.concatenate(runs)))

    @cached_property
    def _by_name(self) -> tuple[Positions, Positions]:
        """The rows sorted by event name, and where the rows of each name begin."""
        names = self._words[NAME]
        codes = encode(self._arrow(NAME.name), names)
        counts = np.bincount(codes, minlength=FIRST + len(names))
        return np.argsort(codes, kind="stable"), np.concatenate([[0], np.cumsum(counts)])

    def _vector(self, column: Column) -> Vector:
        arrow = self._arrow(arrow_name(self._schema, column))
        if column.kind not in _TEXTS:
            return numbers(arrow, column.kind)
        words = self._words.get(column, {})
        codes = encode(arrow, words)
        return Vector(column.kind, codes, codes != MISSING, words, self._search(column, arrow))

    def _search(self, column: Column, arrow: pa.ChunkedArray) -> Search:
        def search(pattern: Pattern) -> Bools:
            key = (column, pattern)
            return self._matches.get(key, lambda: self._matching(column, arrow, pattern))

        return search

    def _matching(self, column: Column, arrow: pa.ChunkedArray, pattern: Pattern) -> Bools:
        if isinstance(pattern, _PLAIN) and not pa.types.is_dictionary(arrow.type):
            return matching(arrow, pattern)
        texts = self.lexicon(column)
        return np.append(matching(texts.words, pattern), np.False_)[texts.places]

    def _arrow(self, name: str) -> pa.ChunkedArray:
        if name not in self._table.column_names:
            message = f"the {self.name} of the block have no column {name!r}"
            raise ValueError(message)
        return self._table[name]


class Part(Rows):
    """The rows of ``whole`` at some positions, or where a mask is true."""

    def __init__(self, whole: Rows, where: Positions | Bools) -> None:
        super().__init__(whole.n_profiles)
        self._whole = whole
        self._where = where

    @cached_property
    def profiles(self) -> Positions:
        """The position in the block of each row's profile."""
        return self._whole.profiles[self._where]

    @property
    def places(self) -> Positions:
        """The place of each row in the table of its relation."""
        return self._whole.places[self._where]

    def lexicon(self, column: Column) -> Lexicon:
        """Return the different texts of ``column`` and where each row's stands among them."""
        whole = self._whole.lexicon(column)
        return Lexicon(whole.words, whole.places[self._where])

    def _vector(self, column: Column) -> Vector:
        whole = self._whole.vector(column)
        search = whole.search
        return replace(
            whole,
            values=whole.values[self._where],
            known=whole.known[self._where],
            search=None if search is None else lambda pattern: search(pattern)[self._where],
        )


class Selection:
    """Rows that several aggregates share, and the masks by which each takes its own of them."""

    def __init__(self, rows: Rows, asked: Asked) -> None:
        self._rows = rows
        self._asked = asked
        self._masks: Recent[tuple[Column, Test]] = Recent()

    def take(self, tests: Sequence[ColumnTest]) -> Rows:
        """Return the rows that stand all ``tests``."""
        masks = [self._mask(test.column, test.test) for test in tests]
        return Part(self._rows, np.logical_and.reduce(masks)) if masks else self._rows

    def _mask(self, column: Column, test: Test) -> Bools:
        def stands() -> Bools:
            return holds(test, self._rows.vector(column), self._asked, self._rows.profiles)

        return self._masks.get((column, test), stands)


# From a relation, event names (if any) and tests to the rows that stand them.
Taking = Callable[[str, Sequence[str], Sequence[ColumnTest]], Rows]
