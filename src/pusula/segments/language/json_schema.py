"""The language as a JSON Schema (draft 2020-12), made of the tables that the parser reads by.

Editors complete and check definitions with it. It says the shape of everything and the names that
an installation knows; what takes a look at two places at once (which of two limits is lower, how
deep conditions are nested) is said by ``parse`` alone.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from pusula.lib.money import EXPONENTS
from pusula.segments.language import literals, spans
from pusula.segments.language.aggregates import ROWS, TIMED, populations, takes_is
from pusula.segments.language.moment_tests import CALENDAR_TESTS, MONTHS, SPANS, WEEKDAYS
from pusula.segments.language.nodes import MEASURES, SEASONS, Column, Measure, Operator
from pusula.segments.language.parse import CONSENTS, KEY, LEAVES, REACHES, SCORES
from pusula.segments.language.schema import DEFAULT_LIMITS, TIMES, Kind, Limits, Relation, Schema
from pusula.segments.language.value_tests import MOST_RANK, POPULATION_TESTS, TESTS
from pusula.segments.language.windows import ANCHORS, EXACT, UNITS

Json = dict[str, Any]

_DAY: Json = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
_TEXT: Json = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"\S"}
_LINE = {**_TEXT, "pattern": r"^[^\n]*[^\s][^\n]*$"}
_KEY = {"type": "string", "maxLength": 80, "pattern": f"^{KEY.pattern}$"}
# Letters beyond ASCII are not told apart: the patterns of JSON Schema know no classes of Unicode.
_NAME = "[A-Za-z_\u0080-\uffff][A-Za-z0-9_\u0080-\uffff]{0,63}"
_PROPERTY: Json = {"type": "string", "pattern": f"^{_NAME}$"}
_PER_CENT = {"type": "string", "pattern": r"^[0-9]{1,5}(\.[0-9]{1,6})? ?%$"}
_COUNT = {"type": "integer", "minimum": 0, "maximum": literals.MOST}
_NUMBER = {"type": "number", "minimum": -literals.MOST, "maximum": literals.MOST}
_MONTH = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 12}, {"enum": [*MONTHS]}]}
_MONTHS = {"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "integer"}}
_MISSING = {"enum": ["known", "unknown"]}


def json_schema(schema: Schema, limits: Limits = DEFAULT_LIMITS) -> Json:
    """Return the JSON Schema of a definition, with the names that ``schema`` knows."""
    writer = _Writer(schema, limits)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A segment of Pusula",
        **_record(
            {
                "segment": _KEY,
                "title": _words(200),
                "description": _words(2_000),
                "where": _ref("condition"),
            },
            ("segment", "title", "where"),
        ),
        "$defs": writer.definitions(),
    }


def _words(most: int) -> Json:
    text = {**_TEXT, "maxLength": most}
    return _record({"tr": text, "en": text}, ("tr", "en"))


def _ref(name: str) -> Json:
    return {"$ref": f"#/$defs/{name}"}


def _record(properties: Mapping[str, Json], required: Collection[str]) -> Json:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [*required],
        "additionalProperties": False,
    }


def _single(properties: Mapping[str, Json]) -> Json:
    """Return the schema of a mapping with exactly one of the words."""
    return {**_record(properties, ()), "minProperties": 1, "maxProperties": 1}


def _list(items: Json, most: int) -> Json:
    return {"type": "array", "minItems": 1, "maxItems": most, "items": items}


def _pair(items: Json) -> Json:
    return {"type": "array", "minItems": 2, "maxItems": 2, "items": items}


def _one_or_more(items: Json, most: int) -> Json:
    return {"anyOf": [items, _list(items, most)]}


def _lengths(units: Collection[str]) -> Json:
    return {"type": "string", "pattern": rf"^[0-9]{{1,9}} ({'|'.join(units)})s?$"}


def _bound() -> Json:
    lengths = f"[0-9]{{1,9}} ({'|'.join(UNITS)})s?"
    anchors = "|".join(ANCHORS)
    return {
        "anyOf": [
            {"enum": ["today", "now", *ANCHORS]},
            _DAY,
            {"type": "string", "pattern": f"^({lengths} ago|in {lengths})$"},
            {
                "type": "string",
                "pattern": f"^[0-9]{{1,9}} ({'|'.join(EXACT)})s? (after|before) ({anchors})$",
            },
        ]
    }


def _windows() -> dict[str, Json]:
    """Return what stands under each word of a window."""
    reach = {"anyOf": [{"const": "all"}, _lengths(UNITS)]}
    units = "|".join(spans.CALENDAR_UNITS)
    several = {"type": "string", "pattern": f"^({units}|[0-9]{{1,6}} ({units})s?)$"}
    shapes: dict[str, Json] = {
        "last": reach,
        "next": reach,
        "between": _pair(_ref("bound")),
        "this": {"enum": [*spans.CALENDAR_UNITS]},
        "previous": several,
        "following": several,
        "calendar": several,
    }
    return {word: shapes.get(word, _ref("bound")) for word in spans.WINDOW_KEYS}


def _window() -> Json:
    both = _record({"from": _ref("bound"), "to": _ref("bound")}, ("from", "to"))
    return {"anyOf": [_single(_windows()), both]}


@dataclass(frozen=True)
class _Writer:
    """Writes the parts that depend on the installation; each test of values once."""

    schema: Schema
    limits: Limits
    tests: dict[str, tuple[str, Json]] = field(default_factory=dict)  # by their own text

    def definitions(self) -> Json:
        parts = {
            "condition": self._condition(),
            "bound": _bound(),
            "window": _window(),
            "time": self._time_test(),
            **{f"{name}.where": self._where(each) for name, each in self._relations.items()},
        }
        return parts | dict(self.tests.values())

    @property
    def _relations(self) -> Mapping[str, Relation]:
        return self.schema.relations

    def _condition(self) -> Json:
        parts = _list(_ref("condition"), self.limits.leaves)
        leaves = self._leaves()
        return _single(
            {
                "all": parts,
                "any": parts,
                "not": _ref("condition"),
                **{word: leaves[word] for word in LEAVES},
            }
        )

    def _leaves(self) -> dict[str, Json]:
        tests = {name: self._test(kind) for name, kind in self.schema.traits.items()}
        channels = {"enum": [*self.schema.channels]}
        purpose = {**_TEXT, "maxLength": 30}
        asked: dict[str, Json] = {"channel": channels, "purpose": purpose}
        return {
            "trait": _single(tests),
            **{name: self._aggregate(name) for name in self._relations},
            "sequence": self._sequence(),
            "consent": _record({**asked, "is": {"enum": [*CONSENTS]}}, (*asked, "is")),
            "reach": _record({**asked, "is": {"enum": [*REACHES]}}, (*asked, "is")),
            "score": self._score(),
            "list": _named(self.schema.lists),
            "campaign": _record(
                {"key": _named(self.schema.campaigns), "arm": {**_TEXT, "maxLength": 40}}, ("key",)
            ),
            "bucket": _record({"name": _KEY, "from": _PER_CENT, "to": _PER_CENT}, ("name", "to")),
            "segment": _KEY,
        }

    def _score(self) -> Json:
        models = self.schema.models
        model = {**_TEXT, "maxLength": 60} if models is None else {"enum": [*models]}
        decile = {"type": "integer", "minimum": 1, "maximum": 10}
        tests = {
            "value": self._test(Kind.NUMBER),
            "decile": self._test(Kind.NUMBER, decile),
            "scored_at": self._test(Kind.MOMENT),
        }
        of = [_record({"model": model, word: tests[word]}, ("model", word)) for word in SCORES]
        return {"anyOf": of}

    # Tests of values

    def _test(
        self,
        kind: Kind,
        value: Json | None = None,
        *,
        is_always: bool = False,
        others: Collection[str] = (),
    ) -> Json:
        """Return the test of a value; ``others`` are the words that compare with other profiles."""
        missing = [] if is_always else [_MISSING]
        if kind in TIMES:
            return {"anyOf": [*missing, _ref("time")]}
        value = value or self._value(kind)
        own = {word: self._constant(word, value) for word in TESTS[kind]}
        population = {word: _POPULATION[word] for word in others}
        test = {"anyOf": [*missing, _single(own | population)]}
        name = f"{kind}.{len(self.tests) + 1}"
        return _ref(self.tests.setdefault(json.dumps(test), (name, test))[0])

    def _value(self, kind: Kind) -> Json:
        match kind:
            case Kind.TEXT:
                return _TEXT
            case Kind.BOOL:
                return {"type": "boolean"}
            case Kind.MONEY:
                code = self.schema.currency
                letters = "".join(f"[{letter}{letter.lower()}]" for letter in code)
                decimals = rf"(\.[0-9]{{1,{EXPONENTS[code]}}}0*)?" if EXPONENTS[code] else ""
                return {"type": "string", "pattern": f"^-?[0-9]{{1,18}}{decimals} ?{letters}$"}
        return _NUMBER

    def _constant(self, word: str, value: Json) -> Json:
        match word:
            case "in" | "not_in":
                return _list(value, self.limits.values)
            case "between":
                return _pair(value)
            case "has_any" | "has_all":
                return _list(_LINE, self.limits.values)
            case "has":
                return _LINE
            case "contains" | "starts" | "ends" | "matches":
                return _TEXT
        return value

    def _time_test(self) -> Json:
        periods = {"enum": [*self.schema.periods]}
        shapes: dict[str, Json] = {
            "month": _one_or_more(_MONTH, 12),
            "season": {"anyOf": [{"enum": [each.name for each in SEASONS]}, _MONTHS]},
            "weekday": _one_or_more({"enum": [*WEEKDAYS]}, 7),
            "anniversary": {
                "anyOf": [{"const": "today"}, _single({"next": _lengths(("day", "week"))})]
            },
            "during": periods,
        }
        ago = {"type": "string", "pattern": r" ago$"}
        spoken: dict[str, Json] = {"is": _DAY, "more_than": ago, "less_than": ago}
        words = {word: spoken.get(word, _ref("bound")) for word in SPANS}
        words |= {word: shapes[word] for word in CALENDAR_TESTS}
        return {"anyOf": [_ref("window"), _single(words)]}

    # Rows

    def _where(self, relation: Relation) -> Json:
        tests: dict[str, Json] = {}
        for name, kind in relation.columns.items():
            choices = relation.choices.get(name)
            tests[name] = self._test(kind, {"enum": [*choices]} if choices else None)
        where = {
            "type": "object",
            "properties": tests,
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": self.limits.rows,
        }
        if relation.is_open:
            where["patternProperties"] = {_no_column(relation): self._by_use()}
        return where

    def _by_use(self) -> Json:
        """Return the test of a property, which is text or number by its use."""
        return {"anyOf": [self._test(Kind.TEXT), self._test(Kind.NUMBER)]}

    def _rows(self, name: str, *, with_window: bool) -> dict[str, Json]:
        relation = self._relations[name]
        names = {"name": _one_or_more(_TEXT, self.limits.values)} if relation.is_open else {}
        times = [column for column, kind in relation.columns.items() if kind in TIMES]
        shapes = {
            "where": _ref(f"{name}.where"),
            "by": {"enum": times},
            "within": _ref("window"),
        }
        words = [word for word in ROWS if with_window or word != "within"]
        return names | {word: shapes[word] for word in words}

    def _aggregate(self, name: str) -> Json:
        forms = [form for measure in MEASURES.values() for form in self._measured(name, measure)]
        return {"anyOf": forms}

    def _measured(self, name: str, measure: Measure) -> list[Json]:
        """Return the forms in which a measure can be said: one per kind of column it takes."""
        rows = self._rows(name, with_window=True)
        required = (["name"] if "name" in rows else []) + [measure.name]
        if measure.name == "years_in_same_season":
            rows["seasons"] = {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 12,
                "additionalProperties": _MONTHS,
            }
        forms: list[Json] = []
        for subject, test in self._subjects(name, measure):
            if takes_is(measure):
                form = _record(rows | {measure.name: subject, "is": test}, [*required, "is"])
            else:
                form = _record(rows | {measure.name: test}, required)
            if measure.name not in TIMED:
                form["dependentRequired"] = {"by": ["within"]}
            forms.append(form)
        return forms

    def _subjects(self, name: str, measure: Measure) -> list[tuple[Json, Json]]:
        """Return what can be measured, and the test its result must stand."""
        if measure.takes is None:
            share = _PER_CENT if measure.name == "share" else None
            others = populations(measure, None, Kind.NUMBER)
            return [(_ref(f"{name}.where"), self._result(measure, Kind.NUMBER, share, others))]
        relation = self._relations[name]
        found: list[tuple[Json, Json]] = []
        for column, kind in relation.columns.items():
            if kind in measure.takes:
                result = measure.gives or kind
                choices = relation.choices.get(column)
                value = {"enum": [*choices]} if choices and not measure.gives else None
                others = populations(measure, Column(column, kind), result)
                found.append(({"const": column}, self._result(measure, result, value, others)))
        if relation.is_open:
            found += self._properties(relation, measure, measure.takes)
        return found

    def _properties(
        self, relation: Relation, measure: Measure, takes: frozenset[Kind]
    ) -> list[tuple[Json, Json]]:
        kinds = [kind for kind in (Kind.TEXT, Kind.NUMBER) if kind in takes]
        return [
            (
                {"type": "string", "pattern": _no_column(relation)},
                self._result(
                    measure,
                    measure.gives or kind,
                    None,
                    populations(measure, Column("", kind), measure.gives or kind),
                ),
            )
            for kind in kinds
        ]

    def _result(
        self, measure: Measure, kind: Kind, value: Json | None, others: Collection[str]
    ) -> Json:
        value = _COUNT if measure.counts else value
        return self._test(kind, value, is_always=measure.total, others=others)

    def _sequence(self) -> Json:
        names = list(self._relations)
        rows = {name: self._step(name) for name in names}
        length = _lengths(EXACT)
        steps = [
            _record({name: rows[name], "within": length, "after": length}, (name,))
            for name in names
        ]
        absent = _record({"without": _single(rows), "for": length}, ("without", "for"))
        counted = self._test(Kind.NUMBER, _COUNT, is_always=True)
        return {
            **_record(
                {
                    "steps": {
                        "type": "array",
                        "prefixItems": [_single(rows)],
                        "items": {"anyOf": [*steps, absent]},
                        "minItems": 2,
                        "maxItems": self.limits.steps,
                    },
                    "same": _PROPERTY,
                    "within": _ref("window"),
                    "count": counted,
                    "latest": self._test(Kind.MOMENT),
                },
                ("steps",),
            ),
            "not": {"required": ["count", "latest"]},
        }

    def _step(self, name: str) -> Json:
        rows = self._rows(name, with_window=False)
        return _record(rows, ("name",) if "name" in rows else ())


def _no_column(relation: Relation) -> str:
    """Return the pattern of a property: a column of that name would have other tests."""
    return f"^(?!({'|'.join(relation.columns)})$){_NAME}$"


def _named(known: tuple[str, ...] | None) -> Json:
    return _KEY if known is None else {"enum": [*known]}


_OF_MEAN = _single(
    {
        operator: {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, _PER_CENT]}
        for operator in get_args(Operator)
    }
)
_POPULATION: dict[str, Json] = {
    word: {
        "between_quantiles": _pair(_PER_CENT),
        "rank": {"type": "integer", "minimum": 1, "maximum": MOST_RANK},
        "of_mean": _OF_MEAN,
        "of_row_mean": _OF_MEAN,
    }.get(word, _PER_CENT)
    for word in POPULATION_TESTS
}
