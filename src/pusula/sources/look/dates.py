"""Dates as files write them: which formats fit a column, and whether its own days decide."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

_WRITTEN = re.compile(
    r"(?P<a>\d{1,4})(?P<sep>[./-])(?P<b>\d{1,2})(?P=sep)(?P<c>\d{1,4})"
    r"(?P<time>[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
)
_YEAR_SIZE = 4
_MONTHS = 12
_DAYS = 31
ISO = "iso"


@dataclass(frozen=True)
class Dates:
    """The dates of a column.

    ``shape`` names how they are written ("./2": dots, two-digit years; ISO needs no format).
    ``decides`` is a cell that can only be read one way, ``day_first`` which; both are empty where
    every cell can be read both ways. ``doubtful`` is such a cell.
    """

    n: int  # cells that are dates
    n_written: int  # cells written like them, the 31st of February too
    shape: str
    has_time: bool
    example: str
    day_first: bool | None = None
    decides: str = ""
    doubtful: str = ""


def read(words: Sequence[tuple[str, int]]) -> Dates | None:
    """Return the dates among ``words`` (distinct cells, how often each), ``None`` for none."""
    shapes: dict[str, list[tuple[str, int, re.Match[str]]]] = {}
    for word, n in words:
        match = _WRITTEN.fullmatch(word)
        shape = _shape(match) if match else None
        if match and shape:
            shapes.setdefault(shape, []).append((word, n, match))
    if not shapes:
        return None
    shape, written = max(shapes.items(), key=lambda one: sum(n for _word, n, _match in one[1]))
    found = [one for one in written if _is_real(one[2])]
    if not found:
        return None
    total = sum(n for _word, n, _match in found)
    n_written = sum(n for _word, n, _match in written)
    has_time = any(match["time"] for _word, _n, match in found)
    if shape == ISO:
        return Dates(total, n_written, shape, has_time, found[0][0])
    first_only = [(w, n) for w, n, m in found if _decides(m, day="a", month="b")]
    second_only = [(w, n) for w, n, m in found if _decides(m, day="b", month="a")]
    doubtful = next((w for w, _n, m in found if m["a"] != m["b"] and _is_doubtful(m)), "")
    if not first_only and not second_only:
        return Dates(total, n_written, shape, has_time, found[0][0], doubtful=doubtful)
    # A typing error decides nothing against the many.
    day_first = sum(n for _w, n in first_only) >= sum(n for _w, n in second_only)
    decides = (first_only if day_first else second_only)[0][0]
    return Dates(total, n_written, shape, has_time, found[0][0], day_first, decides, doubtful)


def format_of(shape: str, *, day_first: bool) -> str | None:
    """Return the format of a shape, ``None`` if it needs none; a time behind it is understood."""
    if shape == ISO:
        return None
    separator, size = shape[0], shape[1:]
    year = "%Y" if size == str(_YEAR_SIZE) else "%y"
    return separator.join(["%d", "%m", year] if day_first else ["%m", "%d", year])


def both_ways(text: str) -> tuple[datetime, datetime] | None:
    """Return the day that ``text`` is read day first, and month first; ``None`` if it is none."""
    match = _WRITTEN.fullmatch(text)
    if match is None or not _is_doubtful(match):
        return None
    a, b, year = int(match["a"]), int(match["b"]), int(match["c"])
    if len(match["c"]) < _YEAR_SIZE:
        year += 2000 if year < 69 else 1900  # noqa: PLR2004 - as strptime does
    return datetime(year, b, a), datetime(year, a, b)  # noqa: DTZ001 - days


def _shape(match: re.Match[str]) -> str | None:
    a, b, c = match["a"], match["b"], match["c"]
    if len(a) == _YEAR_SIZE and match["sep"] == "-":
        return ISO
    if len(a) > 2 or len(c) not in {2, _YEAR_SIZE}:  # noqa: PLR2004 - digits of a day
        return None
    if not (0 < int(a) <= _DAYS and 0 < int(b) <= _DAYS and min(int(a), int(b)) <= _MONTHS):
        return None
    return f"{match['sep']}{len(c)}"


def _decides(match: re.Match[str], *, day: str, month: str) -> bool:
    """Say whether a date can be read this way alone; the 30th of February decides nothing."""
    return int(match[day]) > _MONTHS and _is_day(int(match[day]), month=int(match[month]))


def _is_real(match: re.Match[str]) -> bool:
    """Say whether a calendar has the day, read the one way or the other."""
    a, b, c = (int(match[part]) for part in "abc")
    if len(match["a"]) == _YEAR_SIZE:
        return _is_day(c, month=b)
    return _is_day(a, month=b) or _is_day(b, month=a)


def _is_day(day: int, *, month: int) -> bool:
    """Say whether a month has the day, in some year."""
    return 0 < month <= _MONTHS and 0 < day <= calendar.monthrange(2024, month)[1]


def _is_doubtful(match: re.Match[str]) -> bool:
    return 0 < int(match["a"]) <= _MONTHS and 0 < int(match["b"]) <= _MONTHS
