"""Files as batches of columns, whatever their format, with the line each row stands on.

CSV comes in every encoding and separator that Excel writes; XLSX by calamine, Parquet by pyarrow,
JSON lines by msgspec. Nothing is interpreted here: cells stay as the format holds them. A row that
cannot be read is a ``Fault``; a file that cannot is a ``FileError``.
"""

from __future__ import annotations

import codecs
import csv
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TextIO

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import python_calamine as calamine
from django.utils.translation import gettext as _

from pusula.sources.errors import FileError, near
from pusula.sources.mapping import EXTENSIONS, FileFormat

BATCH_ROWS = 50_000
BATCH_CHARACTERS = 32 * 2**20
MAX_CELL = 64 * 2**10
MAX_LINE = 16 * 2**20
MAX_UNZIPPED = 2 * 2**30
SEPARATORS = (";", ",", "\t", "|")
_PEEKED = 64 * 2**10
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


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


def read(path: Path, form: FileFormat, wanted: Sequence[str]) -> Source:
    """Return the batches of ``path`` with the columns ``wanted``.

    Raises ``FileError`` here or while batches are walked: no such file, empty, not of its format,
    wrong encoding, a missing or repeated column.
    """
    name = form.format or EXTENSIONS.get(path.suffix.lower())
    if name is None:
        words = {"file": path.name}
        raise FileError(
            _("%(file)s: say the format in the mapping: [file] format = csv, xlsx, …") % words
        )
    try:
        size = path.stat().st_size
    except OSError as error:
        words = {"file": str(path), "error": str(error.strerror)}
        raise FileError(_("%(file)s: cannot be read: %(error)s") % words) from error
    if not size:
        raise FileError(_("%(file)s: the file is empty") % {"file": path.name})
    source = Source(iter(()))
    source.batches = _READERS[name](_Job(path, form, list(wanted), size, source.notes))
    return source


@dataclass(frozen=True)
class _Job:
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
        """Return where in ``header`` the wanted columns stand."""
        names = [name.strip() for name in header]
        for name, count in Counter(names).items():
            if name and count > 1:
                places = ", ".join(str(i) for i, one in enumerate(names, 1) if one == name)
                message = _("the column “%(name)s” stands there more than once (%(places)s)")
                raise self.error(message % {"name": name, "places": places}, line)
        for name in self.wanted:
            if name not in names:
                message = _("there is no column “%(name)s”; %(near)s")
                words = {"name": name, "near": near(name, filter(None, names))}
                raise self.error(message % words, line)
        return [names.index(name) for name in self.wanted]


def code(cells: Sequence[Any]) -> Column:
    """Return ``cells`` as a column: equal cells of one type share a code."""
    try:
        return _arrow_column(pa.array(cells, pa.string()))
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


def _arrow_column(array: pa.Array) -> Column:
    if pa.types.is_timestamp(array.type):
        # Finer than a microsecond is noise of the tool that wrote it.
        array = array.cast(pa.timestamp("us", array.type.tz), safe=False)
    if pa.types.is_nested(array.type):
        return _mixed_column(array.to_pylist())
    encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    cells = encoded.dictionary.to_pylist()
    codes = encoded.indices.fill_null(len(cells)).to_numpy(zero_copy_only=False)
    return Column(codes.astype(np.int32), [*cells, None])


def _batch(
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
class _Rows:
    """Rows on their way into batches; ``wanted`` cells only."""

    job: _Job
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
        batch = _batch(np.array(self.lines, np.int64), coded, self.faults, fraction)
        self.lines, self.rows, self.faults = [], [], []
        return batch


def too_long(n: int) -> str:
    """Return the reason why a cell of ``n`` characters is refused."""
    words = {"n": n, "most": MAX_CELL}
    return _("a cell of %(n)d characters; at most %(most)d are read") % words


# CSV ------------------------------------------------------------------------------------------


def _read_csv(job: _Job) -> Iterator[Batch]:
    encoding = _encoding(job)
    csv.field_size_limit(MAX_LINE)
    with job.path.open(encoding=encoding, newline="") as text:
        lines = _Lines(job, text, encoding)
        header, separator = _csv_header(job, lines)
        positions = job.positions(header, lines.n)
        yield from _csv_batches(job, lines, separator, header, positions)


class _Lines:
    """The lines of a text file, counted; a line without end is an error, not a full memory."""

    def __init__(self, job: _Job, text: TextIO, encoding: str) -> None:
        self.job = job
        self.text = text
        self.encoding = encoding
        self.n = 0
        self.characters = 0
        self.taken: list[str] = []  # since the last mark
        self.returned: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self.returned.pop() if self.returned else self._next_line()
        if not line:
            raise StopIteration
        self.n += 1
        self.taken.append(line)
        return line

    def mark(self) -> int:
        """Return the number of the next line; what is taken from now on can be given back."""
        self.taken = []
        return self.n + 1

    def give_back(self, keep: int) -> None:
        """Give back the lines taken since the mark but for the first ``keep``."""
        returned = self.taken[keep:]
        self.returned.extend(reversed(returned))
        self.n -= len(returned)

    def _next_line(self) -> str:
        try:
            line = self.text.readline(MAX_LINE)
        except UnicodeDecodeError as error:
            raise _wrong_encoding(self.job, self.encoding) from error
        self.characters += len(line)
        if len(line) == MAX_LINE:
            raise self.job.error(_("a line of more than 16 million characters"), self.n + 1)
        return line


def _csv_header(job: _Job, lines: _Lines) -> tuple[list[str], str]:
    """Return the header and the separator; ``lines`` then stand on the header."""
    separator = job.form.separator
    for line in lines:
        if lines.n == 1 and line.lower().startswith("sep=") and len(line.rstrip("\r\n")) == 5:  # noqa: PLR2004
            separator = separator or line[4]
            continue
        if job.form.header_line is not None and lines.n < job.form.header_line:
            continue
        if not line.strip(" \t\r\n;,|"):
            continue
        separator = separator or _separator(line, job.wanted)
        lines.give_back(len(lines.taken) - 1)
        try:
            header = next(csv.reader(lines, delimiter=separator, strict=True))
        except csv.Error as error:
            message = _("the header cannot be read: %(error)s") % {"error": error}
            raise job.error(message, lines.n) from error
        return header, separator
    raise job.error(_("the file holds no header"))


def _separator(line: str, wanted: Sequence[str]) -> str:
    """Return the separator that splits ``line`` into most of the wanted columns."""

    def worth(separator: str) -> tuple[int, int]:
        try:
            names = [name.strip() for name in next(csv.reader([line], delimiter=separator))]
        except csv.Error:
            return (0, 0)
        return (len(set(names) & set(wanted)), len(names))

    return max(SEPARATORS, key=worth)


def _csv_batches(
    job: _Job, lines: _Lines, separator: str, header: list[str], positions: list[int]
) -> Iterator[Batch]:
    rows = _Rows(job)
    width = len(header)
    pick = itemgetter(*positions) if len(positions) > 1 else lambda row: (row[positions[0]],)
    flushed = lines.characters
    reader = csv.reader(lines, delimiter=separator, strict=True)
    while True:
        line = lines.mark()
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error:
            # A stray quote swallows what follows: only the line it stands on is at fault.
            lines.give_back(1)
            before = lines.taken[0].partition('"')[0].count(separator)
            name = header[before] if before < width else ""
            rows.fault(line, name, lines.taken[0].rstrip(), _("a quote that is not closed"))
            continue
        if len(row) != width and any(row[width:] or [len(row) < width]):
            if row:
                lines.give_back(1)
                words = {"n": len(row), "width": width}
                reason = _("%(n)d cells where the header has %(width)d") % words
                rows.fault(line, "", lines.taken[0].rstrip(), reason)
            continue
        rows.add(line, pick(row))
        if len(rows.rows) >= BATCH_ROWS or lines.characters - flushed > BATCH_CHARACTERS:
            flushed = lines.characters
            yield rows.batch(lines.characters / job.size)
    yield rows.batch(1.0)


def _encoding(job: _Job) -> str:
    """Return the file's encoding: by its mark, as told, strict UTF-8, else cp1254."""
    with job.path.open("rb") as binary:
        start = binary.read(_PEEKED)
        for bom, name in _BOMS:
            if start.startswith(bom):
                return name
        if b"\0" in start:
            raise job.error(
                _("not a text file; if it is Excel or Parquet, say so in [file] format")
            )
        binary.seek(0)
        is_utf8, is_ascii = _is_utf8(binary)
    told = job.form.encoding
    if told is None:
        if is_utf8:
            return "utf-8"
        job.notes.append(_("The file is not UTF-8; it was read as Turkish Windows (cp1254)."))
        return "cp1254"
    if is_utf8 and not is_ascii and codecs.lookup(told).name != "utf-8":
        words = {"encoding": told}
        raise job.error(_("the mapping says %(encoding)s but the file is UTF-8") % words)
    return told


def _is_utf8(binary: BinaryIO) -> tuple[bool, bool]:
    """Return whether the file is UTF-8, and whether it is ASCII even."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_ascii = True
    try:
        while chunk := binary.read(2**20):
            is_ascii = is_ascii and chunk.isascii()
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False, False
    return True, is_ascii


def _wrong_encoding(job: _Job, encoding: str) -> FileError:
    """Return the error that names the line and column of the first byte that does not decode."""
    with job.path.open("rb") as binary:
        header: list[str] = []
        for number, line in enumerate(binary, 1):
            try:
                text = line.decode(encoding)
            except UnicodeDecodeError as error:
                before = line[: error.start].decode(encoding, "replace")
                place = _place(before, header, job)
                words = {"byte": f"0x{line[error.start]:02X}", "place": place, "encoding": encoding}
                message = _("%(place)s: the byte %(byte)s is not %(encoding)s; is it cp1254?")
                return job.error(message % words, number)
            if not header and text.strip():
                separator = job.form.separator or _separator(text, job.wanted)
                header = [separator, *next(csv.reader([text], delimiter=separator))]
    return job.error(_("not %(encoding)s") % {"encoding": encoding})


def _place(before: str, header: list[str], job: _Job) -> str:
    """Return the words for the column in which a line breaks off behind ``before``."""
    separator = header[0] if header else job.form.separator or ";"
    index = before.count(separator)
    names = header[1:]
    name = names[index].strip() if index < len(names) else str(index + 1)
    return _("column “%(name)s”") % {"name": name}


# XLSX -----------------------------------------------------------------------------------------


def _read_xlsx(job: _Job) -> Iterator[Batch]:
    sheet = _sheet(job)
    numbered = enumerate(sheet.iter_rows(), 1)
    for line, header in numbered:
        is_wanted = job.form.header_line is None or line >= job.form.header_line
        if is_wanted and any(cell != "" for cell in header):
            break
    else:
        raise job.error(_("the sheet holds no header"))
    positions = job.positions([str(cell) for cell in header], line)
    rows = _Rows(job)
    for line, row in numbered:
        if all(cell == "" for cell in row):
            continue
        rows.add(line, [row[position] for position in positions])
        if len(rows.rows) >= BATCH_ROWS:
            yield rows.batch(line / (sheet.total_height + 1))
    yield rows.batch(1.0)


def _sheet(job: _Job) -> calamine.CalamineSheet:
    if zipfile.is_zipfile(job.path):
        with zipfile.ZipFile(job.path) as archive:
            unzipped = sum(part.file_size for part in archive.infolist())
        if unzipped > MAX_UNZIPPED:
            raise job.error(_("more than 2 GB when unpacked: save it as CSV"))
    try:
        book = calamine.CalamineWorkbook.from_path(job.path)
        if job.form.sheet is None:
            return book.get_sheet_by_index(0)
        if job.form.sheet in book.sheet_names:
            return book.get_sheet_by_name(job.form.sheet)
    except calamine.PasswordError as error:
        raise job.error(_("protected by a password: save it without one")) from error
    except calamine.CalamineError as error:
        raise job.error(_("not an Excel file: %(error)s") % {"error": error}) from error
    words = {"name": job.form.sheet, "near": near(job.form.sheet, book.sheet_names)}
    raise job.error(_("there is no sheet “%(name)s”; %(near)s") % words)


# Parquet --------------------------------------------------------------------------------------


def _read_parquet(job: _Job) -> Iterator[Batch]:
    try:
        with pq.ParquetFile(job.path) as file:
            job.positions(file.schema_arrow.names, 1)
            total = file.metadata.num_rows
            done = 0
            for rows in file.iter_batches(BATCH_ROWS, columns=job.wanted):
                lines = np.arange(done + 1, done + rows.num_rows + 1, dtype=np.int64)
                done += rows.num_rows
                columns = {name: _arrow_column(rows.column(name)) for name in job.wanted}
                yield _batch(lines, columns, [], done / max(total, 1))
    except (pa.ArrowException, OSError) as error:
        raise job.error(_("not a Parquet file: %(error)s") % {"error": error}) from error


# JSON lines -----------------------------------------------------------------------------------


def _read_jsonl(job: _Job) -> Iterator[Batch]:
    rows = _Rows(job)
    decoder = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
    paths = [(name, name.split(".")) for name in job.wanted]
    done = flushed = line_number = 0
    with job.path.open("rb") as binary:
        while line := binary.readline(MAX_LINE):
            line_number += 1
            done += len(line)
            if len(line) == MAX_LINE:
                raise job.error(_("a line of more than 16 million characters"), line_number)
            text = line.removeprefix(codecs.BOM_UTF8).strip()
            if not text:
                continue
            try:
                found = decoder.decode(text)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
                reason = _("not a JSON object: %(error)s") % {"error": error}
                rows.fault(line_number, "", text[:MAX_CELL].decode("utf-8", "replace"), reason)
                continue
            rows.add(line_number, [_at_path(found, name, path) for name, path in paths])
            if len(rows.rows) >= BATCH_ROWS or done - flushed > BATCH_CHARACTERS:
                flushed = done
                yield rows.batch(done / job.size)
    yield rows.batch(1.0)


def _at_path(found: dict[str, Any], name: str, path: list[str]) -> Any:
    """Return the value at a dotted path; a key that holds the dots itself goes first."""
    if name in found:
        return found[name]
    value: Any = found
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


_READERS = {
    "csv": _read_csv,
    "xlsx": _read_xlsx,
    "parquet": _read_parquet,
    "jsonl": _read_jsonl,
}
