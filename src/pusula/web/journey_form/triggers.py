"""The editors of what happens to a customer: events, orders, segments, schedules, days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from django.utils.translation import gettext

from pusula.journeys.language.schema import ORDER_CHANGES, ORDER_DATES
from pusula.segments.language.schema import RELATIONS, Kind
from pusula.web import titles
from pusula.web.builder import controls, times
from pusula.web.builder.controls import Control, IncompleteError, Line
from pusula.web.builder.fields import Fields
from pusula.web.builder.rows import RowsEditor
from pusula.web.journey_form import boxes
from pusula.web.journey_form.boxes import Here, Json

_STATE = "status"
_MOST_DAY = 31


@dataclass(frozen=True)
class EventEditor:
    """Edits an event: its names, and the tests of its properties."""

    here: Here

    def lines(self, fields: Fields) -> list[Line]:
        """Return the list of names and a line for each test."""
        names = controls.many(
            "names", gettext("Which event"), fields.many("names"), self.here.choices.events()
        )
        return [boxes.line(names), *filters(self.here, "events", fields)]

    def document(self, fields: Fields) -> Json:
        """Return the trigger."""
        names = fields.many("names")
        if not names:
            raise IncompleteError(gettext("Choose at least one event."))
        body: Json = {"name": names[0] if len(names) == 1 else names}
        return {"event": body | said_where(self.here, "events", fields)}

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``."""
        if not isinstance(body, Mapping):
            return None
        names = body.get("name")
        listed = [names] if isinstance(names, str) else names
        if not isinstance(listed, list) or not all(boxes.is_typed(name) for name in listed):
            return None
        found = times.made(names=listed)
        return found if _put_where(self.here, "events", body, found) else None


@dataclass(frozen=True)
class OrderEditor:
    """Edits what becomes of an order, and which orders count."""

    here: Here

    def lines(self, fields: Fields) -> list[Line]:
        """Return the menu of changes and a line for each test."""
        states = {"placed": gettext("is placed"), **titles.ORDER_STATES}
        menu = [(word, str(states.get(word, word))) for word in ORDER_CHANGES]
        chosen = fields.one("becomes", ORDER_CHANGES[0])
        first = controls.select("becomes", gettext("What becomes of the order"), chosen, menu)
        return [boxes.line(first), *filters(self.here, "orders", fields)]

    def document(self, fields: Fields) -> Json:
        """Return the trigger."""
        becomes = fields.one("becomes", ORDER_CHANGES[0])
        body = {} if becomes == ORDER_CHANGES[0] else {"becomes": becomes}
        return {"order": body | said_where(self.here, "orders", fields)}

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``."""
        if not isinstance(body, Mapping):
            return None
        found = times.made(becomes=str(body.get("becomes", ORDER_CHANGES[0])))
        return found if _put_where(self.here, "orders", body, found) else None


@dataclass(frozen=True)
class SegmentEditor:
    """Edits entering or leaving a segment."""

    here: Here
    word: str

    def lines(self, fields: Fields) -> list[Line]:
        """Return the menu of segments."""
        return [boxes.line(segment_menu(self.here, fields))]

    def document(self, fields: Fields) -> Json:
        """Return the trigger."""
        return {self.word: boxes.chosen(fields, "segment", gettext("Choose a segment."))}

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``."""
        return times.made(segment=body) if isinstance(body, str) else None


@dataclass(frozen=True)
class ScheduleEditor:
    """Edits when all members of a segment come in."""

    here: Here

    def lines(self, fields: Fields) -> list[Line]:
        """Return the boxes of the segment, the days and the time."""
        menu = [
            ("daily", gettext("every day")),
            ("weekdays", gettext("on weekdays")),
            ("month_days", gettext("on days of the month")),
            ("day", gettext("once, on a day")),
        ]
        when = fields.one("when", "daily")
        found = [
            boxes.line(segment_menu(self.here, fields)),
            boxes.line(controls.select("when", gettext("How often"), when, menu, redraws=True)),
        ]
        match when:
            case "weekdays":
                found.append(boxes.weekdays(fields))
            case "month_days":
                label = gettext("Days of the month, such as 1, 15")
                found.append(boxes.line(controls.text("days", label, fields.one("days"))))
            case "day":
                found.append(boxes.line(controls.day("day", gettext("Day"), fields.one("day"))))
        return [*found, boxes.time(fields, gettext("At what time"))]

    def document(self, fields: Fields) -> Json:
        """Return the entry."""
        body: Json = {
            "segment": boxes.chosen(fields, "segment", gettext("Choose a segment.")),
            "at": boxes.said_time(fields),
        }
        match fields.one("when", "daily"):
            case "weekdays":
                body["weekdays"] = boxes.said_weekdays(fields)
                if not body["weekdays"]:
                    raise IncompleteError(gettext("Choose at least one day of the week."))
            case "month_days":
                body["month_days"] = _month_days(fields.one("days"))
            case "day":
                body["day"] = times.day_of(fields.one("day"))
        return {"schedule": body}

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``."""
        match body:
            case {"segment": str(segment), "at": str(at), **rest} if len(rest) <= 1:
                found = times.made(segment=segment, at=at)
            case _:
                return None
        match rest:
            case {"weekdays": [*days]}:
                found |= times.made(when="weekdays", weekdays=[str(day) for day in days])
            case {"month_days": [*days]}:
                found |= times.made(when="month_days", days=", ".join(map(str, days)))
            case {"day": str(day)}:
                found |= times.made(when="day", day=day)
        return found


@dataclass(frozen=True)
class DateEditor:
    """Edits a moment counted from a day of an order or a customer.

    ``is_entry``: whoever it is about comes in by it, so that it can say which and how late.
    """

    here: Here
    is_entry: bool = True

    def _days(self) -> list[tuple[str, str]]:
        if self.here.by_order:
            words = {
                "starts_on": gettext("the day of arrival"),
                "ends_on": gettext("the day of departure"),
                "ordered_at": gettext("the day of the order"),
            }
            return [(f"of:{name}", words[name]) for name in ORDER_DATES]
        traits = self.here.names.schema.traits
        days = [name for name, kind in traits.items() if kind is Kind.DAY]
        return [(f"trait:{name}", titles.trait(name)) for name in days]

    def lines(self, fields: Fields) -> list[Line]:
        """Return the boxes of the day, of how long before or after, and of the time."""
        side = fields.one("side", "on")
        sides = [
            ("on", gettext("on the day itself")),
            ("before", gettext("before it")),
            ("after", gettext("after it")),
        ]
        menu = [("", gettext("Choose a day…")), *self._days()]
        day = controls.select("of", gettext("Which day"), fields.one("of"), menu, redraws=True)
        when = controls.select("side", gettext("When"), side, sides, redraws=True)
        found = [boxes.line(day), boxes.line(when)]
        if side != "on":
            found.append(boxes.length(fields, "off", gettext("How long before or after")))
        found.append(boxes.time(fields, gettext("At what time")))
        if fields.one("of").startswith("trait:"):
            yearly = Control("check", "yearly", gettext("Every year"), (fields.one("yearly"),))
            found.append(Line((yearly,)))
        if self.is_entry:
            label = gettext("Who is known too late comes in at once")
            found.append(Line((Control("check", "late", label, (fields.one("late"),)),)))
            if self.here.by_order:
                found += filters(self.here, "orders", fields)
        return found

    def document(self, fields: Fields) -> Json:
        """Return the date."""
        word, _, name = boxes.chosen(fields, "of", gettext("Choose a day.")).partition(":")
        if word not in ("of", "trait") or not name:
            raise IncompleteError(gettext("Choose a day."))
        body: Json = {word: name, "at": boxes.said_time(fields)}
        side = fields.one("side", "on")
        if side in ("before", "after"):
            body["offset"] = f"{boxes.said_length(fields, 'off')} {side}"
        if word == "trait" and fields.one("yearly"):
            body["yearly"] = True
        if self.is_entry:
            body |= said_where(self.here, "orders", fields) if word == "of" else {}
            body |= {"late": "enter"} if fields.one("late") else {}
        return {"date": body}

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``."""
        if not isinstance(body, Mapping):
            return None
        day = next((f"{w}:{body[w]}" for w in ("of", "trait") if w in body), "")
        found = times.made(of=day, at=str(body.get("at", "10:00")))
        if "offset" in body:
            span, _, side = str(body["offset"]).rpartition(" ")
            if not boxes.put_length(found, "off", span):
                return None
            found.put("side", side)
        for name, said in (("yearly", True), ("late", "enter")):
            if body.get(name) == said:
                found.put(name, "1")
        return found if _put_where(self.here, "orders", body, found) else None


@dataclass(frozen=True)
class ApiEditor:
    """Says that a program or a person puts them in: there is nothing to edit."""

    word: str = "api"

    def lines(self, _fields: Fields) -> list[Line]:
        """Return no boxes."""
        return []

    def document(self, _fields: Fields) -> Json:
        """Return the word alone."""
        return {self.word: True}

    def fields(self, body: object) -> Fields | None:
        """Return no fields."""
        return Fields() if body is True else None


def segment_menu(here: Here, fields: Fields) -> Control:
    """Return the menu of segments."""
    menu = [("", gettext("Choose a segment…")), *here.choices.segments()]
    return controls.select("segment", gettext("Segment"), fields.one("segment"), menu)


# -- which events or orders count ---------------------------------------------------------------


def filters(here: Here, relation: str, fields: Fields) -> list[Line]:
    """Return a line for each test of the rows of ``relation``."""
    found = RowsEditor(here.names.schema, here.choices, relation).filter_lines(fields)
    known = RELATIONS[relation].choices.get(_STATE)
    if known is not None and fields.many(_STATE):
        label = gettext("Only in these states")
        menu = here.choices.states(known)
        ticked = controls.many(_STATE, label, fields.many(_STATE), menu)
        found.append(boxes.line(replace(ticked, is_closed=True)))
    return found


def said_where(here: Here, relation: str, fields: Fields) -> Json:
    """Return the tests as the language writes them; nothing if there are none."""
    where = RowsEditor(here.names.schema, here.choices, relation).where(fields)
    return {"where": where} if where else {}


def _put_where(here: Here, relation: str, body: Mapping[str, object], found: Fields) -> bool:
    editor = RowsEditor(here.names.schema, here.choices, relation)
    return editor.read_where(body.get("where", {}), found)


def _month_days(text: str) -> list[int]:
    days = [word for word in text.replace(",", " ").split() if word]
    if not days or not all(day.isascii() and day.isdigit() and len(day) < 3 for day in days):  # noqa: PLR2004 - two digits
        raise IncompleteError(gettext("Type days from 1 to 31, such as 1, 15."))
    found = sorted({int(day) for day in days})
    if found[0] < 1 or found[-1] > _MOST_DAY:
        raise IncompleteError(gettext("Type days from 1 to 31, such as 1, 15."))
    return found
