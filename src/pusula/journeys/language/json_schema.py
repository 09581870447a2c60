"""The language of journeys as a JSON Schema (draft 2020-12), made of the tables of the parser.

It says the shape of everything and the names an installation knows. What takes a look at two
places at once (that shares make 100 %, that nobody goes back) is said by ``parse`` alone.
"""

from __future__ import annotations

from collections.abc import Collection

from pusula.journeys.language import schema as known
from pusula.journeys.language.schema import DEFAULT_LIMITS, Names
from pusula.journeys.language.steps import STEPS
from pusula.segments.language import json_shapes as shapes
from pusula.segments.language.json_schema import json_schema as of_segments
from pusula.segments.language.json_shapes import Json
from pusula.segments.language.moment_tests import WEEKDAYS
from pusula.segments.language.schema import Kind
from pusula.segments.language.windows import UNITS

_TIME: Json = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}
_ID: Json = {"type": "string", "maxLength": 60, "pattern": "^[a-z0-9]+([-_][a-z0-9]+)*$"}
_TRUE: Json = {"const": True}
_DAYS = "day|week|month|year"


def json_schema(names: Names) -> Json:
    """Return the JSON Schema of a journey, with the names that ``names`` knows."""
    parts = {
        "steps": shapes.list_of(shapes.ref("step"), DEFAULT_LIMITS.steps),
        "step": _step(names),
        "trigger": shapes.single(_triggers(names)),
        "date": shapes.record(_date(names), ()),
        "length": shapes.lengths(UNITS),
    }
    ends = shapes.single({**_triggers(names), "where": shapes.ref("condition")})
    fields: dict[str, Json] = {
        "journey": shapes.KEY,
        "title": shapes.words(200),
        "description": shapes.words(2_000),
        "keyed_by": {"enum": [*known.KEYED]},
        "purpose": {**shapes.TEXT, "maxLength": 30},
        "class": {"enum": [*known.CLASSES]},
        "priority": {"type": "integer", "minimum": 1, "maximum": 9},
        "holdout": {"anyOf": [shapes.PER_CENT, {"const": 0}]},
        "who": shapes.ref("condition"),
        "reentry": _reentry(),
        "goal": ends,
        "exit_when": shapes.list_of(ends, DEFAULT_LIMITS.exits),
        "entry": shapes.list_of(_entry(names), DEFAULT_LIMITS.entries),
        "steps": shapes.ref("steps"),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A journey of Pusula",
        **shapes.record(fields, ("journey", "title", "entry", "steps")),
        "$defs": of_segments(names.schema)["$defs"] | parts,
    }


def _named(found: Collection[str] | None, otherwise: Json) -> Json:
    return otherwise if found is None else {"enum": [*found]}


def _reentry() -> Json:
    rules = [rule for rule in known.RULES if rule != "never"]
    limited = {"rule": {"enum": rules}, "after": shapes.ref("length")}
    return {"anyOf": [{"enum": [*known.RULES]}, shapes.record(limited, ("after",))]}


def _triggers(names: Names) -> dict[str, Json]:
    name = shapes.one_or_more(shapes.TEXT, 1_000)
    segment = _named(names.segments, shapes.KEY)
    orders = {"becomes": {"enum": [*known.ORDER_CHANGES]}, "where": shapes.ref("orders.where")}
    return {
        "event": shapes.record({"name": name, "where": shapes.ref("events.where")}, ("name",)),
        "order": shapes.record(orders, ()),
        "enters": segment,
        "leaves": segment,
    }


def _date(names: Names) -> dict[str, Json]:
    traits = [name for name, kind in names.schema.traits.items() if kind is Kind.DAY]
    return {
        "of": {"enum": [*known.ORDER_DATES]},
        "trait": {"enum": traits},
        "offset": {"type": "string", "pattern": rf"^[0-9]{{1,5}} ({_DAYS})s? (before|after)$"},
        "at": _TIME,
        "yearly": {"type": "boolean"},
    }


def _entry(names: Names) -> Json:
    weekdays = shapes.one_or_more({"enum": [*WEEKDAYS]}, 7)
    day = {"type": "integer", "minimum": 1, "maximum": 31}
    schedule = {
        "segment": _named(names.segments, shapes.KEY), "at": _TIME, "day": shapes.DAY,
        "weekdays": weekdays, "month_days": shapes.one_or_more(day, 31),
    }  # fmt: skip
    dated = {"where": shapes.ref("orders.where"), "late": {"enum": ["enter", "skip"]}}
    return shapes.single(
        {
            **_triggers(names),
            "schedule": shapes.record(schedule, ("segment", "at")),
            "date": shapes.record({**_date(names), **dated}, ()),
            "api": _TRUE,
        }
    )


def _step(names: Names) -> Json:
    kinds = _kinds(names)
    return {
        "anyOf": [shapes.record({"id": _ID, word: kinds[word]}, ("id", word)) for word in STEPS]
    }


def _kinds(names: Names) -> dict[str, Json]:
    steps, length = shapes.ref("steps"), shapes.ref("length")
    way = shapes.record({"when": shapes.ref("condition"), "steps": steps}, ("when",))
    variant = shapes.record(
        {"name": _ID, "share": shapes.PER_CENT, "steps": steps}, ("name", "share")
    )
    outcome = shapes.record(
        {"outcome": _ID, "title": shapes.words(120), "steps": steps}, ("outcome", "title")
    )
    most = DEFAULT_LIMITS.ways
    task = {
        "title": shapes.words(120), "script": shapes.words(4_000), "at_most": length,
        "outcomes": shapes.list_of(outcome, most), "else": steps,
    }  # fmt: skip
    approval = {"title": shapes.words(200), "at_most": length, "then": steps, "else": steps}
    value = {"anyOf": [{**shapes.TEXT, "maxLength": 400}, shapes.NUMBER, {"type": "boolean"}]}
    a_list = _named(names.schema.lists, shapes.KEY)
    return {
        "wait": _wait(),
        "branch": shapes.record({"ways": shapes.list_of(way, most), "else": steps}, ("ways",)),
        "split": shapes.list_of(variant, most),
        "message": _message(names),
        "task": shapes.record(task, ("title", "script", "outcomes", "at_most")),
        "approval": shapes.record(approval, ("title", "at_most")),
        "webhook": shapes.record({"url": {"type": "string", "pattern": "^https://"}}, ("url",)),
        "set_trait": shapes.record(
            {"name": {**shapes.TEXT, "maxLength": 64}, "value": value}, ("name", "value")
        ),
        "list": shapes.single({"add_to": a_list, "remove_from": a_list}),
        "coupon": shapes.record(
            {"pool": _named(names.pools, shapes.KEY), "else": steps}, ("pool",)
        ),
        "goal": _TRUE,
        "exit": _TRUE,
        "continue": _ID,
    }


def _wait() -> Json:
    steps, length = shapes.ref("steps"), shapes.ref("length")
    weekdays = shapes.one_or_more({"enum": [*WEEKDAYS]}, 7)
    first = {
        "first": shapes.list_of(shapes.ref("trigger"), DEFAULT_LIMITS.ways), "at_most": length,
        "then": steps, "else": steps,
    }  # fmt: skip
    return {
        "anyOf": [
            shapes.record({"for": length}, ("for",)),
            shapes.record({"until": _TIME, "weekdays": weekdays}, ("until",)),
            shapes.record(
                {"until": {"const": known.OWN_HOUR}, "usual": _TIME, "weekdays": weekdays},
                ("until", "usual"),
            ),
            shapes.record({"date": shapes.ref("date")}, ("date",)),
            shapes.record(first, ("first", "at_most")),
        ]
    }


def _message(names: Names) -> Json:
    ways = []
    for channel in names.schema.channels:
        found = None if names.templates is None else names.templates.get(channel, ())
        name = _named(found, {**shapes.TEXT, "maxLength": 120})
        by_language = {
            "type": "object",
            "properties": dict.fromkeys(known.LANGUAGES, name),
            "additionalProperties": False,
            "minProperties": 1,
        }
        template: Json = {"anyOf": [name, by_language]}
        fields: dict[str, Json] = {"channel": {"const": channel}, "template": template}
        ways.append(shapes.record(fields, ("channel", "template")))
    several = shapes.list_of({"anyOf": ways}, len(ways))
    return shapes.record({"ways": several, "not_after": shapes.ref("length")}, ("ways",))
