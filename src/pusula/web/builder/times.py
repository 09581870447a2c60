"""The editor of a test of a day or moment: its menu and boxes, and the YAML that they say."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping

from django.utils.translation import gettext, gettext_lazy

from pusula.web import formats
from pusula.web.builder import controls, terms
from pusula.web.builder.controls import Control, IncompleteError, Option
from pusula.web.builder.fields import Fields, shown_number, typed_number

Json = dict[str, object]
_LENGTH = re.compile(r"(\d+) (second|minute|hour|day|week|month|year)s?")
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MENU: terms.Words = {
    "last": gettext_lazy("in the last"),
    "more_than": gettext_lazy("longer ago than"),
    "ago": gettext_lazy("between"),
    "next": gettext_lazy("in the next"),
    "from": gettext_lazy("on or after"),
    "before": gettext_lazy("before"),
    "dates": gettext_lazy("from day to day"),
    "is": gettext_lazy("on the day"),
    "month": gettext_lazy("in the months"),
    "weekday": gettext_lazy("on the weekdays"),
    "anniversary": gettext_lazy("anniversary in the next"),
}
NAMED: terms.Words = {"during": gettext_lazy("during")}  # where the installation names periods


def draw(op: str, fields: Fields) -> list[Control]:
    """Return the boxes of the test ``op``."""
    return _DRAWN[op](fields)


def say(op: str, fields: Fields) -> Json:
    """Return the test as the language writes it; raise ``IncompleteError``."""
    return _SAID[op](fields)


def number_of(text: str) -> int | float:
    """Return the number typed; raise ``IncompleteError``."""
    number = typed_number(text)
    if number is None:
        raise IncompleteError(
            gettext("“%(text)s” is not a number.") % {"text": text}
            if text
            else gettext("Type a number.")
        )
    return number


def length_of(fields: Fields, number: str = "v", unit: str = "u") -> str:
    """Return ``30 days`` as the language writes it."""
    amount, chosen = number_of(fields.one(number)), fields.one(unit, "day")
    if not isinstance(amount, int) or amount < 1 or chosen not in terms.UNITS:
        raise IncompleteError(gettext("A length of time is a whole number from 1 up."))
    return f"{amount} {chosen}s" if amount > 1 else f"{amount} {chosen}"


def read_length(text: object) -> tuple[str, str] | None:
    """Return the number and the unit of ``30 days``, as fields say them."""
    found = _LENGTH.fullmatch(text) if isinstance(text, str) else None
    return (shown_number(int(found[1])), found[2]) if found else None


def length_controls(
    fields: Fields, number: str = "v", unit: str = "u", *, is_quiet: bool = False
) -> list[Control]:
    """Return a box for a number and the menu of its unit."""
    chosen = fields.one(unit, "day")
    menu = [(key, str(words)) for key, words in terms.UNITS.items()]
    return [
        controls.number(number, gettext("How long"), fields.one(number)),
        controls.select(unit, gettext("Unit"), chosen, menu, is_quiet=is_quiet),
    ]


def day_of(text: str) -> str:
    """Return a day as the language writes it; raise ``IncompleteError``."""
    if not is_day(text):
        raise IncompleteError(gettext("Choose a day."))
    return text


def is_day(text: str) -> bool:
    """Return whether ``text`` is a day such as ``2026-05-31``."""
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def span(fields: Fields) -> tuple[str, str]:
    """Return the two days typed, the first one first."""
    first, end = day_of(fields.one("v")), day_of(fields.one("v2"))
    if first >= end:
        raise IncompleteError(gettext("The first day comes before the second."))
    return first, end


def span_controls(fields: Fields) -> list[Control]:
    """Return the boxes of two days."""
    return [
        controls.day("v", gettext("First day"), fields.one("v")),
        controls.word(gettext("up to, without")),
        controls.day("v2", gettext("Day after the last"), fields.one("v2")),
    ]


def made(**values: str | list[str]) -> Fields:
    """Return fields from plain values."""
    return Fields({k: [v] if isinstance(v, str) else v for k, v in values.items()})


def read(test: Mapping[str, object]) -> Fields | None:  # noqa: C901, PLR0911, PLR0912 - one line per test
    """Return the fields that say ``test``; ``None`` if these boxes cannot."""
    match dict(test):
        case {"last": length, **rest} if not rest:
            found = read_length(length)
            return made(op="last", v=found[0], u=found[1]) if found else None
        case {"next": length, **rest} if not rest:
            found = read_length(length)
            return made(op="next", v=found[0], u=found[1]) if found else None
        case {"more_than": str(ago), **rest} if not rest:
            return _read_ago(ago)
        case {"is": str(on), **rest} if not rest and is_day(on):
            return made(op="is", v=on)
        case {"before": str(on), **rest} if not rest and is_day(on):
            return made(op="before", v=on)
        case {"from": str(first), **rest} if not rest and is_day(first):
            return made(op="from", v=first)
        case {"month": names, **rest} if not rest:
            return _read_names("month", names, MONTHS)
        case {"weekday": names, **rest} if not rest:
            return _read_names("weekday", names, WEEKDAYS)
        case {"anniversary": "today", **rest} if not rest:
            return made(op="anniversary", v="1")
        case {"anniversary": {"next": length}, **rest} if not rest:
            found = read_length(length)
            return made(op="anniversary", v=found[0]) if found and found[1] == "day" else None
        case {"during": str(name), **rest} if not rest:
            return made(op="during", v=name)
        case {"to": str(end), **rest} if not rest:
            return made(op="before", v=end) if is_day(end) else _read_ago(end)
        case {"from": str(first), "to": str(end), **rest} | {
            "between": [str(first), str(end)],
            **rest,
        } if not rest:
            return _read_span(first, end)
    return None


def _read_ago(text: str) -> Fields | None:
    found = read_length(text.removesuffix(" ago")) if text.endswith(" ago") else None
    return made(op="more_than", v=found[0], u=found[1]) if found else None


def _read_span(first: str, end: str) -> Fields | None:
    if is_day(first) and is_day(end):
        return made(op="dates", v=first, v2=end)
    if not (first.endswith(" ago") and end.endswith(" ago")):
        return None
    far, near = read_length(first.removesuffix(" ago")), read_length(end.removesuffix(" ago"))
    if far is None or near is None:
        return None
    return made(op="ago", v=near[0], u=near[1], v2=far[0], u2=far[1])


def _draw_ago(fields: Fields) -> list[Control]:
    near, unit = length_controls(fields)
    far = controls.number("v2", gettext("How long"), fields.one("v2"))
    own = [unit] if _has_own_unit(fields) else []
    second = length_controls(fields, "v2", "u2")[1] if own else unit
    return [near, *own, controls.word(gettext("and")), far, second, controls.word(gettext("ago"))]


def _has_own_unit(fields: Fields) -> bool:
    """Return whether the second length has a unit of its own."""
    return bool(fields.one("u2")) and fields.one("u2") != fields.one("u", "day")


def _draw_months(fields: Fields) -> list[Control]:
    names = formats.locale().months["stand-alone"]["wide"]
    options = [Option(name, str(names[i + 1])) for i, name in enumerate(MONTHS)]
    return [controls.many("v", gettext("Months"), fields.many("v"), options)]


def _draw_weekdays(fields: Fields) -> list[Control]:
    names = formats.locale().days["stand-alone"]["wide"]
    options = [Option(name, str(names[i])) for i, name in enumerate(WEEKDAYS)]
    return [controls.many("v", gettext("Weekdays"), fields.many("v"), options)]


def _draw_anniversary(fields: Fields) -> list[Control]:
    return [controls.number("v", gettext("How long"), fields.one("v"), unit=gettext("days"))]


def _draw_day(fields: Fields) -> list[Control]:
    return [controls.day("v", gettext("Day"), fields.one("v"))]


_DRAWN: dict[str, Callable[[Fields], list[Control]]] = {
    "last": length_controls,
    "next": length_controls,
    "more_than": length_controls,
    "ago": _draw_ago,
    "dates": span_controls,
    "from": _draw_day,
    "before": _draw_day,
    "is": _draw_day,
    "month": _draw_months,
    "weekday": _draw_weekdays,
    "anniversary": _draw_anniversary,
}


def _say_ago(fields: Fields) -> Json:
    near = length_of(fields)
    far = length_of(fields, "v2", "u2" if _has_own_unit(fields) else "u")
    return {"between": [f"{far} ago", f"{near} ago"]}


_SAID: dict[str, Callable[[Fields], Json]] = {
    "last": lambda f: {"last": length_of(f)},
    "next": lambda f: {"next": length_of(f)},
    "more_than": lambda f: {"more_than": f"{length_of(f)} ago"},
    "ago": _say_ago,
    "dates": lambda f: dict(zip(("from", "to"), span(f), strict=True)),
    "from": lambda f: {"from": day_of(f.one("v"))},
    "before": lambda f: {"before": day_of(f.one("v"))},
    "is": lambda f: {"is": day_of(f.one("v"))},
    "month": lambda f: {"month": _named(f, MONTHS)},
    "weekday": lambda f: {"weekday": _named(f, WEEKDAYS)},
    "anniversary": lambda f: {"anniversary": {"next": length_of(Fields({"v": f.get("v", [])}))}},
}


def _named(fields: Fields, known: tuple[str, ...]) -> list[str]:
    names = [name for name in known if name in fields.many("v")]
    if not names:
        raise IncompleteError(gettext("Choose at least one value."))
    return names


def _read_names(op: str, names: object, known: tuple[str, ...]) -> Fields | None:
    listed = names if isinstance(names, list) else [names]
    found = [known[n - 1] if isinstance(n, int) and 0 < n <= len(known) else n for n in listed]
    return made(op=op, v=[str(n) for n in found]) if set(found) <= set(known) else None
