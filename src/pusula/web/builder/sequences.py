"""The editor of rows that follow one another: an event, then another one, or none of it in time.

Fields: ``n`` how many steps, ``s1 s2 s3`` the steps (``s2.k`` what stands there: ``events``,
``orders``, or ``no_events``, ``no_orders`` for the last; ``s2.names`` the events, ``s2.v`` and
``s2.u`` how soon), ``same`` a property all share, the test of how many there are, and a window.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext

from pusula.segments.language.schema import Kind, Schema
from pusula.web.builder import controls, times, windows
from pusula.web.builder.choices import Choices
from pusula.web.builder.controls import Control, IncompleteError, Line, Row
from pusula.web.builder.fields import Fields
from pusula.web.builder.times import made
from pusula.web.builder.values import Asked

Json = dict[str, object]
MOST_STEPS = 3
_FEWEST = 2


@dataclass(frozen=True)
class SequenceEditor:
    """Edits a sequence of two or three steps."""

    schema: Schema
    choices: Choices

    @property
    def _counted(self) -> Asked:
        unit = gettext("times")
        return Asked(Kind.NUMBER, self.schema.currency, is_total=True, unit=unit)

    def row(self, fields: Fields) -> Row:
        """Return a line for the test, and one for each step."""
        n = _n_steps(fields)
        menu = [(str(i), gettext("%(n)d steps") % {"n": i}) for i in range(_FEWEST, MOST_STEPS + 1)]
        first = [
            controls.select("n", gettext("Steps"), str(n), menu, redraws=True),
            *self._counted.controls(fields),
            *windows.draw(fields, self.schema.relations["events"]),
        ]
        steps = [self._step(fields, number, n) for number in range(1, n + 1)]
        same = Line(
            (controls.text("same", gettext("Property that all steps share"), fields.one("same")),),
            lead=gettext("with the same"),
        )
        return Row([Line(tuple(first)), *steps, same])

    def _step(self, fields: Fields, number: int, n: int) -> Line:
        key = f"s{number}"
        mine = fields.below(key)
        chosen = mine.one("k", "events")
        menu = [("events", gettext("the event")), ("orders", gettext("an order"))]
        if number == n:
            menu += [("no_events", gettext("no event")), ("no_orders", gettext("no order"))]
        found: list[Control] = [
            controls.select("k", gettext("What happens"), chosen, menu, redraws=True)
        ]
        if chosen.endswith("events"):
            names = mine.many("names")
            found.append(controls.many("names", gettext("Events"), names, self.choices.events()))
        if number > 1:
            found += [controls.word(gettext("within")), *times.length_controls(mine)]
        lead = gettext("first") if number == 1 else gettext("then")
        return Line(tuple(control.below(key) for control in found), lead=lead)

    def document(self, fields: Fields) -> Json:
        """Return the condition; raise ``IncompleteError``."""
        n = _n_steps(fields)
        body: Json = {"steps": [_say_step(fields.below(f"s{i}"), i) for i in range(1, n + 1)]}
        if same := fields.one("same"):
            body["same"] = same
        body |= windows.say(fields, self.schema.relations["events"])
        body["count"] = self._counted.document(fields)
        return {"sequence": body}

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``; ``None`` if these boxes cannot."""
        if not isinstance(body, Mapping) or not set(body) <= {"steps", "same", "within", "count"}:
            return None
        steps = body.get("steps")
        if not isinstance(steps, list) or not _FEWEST <= len(steps) <= MOST_STEPS:
            return None
        found = windows.read(body, self.schema.relations["events"])
        counted = self._counted.fields(body.get("count", {"at_least": 1}))
        if found is None or counted is None:
            return None
        found = Fields({**counted, **found, "n": [str(len(steps))]})
        found.put("same", str(body.get("same", "")))
        for number, step in enumerate(steps, 1):
            read = _read_step(step)
            if read is None:
                return None
            found.set_below(f"s{number}", read)
        return found


def _n_steps(fields: Fields) -> int:
    return MOST_STEPS if fields.one("n") == str(MOST_STEPS) else _FEWEST


def _say_step(mine: Fields, number: int) -> Json:
    kind = mine.one("k", "events")
    rows: Json = {"orders": {}}
    if kind.endswith("events"):
        names = mine.many("names")
        if not names:
            said = gettext("Choose the event of step %(n)d.")
            raise IncompleteError(said % {"n": number})
        rows = {"events": {"name": names[0] if len(names) == 1 else names}}
    if kind.startswith("no_"):
        return {"without": rows, "for": times.length_of(mine)}
    if number > 1 and mine.one("v"):
        rows["within"] = times.length_of(mine)
    return rows


def _read_step(step: object) -> Fields | None:
    if not isinstance(step, Mapping):
        return None
    rows = {key: value for key, value in step.items() if key not in ("without", "for", "within")}
    length = step.get("for", step.get("within"))
    span = ("", "day") if length is None else times.read_length(length)
    without = step.get("without")
    found = _read_rows(rows, "")
    if isinstance(without, Mapping) and not rows:
        found = _read_rows(without, "no_")
    if found is None or span is None:
        return None
    return Fields({**found, "v": [span[0]], "u": [span[1]]})


def _read_rows(rows: Mapping[str, object], prefix: str) -> Fields | None:
    match dict(rows):
        case {"orders": {}, **rest} if not rest and not rows["orders"]:
            return made(k=f"{prefix}orders")
        case {"events": {"name": str(name), **more}, **rest} if not rest and not more:
            return made(k=f"{prefix}events", names=[name])
        case {"events": {"name": list(names), **more}, **rest} if not rest and not more:
            return made(k=f"{prefix}events", names=[str(name) for name in names])
    return None
