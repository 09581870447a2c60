"""A file as batches of columns: what every format's reader makes of it.

Nothing is interpreted here: cells stay as the format holds them. A row that cannot be read is a
``Fault``; a file that cannot is a ``FileError``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from django.utils.translation import gettext as _

from pusula.sources.errors import FileError, near
from pusula.sources.mapping import FileFormat

BATCH_ROWS = 50_000
BATCH_CHARACTERS = 32 * 2**20
MAX_CELL = 64 * 2**10
MAX_LINE = 16 * 2**20
MAX_COLUMNS = 2_000


class Column(NamedTuple):
    """The cells of one column: each row's index into the distinct cells."""

    codes: npt.NDArray[np.int32]
    cells: list[Any]

    def of(self, row: int) -> Any:
        """Return the cell of a row."""
        return self.cells[self.codes[row]]


class Fault(NamedTuple):
    """A row that could not be read: where, what stood there, and why."""

    line: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True)
class Batch:
    """Some rows of a file: their lines, their wanted columns, and the faults among them."""

    lines: npt.NDArray[np.int64]
    columns: dict[str, Column]
    faults: list[Fault]
    fraction: float  # how much of the file is read, 0..1


@dataclass
class Source:
    """A file being read: ``batches`` may be walked once; ``notes`` say what had to be guessed."""

    batches: Iterator[Batch]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Job:
    """What a reader needs to know."""

    path: Path
    form: FileFormat
    wanted: list[str]
    size: int
    notes: list[str]

    def error(self, message: str, line: int | None = None) -> FileError:
        """Return an error that names the file and the line."""
        if line is None:
            return FileError(f"{self.path.name}: {message}")
        place = _("line %(line)d") % {"line": line}
        return FileError(f"{self.path.name}, {place}: {message}")

    def positions(self, header: Sequence[str], line: int) -> list[int]:
        """Return where in ``header`` the wanted columns stand.

        Of columns with one name the second is called “Name (2)”; one without a name by its place:
        “#5”.
        """
        if len(header) > MAX_COLUMNS:
            sizes = {"n": len(header), "most": MAX_COLUMNS}
            raise self.error(_("%(n)d columns; at most %(most)d are read") % sizes, line)
        names = [name.strip() for name in header]
        counts = Counter(names)
        places_of = called(names)
        for name in self.wanted:
            if counts[name] > 1:
                places = ", ".join(str(i) for i, one in enumerate(names, 1) if one == name)
                message = _("the column “%(name)s” stands there more than once (%(places)s)")
                raise self.error(message % {"name": name, "places": places}, line)
            if name not in places_of:
                message = _("there is no column “%(name)s”; %(near)s")
                words = {"name": name, "near": near(name, filter(None, names))}
                raise self.error(message % words, line)
        return [places_of[name] for name in self.wanted]


def called(names: Sequence[str]) -> dict[str, int]:
    """Return by what a mapping may call them the places of columns with these ``names``."""
    counts = Counter(names)
    seen: Counter[str] = Counter()
    made_up: dict[str, int] = {}
    for place, name in enumerate(names):
        seen[name] += 1
        made_up[f"{name} ({seen[name]})" if name else f"#{place + 1}"] = place
    real = {name: place for place, name in enumerate(names) if name and counts[name] == 1}
    taken = set(real.values())
    return {name: place for name, place in made_up.items() if place not in taken} | real


def code(cells: Sequence[Any]) -> Column:
    """Return ``cells`` as a column: equal cells of one type share a code."""
    try:
        return arrow_column(pa.array(cells, pa.string()))
    except (pa.ArrowException, TypeError, ValueError):
        return _mixed_column(cells)


def _mixed_column(cells: Sequence[Any]) -> Column:
    """Return cells of several types, as spreadsheets and JSON have them."""
    seen: dict[tuple[type, Any], int] = {}
    distinct: list[Any] = []
    codes = []
    for cell in cells:
        key = (cell.__class__, cell) if not isinstance(cell, dict | list) else (dict, id(cell))
        number = seen.setdefault(key, len(distinct))
        if number == len(distinct):
            distinct.append(cell)
        codes.append(number)
    return Column(np.array(codes, np.int32), distinct)


def arrow_column(array: pa.Array) -> Column:
    """Return an Arrow array as a column."""
    if pa.types.is_timestamp(array.type):
        # Finer than a microsecond is noise of the tool that wrote it.
        array = array.cast(pa.timestamp("us", array.type.tz), safe=False)
    if pa.types.is_nested(array.type):
        return _mixed_column(array.to_pylist())
    encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    cells = encoded.dictionary.to_pylist()
    codes = encoded.indices.fill_null(len(cells)).to_numpy(zero_copy_only=False)
    return Column(codes.astype(np.int32), [*cells, None])


def batch(
    lines: npt.NDArray[np.int64], columns: dict[str, Column], faults: list[Fault], fraction: float
) -> Batch:
    """Return a batch; rows with a cell that is too long become faults."""
    good = np.ones(len(lines), bool)
    for name, column in columns.items():
        long = [i for i, c in enumerate(column.cells) if isinstance(c, str) and len(c) > MAX_CELL]
        for row in np.flatnonzero(np.isin(column.codes, long) & good).tolist():
            cell = column.of(row)
            faults.append(Fault(int(lines[row]), name, cell[:MAX_CELL], too_long(len(cell))))
            good[row] = False
    if not good.all():
        lines = lines[good]
        columns = {name: Column(one.codes[good], one.cells) for name, one in columns.items()}
    return Batch(lines, columns, faults, min(fraction, 1.0))


@dataclass
class Rows:
    """Rows on their way into batches; ``wanted`` cells only."""

    job: Job
    lines: list[int] = field(default_factory=list)
    rows: list[Sequence[Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def add(self, line: int, cells: Sequence[Any]) -> None:
        """Add a row."""
        self.lines.append(line)
        self.rows.append(cells)

    def fault(self, line: int, column: str, value: str, reason: str) -> None:
        """Add a row that cannot be read."""
        self.faults.append(Fault(line, column, value[:MAX_CELL], reason))

    def batch(self, fraction: float) -> Batch:
        """Return what was added and begin anew."""
        columns = zip(*self.rows, strict=True) if self.rows else [()] * len(self.job.wanted)
        coded = {name: code(cells) for name, cells in zip(self.job.wanted, columns, strict=True)}
        made = batch(np.array(self.lines, np.int64), coded, self.faults, fraction)
        self.lines, self.rows, self.faults = [], [], []
        return made


def too_long(n: int) -> str:
    """Return the reason why a cell of ``n`` characters is refused."""
    words = {"n": n, "most": MAX_CELL}
    return _("a cell of %(n)d characters; at most %(most)d are read") % words
