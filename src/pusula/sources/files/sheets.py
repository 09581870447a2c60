"""Excel files (XLSX, XLS, ODS) by calamine."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import python_calamine as calamine
from django.utils.translation import gettext as _

from pusula.sources.errors import near
from pusula.sources.files import table
from pusula.sources.files.table import Batch, Job, Rows
from pusula.sources.mapping import FileFormat

MAX_UNZIPPED = 2**30


def start(path: Path, form: FileFormat, n: int) -> tuple[tuple[str, ...], list[list[Any]]]:
    """Return the names of the sheets, and the first ``n`` rows of the one that is told."""
    job = Job(path, form, [], 0, [])
    book = _book(job)
    return tuple(book.sheet_names), list(islice(_sheet(job, book).iter_rows(), n))


def read(job: Job) -> Iterator[Batch]:
    """Yield the batches of a sheet."""
    sheet = _sheet(job, _book(job))
    numbered = enumerate(sheet.iter_rows(), 1)
    for line, header in numbered:
        is_wanted = job.form.header_line is None or line >= job.form.header_line
        if is_wanted and any(cell != "" for cell in header):
            break
    else:
        raise job.error(_("the sheet holds no header"))
    positions = job.positions([str(cell) for cell in header], line)
    rows = Rows(job)
    for line, row in numbered:
        if all(cell == "" for cell in row):
            continue
        rows.add(line, [row[position] for position in positions])
        if len(rows.rows) >= table.BATCH_ROWS:
            yield rows.batch(line / (sheet.total_height + 1))
    yield rows.batch(1.0)


def _book(job: Job) -> calamine.CalamineWorkbook:
    """Open a workbook; one that would not fit into memory is refused by what it says of itself.

    A file that lies is stopped by the limit of the process (``sources.limits``). Names inside the
    archive lead nowhere: nothing is unpacked to disk.
    """
    if zipfile.is_zipfile(job.path):
        with zipfile.ZipFile(job.path) as archive:
            unzipped = sum(part.file_size for part in archive.infolist())
        if unzipped > MAX_UNZIPPED:
            raise job.error(_("more than 1 GB when unpacked: save it as CSV"))
    try:
        return calamine.CalamineWorkbook.from_path(job.path)
    except calamine.PasswordError as error:
        raise job.error(_("protected by a password: save it without one")) from error
    except calamine.CalamineError as error:
        raise job.error(_("not an Excel file: %(error)s") % {"error": error}) from error


def _sheet(job: Job, book: calamine.CalamineWorkbook) -> calamine.CalamineSheet:
    try:
        if job.form.sheet is None:
            return book.get_sheet_by_index(0)
        if job.form.sheet in book.sheet_names:
            return book.get_sheet_by_name(job.form.sheet)
    except calamine.CalamineError as error:
        raise job.error(_("not an Excel file: %(error)s") % {"error": error}) from error
    words = {"name": job.form.sheet, "near": near(job.form.sheet, book.sheet_names)}
    raise job.error(_("there is no sheet “%(name)s”; %(near)s") % words)
