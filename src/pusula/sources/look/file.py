"""A look at a file: how it is written, its columns with samples, and what seems wrong with it."""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from pusula.lib.text import fold
from pusula.sources import files
from pusula.sources.coerce import Refusal, as_text
from pusula.sources.errors import FileError
from pusula.sources.look import cells, shape
from pusula.sources.look.dates import Dates
from pusula.sources.mapping import FileFormat

ROWS = 100_000  # rows that are looked at
MOST_COLUMNS = 400
_MOST_DISTINCT = 3_000
_MOST_WORDS = 60  # a column of no more distinct cells may be a vocabulary
_SAMPLES = 4
_SHOWN = 60
_TAIL = 32 * 2**10


@dataclass(frozen=True)
class Column:
    """A column of a file: its name, some cells, what it seems to be."""

    name: str
    kind: cells.Kind
    samples: tuple[str, ...]
    n_filled: int
    words: tuple[tuple[str, int], ...]  # all distinct cells; empty if there are many
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Look:
    """What a look at a file found; ``form`` says how it is to be read."""

    form: FileFormat
    columns: tuple[Column, ...]
    n_rows: int  # looked at
    is_whole: bool
    sheets: tuple[str, ...] = ()
    totals: tuple[str, str] | None = None  # column and word of a sum on the last line
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the look as JSON holds it."""
        return asdict(self)


def from_json(told: dict[str, Any]) -> Look:
    """Return the look that ``as_json`` made ``told`` of."""
    columns = []
    for one in told["columns"]:
        kind = dict(one["kind"])
        if kind["dates"] is not None:
            kind["dates"] = Dates(**kind["dates"])
        words = tuple((word, n) for word, n in one["words"])
        columns.append(
            Column(
                name=one["name"],
                kind=cells.Kind(**kind),
                samples=tuple(one["samples"]),
                n_filled=one["n_filled"],
                words=words,
                warnings=tuple(one["warnings"]),
            )
        )
    form = dict(told["form"])
    form["dates"] = tuple(form["dates"])
    totals = told["totals"]
    return Look(
        form=FileFormat(**form),
        columns=tuple(columns),
        n_rows=told["n_rows"],
        is_whole=told["is_whole"],
        sheets=tuple(told["sheets"]),
        totals=None if totals is None else (totals[0], totals[1]),
        notes=tuple(told["notes"]),
    )


def signature(names: list[str]) -> str:
    """Return what files with these columns have in common, whatever their order."""
    folded = "\x1f".join(sorted(fold(name) for name in names))
    return hashlib.sha256(folded.encode()).hexdigest()[:32]


def look(path: Path, told: FileFormat | None = None) -> Look:
    """Return what stands in the file at ``path``; ``told`` is what is known of it already.

    Raises ``FileError`` where nothing can be read at all.
    """
    if not path.stat().st_size:
        raise FileError(_("%(file)s: the file is empty") % {"file": path.name})
    head = _head(path, told or FileFormat())
    source = files.read(path, head.form, head.names)
    tallies = {name: _Tally() for name in head.names}
    n_rows = n_faults = 0
    is_whole = True
    for batch in source.batches:
        for name, column in batch.columns.items():
            tallies[name].add(column)
        n_rows += len(batch.lines) + len(batch.faults)
        n_faults += len(batch.faults)
        if n_rows >= ROWS and batch.fraction < 1:
            is_whole = False
            break
    last = _last_row(path, head, tallies)
    totals = _totals(last, head.names)
    notes = [*source.notes, *head.notes]
    if n_faults:
        words = {"n": n_faults}
        notes.append(_("%(n)d rows cannot be read: they are rejected with their reason.") % words)
    return Look(
        form=head.form,
        columns=tuple(tallies[name].column(name) for name in head.names),
        n_rows=n_rows,
        is_whole=is_whole,
        sheets=head.sheets,
        totals=totals,
        notes=tuple(notes),
    )


@dataclass
class _Head:
    """The first rows of a file understood: how it is read, and its columns' names."""

    form: FileFormat
    names: list[str]
    sheets: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)


def _head(path: Path, told: FileFormat) -> _Head:
    name = files.format_of(path, told)
    if name == "csv":
        return _csv_head(path, told)
    if name == "xlsx":
        return _xlsx_head(path, told)
    if name == "parquet":
        return _Head(replace(told, format=name), files.parquet_names(path))
    return _Head(replace(told, format=name), _json_names(path))


def _csv_head(path: Path, told: FileFormat) -> _Head:
    start = files.csv_start(path, told, shape.LOOKED_AT)
    rows = []
    for line in start.lines:
        with suppress(csv.Error):
            rows.append(next(csv.reader([line], delimiter=start.separator), []))
    form = replace(told, format="csv", encoding=start.encoding, separator=start.separator)
    return _named(path, form, rows, start.first)


def _xlsx_head(path: Path, told: FileFormat) -> _Head:
    sheets, cells_ = files.sheet_start(path, told, shape.LOOKED_AT)
    rows = [[str(cell) for cell in row] for row in cells_]
    form = replace(told, format="xlsx", sheet=told.sheet or (sheets[0] if sheets[1:] else None))
    head = _named(path, form, rows, 1)
    head.sheets = sheets
    return head


def _named(path: Path, form: FileFormat, rows: list[list[str]], first: int) -> _Head:
    """Return the head with the columns' names, which stand on a line said or found."""
    index: int | None
    if form.header_line is not None:
        index = form.header_line - first
        index = index if 0 <= index < len(rows) else None
    else:
        index = shape.header_at(rows)
    if index is None:
        message = _("%(file)s: no line with the names of the columns was found")
        raise FileError(message % {"file": path.name})
    header = shape.without_tail(rows[index])
    if len(header) > MOST_COLUMNS:
        words = {"file": path.name, "n": len(header), "most": MOST_COLUMNS}
        raise FileError(_("%(file)s: %(n)d columns; at most %(most)d are looked at") % words)
    before = sum(1 for row in rows[:index] if any(cell.strip() for cell in row))
    notes = []
    if before or form.header_line is not None:
        form = replace(form, header_line=first + index)
    if before:
        words = {"line": first + index}
        notes.append(_("The names of the columns stand on line %(line)d, below a title.") % words)
    return _Head(form, _names(header), notes=notes)


def _names(header: list[str]) -> list[str]:
    """Return what mappings call the columns, in their order."""
    places = files.called([cell.strip() for cell in header])
    return sorted(places, key=lambda name: places[name])


def _json_names(path: Path) -> list[str]:
    """Return the dotted paths of single values in the first objects of a JSON lines file."""
    names: dict[str, None] = {}
    for one in files.json_start(path, shape.LOOKED_AT):
        names.update(dict.fromkeys(_paths(one)))
    if not names:
        raise FileError(_("%(file)s: it holds no JSON objects") % {"file": path.name})
    return list(islice(names, MOST_COLUMNS))


def _paths(one: dict[str, Any], before: str = "") -> Iterator[str]:
    for name, value in one.items():
        if isinstance(value, dict) and before.count(".") < 3:  # noqa: PLR2004 - deep enough
            yield from _paths(value, f"{before}{name}.")
        elif not isinstance(value, list):
            yield f"{before}{name}"


class _Tally:
    """The cells of a column as they go by: distinct ones counted, up to a limit."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.types: set[type] = set()
        self.n_filled = 0
        self.is_full = False
        self.last: Any = None

    def add(self, column: files.Column) -> None:
        """Count the cells of a batch."""
        times = np.bincount(column.codes, minlength=len(column.cells)).tolist()
        if len(column.codes):
            self.last = column.of(-1)
        for cell, n in zip(column.cells, times, strict=True):
            text = _text(cell) if n else None
            if text is None:
                continue
            self.n_filled += n
            self.types.add(_type(cell))
            if text in self.counts or len(self.counts) < _MOST_DISTINCT:
                self.counts[text] += n
            else:
                self.is_full = True

    def column(self, name: str) -> Column:
        """Return what the cells are together."""
        words = self.counts.most_common()
        kind = cells.kind_of(words, frozenset(self.types))
        few = not self.is_full and len(words) <= _MOST_WORDS
        is_vocabulary = few and (len(words) * 2 <= self.n_filled or len(words) <= 12)  # noqa: PLR2004
        return Column(
            name=name,
            kind=kind,
            samples=tuple(word[:_SHOWN] for word, _n in words[:_SAMPLES]),
            n_filled=self.n_filled,
            words=tuple(words) if is_vocabulary else (),
            warnings=tuple(cells.warnings_of(words, kind.name)),
        )


def _type(cell: Any) -> type:
    if isinstance(cell, datetime):
        return date if cell.time() == time() else datetime
    return type(cell)


def _text(cell: Any) -> str | None:
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date().isoformat()
    try:
        return as_text(cell)
    except Refusal:
        return None


def _last_row(path: Path, head: _Head, tallies: dict[str, _Tally]) -> list[str]:
    """Return the last row: of a text file its last line, however far the look went."""
    if head.form.format != "csv":
        return [_text(tallies[name].last) or "" for name in head.names]
    with path.open("rb") as binary:
        binary.seek(max(0, path.stat().st_size - _TAIL))
        tail = binary.read()
    if "16" in (head.form.encoding or ""):
        tail = tail[len(tail) % 2 :]
    lines = tail.decode(head.form.encoding or "utf-8", "replace").rstrip().splitlines()
    if not lines:
        return []
    with suppress(csv.Error):
        return next(csv.reader([lines[-1]], delimiter=head.form.separator or ";"), [])
    return []


def _totals(row: list[str], names: list[str]) -> tuple[str, str] | None:
    found = shape.totals_word(row)
    if found is None or found[0] >= len(names):
        return None
    return names[found[0]], found[1]
