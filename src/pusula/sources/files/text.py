"""Text tables (CSV) in every encoding, separator and line end that Excel writes."""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO, TextIO

from django.utils.translation import gettext as _

from pusula.sources.errors import FileError
from pusula.sources.files import table
from pusula.sources.files.table import MAX_LINE, Batch, Job, Rows
from pusula.sources.mapping import FileFormat

SEPARATORS = (";", ",", "\t", "|")
_PEEKED = 64 * 2**10
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Start:
    """How a text table begins: its first lines, the number of the first of them, how it is read."""

    lines: list[str]
    first: int  # a "sep=" line is not one of them
    encoding: str
    separator: str


def start(path: Path, form: FileFormat, n: int) -> Start:
    """Return the first ``n`` lines of a text table, and how it seems to be written."""
    job = Job(path, form, [], path.stat().st_size, [])
    encoding = _encoding(job)
    with job.path.open(encoding=encoding, newline="") as text:
        lines = list(islice(_Lines(job, text, encoding), n))
    if not any(line.strip() for line in lines):
        raise job.error(_("the file holds no header"))
    separator = form.separator
    first = 1
    if said := _said_separator(lines[0]):
        separator, first, lines = separator or said, 2, lines[1:]
    return Start(lines, first, encoding, separator or _likely_separator(lines))


def _said_separator(line: str) -> str | None:
    """Return the separator that Excel's own first line names."""
    told = line.rstrip("\r\n")
    is_said = told.lower().startswith("sep=") and len(told) == len("sep=;")
    return told[-1] if is_said else None


def _likely_separator(lines: Sequence[str]) -> str:
    """Return the separator that splits most lines into equally many cells, and into the most."""

    def worth(separator: str) -> tuple[int, int]:
        counts: Counter[int] = Counter()
        for line in lines:
            with suppress(csv.Error):
                counts[len(next(csv.reader([line], delimiter=separator), []))] += 1
        del counts[0], counts[1]
        if not counts:
            return (0, 0)
        cells, n = max(counts.items(), key=lambda one: (one[1], one[0]))
        return (n, cells)

    return max(SEPARATORS, key=worth)


def read(job: Job) -> Iterator[Batch]:
    """Yield the batches of a text table."""
    encoding = _encoding(job)
    csv.field_size_limit(MAX_LINE)
    with job.path.open(encoding=encoding, newline="") as text:
        lines = _Lines(job, text, encoding)
        header, separator = _csv_header(job, lines)
        positions = job.positions(header, lines.n)
        yield from _csv_batches(job, lines, separator, header, positions)


class _Lines:
    """The lines of a text file, counted; a line without end is an error, not a full memory."""

    def __init__(self, job: Job, text: TextIO, encoding: str) -> None:
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


def _csv_header(job: Job, lines: _Lines) -> tuple[list[str], str]:
    """Return the header and the separator; ``lines`` then stand on the header."""
    separator = job.form.separator
    for line in lines:
        if lines.n == 1 and (said := _said_separator(line)):
            separator = separator or said
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
    job: Job, lines: _Lines, separator: str, header: list[str], positions: list[int]
) -> Iterator[Batch]:
    rows = Rows(job)
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
        if (
            len(rows.rows) >= table.BATCH_ROWS
            or lines.characters - flushed > table.BATCH_CHARACTERS
        ):
            flushed = lines.characters
            yield rows.batch(lines.characters / job.size)
    yield rows.batch(1.0)


def _encoding(job: Job) -> str:
    """Return the file's encoding: by its mark, as told, strict UTF-8, else cp1254."""
    with job.path.open("rb") as binary:
        start = binary.read(_PEEKED)
        for bom, name in _BOMS:
            if start.startswith(bom):
                return name
        if b"\0" in start:
            if _is_utf16(start):
                return "utf-16-le"
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


def _is_utf16(start: bytes) -> bool:
    """Say whether a text without a mark is what Excel calls Unicode: every second byte nearly 0."""
    high = start[1::2]
    return high.count(0) > 0.7 * len(high) and start[::2].count(0) == 0


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


def _wrong_encoding(job: Job, encoding: str) -> FileError:
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


def _place(before: str, header: list[str], job: Job) -> str:
    """Return the words for the column in which a line breaks off behind ``before``."""
    separator = header[0] if header else job.form.separator or ";"
    index = before.count(separator)
    names = header[1:]
    name = names[index].strip() if index < len(names) else str(index + 1)
    return _("column “%(name)s”") % {"name": name}
