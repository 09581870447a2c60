"""Files as batches of columns, whatever their format, with the line each row stands on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from django.utils.translation import gettext as _

from pusula.sources.errors import FileError
from pusula.sources.files import lines, parquet, sheets, text
from pusula.sources.files.table import Job, Source
from pusula.sources.mapping import EXTENSIONS, FileFormat


def read(path: Path, form: FileFormat, wanted: Sequence[str]) -> Source:
    """Return the batches of ``path`` with the columns ``wanted``.

    Raises ``FileError`` here or while batches are walked: no such file, empty, not of its format,
    wrong encoding, a missing or repeated column.
    """
    name = format_of(path, form)
    try:
        size = path.stat().st_size
    except OSError as error:
        words = {"file": str(path), "error": str(error.strerror)}
        raise FileError(_("%(file)s: cannot be read: %(error)s") % words) from error
    if not size:
        raise FileError(_("%(file)s: the file is empty") % {"file": path.name})
    source = Source(iter(()))
    source.batches = _READERS[name](Job(path, form, list(wanted), size, source.notes))
    return source


def format_of(path: Path, form: FileFormat) -> str:
    """Return the format of a file: as told, else by its ending."""
    name = form.format or EXTENSIONS.get(path.suffix.lower())
    if name is None:
        words = {"file": path.name}
        raise FileError(
            _("%(file)s: say the format in the mapping: [file] format = csv, xlsx, …") % words
        )
    return name


_READERS = {
    "csv": text.read,
    "xlsx": sheets.read,
    "parquet": parquet.read,
    "jsonl": lines.read,
}
