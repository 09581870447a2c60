"""One batch of a file on its way from cells to values, with a memory of which rows are good.

Work is done once for each distinct cell: a column is a list of distinct values and each row's
index into it (``Values``). So decimals can be exact and dates be parsed in Python, and half a
million rows still take seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from django.utils.translation import gettext as _

from pusula.lib.text import fold
from pusula.profiles.models import TraitKind
from pusula.sources import files
from pusula.sources import mapping as maps
from pusula.sources.coerce import Coerce, Reading, Refusal, as_text, boolean
from pusula.sources.files import Batch, Column
from pusula.sources.rejects import Rejects

Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Values:
    """One field's values: each row's index into the distinct ones; ``None`` is no value."""

    codes: npt.NDArray[np.int64]
    distinct: list[Any]

    def array(self, kind: pa.DataType) -> pa.Array:
        """Return the values of all rows as an array of ``kind``."""
        return pa.array(self.distinct, kind).take(pa.array(self.codes))

    def is_none(self) -> Mask:
        """Return where there is no value."""
        mask: Mask = np.array([value is None for value in self.distinct], bool)[self.codes]
        return mask

    def list(self) -> list[Any]:
        """Return the values of all rows."""
        return [self.distinct[code] for code in self.codes]


class Rows:
    """A batch with the mapping applied: fields by name, and the rows that are still good."""

    def __init__(
        self, batch: Batch, mapping: maps.Mapping, readers: Mapping[str, Coerce], rejects: Rejects
    ) -> None:
        columns = dict(batch.columns)
        for name, parts in mapping.joined.items():
            columns[name] = _joined([columns[part] for part in parts])
        keep = np.ones(len(batch.lines), bool)
        for one in mapping.filters:
            keep &= _kept(columns[one.column], one)
        self.mapping = mapping
        self.readers = readers
        self.rejects = rejects
        self.n_filtered = int(len(keep) - keep.sum())
        self.lines = batch.lines[keep]
        self.good = np.ones(len(self.lines), bool)
        self._keep = keep
        self._columns = columns

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, name: str) -> Column:
        """Return the cells of a column of the file, for the rows that the filters keep."""
        codes, cells = self._columns[name]
        return Column(codes[self._keep], cells)

    def values(self, field: str, *, is_needed: bool = False) -> Values:
        """Return the values of ``field``; rows where it cannot be read are no longer good."""
        if field not in self.mapping.columns:
            return self.same(self.mapping.constants.get(field), field)
        found, reasons = self._read(field)
        self._refuse_codes(found.codes, reasons, field)
        if is_needed:
            self.refuse(found.is_none(), field, _("is empty"))
        return found

    def gentle_values(self, field: str) -> tuple[Values, dict[int, str]]:
        """Return the values of ``field`` and, by code, why some could not be read."""
        if field not in self.mapping.columns:
            return self.same(self.mapping.constants.get(field), field), {}
        return self._read(field)

    def same(self, value: Any, field: str | None = None) -> Values:
        """Return ``value`` for every row, read as ``field`` reads a cell."""
        if field is not None and value is not None:
            value = self.readers[field](value)
        return Values(np.zeros(len(self), np.int64), [value])

    def typed(self, spec: maps.Typed, reading: Reading, default: TraitKind | None = None) -> Values:
        """Return the values of a trait or property; without a type they keep the cell's own."""
        codes, cells = self.column(spec.column)
        read = typed_reader(spec.kind or default, reading)
        distinct, reasons = _each(cells, read)
        self._refuse_cells(spec.column, Column(codes, cells), _by_row(codes, reasons))
        return Values(codes.astype(np.int64), distinct)

    def combine(self, field: str, make: Callable[..., Any], *values: Values) -> Values:
        """Return ``make`` of the values of each row, called once for each distinct combination.

        Where it raises ``Refusal`` the row is no longer good, by fault of ``field``.
        """
        joint = np.zeros(len(self), np.int64)
        for one in values:
            joint = joint * max(len(one.distinct), 1) + one.codes
        _joint, first, codes = np.unique(joint, return_index=True, return_inverse=True)
        rows_of = [[one.distinct[one.codes[row]] for one in values] for row in first]
        distinct, reasons = _each(rows_of, lambda told: make(*told))
        found = Values(codes.astype(np.int64), distinct)
        self._refuse_codes(found.codes, reasons, field)
        return found

    def refuse(self, mask: Mask, field: str, reason: str) -> None:
        """Reject the good rows of ``mask``, because of ``field``."""
        self._refuse_codes(mask.astype(np.int64), {1: reason}, field)

    def refuse_row(self, row: int, column: str, value: Any, reason: str) -> None:
        """Reject a row, because of ``value`` in a column of the file."""
        if self.good[row]:
            self.rejects.row(int(self.lines[row]), column, value, reason)
            self.good[row] = False

    def cell(self, field: str, row: int) -> tuple[str, Any]:
        """Return what to show of ``field`` in a row: the column's name and the cell."""
        name = self.mapping.columns.get(field)
        if name is None:
            return field, self.mapping.constants.get(field)
        return name, self.column(name).of(row)

    def table(self, columns: dict[str, Values | pa.Array], schema: pa.Schema) -> pa.Table:
        """Return the good rows as a table of ``schema``."""
        arrays = [
            column.array(one.type) if isinstance(column, Values) else column.cast(one.type)
            for one in schema
            for column in [columns[one.name]]
        ]
        return pa.Table.from_arrays(arrays, schema=schema).filter(pa.array(self.good))

    def _read(self, field: str) -> tuple[Values, dict[int, str]]:
        codes, cells = self.column(self.mapping.columns[field])
        words = self.mapping.values.get(field)
        read = self.readers[field]
        distinct, reasons = _each(cells, read if words is None else _translated(words, read))
        return Values(codes.astype(np.int64), distinct), reasons

    def _refuse_codes(self, codes: Codes, reasons: Mapping[int, str], field: str) -> None:
        if not reasons:
            return
        name = self.mapping.columns.get(field)
        if name is None:
            same = np.zeros(len(self), np.int32)
            column = Column(same, [self.mapping.constants.get(field)])
        else:
            column = self.column(name)
        self._refuse_cells(name or field, column, _by_row(codes, reasons))

    def _refuse_cells(self, name: str, column: Column, reasons: Iterable[tuple[int, str]]) -> None:
        for row, reason in reasons:
            self.refuse_row(row, name, column.of(row), reason)


def _by_row(codes: Codes, reasons: Mapping[int, str]) -> Iterator[tuple[int, str]]:
    """Yield the rows whose code has a reason, with it."""
    for row in np.flatnonzero(np.isin(codes, list(reasons))).tolist():
        yield row, reasons[int(codes[row])]


def typed_reader(kind: TraitKind | None, reading: Reading) -> Coerce:
    """Return the reader of a trait or property of ``kind``; ``None`` keeps JSON's own types."""
    if kind == TraitKind.NUMBER:
        return lambda cell: None if (n := reading.number(cell)) is None else float(n)
    if kind == TraitKind.DAY:
        return reading.day
    if kind == TraitKind.BOOL:
        return boolean
    if kind == TraitKind.TEXT:
        return reading.text(400)
    return plain


def plain(cell: Any) -> Any:
    """Return a cell as JSON can hold it, with its own type."""
    if isinstance(cell, bool | int):
        return cell
    if isinstance(cell, dict):
        return {str(as_text(key)): plain(value) for key, value in cell.items()}
    if isinstance(cell, list):
        return [plain(value) for value in cell]
    if cell is None or isinstance(cell, str):
        return as_text(cell)
    try:
        number = float(cell)
    except (TypeError, ValueError):
        return as_text(cell)
    return number if np.isfinite(number) else None


def _joined(columns: list[Column]) -> Column:
    """Return the texts of several columns joined by "-"; blank where one of them is."""
    texts = [[_readable_text(cell) for cell in column.cells] for column in columns]
    rows = zip(*(column.codes.tolist() for column in columns), strict=True)
    parts = ([text[code] for text, code in zip(texts, row, strict=True)] for row in rows)
    return files.code(["-".join(row) if all(row) else None for row in parts])


def _kept(column: Column, one: maps.Filter) -> Mask:
    keeps: Mask = np.array([one.keeps(_folded(cell)) for cell in column.cells], bool)
    return keeps[column.codes]


def _folded(cell: Any) -> str:
    return fold(_readable_text(cell))


def _readable_text(cell: Any) -> str:
    """Return the cell as text; empty if it is blank or cannot be read."""
    try:
        return as_text(cell) or ""
    except Refusal:
        return ""


def _translated(words: Mapping[str, str], read: Coerce) -> Coerce:
    """Return ``read`` behind a table of words."""

    def translated(cell: Any) -> Any:
        text = as_text(cell)
        if text is None:
            return read(words.get("", None))
        return read(words.get(fold(text), words.get(maps.ANY_OTHER, text)))

    return translated


def _each(cells: list[Any], read: Callable[[Any], Any]) -> tuple[list[Any], dict[int, str]]:
    """Return ``read`` of each cell, and by index the reasons where it refused."""
    found: list[Any] = []
    reasons: dict[int, str] = {}
    for index, cell in enumerate(cells):
        try:
            found.append(read(cell))
        except Refusal as refusal:
            found.append(None)
            reasons[index] = refusal.reason
    return found, reasons
