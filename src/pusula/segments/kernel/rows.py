"""The rows of one relation in a block, narrowed step by step: by event name, by column, by time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from pusula.segments.kernel.block import Bools, Ints, Positions
from pusula.segments.kernel.columns import (
    FIRST,
    MISSING,
    Pattern,
    Search,
    Vector,
    Words,
    encode,
    identities,
    matching,
    numbers,
)
from pusula.segments.kernel.holds import Asked, holds
from pusula.segments.language.nodes import Column, ColumnTest, Test
from pusula.segments.language.schema import Kind

# Above this many ids per row a table of all positions would cost more than searching.
_SPARSE = 4


def arrow_name(relation: str, column: Column) -> str:
    """Return what the Arrow table calls a column; a property is there as text or as number."""
    if relation == "events" and column.name != "at":
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


class Rows(ABC):
    """Some rows of a relation; every column is worked out once, when it is first asked for."""

    def __init__(self, n_profiles: int) -> None:
        self.n_profiles = n_profiles
        self._vectors: dict[Column, Vector] = {}

    @property
    @abstractmethod
    def profiles(self) -> Positions:
        """The position in the block of each row's profile."""

    @abstractmethod
    def identities(self, column: Column) -> Ints:
        """Return a number for each different text of ``column``, -1 where it is missing."""

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


class Relation(Rows):
    """All rows of a relation.

    ``words`` are the words that conditions mention, by column; ``names`` the event names.
    """

    def __init__(
        self,
        name: str,
        table: pa.Table,
        profile_ids: Ints,
        words: Mapping[Column, Words],
        names: Words,
    ) -> None:
        super().__init__(len(profile_ids))
        self.name = name
        self._table, self._profiles = positions(profile_ids, table)
        self._words = words
        self._names = names
        self._matches: dict[tuple[Column, Pattern], Bools] = {}
        self._identities: dict[Column, Ints] = {}

    @property
    def profiles(self) -> Positions:
        """The position in the block of each row's profile."""
        return self._profiles

    def identities(self, column: Column) -> Ints:
        """Return a number for each different text of ``column``, -1 where it is missing."""
        if column not in self._identities:
            self._identities[column] = identities(self._arrow(arrow_name(self.name, column)))
        return self._identities[column]

    def called(self, names: Sequence[str]) -> Rows:
        """Return the rows of the events called one of ``names``; of none: all rows."""
        if not names:
            return self
        order, starts = self._by_name
        codes = [self._names[name] for name in names]
        runs = [order[starts[code] : starts[code + 1]] for code in codes]
        return Part(self, runs[0] if len(runs) == 1 else np.sort(np.concatenate(runs)))

    @cached_property
    def _by_name(self) -> tuple[Positions, Positions]:
        """The rows sorted by event name, and where the rows of each name begin."""
        codes = encode(self._arrow("name"), self._names)
        counts = np.bincount(codes, minlength=FIRST + len(self._names))
        return np.argsort(codes, kind="stable"), np.concatenate([[0], np.cumsum(counts)])

    def _vector(self, column: Column) -> Vector:
        arrow = self._arrow(arrow_name(self.name, column))
        if column.kind is not Kind.TEXT:
            return numbers(arrow, column.kind)
        words = self._words.get(column, {})
        codes = encode(arrow, words)
        return Vector(Kind.TEXT, codes, codes != MISSING, words, self._search(column, arrow))

    def _search(self, column: Column, arrow: pa.ChunkedArray) -> Search:
        def search(pattern: Pattern) -> Bools:
            key = (column, pattern)
            if key not in self._matches:
                self._matches[key] = matching(arrow, pattern)
            return self._matches[key]

        return search

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

    def identities(self, column: Column) -> Ints:
        """Return a number for each different text of ``column``, -1 where it is missing."""
        return self._whole.identities(column)[self._where]

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
        self._masks: dict[tuple[Column, Test], Bools] = {}

    def take(self, tests: Sequence[ColumnTest]) -> Rows:
        """Return the rows that stand all ``tests``."""
        masks = [self._mask(test.column, test.test) for test in tests]
        return Part(self._rows, np.logical_and.reduce(masks)) if masks else self._rows

    def _mask(self, column: Column, test: Test) -> Bools:
        key = (column, test)
        if key not in self._masks:
            self._masks[key] = holds(test, self._rows.vector(column), self._asked)
        return self._masks[key]
