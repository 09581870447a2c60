"""The file of rows and values that were not taken, and the reasons in brief."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from django.utils.translation import gettext as _

from pusula.lib.spreadsheets import guarded

SHOWN = 200
_MOST_PENDING = 50_000


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
        self.n = 0  # rows
        self.n_left_out = 0  # values of rows that were taken
        self._counts: Counter[tuple[str, str]] = Counter()
        self._first: dict[tuple[str, str], tuple[int, str]] = {}
        self._pending: list[tuple[int, str, str, str]] = []
        self._file: IO[str] | None = None
        path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.settle()
        if self._file is not None:
            self._file.close()

    def row(self, line: int, column: str, value: Any, reason: str) -> None:
        """Write down a row that is not taken, because of ``value`` in ``column``."""
        self.n += 1
        self._note(line, column, value, reason)

    def left_out(self, line: int, column: str, value: Any, reason: str) -> None:
        """Write down a value that is not taken from a row that otherwise is."""
        self.n_left_out += 1
        told = _("%(reason)s; the row was loaded without it") % {"reason": reason}
        self._note(line, column, value, told)

    def settle(self) -> None:
        """Write what is still pending, by line: faults are found field by field."""
        if not self._pending:
            return
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8-sig", newline="")
            self._writer().writerow([_("line"), _("column"), _("value"), _("reason")])
        self._pending.sort()
        for line, column, value, reason in self._pending:
            self._first.setdefault((column, reason), (line, value))
        self._writer().writerows((line, *map(guarded, words)) for line, *words in self._pending)
        self._pending = []

    def reasons(self) -> list[Reason]:
        """Return the reasons of all that is settled, the most frequent first."""
        found = [
            Reason(column, reason, n, *self._first[column, reason])
            for (column, reason), n in self._counts.items()
        ]
        return sorted(found, key=lambda one: (-one.n, one.line))

    def _note(self, line: int, column: str, value: Any, reason: str) -> None:
        shown = "" if value is None else str(value)
        if len(shown) > SHOWN:
            shown = f"{shown[:SHOWN]}…"
        shown = shown.encode("utf-8", "replace").decode()
        self._counts[column, reason] += 1
        self._pending.append((line, column, shown, reason))
        if len(self._pending) >= _MOST_PENDING:
            self.settle()

    def _writer(self) -> Any:
        return csv.writer(cast("IO[str]", self._file), delimiter=";", lineterminator="\r\n")
