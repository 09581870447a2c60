"""The editors of what leads to a part of a step, and of what has no boxes of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext

from pusula.segments.language import DefinitionError, read_yaml
from pusula.web.builder import controls, times
from pusula.web.builder.controls import Control, IncompleteError, Line
from pusula.web.builder.fields import Fields
from pusula.web.journey_form import boxes, writing
from pusula.web.journey_form.boxes import Json


@dataclass(frozen=True)
class VariantEditor:
    """Edits a variant of a lot: its name and its share."""

    def lines(self, fields: Fields) -> list[Line]:
        """Return the boxes."""
        share = controls.number("share", gettext("Share"), fields.one("share"), unit="%")
        return [
            boxes.line(controls.text("name", gettext("Name"), fields.one("name"))),
            boxes.line(share),
        ]

    def document(self, fields: Fields) -> Json:
        """Return the variant."""
        name = boxes.chosen(fields, "name", gettext("Give the variant a name."))
        return {"name": name, "share": said_share(fields.one("share"))}

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``."""
        if not isinstance(body, Mapping) or not boxes.is_typed(body.get("name")):
            return None
        share = read_share(body.get("share"))
        return None if share is None else times.made(name=str(body["name"]), share=share)


@dataclass(frozen=True)
class OutcomeEditor:
    """Edits what a call may end with: its key and its title."""

    def lines(self, fields: Fields) -> list[Line]:
        """Return the boxes."""
        key = controls.text("outcome", gettext("Key, such as bought"), fields.one("outcome"))
        return [*boxes.words(fields, "title", gettext("What the agent chooses")), boxes.line(key)]

    def document(self, fields: Fields) -> Json:
        """Return the outcome."""
        key = boxes.chosen(fields, "outcome", gettext("Give the outcome a key."))
        missing = gettext("Give the outcome a title.")
        return {"outcome": key, "title": boxes.said_words(fields, "title", missing)}

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``."""
        if not isinstance(body, Mapping):
            return None
        found = times.made(outcome=str(body.get("outcome", "")))
        return found if boxes.put_words(found, "title", body.get("title")) else None


@dataclass(frozen=True)
class RawEditor:
    """Edits a whole entry, end or step as YAML text: for what has no boxes of its own."""

    def lines(self, fields: Fields) -> list[Line]:
        """Return a box for the text."""
        return [boxes.line(Control("yaml", "y", gettext("As YAML"), (fields.one("y"),)))]

    def document(self, fields: Fields) -> Json:
        """Return what the text says."""
        text = fields.one("y")
        found = read_yaml(text) if text else None
        if not isinstance(found, dict):
            raise IncompleteError(gettext("Write it as YAML, such as wait: {for: 1 hour}."))
        if not all(isinstance(word, str) for word in found):
            raise DefinitionError("1", "keys are words")
        return found

    def fields(self, body: object) -> Fields | None:
        """Return the fields that hold ``body``."""
        return times.made(y=writing.written(body)) if isinstance(body, dict) else None


def said_share(text: str) -> str:
    """Return a share as the language writes it; raise ``IncompleteError``."""
    return f"{times.number_of(text):.15g} %"


def read_share(share: object) -> str | None:
    """Return a share such as ``12.5 %`` as people type it; ``None`` if a box would change it."""
    number, _, sign = str(share).partition(" ")
    try:
        value = float(number)
    except ValueError:
        return None
    shown = boxes.number(int(value) if value == int(value) else value)
    return shown if sign == "%" else None
