"""What the boxes of steps have in common: lengths, times of day, weekdays, texts in two languages.

A line of boxes has its label in ``lead``; a box alone in its line is called the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.utils.translation import gettext

from pusula.journeys.language import Names
from pusula.web import formats
from pusula.web.builder import controls, times
from pusula.web.builder.choices import Choices
from pusula.web.builder.controls import Control, IncompleteError, Line, Option
from pusula.web.builder.fields import Fields, shown_number, typed_number

Json = dict[str, Any]
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_TEN = "10:00"


@dataclass(frozen=True)
class Here:
    """What a journey may speak of: names, values to choose from, the steps that come later.

    ``by_order``: each order has a run of its own. ``steps`` are the ids of the steps by their node,
    in the order of the page, ``lines`` what they say, ``templates`` what templates say by name.
    """

    names: Names
    choices: Choices
    by_order: bool = False
    steps: dict[str, str] = field(default_factory=dict)
    lines: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)


class Editor(Protocol):
    """Draws the boxes of a node, says it in the language, finds the boxes for what it says."""

    def lines(self, fields: Fields) -> list[Line]:
        """Return the lines of boxes."""

    def document(self, fields: Fields) -> Json:
        """Return what the boxes say; raise ``IncompleteError``."""

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``; ``None`` if these boxes cannot."""


def line(*found: Control, lead: str = "") -> Line:
    """Return a line that is called as its first box, or ``lead``."""
    return Line(found, lead=lead or found[0].label)


def length(fields: Fields, name: str, label: str, unit: str = "day") -> Line:
    """Return the boxes ``NAME.v`` and ``NAME.u`` of a length of time."""
    mine = Fields({"u": [unit], **fields.below(name)})
    return Line(tuple(box.below(name) for box in times.length_controls(mine)), lead=label)


def said_length(fields: Fields, name: str, unit: str = "day") -> str:
    """Return a length of time as the language writes it; raise ``IncompleteError``."""
    return times.length_of(Fields({"u": [unit], **fields.below(name)}))


def put_length(found: Fields, name: str, text: object) -> bool:
    """Put a length into ``found``; return whether the boxes can say it."""
    read = times.read_length(text)
    if read is None:
        return False
    found.put(f"{name}.v", read[0])
    found.put(f"{name}.u", read[1])
    return True


def time(fields: Fields, label: str, name: str = "at", usual: str = _TEN) -> Line:
    """Return the box of a time of day."""
    return line(Control("time", name, label, (fields.one(name, usual),)))


def said_time(fields: Fields, name: str = "at", usual: str = _TEN) -> str:
    """Return a time of day; raise ``IncompleteError``."""
    found = fields.one(name, usual)[:5]
    if not _TIME.fullmatch(found):
        raise IncompleteError(gettext("Type a time of day such as 09:30."))
    return found


def weekdays(fields: Fields, name: str = "weekdays") -> Line:
    """Return the list of the days of the week."""
    names = formats.locale().days["stand-alone"]["wide"]
    options = [Option(key, str(names[i])) for i, key in enumerate(times.WEEKDAYS)]
    found = controls.many(name, gettext("On which weekdays"), fields.many(name), options)
    closed = Control(
        "many", name, found.label, found.values, found.options, is_closed=True,
        none=gettext("any day"),
    )  # fmt: skip
    return line(closed)


def said_weekdays(fields: Fields, name: str = "weekdays") -> list[str]:
    """Return the days of the week that are ticked, from Monday on."""
    return [day for day in times.WEEKDAYS if day in fields.many(name)]


def words(fields: Fields, name: str, label: str, *, is_long: bool = False) -> list[Line]:
    """Return the boxes of a text in both languages."""
    sort = "area" if is_long else "text"
    return [
        line(Control(sort, f"{name}_{code}", f"{label} ({title})", (fields.one(f"{name}_{code}"),)))  # type: ignore[arg-type]
        for code, title in (("tr", gettext("Turkish")), ("en", gettext("English")))
    ]


def said_words(fields: Fields, name: str, missing: str) -> Json:
    """Return a text in both languages; one stands for both until the other is there."""
    given = fields.one(f"{name}_tr") or fields.one(f"{name}_en")
    if not given:
        raise IncompleteError(missing)
    return {code: fields.one(f"{name}_{code}") or given for code in ("tr", "en")}


def put_words(found: Fields, name: str, texts: object) -> bool:
    """Put a text of both languages into ``found``; return whether the boxes can say it."""
    if not isinstance(texts, dict):
        return False
    for code in ("tr", "en"):
        value = texts.get(code)
        if not is_typed(value):
            return False
        found.put(f"{name}_{code}", str(value))
    return True


def is_typed(value: object) -> bool:
    """Return whether a box can hold ``value``: a text without blanks around it."""
    return isinstance(value, str) and value == value.strip() and "\r" not in value


def number(value: object) -> str | None:
    """Return a number as people type it; ``None`` for one that boxes would change."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    shown = shown_number(value)
    return shown if typed_number(shown) == value else None


def chosen(fields: Fields, name: str, missing: str) -> str:
    """Return what is chosen; raise ``IncompleteError``."""
    if found := fields.one(name):
        return found
    raise IncompleteError(missing)
