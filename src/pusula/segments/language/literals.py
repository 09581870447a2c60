"""The small words of a definition: amounts, shares, days, points in time and windows."""

from __future__ import annotations

import math
import re
from datetime import date, datetime, timedelta
from decimal import Decimal

from pusula.lib.money import EXPONENTS, to_minor
from pusula.segments.language.nodes import Money, Number
from pusula.segments.language.place import Place, hint
from pusula.segments.language.windows import EXACT, NOW, UNITS, Offset, OnDay, Point, Today, Window

# Whole numbers up to here are exact as float64, the type of every number column.
MOST = 2**53
LONGEST = 100 * 366 * 86_400  # seconds; the furthest a point may lie from the asked moment

_AMOUNT = re.compile(r"(-?\d+(?:\.\d+)?) ?([A-Za-z]{3})")
_SHARE = re.compile(r"(\d+(?:\.\d+)?) ?%")
_DURATION = re.compile(r"(\d{1,9}) ([a-z]+)")
_AGO = re.compile(r"(.+) ago")
_AHEAD = re.compile(r"in (.+)")
_SECONDS = {"month": 31 * 86_400, "year": 366 * 86_400} | {
    unit: length // 1_000_000 for unit, length in EXACT.items()
}
# Any moment will do to see which of two like points comes first.
_SOMETIME = 1_750_000_000_000_000

WINDOW_KEYS = ("last", "next", "from", "to", "between")


def number(place: Place) -> Number:
    """Return a finite number of a size that stays exact."""
    value = place.value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise place.expected("a number")
    if not math.isfinite(value) or abs(value) > MOST:
        raise place.error(f"{value} is not a number Pusula can compare with")
    return value


def count(place: Place) -> int:
    """Return a whole number from 0 up."""
    value = number(place)
    if not isinstance(value, int) or value < 0:
        raise place.expected("a whole number from 0 up")
    return value


def money(place: Place, currency: str) -> Money:
    """Return an amount such as ``40000 TRY``; only ``currency`` can be compared with."""
    example = f"an amount with its currency such as {f'40000 {currency}'!r}"
    match = _AMOUNT.fullmatch(place.value) if isinstance(place.value, str) else None
    if match is None:
        raise place.expected(example)
    amount, code = Decimal(match[1]), match[2].upper()
    if code not in EXPONENTS:
        raise place.error(f"unknown currency {match[2]!r}{hint(code, list(EXPONENTS))}")
    if code != currency:
        raise place.error(
            f"amounts are compared in {currency}, the company's currency; {code} would need a "
            f"conversion: state the amount in {currency}"
        )
    if amount.scaleb(EXPONENTS[code]) % 1:
        raise place.error(f"{code} has {EXPONENTS[code]} decimals, {match[1]} has more")
    try:
        return Money(to_minor(amount, code), code)
    except ValueError as error:
        raise place.error(str(error)) from error


def share(place: Place) -> Decimal:
    """Return a percentage such as ``10 %``, more than 0 and less than 100."""
    match = _SHARE.fullmatch(place.value) if isinstance(place.value, str) else None
    if match is None:
        raise place.expected("a share such as '10 %'")
    percent = Decimal(match[1])
    if not 0 < percent < 100:  # noqa: PLR2004 - per cent
        raise place.error("a share lies between 0 and 100 %")
    return percent


def day(place: Place) -> date:
    """Return a day such as ``2026-05-31``."""
    value = place.value
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise place.expected("a day such as 2026-05-31") from None


def duration(place: Place, sign: int) -> Offset:
    """Return a length of time such as ``24 months``, ``sign`` saying before (-1) or after (1)."""
    match = _DURATION.fullmatch(place.value) if isinstance(place.value, str) else None
    if match is None:
        raise place.expected("a length of time such as '30 days' or '24 months'")
    amount, unit = int(match[1]), match[2].removesuffix("s")
    if unit not in UNITS:
        raise place.error(f"unknown unit {match[2]!r}{hint(unit, UNITS)}")
    if amount == 0:
        raise place.error("a length of time is at least 1")
    if amount * _SECONDS[unit] > LONGEST:
        raise place.error("no more than 100 years")
    return Offset(sign * amount, unit)


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


def window(place: Place) -> Window:
    """Return ``{last: …}``, ``{next: …}``, ``{from: …, to: …}`` or ``{between: [… , …]}``."""
    fields = place.record((), WINDOW_KEYS)
    match sorted(fields):
        case ["last"]:
            return Window(_reach(fields["last"], -1), NOW)
        case ["next"]:
            return Window(NOW, _reach(fields["next"], 1))
        case ["between"]:
            ends = fields["between"].items("points in time", 2)
            if len(ends) != 2:  # noqa: PLR2004 - a pair
                raise fields["between"].error("expected two points in time")
            return _ordered(place, Window(point(ends[0]), point(ends[1])))
        case ["from"]:
            return Window(point(fields["from"]), None)
        case ["to"]:
            return Window(None, point(fields["to"]))
        case ["from", "to"]:
            return _ordered(place, Window(point(fields["from"]), point(fields["to"])))
    raise place.error("expected one of last, next, between, or from and to")


def before(place: Place) -> Window:
    """Return the time before a point."""
    return Window(None, point(place))


def after(place: Place) -> Window:
    """Return the time after a point: after a day starts with the next one."""
    start = point(place)
    if isinstance(start, OnDay):
        start = OnDay(_next_day(place, start.day))
    return Window(start, None)


def on(place: Place) -> Window:
    """Return the one day stated."""
    stated = day(place)
    return Window(OnDay(stated), OnDay(_next_day(place, stated)))


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


def _reach(place: Place, sign: int) -> Offset | None:
    return None if place.value == "all" else duration(place, sign)


def _next_day(place: Place, stated: date) -> date:
    try:
        return stated + timedelta(days=1)
    except OverflowError:
        raise place.error("this is the last day there is") from None


def _ordered(place: Place, window: Window) -> Window:
    """Refuse a window that is always empty; a day and a moving point may swap with time."""
    start, end = window.start, window.end
    if isinstance(start, OnDay) != isinstance(end, OnDay):
        return window
    if start is not None and end is not None:
        first, last = (moment.moment(_SOMETIME, "UTC") for moment in (start, end))
        if first >= last:
            raise place.error("the first point in time must come before the second")
    return window
