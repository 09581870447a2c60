"""The language as a JSON Schema (draft 2020-12), made of the tables that the parser reads by.

Editors complete and check definitions with it. It says the shape of everything and the names that
an installation knows; what takes a look at two places at once (which of two limits is lower, how
deep conditions are nested) is said by ``parse`` alone.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from pusula.lib.money import EXPONENTS
from pusula.segments.language import json_shapes as shapes
from pusula.segments.language.aggregates import ROWS, TIMED, populations, takes_is
from pusula.segments.language.json_shapes import Json
from pusula.segments.language.moment_tests import CALENDAR_TESTS, SPANS, WEEKDAYS
from pusula.segments.language.nodes import MEASURES, SEASONS, Column, Measure
from pusula.segments.language.parse import CONSENTS, LEAVES, REACHES, SCORES
from pusula.segments.language.schema import DEFAULT_LIMITS, TIMES, Kind, Limits, Relation, Schema
from pusula.segments.language.value_tests import TESTS
from pusula.segments.language.windows import EXACT


def json_schema(schema: Schema, limits: Limits = DEFAULT_LIMITS) -> Json:
    """Return the JSON Schema of a definition, with the names that ``schema`` knows."""
    writer = _Writer(schema, limits)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A segment of Pusula",
        **shapes.record(
            {
                "segment": shapes.KEY,
                "title": shapes.words(200),
                "description": shapes.words(2_000),
                "where": shapes.ref("condition"),
            },
            ("segment", "title", "where"),
        ),
        "$defs": writer.definitions(),
    }


@dataclass(frozen=True)
class _Writer:
    """Writes the parts that depend on the installation; each test of values once."""

    schema: Schema
    limits: Limits
    tests: dict[str, tuple[str, Json]] = field(default_factory=dict)  # by their own text

    def definitions(self) -> Json:
        parts = {
            "condition": self._condition(),
            "bound": shapes.bound(),
            "window": shapes.window(),
            "time": self._time_test(),
            **{f"{name}.where": self._where(each) for name, each in self._relations.items()},
        }
        return parts | dict(self.tests.values())

    @property
    def _relations(self) -> Mapping[str, Relation]:
        return self.schema.relations

    def _condition(self) -> Json:
        parts = shapes.list_of(shapes.ref("condition"), self.limits.leaves)
        leaves = self._leaves()
        return shapes.single(
            {
                "all": parts,
                "any": parts,
                "not": shapes.ref("condition"),
                **{word: leaves[word] for word in LEAVES},
            }
        )

    def _leaves(self) -> dict[str, Json]:
        tests = {name: self._test(kind) for name, kind in self.schema.traits.items()}
        channels = {"enum": [*self.schema.channels]}
        purpose = {**shapes.TEXT, "maxLength": 30}
        asked: dict[str, Json] = {"channel": channels, "purpose": purpose}
        return {
            "trait": shapes.single(tests),
            **{name: self._aggregate(name) for name in self._relations},
            "sequence": self._sequence(),
            "consent": shapes.record({**asked, "is": {"enum": [*CONSENTS]}}, (*asked, "is")),
            "reach": shapes.record({**asked, "is": {"enum": [*REACHES]}}, (*asked, "is")),
            "score": self._score(),
            "list": _named(self.schema.lists),
            "campaign": self._campaign(),
            "bucket": shapes.record(
                {"name": shapes.KEY, "from": shapes.PER_CENT, "to": shapes.PER_CENT}, ("name", "to")
            ),
            "segment": shapes.KEY,
        }

    def _campaign(self) -> Json:
        campaigns, arm = self.schema.campaigns, {**shapes.TEXT, "maxLength": 40}
        if campaigns is not None:
            arm = {"enum": sorted({arm for arms in campaigns.values() for arm in arms})}
        return shapes.record({"key": _named(campaigns), "arm": arm}, ("key",))

    def _score(self) -> Json:
        models = self.schema.models
        model = {**shapes.TEXT, "maxLength": 60} if models is None else {"enum": [*models]}
        decile = {"type": "integer", "minimum": 1, "maximum": 10}
        tests = {
            "value": self._test(Kind.NUMBER),
            "decile": self._test(Kind.NUMBER, decile),
            "scored_at": self._test(Kind.MOMENT),
        }
        of = [
            shapes.record({"model": model, word: tests[word]}, ("model", word)) for word in SCORES
        ]
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
        missing = [] if is_always else [shapes.MISSING]
        if kind in TIMES:
            return {"anyOf": [*missing, shapes.ref("time")]}
        value = value or self._value(kind)
        own = {word: self._constant(word, value) for word in TESTS[kind]}
        population = {word: shapes.POPULATION[word] for word in others}
        test = {"anyOf": [*missing, shapes.single(own | population)]}
        name = f"{kind}.{len(self.tests) + 1}"
        return shapes.ref(self.tests.setdefault(json.dumps(test), (name, test))[0])

    def _value(self, kind: Kind) -> Json:
        match kind:
            case Kind.TEXT:
                return shapes.TEXT
            case Kind.BOOL:
                return {"type": "boolean"}
            case Kind.MONEY:
                code = self.schema.currency
                letters = "".join(f"[{letter}{letter.lower()}]" for letter in code)
                decimals = rf"(\.[0-9]{{1,{EXPONENTS[code]}}}0*)?" if EXPONENTS[code] else ""
                return {"type": "string", "pattern": f"^-?[0-9]{{1,18}}{decimals} ?{letters}$"}
        return shapes.NUMBER

    def _constant(self, word: str, value: Json) -> Json:
        match word:
            case "in" | "not_in":
                return shapes.list_of(value, self.limits.values)
            case "between":
                return shapes.pair(value)
            case "has_any" | "has_all":
                return shapes.list_of(shapes.LINE, self.limits.values)
            case "has":
                return shapes.LINE
            case "contains" | "starts" | "ends" | "matches":
                return shapes.TEXT
        return value

    def _time_test(self) -> Json:
        periods = {"enum": [*self.schema.periods]}
        calendar: dict[str, Json] = {
            "month": shapes.one_or_more(shapes.MONTH, 12),
            "season": {"anyOf": [{"enum": [each.name for each in SEASONS]}, shapes.SEASON]},
            "weekday": shapes.one_or_more({"enum": [*WEEKDAYS]}, 7),
            "anniversary": {
                "anyOf": [
                    {"const": "today"},
                    shapes.single({"next": shapes.lengths(("day", "week"))}),
                ]
            },
            "during": periods,
        }
        ago = {"type": "string", "pattern": r" ago$"}
        spoken: dict[str, Json] = {"is": shapes.DAY, "more_than": ago, "less_than": ago}
        words = {word: spoken.get(word, shapes.ref("bound")) for word in SPANS}
        words |= {word: calendar[word] for word in CALENDAR_TESTS}
        return {"anyOf": [shapes.ref("window"), shapes.single(words)]}

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
        names = (
            {"name": shapes.one_or_more(shapes.TEXT, self.limits.values)}
            if relation.is_open
            else {}
        )
        times = [column for column, kind in relation.columns.items() if kind in TIMES]
        narrowing = {
            "where": shapes.ref(f"{name}.where"),
            "by": {"enum": times},
            "within": shapes.ref("window"),
        }
        words = [word for word in ROWS if with_window or word != "within"]
        return names | {word: narrowing[word] for word in words}

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
                "additionalProperties": shapes.SEASON,
            }
        forms: list[Json] = []
        for subject, test in self._subjects(name, measure):
            if takes_is(measure):
                form = shapes.record(rows | {measure.name: subject, "is": test}, [*required, "is"])
            else:
                form = shapes.record(rows | {measure.name: test}, required)
            if measure.name not in TIMED:
                form["dependentRequired"] = {"by": ["within"]}
            forms.append(form)
        return forms

    def _subjects(self, name: str, measure: Measure) -> list[tuple[Json, Json]]:
        """Return what can be measured, and the test its result must stand."""
        if measure.takes is None:
            share = shapes.PER_CENT if measure.name == "share" else None
            others = populations(measure, None, Kind.NUMBER)
            return [
                (shapes.ref(f"{name}.where"), self._result(measure, Kind.NUMBER, share, others))
            ]
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
        value = shapes.COUNT if measure.counts else value
        return self._test(kind, value, is_always=measure.total, others=others)

    def _sequence(self) -> Json:
        names = list(self._relations)
        rows = {name: self._step(name) for name in names}
        length = shapes.lengths(EXACT)
        steps = [shapes.record({name: rows[name], "within": length}, (name,)) for name in names]
        absent = shapes.record({"without": shapes.single(rows), "for": length}, ("without", "for"))
        counted = self._test(Kind.NUMBER, shapes.COUNT, is_always=True)
        return {
            **shapes.record(
                {
                    "steps": {
                        "type": "array",
                        "prefixItems": [shapes.single(rows)],
                        "items": {"anyOf": [*steps, absent]},
                        "minItems": 2,
                        "maxItems": self.limits.steps,
                    },
                    "same": shapes.PROPERTY,
                    "within": shapes.ref("window"),
                    "count": counted,
                    "latest": self._test(Kind.MOMENT),
                },
                ("steps",),
            ),
            "not": {"required": ["count", "latest"]},
        }

    def _step(self, name: str) -> Json:
        rows = self._rows(name, with_window=False)
        return shapes.record(rows, ("name",) if "name" in rows else ())


def _no_column(relation: Relation) -> str:
    """Return the pattern of a property: a column of that name would have other tests."""
    return f"^(?!({'|'.join(relation.columns)})$){shapes.NAME}$"


def _named(known: Collection[str] | None) -> Json:
    return shapes.KEY if known is None else {"enum": [*known]}
