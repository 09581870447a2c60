"""Rows that are read and checked, on disk until the transaction that writes them all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

CHUNK = 20_000


class Spool:
    """An Arrow file: first written batch by batch, then read any number of times by mapping it."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self._writer = pa.ipc.new_file(str(path), schema)
        self._table: pa.Table | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()
        self.path.unlink(missing_ok=True)

    def write(self, table: pa.Table) -> None:
        """Append rows."""
        self._writer.write_table(table)

    @property
    def table(self) -> pa.Table:
        """All rows; memory is taken only for what is touched. Ends the writing."""
        if self._table is None:
            self._writer.close()
            self._table = pa.ipc.open_file(pa.memory_map(str(self.path))).read_all()
        return self._table

    def chunks(self) -> Iterator[tuple[int, pa.Table]]:
        """Yield the rows in their order with the position of each chunk's first row."""
        for start in range(0, self.table.num_rows, CHUNK):
            yield start, self.table.slice(start, CHUNK)

    def groups(self, codes: npt.NDArray[np.int64]) -> Iterator[Group]:
        """Yield the rows so that those of equal ``codes`` (from 0) stand together in one chunk.

        Groups come by their code, the rows of each in the order of the file.
        """
        order = np.argsort(codes, kind="stable")
        begins = np.flatnonzero(np.diff(codes[order], prepend=-1))
        ends = np.append(begins[1:], len(order))
        first = 0
        while first < len(begins):
            # As many whole groups as fit into a chunk, but at least one.
            fitting = int(np.searchsorted(ends, begins[first] + CHUNK, "right"))
            last = max(fitting, first + 1)
            positions = order[begins[first] : ends[last - 1]]
            yield Group(positions, begins[first:last] - begins[first], self._rows(positions))
            first = last

    def _rows(self, positions: npt.NDArray[np.int64]) -> pa.Table:
        """Return the rows at ``positions``; looked for where they stand, not in the whole file."""
        low, high = int(positions.min()), int(positions.max())
        return self.table.slice(low, high - low + 1).take(positions - low)


class Group:
    """Some whole groups of rows: their positions in the spool, where each begins, their values."""

    def __init__(
        self, positions: npt.NDArray[np.int64], begins: npt.NDArray[np.int64], table: pa.Table
    ) -> None:
        self.positions = positions
        self.begins = begins
        self.table = table

    @property
    def ends(self) -> npt.NDArray[np.int64]:
        """Where each group ends."""
        return np.append(self.begins[1:], len(self.positions))

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """How many rows each group has."""
        return self.ends - self.begins


def by_appearance(values: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Return for each value its number among the distinct ones, in order of first appearance."""
    chunks = values.dictionary_encode().unify_dictionaries().chunks
    codes = [chunk.indices.to_numpy(zero_copy_only=False) for chunk in chunks]
    return np.concatenate([np.empty(0, np.int64), *codes]).astype(np.int64)
