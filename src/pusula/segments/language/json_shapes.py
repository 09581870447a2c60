"""The parts of the published JSON Schema that are the same for every installation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, get_args

from pusula.segments.language import literals, spans
from pusula.segments.language.moment_tests import MONTHS
from pusula.segments.language.nodes import Operator
from pusula.segments.language.parse import KEY as KEY_PATTERN
from pusula.segments.language.value_tests import MOST_RANK, POPULATION_TESTS
from pusula.segments.language.windows import ANCHORS, EXACT, UNITS

Json = dict[str, Any]

DAY: Json = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
TEXT: Json = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"\S"}
LINE = {**TEXT, "pattern": r"^[^\n]*[^\s][^\n]*$"}
KEY = {"type": "string", "maxLength": 80, "pattern": f"^{KEY_PATTERN.pattern}$"}
# Letters beyond ASCII are not told apart: the patterns of JSON Schema know no classes of Unicode.
NAME = "[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]{0,63}"
PROPERTY: Json = {"type": "string", "pattern": f"^{NAME}$"}
PER_CENT = {"type": "string", "pattern": r"^[0-9]{1,5}(\.[0-9]{1,6})? ?%$"}
COUNT = {"type": "integer", "minimum": 0, "maximum": literals.MOST}
NUMBER = {"type": "number", "minimum": -literals.MOST, "maximum": literals.MOST}
MONTH = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 12}, {"enum": [*MONTHS]}]}
SEASON = {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "integer"}}
MISSING = {"enum": ["known", "unknown"]}


def words(most: int) -> Json:
    """Return a text in both languages."""
    text = {**TEXT, "maxLength": most}
    return record({"tr": text, "en": text}, ("tr", "en"))


def ref(name: str) -> Json:
    """Return a reference to a part that has a name."""
    return {"$ref": f"#/$defs/{name}"}


def record(properties: Mapping[str, Json], required: Collection[str]) -> Json:
    """Return a mapping with these words and no others."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [*required],
        "additionalProperties": False,
    }


def single(properties: Mapping[str, Json]) -> Json:
    """Return the schema of a mapping with exactly one of the words."""
    return {**record(properties, ()), "minProperties": 1, "maxProperties": 1}


def list_of(items: Json, most: int) -> Json:
    """Return a list of one to ``most`` entries."""
    return {"type": "array", "minItems": 1, "maxItems": most, "items": items}


def pair(items: Json) -> Json:
    """Return a list of two entries."""
    return {"type": "array", "minItems": 2, "maxItems": 2, "items": items}


def one_or_more(items: Json, most: int) -> Json:
    """Return one entry, or a list of them."""
    return {"anyOf": [items, list_of(items, most)]}


def lengths(units: Collection[str]) -> Json:
    """Return a length of time in one of the ``units``."""
    return {"type": "string", "pattern": rf"^[0-9]{{1,9}} ({'|'.join(units)})s?$"}


def bound() -> Json:
    """Return a point in time, or a moment of each profile's own."""
    length = f"[0-9]{{1,9}} ({'|'.join(UNITS)})s?"
    anchors = "|".join(ANCHORS)
    return {
        "anyOf": [
            {"enum": ["today", "now", *ANCHORS]},
            DAY,
            {"type": "string", "pattern": f"^({length} ago|in {length})$"},
            {
                "type": "string",
                "pattern": f"^[0-9]{{1,9}} ({'|'.join(EXACT)})s? (after|before) ({anchors})$",
            },
        ]
    }


def _windows() -> dict[str, Json]:
    """Return what stands under each word of a window."""
    reach = {"anyOf": [{"const": "all"}, lengths(UNITS)]}
    units = "|".join(spans.CALENDAR_UNITS)
    several = {"type": "string", "pattern": f"^({units}|[0-9]{{1,6}} ({units})s?)$"}
    shapes: dict[str, Json] = {
        "last": reach,
        "next": reach,
        "between": pair(ref("bound")),
        "this": {"enum": [*spans.CALENDAR_UNITS]},
        "previous": several,
        "following": several,
        "calendar": several,
    }
    return {word: shapes.get(word, ref("bound")) for word in spans.WINDOW_KEYS}


def window() -> Json:
    """Return a window."""
    both = record({"from": ref("bound"), "to": ref("bound")}, ("from", "to"))
    return {"anyOf": [single(_windows()), both]}


OF_MEAN = single(
    {
        operator: {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, PER_CENT]}
        for operator in get_args(Operator)
    }
)
POPULATION: dict[str, Json] = {
    word: {
        "between_quantiles": pair(PER_CENT),
        "rank": {"type": "integer", "minimum": 1, "maximum": MOST_RANK},
        "of_mean": OF_MEAN,
        "of_row_mean": OF_MEAN,
    }.get(word, PER_CENT)
    for word in POPULATION_TESTS
}
