"""Windows and points in time as a definition words them."""

from __future__ import annotations

from pusula.segments.language.windows import (
    NOW,
    Offset,
    OnDay,
    Point,
    Since,
    StartOf,
    Today,
    Window,
    in_units,
)


def dump_window(window: Window) -> dict[str, object]:
    """Return the window as a definition words it."""
    match window:
        case Window(start, end) if end == NOW and isinstance(start, Offset | None):
            return {"last": _reach(start)}
        case Window(start, end) if start == NOW and isinstance(end, Offset | None):
            return {"next": _reach(end)}
        case Window(StartOf(unit, shift), end):
            return _calendar_window(unit, shift, end)
        case Window(Since() as start, None):
            return {"since": _point(start)}
    ends = {"from": window.start, "to": window.end}
    return {word: _point(end) for word, end in ends.items() if end is not None}


def _reach(offset: Offset | None) -> str:
    return "all" if offset is None else _length(offset.amount, offset.unit)


def _calendar_window(unit: str, shift: int, end: Point | Since | None) -> dict[str, object]:
    match end:
        case StartOf(_, 1) if shift == 0:
            return {"this": unit}
        case StartOf(_, 0):
            return {"previous": _units(-shift, unit)}
        case StartOf(_, last) if shift == 1:
            return {"following": _units(last - shift, unit)}
    return {"calendar": _units(1 - shift, unit)}


def _units(number: int, unit: str) -> str:
    return unit if number == 1 else f"{number} {unit}s"


def _point(point: Point | Since) -> str:
    match point:
        case Today():
            return "today"
        case OnDay(day):
            return day.isoformat()
        case Offset(amount, unit):
            return _offset(amount, unit)
        case Since(anchor, None):
            return anchor
        case Since(anchor, Offset(amount, unit)):
            return f"{_length(amount, unit)} {'before' if amount < 0 else 'after'} {anchor}"
    raise AssertionError(point)  # the start of a calendar unit stands in windows of its own alone


def _offset(amount: int, unit: str) -> str:
    if amount == 0:
        return "now"
    length = _length(amount, unit)
    return f"{length} ago" if amount < 0 else f"in {length}"


def _length(amount: int, unit: str) -> str:
    return f"{abs(amount)} {unit}" + ("" if abs(amount) == 1 else "s")


def dump_length(microseconds: int) -> str:
    """Return a length of time such as ``2 days``."""
    return _length(*in_units(microseconds))


def dump_days(number: int) -> str:
    """Return a number of days."""
    return _length(number, "day")
