"""The editor of the time that rows must lie in: a menu of usual spans, and boxes for others.

Fields: ``w`` the span (``all``, ``last:30 days``, ``last`` with ``w.v`` and ``w.u`` …), ``w.by``
the time it looks at.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext

from pusula.segments.language.schema import TIMES, Relation
from pusula.web.builder import controls, terms, times
from pusula.web.builder.controls import Control
from pusula.web.builder.fields import Fields
from pusula.web.builder.times import made

Json = dict[str, object]
_PAST = ("7 days", "30 days", "90 days", "6 months", "12 months", "24 months", "36 months")
_FUTURE = ("7 days", "30 days", "90 days")
_REACHES = ("last", "next")


def draw(fields: Fields, relation: Relation) -> list[Control]:
    """Return the menu of spans, the boxes of the span chosen, and the time it looks at."""
    chosen = fields.one("w", "all")
    boxes = fields.below("w")
    found = [
        controls.select("w", gettext("When"), chosen, _menu(chosen), redraws=True, is_quiet=True)
    ]
    if chosen in ("last", "next"):
        found += [c.below("w") for c in times.length_controls(boxes)]
    elif chosen == "dates":
        found += [c.below("w") for c in times.span_controls(boxes)]
    elif chosen == "from":
        found.append(controls.day("v", gettext("Day"), boxes.one("v")).below("w"))
    by = [name for name, kind in relation.columns.items() if kind in TIMES]
    if chosen != "all" and len(by) > 1:
        menu = [(name, gettext("by %(time)s") % {"time": terms.COLUMNS[name]}) for name in by]
        at = boxes.one("by", relation.time)
        found.append(controls.select("w.by", gettext("Which time"), at, menu, is_quiet=True))
    return found


def _menu(chosen: str) -> list[tuple[str, str]]:
    past = dict.fromkeys([*(f"last:{length}" for length in _PAST), *_own(chosen, "last")])
    ahead = dict.fromkeys([*(f"next:{length}" for length in _FUTURE), *_own(chosen, "next")])
    return [
        ("all", gettext("at any time")),
        *((key, _said("last", key.partition(":")[2])) for key in past),
        ("last", gettext("in the last …")),
        ("this:day", gettext("today")),
        ("this:week", gettext("this week")),
        ("this:month", gettext("this month")),
        ("this:quarter", gettext("this quarter")),
        ("this:year", gettext("this year")),
        ("previous:month", gettext("last month")),
        ("previous:quarter", gettext("last quarter")),
        ("previous:year", gettext("last year")),
        ("dates", gettext("from day to day")),
        ("from", gettext("since the day …")),
        ("from:first_order", gettext("since the first order")),
        ("from:last_order", gettext("since the last order")),
        ("last:all", gettext("until now")),
        *((key, _said("next", key.partition(":")[2])) for key in ahead),
        ("next", gettext("in the next …")),
        ("from:today", gettext("today or later")),
        ("next:all", gettext("from now on")),
    ]


def _own(chosen: str, word: str) -> list[str]:
    is_own = chosen.startswith(f"{word}:") and chosen != f"{word}:all"
    return [chosen] if is_own else []


def _said(word: str, length: str) -> str:
    number, _, unit = length.partition(" ")
    unit = unit.removesuffix("s")
    if not number.isdigit() or unit not in terms.UNITS:
        return length
    form = (
        gettext("in the last %(length)s") if word == "last" else gettext("in the next %(length)s")
    )
    return form % {"length": terms.length(int(number), unit)}


def say(fields: Fields, relation: Relation) -> Json:
    """Return ``within`` and ``by`` as the language writes them; empty for any time."""
    chosen = fields.one("w", "all")
    word, colon, length = chosen.partition(":")
    boxes = fields.below("w")
    if chosen == "all":
        return {}
    if colon:
        window: Json = {word: length}
    elif chosen == "dates":
        window = dict(zip(("from", "to"), times.span(boxes), strict=True))
    elif chosen == "from":
        window = {"from": times.day_of(boxes.one("v"))}
    else:
        window = {"next" if chosen == "next" else "last": times.length_of(boxes)}
    by = boxes.one("by", relation.time)
    return {"within": window} if by == relation.time else {"by": by, "within": window}


def read(body: Mapping[str, object], relation: Relation) -> Fields | None:
    """Return the fields that say the ``within`` and ``by`` of ``body``; ``None`` if they cannot."""
    window = body.get("within")
    if window is None:
        return made(w="all")
    found = _read(window)
    if found is not None and found.one("w") != "all":
        found.put("w.by", str(body.get("by", relation.time)))
    return found


def _read(window: object) -> Fields | None:
    match window:
        case {"from": str(first), "to": str(end), **rest} if not rest:
            if times.is_day(first) and times.is_day(end):
                return Fields({"w": ["dates"], "w.v": [first], "w.v2": [end]})
        case {"from": str(first), **rest} if not rest and times.is_day(first):
            return Fields({"w": ["from"], "w.v": [first]})
        case dict() if len(window) == 1:
            (word, value), *_ = window.items()
            key = f"{word}:{value}"
            known = key in dict(_menu("all")) or (word in _REACHES and times.read_length(value))
            return made(w=key) if known else None
    return None
