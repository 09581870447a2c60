"""The editors of conditions on scores, campaigns and random buckets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext

from pusula.predict import words
from pusula.segments.language.schema import Kind, Schema
from pusula.web.builder import controls
from pusula.web.builder.choices import Choices
from pusula.web.builder.controls import IncompleteError, Row
from pusula.web.builder.editors import one_line
from pusula.web.builder.fields import Fields, shown_number
from pusula.web.builder.times import made, number_of
from pusula.web.builder.values import Asked, periods

Json = dict[str, object]
_KINDS = {"value": Kind.NUMBER, "decile": Kind.NUMBER, "scored_at": Kind.MOMENT}


@dataclass(frozen=True)
class ScoreEditor:
    """Edits a test of the newest score of a model: its value, its decile, its age."""

    schema: Schema
    choices: Choices

    def row(self, fields: Fields) -> Row:
        """Return the model, what of its score is asked, and the test."""
        of = self._of(fields)
        menu = [
            ("value", gettext("the score")),
            ("decile", gettext("the decile, 10 the highest")),
            ("scored_at", gettext("when it was made")),
        ]
        # A model whose scores are withheld today stays what the condition asks for.
        given = sorted({*self.choices.models(), fields.one("model")} - {""})
        models = [("", gettext("Choose…")), *((m, words.title(m)) for m in given)]
        return one_line(
            [
                controls.select("model", gettext("Model"), fields.one("model"), models),
                controls.select("of", gettext("What of the score"), of, menu, redraws=True),
                *self._asked(of).controls(fields),
            ]
        )

    def _of(self, fields: Fields) -> str:
        return fields.one("of") if fields.one("of") in _KINDS else "value"

    def _asked(self, of: str) -> Asked:
        return Asked(_KINDS[of], self.schema.currency, periods=periods(self.schema))

    def document(self, fields: Fields) -> Json:
        """Return the condition; raise ``IncompleteError``."""
        of = self._of(fields)
        if not fields.one("model"):
            raise IncompleteError(gettext("Choose a model."))
        return {"score": {"model": fields.one("model"), of: self._asked(of).document(fields)}}

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``; ``None`` if these boxes cannot."""
        if not isinstance(body, Mapping):
            return None
        of = next((word for word in _KINDS if word in body), None)
        if of is None:
            return None
        read = self._asked(of).fields(body[of])
        return None if read is None else Fields({**read, "of": [of], "model": [str(body["model"])]})


@dataclass(frozen=True)
class CampaignEditor:
    """Edits a condition on those whom a campaign chose, all of them or one arm."""

    choices: Choices

    def row(self, fields: Fields) -> Row:
        """Return the campaign and the arm."""
        menu = [("", gettext("Choose…")), *self.choices.sets("campaign")]
        arm = controls.text("arm", gettext("Arm; empty: all"), fields.one("arm"))
        return one_line(
            [
                controls.select("v", gettext("Campaign"), fields.one("v"), menu),
                controls.word(gettext("arm")),
                arm,
            ]
        )

    def document(self, fields: Fields) -> Json:
        """Return the condition; raise ``IncompleteError``."""
        if not fields.one("v"):
            raise IncompleteError(gettext("Choose one from the menu."))
        arm = {"arm": fields.one("arm")} if fields.one("arm") else {}
        return {"campaign": {"key": fields.one("v"), **arm}}

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``."""
        match body:
            case {"key": str(key), **rest} if set(rest) <= {"arm"}:
                return made(v=key, arm=str(rest.get("arm", "")))
        return None


@dataclass(frozen=True)
class BucketEditor:
    """Edits a condition on a share of everybody drawn at random, always the same people."""

    def row(self, fields: Fields) -> Row:
        """Return the name of the draw and its limits."""
        return one_line(
            [
                controls.text("name", gettext("Name of the draw"), fields.one("name")),
                controls.word(gettext("from")),
                controls.number("v", gettext("From"), fields.one("v", "0"), unit="%"),
                controls.word(gettext("to")),
                controls.number("v2", gettext("To"), fields.one("v2"), unit="%"),
            ]
        )

    def document(self, fields: Fields) -> Json:
        """Return the condition; raise ``IncompleteError``."""
        if not fields.one("name"):
            raise IncompleteError(
                gettext("Give the draw a name: the same name draws the same people.")
            )
        low, high = number_of(fields.one("v", "0")), number_of(fields.one("v2"))
        start = {"from": f"{low:.10g} %"} if low else {}
        return {"bucket": {"name": fields.one("name"), **start, "to": f"{high:.10g} %"}}

    def fields(self, body: object) -> Fields | None:
        """Return the fields that say ``body``."""
        match body:
            case {"name": str(name), "to": to, **rest}:
                low, high = _percent(rest.get("from", "0 %")), _percent(to)
                if low is not None and high is not None:
                    return made(name=name, v=low, v2=high)
        return None


def _percent(share: object) -> str | None:
    try:
        return shown_number(float(str(share).removesuffix("%").strip()))
    except ValueError:
        return None
