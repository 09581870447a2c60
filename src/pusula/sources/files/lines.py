"""JSON lines by msgspec; a column is a dotted path."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from django.utils.translation import gettext as _

from pusula.sources.files import table
from pusula.sources.files.table import MAX_CELL, MAX_LINE, Batch, Job, Rows


def start(path: Path, n: int) -> list[dict[str, Any]]:
    """Return the objects among the first ``n`` lines."""
    decoder = msgspec.json.Decoder(dict[str, Any])
    found = []
    with path.open("rb") as binary:
        for _number in range(n):
            line = binary.readline(MAX_LINE)
            with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                found.append(decoder.decode(line.removeprefix(codecs.BOM_UTF8)))
    return found


def read(job: Job) -> Iterator[Batch]:
    """Yield the batches of a file of JSON objects, one a line."""
    rows = Rows(job)
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
            if len(rows.rows) >= table.BATCH_ROWS or done - flushed > table.BATCH_CHARACTERS:
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
