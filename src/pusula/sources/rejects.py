"""The file of rows and values that were not taken, and the reasons in brief."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from django.utils.translation import gettext as _

SHOWN = 200
# What a spreadsheet takes for the beginning of a formula, the full-width forms included.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


@dataclass(frozen=True)
class Reason:
    """Why cells of a column were not taken, how many, and the first of them."""

    column: str
    reason: str
    n: int
    line: int
    value: str


class Rejects:
    """Writes the reject file, which exists only if something was rejected."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.n = 0
        self._counts: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], tuple[int, str]] = {}
        self._file: IO[str] | None = None
        self._writer: Any = None
        path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def row(self, line: int, column: str, value: Any, reason: str) -> None:
        """Write down a row that is not taken, because of ``value`` in ``column``."""
        self.n += 1
        self._write(line, column, value, reason)

    def left_out(self, line: int, column: str, value: Any, reason: str) -> None:
        """Write down a value that is not taken from a row that otherwise is."""
        told = _("%(reason)s; the row was loaded without it") % {"reason": reason}
        self._write(line, column, value, told)

    @property
    def name(self) -> str:
        """The file's name; empty if there is none."""
        return self.path.name if self._file is not None else ""

    def reasons(self) -> list[Reason]:
        """Return the reasons, the most frequent first."""
        return [
            Reason(column, reason, n, *self._first[column, reason])
            for (column, reason), n in self._counts.most_common()
        ]

    def _write(self, line: int, column: str, value: Any, reason: str) -> None:
        shown = "" if value is None else str(value)
        if len(shown) > SHOWN:
            shown = f"{shown[:SHOWN]}…"
        shown = shown.encode("utf-8", "replace").decode()
        self._counts[column, reason] += 1
        self._first.setdefault((column, reason), (line, shown))
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8-sig", newline="")
            self._writer = csv.writer(self._file, delimiter=";", lineterminator="\r\n")
            self._writer.writerow([_("line"), _("column"), _("value"), _("reason")])
        self._writer.writerow([line, guarded(column), guarded(shown), guarded(reason)])


def guarded(text: str) -> str:
    """Return ``text`` so that no spreadsheet takes it for a formula: an apostrophe before it."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
