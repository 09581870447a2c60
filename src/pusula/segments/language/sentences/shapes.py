"""Which words say a window best."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pusula.segments.language.windows import (
    NOW,
    Offset,
    OnDay,
    Point,
    Since,
    StartOf,
    Today,
    Window,
)

Shape = Literal[
    "always", "past", "future", "last", "next", "long_ago", "not_far",
    "before_today", "before_day", "since_day", "since", "day", "days", "between",
    "this", "previous", "previous_n", "following", "following_n", "so_far", "so_far_n",
    "since_own", "before_own", "before_shifted",
]  # fmt: skip
Ends = tuple[Point | Since, ...]


def shape(window: Window) -> tuple[Shape, Ends, int]:
    """Return the words for a window, the points that stand in them, and a number of units."""
    start, end = window.start, window.end
    if isinstance(start, StartOf):
        word, number = _calendar(start.shift, end)
        return word, (start,), number
    if start is None:
        return *_before(end), 0
    if end is None:
        return *_after(start), 0
    return *_between(start, end), 0


def _calendar(shift: int, end: Point | Since | None) -> tuple[Shape, int]:
    match end:
        case StartOf(_, 1) if shift == 0:
            return "this", 1
        case StartOf(_, 0):
            return ("previous", 1) if shift == -1 else ("previous_n", -shift)
        case StartOf(_, last):
            return ("following", 1) if last == shift + 1 else ("following_n", last - shift)
    return ("so_far", 0) if shift == 0 else ("so_far_n", -shift)


def _between(start: Point | Since, end: Point | Since) -> tuple[Shape, Ends]:
    match start, end:
        case Offset(amount, _), Offset(0, _) if amount < 0:
            return "last", (start,)
        case Offset(0, _), Offset():
            return "next", (end,)
        case OnDay(), OnDay(after):
            last = OnDay(after - timedelta(days=1))
            return ("day", (start,)) if start == last else ("days", (start, last))
    return "between", (start, end)


def _after(start: Point | Since) -> tuple[Shape, Ends]:
    if start == NOW:
        return "future", ()
    match start:
        case OnDay():
            return "since_day", (start,)
        case Since():
            return "since_own", (start,)
    return "since", (start,)


def _before(end: Point | Since | None) -> tuple[Shape, Ends]:
    match end:
        case None:
            return "always", ()
        case Offset(0, _):
            return "past", ()
        case Offset(amount, _):
            return ("long_ago" if amount < 0 else "not_far"), (end,)
        case Today():
            return "before_today", ()
        case Since(_, shift):
            return ("before_own" if shift is None else "before_shifted"), (end,)
    return "before_day", (end,)
