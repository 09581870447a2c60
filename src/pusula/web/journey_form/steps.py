"""The editors of the steps: waits, messages, tasks and the small ones; without what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext

from pusula.journeys.language import schema
from pusula.segments.language.schema import Kind
from pusula.web import titles
from pusula.web.builder import controls, times
from pusula.web.builder.controls import IncompleteError, Line
from pusula.web.builder.fields import Fields
from pusula.web.journey_form import boxes
from pusula.web.journey_form.boxes import Here, Json
from pusula.web.journey_form.triggers import ApiEditor, DateEditor

_USUAL_HOUR = "19:00"  # when most people have time


@dataclass(frozen=True)
class WaitEditor:
    """Edits a wait for a length of time, a time of day or a date."""

    here: Here

    def lines(self, fields: Fields) -> list[Line]:
        """Return the menu of sorts and the boxes of the chosen one."""
        menu = [
            ("for", gettext("for a length of time")),
            ("until", gettext("until a time of day where they live")),
            (schema.OWN_HOUR, gettext("until the hour at which they act")),
            ("date", gettext("until a date")),
        ]
        sort = fields.one("sort", "for")
        found = [boxes.line(controls.select("sort", gettext("How"), sort, menu, redraws=True))]
        match sort:
            case "until":
                time = boxes.time(fields, gettext("Until what time"), "until", "09:00")
                return [*found, time, boxes.weekdays(fields)]
            case schema.OWN_HOUR:
                time = boxes.time(fields, gettext("If nobody knows it"), "usual", _USUAL_HOUR)
                return [*found, time, boxes.weekdays(fields)]
            case "date":
                return [*found, *self._date.lines(fields)]
        return [*found, boxes.length(fields, "for", gettext("How long"), "hour")]

    @property
    def _date(self) -> DateEditor:
        return DateEditor(self.here, is_entry=False)

    def document(self, fields: Fields) -> Json:
        """Return the step."""
        match fields.one("sort", "for"):
            case "until":
                until = boxes.said_time(fields, "until", "09:00")
                return {"wait": {"until": until} | _weekdays(fields)}
            case schema.OWN_HOUR:
                usual = boxes.said_time(fields, "usual", _USUAL_HOUR)
                return {"wait": {"until": schema.OWN_HOUR, "usual": usual} | _weekdays(fields)}
            case "date":
                return {"wait": self._date.document(fields)}
        return {"wait": {"for": boxes.said_length(fields, "for", "hour")}}

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``."""
        match body:
            case {"for": length}:
                found = times.made(sort="for")
                return found if boxes.put_length(found, "for", length) else None
            case {"until": str(until), **rest}:
                days = rest.get("weekdays", [])
                listed = days if isinstance(days, list) else [days]
                more = {"weekdays": [str(day) for day in listed]} if listed else {}
                if until == schema.OWN_HOUR:
                    return times.made(sort=until, usual=str(rest.get("usual", "")), **more)
                return times.made(sort="until", until=until, **more)
            case {"date": date}:
                read = self._date.fields(date)
                return None if read is None else Fields({"sort": ["date"], **read})
        return None


def _weekdays(fields: Fields) -> Json:
    days = boxes.said_weekdays(fields)
    return {"weekdays": days} if days else {}


@dataclass(frozen=True)
class FirstEditor:
    """Edits how long somebody waits for something to happen; what, its triggers say."""

    def lines(self, fields: Fields) -> list[Line]:
        """Return the boxes of the longest wait."""
        return [boxes.length(fields, "most", gettext("At most"))]

    def document(self, fields: Fields) -> Json:
        """Return the step."""
        return {"wait": {"at_most": boxes.said_length(fields, "most")}}

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``."""
        found = Fields()
        at_most = body.get("at_most") if isinstance(body, Mapping) else None
        return found if boxes.put_length(found, "most", at_most) else None


@dataclass(frozen=True)
class PlainEditor:
    """Edits a step of which all is said by its parts."""

    word: str

    def lines(self, _fields: Fields) -> list[Line]:
        """Return no boxes."""
        return []

    def document(self, _fields: Fields) -> Json:
        """Return the step."""
        return {self.word: {}}

    def fields(self, _body: object) -> Fields | None:
        """Return no fields."""
        return Fields()


@dataclass(frozen=True)
class TaskEditor:
    """Edits a call by an agent, or (``approval``) a question to a colleague."""

    word: str

    def lines(self, fields: Fields) -> list[Line]:
        """Return the boxes of the words and of the longest wait."""
        label = gettext("What is asked") if self.word == "approval" else gettext("Title")
        found = boxes.words(fields, "title", label)
        if self.word == "task":
            found += boxes.words(fields, "script", gettext("What to say"), is_long=True)
        return [*found, boxes.length(fields, "most", gettext("Within"))]

    def document(self, fields: Fields) -> Json:
        """Return the step."""
        body = {"title": boxes.said_words(fields, "title", gettext("Give it a title."))}
        if self.word == "task":
            missing = gettext("Write what the agent says.")
            body["script"] = boxes.said_words(fields, "script", missing)
        return {self.word: body | {"at_most": boxes.said_length(fields, "most")}}

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``."""
        if not isinstance(body, Mapping):
            return None
        found = Fields()
        is_read = boxes.put_words(found, "title", body.get("title"))
        if self.word == "task":
            is_read = is_read and boxes.put_words(found, "script", body.get("script"))
        is_read = is_read and "\n" not in found.one("title_tr") + found.one("title_en")
        return found if is_read and boxes.put_length(found, "most", body.get("at_most")) else None


@dataclass(frozen=True)
class TextEditor:
    """Edits a step that says one text: the address of a webhook, a pool of codes, a later step."""

    word: str
    name: str
    label: str
    menu: tuple[tuple[str, str], ...] | None
    missing: str

    def lines(self, fields: Fields) -> list[Line]:
        """Return the box or menu."""
        value = fields.one(self.name)
        if self.menu is None:
            return [boxes.line(controls.text(self.name, self.label, value))]
        menu = [("", gettext("Choose…")), *self.menu]
        return [boxes.line(controls.select(self.name, self.label, value, menu))]

    def document(self, fields: Fields) -> Json:
        """Return the step."""
        value = boxes.chosen(fields, self.name, self.missing)
        return {self.word: value if self.name == self.word else {self.name: value}}

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``."""
        value = body.get(self.name) if isinstance(body, Mapping) else body
        return times.made(**{self.name: value}) if boxes.is_typed(value) else None  # type: ignore[arg-type]


@dataclass(frozen=True)
class TraitEditor:
    """Edits the value that a trait gets."""

    here: Here

    def _sort(self, fields: Fields) -> str:
        """Return what the value is: the trait says so where it is known."""
        known = self.here.names.schema.traits.get(fields.one("name"))
        by_kind = {Kind.BOOL: "bool", Kind.NUMBER: "number", Kind.TEXT: "text"}
        return by_kind[known] if known in by_kind else fields.one("sort", "text")

    def lines(self, fields: Fields) -> list[Line]:
        """Return the boxes of the name, the sort and the value."""
        sort, value = self._sort(fields), fields.one("value")
        sorts = [
            ("text", gettext("a text")),
            ("number", gettext("a number")),
            ("bool", gettext("yes or no")),
        ]
        known = [(name, titles.trait(name)) for name in sorted(self.here.names.schema.traits)]
        menu = [("", gettext("a new one, called …")), *known]
        name = fields.one("name")
        found = [
            boxes.line(controls.select("name", gettext("Which trait"), name, menu, redraws=True))
        ]
        if not name:
            found.append(boxes.line(controls.text("new", gettext("Its name"), fields.one("new"))))
        if name not in self.here.names.schema.traits:
            found.append(
                boxes.line(controls.select("sort", gettext("It is"), sort, sorts, redraws=True))
            )
        if sort == "bool":
            yes_no = [("yes", gettext("yes")), ("no", gettext("no"))]
            return [*found, boxes.line(controls.select("value", gettext("Value"), value, yes_no))]
        return [*found, boxes.line(controls.text("value", gettext("Value"), value))]

    def document(self, fields: Fields) -> Json:
        """Return the step."""
        missing = gettext("Name the trait.")
        name = fields.one("name") or boxes.chosen(fields, "new", missing)
        value: str | float | bool = fields.one("value")
        match self._sort(fields):
            case "bool":
                value = value != "no"
            case "number":
                value = times.number_of(str(value))
            case _ if not value:
                raise IncompleteError(gettext("Type a text."))
        return {"set_trait": {"name": name, "value": value}}

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``."""
        match body:
            case {"name": str(name), "value": bool(value)}:
                return times.made(name=name, sort="bool", value="yes" if value else "no")
            case {"name": str(name), "value": (int() | float()) as value}:
                shown = boxes.number(value)
                return None if shown is None else times.made(name=name, sort="number", value=shown)
            case {"name": str(name), "value": str(value)} if boxes.is_typed(value):
                is_long = "\n" in value
                return None if is_long else times.made(name=name, sort="text", value=value)
        return None


@dataclass(frozen=True)
class ListEditor:
    """Edits putting somebody on a list, or taking them off it."""

    here: Here

    def lines(self, fields: Fields) -> list[Line]:
        """Return the menus of what and of which list."""
        menu = [
            ("add_to", gettext("put on the list")),
            ("remove_from", gettext("take off the list")),
        ]
        what = controls.select("what", gettext("What"), fields.one("what", "add_to"), menu)
        lists = self.here.choices.sets("list")
        which = controls.select(
            "key", gettext("Which list"), fields.one("key"), [("", gettext("Choose…")), *lists]
        )
        return [boxes.line(what), boxes.line(which)]

    def document(self, fields: Fields) -> Json:
        """Return the step."""
        key = boxes.chosen(fields, "key", gettext("Choose a list."))
        word = "remove_from" if fields.one("what") == "remove_from" else "add_to"
        return {"list": {word: key}}

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``."""
        match body:
            case {"add_to": str(key)}:
                return times.made(what="add_to", key=key)
            case {"remove_from": str(key)}:
                return times.made(what="remove_from", key=key)
        return None


def goes_on(here: Here, own: str) -> TextEditor:
    """Return the editor of a jump to one of the steps behind the step of the node ``own``."""
    nodes = list(here.steps)
    later = nodes[nodes.index(own) + 1 :] if own in nodes else []
    menu = tuple(
        (here.steps[node], here.lines.get(node, here.steps[node]))
        for node in later
        if here.steps[node]
    )
    missing = gettext("Choose a later step.")
    return TextEditor("continue", "continue", gettext("With which step"), menu, missing)


def coupon(here: Here) -> TextEditor:
    """Return the editor of keeping a code."""
    menu = tuple((key, key) for key in here.names.pools or ())
    missing = gettext("Choose a pool of codes.")
    return TextEditor("coupon", "pool", gettext("Pool of codes"), menu, missing)


def webhook() -> TextEditor:
    """Return the editor of telling a program."""
    missing = gettext("Type an address such as https://example.com/hook.")
    return TextEditor("webhook", "url", gettext("Address"), None, missing)


def said(word: str) -> ApiEditor:
    """Return the editor of a step of which there is nothing to say but that it is."""
    return ApiEditor(word)
