"""The rejected rows of a file as a file of their own: as they came, with the reason behind them.

Made to be put right in a spreadsheet and brought again: with a byte-order mark, in the separator
the file came with, and nothing in it that a spreadsheet takes for a formula.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from django.utils.translation import gettext as _

from pusula.lib.spreadsheets import guarded
from pusula.sources import files
from pusula.sources.coerce import Refusal, as_text
from pusula.sources.mapping import FileFormat


def write(path: Path, form: FileFormat, names: Sequence[str], rejects: Path, target: Path) -> int:
    """Write the rows of ``path`` that the reject file names; return how many there are.

    ``names`` are the columns of the file, all of them. Lines come in their order.
    """
    reasons = _reasons(rejects)
    separator = form.separator or ";"
    n = 0
    with target.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out, delimiter=separator, lineterminator="\r\n")
        writer.writerow([*map(guarded, names), _("line"), _("reason")])
        for batch in files.read(path, form, names).batches:
            told = {fault.line: [fault.value] for fault in batch.faults}
            rows = np.flatnonzero(np.isin(batch.lines, list(reasons))).tolist()
            for row in rows:
                cells = [_shown(batch.columns[name].of(row)) for name in names]
                told[int(batch.lines[row])] = cells
            for line, cells in sorted(told.items()):
                blank = [""] * (len(names) - len(cells))
                why = "; ".join(dict.fromkeys(reasons.get(line, [])))
                writer.writerow([*map(guarded, cells), *blank, line, guarded(why)])
                n += 1
    return n


def _reasons(rejects: Path) -> dict[int, list[str]]:
    """Return the reasons in a reject file by line, each with its column."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    with rejects.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, delimiter=";")
        next(rows, None)
        for line, column, _value, reason in rows:
            found[int(line)].append(f"{column}: {reason}" if column else reason)
    return found


def _shown(cell: object) -> str:
    try:
        return as_text(cell) or ""
    except Refusal:
        return str(cell)
