"""Points in time and windows, as a definition words them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta

from pusula.segments.language.literals import LAST_DAY, day, duration
from pusula.segments.language.place import Place, hint
from pusula.segments.language.windows import (
    ANCHORS,
    EXACT,
    NOW,
    Offset,
    OnDay,
    Point,
    Since,
    StartOf,
    Today,
    Window,
)

# Calendar units that have a start, and the most of them that a window counts.
CALENDAR_UNITS = {"day": 36_600, "week": 5_220, "month": 1_200, "quarter": 400, "year": 100}

_AGO = re.compile(r"(.+) ago")
_AHEAD = re.compile(r"in (.+)")
_FROM_ANCHOR = re.compile(r"(.+) (after|before) (\w+)")
_UNITS = re.compile(r"([0-9]{1,6}) ([a-z]{1,20})")
# Any moment will do to see which of two like points comes first.
_SOMETIME = 1_750_000_000_000_000


def point(place: Place) -> Point:
    """Return a day, ``today``, ``now``, ``540 days ago`` or ``in 90 days``."""
    value = place.value
    if value == "today":
        return Today()
    if value == "now":
        return NOW
    if isinstance(value, str):
        if match := _AGO.fullmatch(value):
            return duration(Place(match[1], place.path), -1)
        if match := _AHEAD.fullmatch(value):
            return duration(Place(match[1], place.path), 1)
    if isinstance(value, date) or (isinstance(value, str) and value[:1].isdigit()):
        return OnDay(day(place))
    raise place.expected("a day, 'today', 'now', '30 days ago' or 'in 30 days'")


def bound(place: Place) -> Point | Since:
    """Return a point, or a moment of each profile's own such as ``14 days after first_order``."""
    value = place.value
    if isinstance(value, str):
        if value in ANCHORS:
            return Since(value)
        if match := _FROM_ANCHOR.fullmatch(value):
            return _since(place, match[1], match[2], match[3])
        if "_" in value:
            raise place.error("unknown moment %(word)r", hint(value, ANCHORS), word=value[:40])
    return point(place)


def _since(place: Place, length: str, side: str, anchor: str) -> Since:
    if anchor not in ANCHORS:
        raise place.error("unknown moment %(word)r", hint(anchor, ANCHORS), word=anchor[:40])
    shift = duration(Place(length, place.path), 1 if side == "after" else -1)
    if shift.unit not in EXACT:
        raise place.error("a %(unit)s has no fixed length; say it in days", unit=shift.unit)
    return Since(anchor, shift)


def window(place: Place) -> Window:
    """Return the window that ``{last: …}`` or one of the other words of windows states."""
    fields = place.record((), WINDOW_KEYS)
    if len(fields) == 1:
        key, below = next(iter(fields.items()))
        return _WINDOWS[key](below)
    if sorted(fields) == ["from", "to"]:
        return _ordered(place, Window(bound(fields["from"]), bound(fields["to"])))
    words = ", ".join(word for word in WINDOW_KEYS if word not in ("from", "to"))
    raise place.error("expected one of %(words)s, or from and to", words=words)


def _last(place: Place) -> Window:
    return Window(None if place.value == "all" else duration(place, -1), NOW)


def _next(place: Place) -> Window:
    return Window(NOW, None if place.value == "all" else duration(place, 1))


def _between(place: Place) -> Window:
    ends = place.items("points in time", 2)
    if len(ends) != 2:  # noqa: PLR2004 - a pair
        raise place.error("expected two points in time")
    return _ordered(place, Window(bound(ends[0]), bound(ends[1])))


def _from(place: Place) -> Window:
    return Window(bound(place), None)


def _to(place: Place) -> Window:
    return Window(None, bound(place))


def _this(place: Place) -> Window:
    unit = place.choice(CALENDAR_UNITS, "calendar unit")
    return Window(StartOf(unit), StartOf(unit, 1))


def _previous(place: Place) -> Window:
    number, unit = _units(place)
    return Window(StartOf(unit, -number), StartOf(unit))


def _following(place: Place) -> Window:
    number, unit = _units(place)
    return Window(StartOf(unit, 1), StartOf(unit, 1 + number))


def _calendar(place: Place) -> Window:
    number, unit = _units(place)
    return Window(StartOf(unit, 1 - number), NOW)


def _units(place: Place) -> tuple[int, str]:
    """Return ``quarter`` or ``6 months`` as a number of calendar units."""
    if not isinstance(place.value, str):
        raise place.expected("a calendar unit or several such as 'month' or '6 months'")
    match = _UNITS.fullmatch(place.value)
    number, word = (int(match[1]), match[2]) if match else (1, place.value)
    unit = word.removesuffix("s") if match else word
    if unit not in CALENDAR_UNITS:
        raise place.error(
            "unknown calendar unit %(word)r", hint(unit, CALENDAR_UNITS), word=word[:40]
        )
    if not 1 <= number <= CALENDAR_UNITS[unit]:
        raise place.expected("from 1 to %(most)s %(unit)ss", most=CALENDAR_UNITS[unit], unit=unit)
    return number, unit


_WINDOWS: Mapping[str, Callable[[Place], Window]] = {
    "last": _last,
    "next": _next,
    "from": _from,
    "to": _to,
    "between": _between,
    "this": _this,
    "previous": _previous,
    "following": _following,
    "calendar": _calendar,
    "since": _from,
}
WINDOW_KEYS = tuple(_WINDOWS)


def before(place: Place) -> Window:
    """Return the time before a point."""
    return Window(None, bound(place))


def after(place: Place) -> Window:
    """Return the time after a point: after a day starts with the next one.

    Refused where nobody can tell whether the point itself belongs to it.
    """
    start = bound(place)
    match start:
        case OnDay(stated):
            start = _next_day(place, stated)
        case Today():
            raise place.error("say {from: today}, which holds today too, or {next: all}")
        case Since(anchor, None):
            raise place.error(
                "say {since: %(anchor)s}, which holds that moment too, or "
                "{from: 1 second after %(anchor)s}",
                anchor=anchor,
            )
    return Window(start, None)


def on(place: Place) -> Window:
    """Return the one day stated."""
    stated = day(place)
    return Window(OnDay(stated), _next_day(place, stated))


def more_than(place: Place) -> Window:
    """Return the time more than ``30 days ago``."""
    return Window(None, _ago(place))


def less_than(place: Place) -> Window:
    """Return the time less than ``30 days ago``, up to now."""
    return Window(_ago(place), NOW)


def _ago(place: Place) -> Offset:
    offset = point(place)
    if not isinstance(offset, Offset) or offset.amount >= 0:
        raise place.expected("a length of time ago such as '30 days ago'")
    return offset


def _next_day(place: Place, stated: date) -> OnDay:
    if stated == LAST_DAY:
        raise place.error("this is the last day there is")
    return OnDay(stated + timedelta(days=1))


def _ordered(place: Place, window: Window) -> Window:
    """Refuse a window that is always empty; a day and a moving point may swap with time."""
    match window:
        case Window(Since(one, first), Since(other, last)):
            is_empty = one == other and _length(first) >= _length(last)
        case Window(Since(), _) | Window(_, Since()):
            is_empty = False
        case Window(OnDay(), OnDay()) | Window(Offset() | Today(), Offset() | Today()):
            start, end = window.bounds(_SOMETIME, "UTC")
            is_empty = start is not None and end is not None and start >= end
        case _:
            is_empty = False
    if is_empty:
        raise place.error("the first point in time must come before the second")
    return window


def _length(shift: Offset | None) -> int:
    return 0 if shift is None else shift.amount * EXACT[shift.unit]
