"""The editors of conditions that are not measured over rows: traits, consents, sets, YAML."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from django.utils.translation import gettext

from pusula.segments.language.documents import read_yaml
from pusula.segments.language.place import DefinitionError
from pusula.segments.language.schema import Kind, Schema
from pusula.segments.publishing.export import as_yaml
from pusula.web import titles
from pusula.web.builder import controls
from pusula.web.builder.choices import Choices
from pusula.web.builder.controls import Control, IncompleteError, Line, Row
from pusula.web.builder.fields import Fields
from pusula.web.builder.times import made
from pusula.web.builder.values import Asked, periods

Json = dict[str, object]
PURPOSE = "marketing"


class Editor(Protocol):
    """Draws the boxes of a condition, says it as YAML, and finds the boxes for a YAML."""

    def row(self, fields: Fields) -> Row:
        """Return the lines of boxes."""

    def document(self, fields: Fields) -> Json:
        """Return the condition; raise ``IncompleteError`` or ``DefinitionError``."""

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``, what stands under the condition's word."""


def one_line(found: list[Control]) -> Row:
    """Return a row of a single line."""
    return Row([Line(tuple(found))])


@dataclass(frozen=True)
class TraitEditor:
    """Edits a test of the trait ``name``."""

    schema: Schema
    choices: Choices
    name: str

    @property
    def _asked(self) -> Asked:
        kind = self.schema.traits[self.name]
        has_options = kind in (Kind.TEXT, Kind.LIST)
        options = tuple(self.choices.trait(self.name)) if has_options else ()
        return Asked(
            kind=kind,
            currency=self.schema.currency,
            options=options,
            periods=periods(self.schema),
        )

    def row(self, fields: Fields) -> Row:
        """Return the boxes of the test."""
        return one_line(self._asked.controls(fields))

    def document(self, fields: Fields) -> Json:
        """Return the condition."""
        return {"trait": {self.name: self._asked.document(fields)}}

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``."""
        if not isinstance(body, Mapping) or list(body) != [self.name]:
            return None
        return self._asked.fields(body[self.name])


@dataclass(frozen=True)
class ConsentEditor:
    """Edits what somebody decided about a channel and purpose, or (``reach``) if it finds them."""

    schema: Schema
    word: str = "consent"

    @property
    def _states(self) -> dict[str, str]:
        if self.word == "consent":
            return {
                "granted": gettext("is given"),
                "refused": gettext("is refused"),
                "unknown": gettext("was never asked for"),
            }
        return {
            "reachable": gettext("reaches them"),
            "unreachable": gettext("does not reach them"),
            "suppressed": gettext("is blocked for them"),
            "no_address": gettext("has no address of them"),
            "not_in_iys": gettext("has no approval of them in İYS"),
        }

    def row(self, fields: Fields) -> Row:
        """Return the menus of channel and state, and the purpose."""
        channels = [(c, titles.channel(c)[1]) for c in self.schema.channels]
        purpose = fields.one("purpose", PURPOSE)
        purposes = [(PURPOSE, gettext("for marketing")), ("service", gettext("for service"))]
        state = fields.one("is", next(iter(self._states)))
        return one_line(
            [
                controls.select("channel", gettext("Channel"), self._channel(fields), channels),
                controls.select("is", gettext("State"), state, self._states.items()),
                controls.select("purpose", gettext("Purpose"), purpose, purposes, is_quiet=True),
            ]
        )

    def _channel(self, fields: Fields) -> str:
        return fields.one("channel", self.schema.channels[0])

    def document(self, fields: Fields) -> Json:
        """Return the condition."""
        state = fields.one("is", next(iter(self._states)))
        body = {
            "channel": self._channel(fields),
            "purpose": fields.one("purpose", PURPOSE),
            "is": state,
        }
        return {self.word: body}

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``."""
        match body:
            case {"channel": str(channel), "purpose": str(purpose), "is": str(state)}:
                return Fields({"channel": [channel], "purpose": [purpose], "is": [state]})
        return None


@dataclass(frozen=True)
class MenuEditor:
    """Edits a condition that names one thing of a menu: another segment, a list, a campaign."""

    word: str
    label: str
    menu: Callable[[], list[tuple[str, str]]]

    def row(self, fields: Fields) -> Row:
        """Return the menu."""
        found = [("", gettext("Choose…")), *self.menu()]
        return one_line([controls.select("v", self.label, fields.one("v"), found)])

    def document(self, fields: Fields) -> Json:
        """Return the condition."""
        if not fields.one("v"):
            raise IncompleteError(gettext("Choose one from the menu."))
        return {self.word: fields.one("v")}

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``."""
        return made(v=body) if isinstance(body, str) else None


@dataclass(frozen=True)
class YamlEditor:
    """Edits a whole condition as YAML text: for what has no boxes of its own."""

    def row(self, fields: Fields) -> Row:
        """Return a box for the text."""
        return one_line([Control("yaml", "y", gettext("Condition as YAML"), (fields.one("y"),))])

    def document(self, fields: Fields) -> Json:
        """Return the condition; raise ``DefinitionError`` where it is no YAML."""
        text = fields.one("y")
        if not text:
            raise IncompleteError(gettext("Write the condition."))
        found = read_yaml(text)
        if not isinstance(found, dict):
            raise DefinitionError("1", gettext("a condition is a mapping such as trait: …"))
        return found

    def fields(self, body: object) -> Fields | None:
        """Return the fields for a whole condition ``body``."""
        return made(y=written(body)) if isinstance(body, dict) else None


def written(document: Json) -> str:
    """Return a condition as YAML text that reads well."""
    return as_yaml(document).rstrip("\n")
