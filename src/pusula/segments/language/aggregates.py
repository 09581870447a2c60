"""Reading an aggregate: the measure, the rows it works on, and the test of its result."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast, get_args

from pusula.segments.language import literals
from pusula.segments.language.nodes import (
    MEASURES,
    SEASONS,
    Aggregate,
    AggregateTest,
    Column,
    ColumnTest,
    Measure,
    Operator,
    Season,
)
from pusula.segments.language.place import Place, hint
from pusula.segments.language.schema import TIMES, Kind, Limits, Relation, Schema
from pusula.segments.language.value_tests import TestReader

_PROPERTY = re.compile(r"[^\W\d]\w{0,63}")
_MONTHS = 12


@dataclass(frozen=True)
class AggregateReader:
    """Reads an aggregate over the relation ``name`` and the test it must stand."""

    schema: Schema
    limits: Limits
    name: str

    @property
    def _relation(self) -> Relation:
        return self.schema.relations[self.name]

    def read(self, place: Place) -> AggregateTest:
        """Read the measure, then the rows it works on, then the test of its result."""
        named = ("name",) if self._relation.is_open else ()
        fields = place.record(named, (*MEASURES, "is", "where", "by", "within", "seasons"))
        measure = self._measure(place, fields)
        if measure.takes is None:
            if "is" in fields:
                raise fields["is"].error(f"say it in {measure.name}: {{at_least: 2}}")
            column, tested = None, fields[measure.name]
        else:
            if "is" not in fields:
                raise place.error(f"{measure.name} needs 'is', the test of its result")
            column, tested = self._measured(fields[measure.name], measure.takes), fields["is"]
        window = literals.window(fields["within"]) if "within" in fields else None
        if "by" in fields and window is None:
            raise fields["by"].error("says which time 'within' looks at, and there is no 'within'")
        aggregate = Aggregate(
            relation=self.name,
            measure=measure.name,
            column=column,
            names=self._names(fields["name"]) if named else (),
            where=self._where(fields["where"]) if "where" in fields else (),
            by=self._column(fields["by"], TIMES) if "by" in fields else self._time(),
            window=window,
            seasons=self._seasons(fields.get("seasons"), measure),
        )
        tests = TestReader(self.schema, self.limits, aggregate.kind, measure)
        return AggregateTest(aggregate, tests.read(tested))

    def _measure(self, place: Place, fields: Mapping[str, Place]) -> Measure:
        found = [name for name in MEASURES if name in fields]
        if len(found) != 1:
            shown = " and ".join(found) or "none"
            raise place.error(f"expected exactly one of {', '.join(MEASURES)}, found {shown}")
        return MEASURES[found[0]]

    def _time(self) -> Column:
        return Column(self._relation.time, self._relation.columns[self._relation.time])

    def _names(self, place: Place) -> tuple[str, ...]:
        what = "an event name such as 'Hotel Searched'"
        if isinstance(place.value, str):
            return (place.text(what),)
        names = place.items("event names", self.limits.values)
        return tuple(dict.fromkeys(name.text(what) for name in names))

    def _measured(self, place: Place, kinds: frozenset[Kind]) -> Column:
        """Return the column a measure works on; a property's kind is what the measure takes."""
        name = place.text("a column")
        if self._relation.is_open and name not in self._relation.columns:
            kind = next((k for k in (Kind.TEXT, Kind.NUMBER) if k in kinds), None)
            if kind is not None:
                return Column(self._property(place), kind)
        return self._column(place, kinds)

    def _column(self, place: Place, kinds: frozenset[Kind]) -> Column:
        columns = {name: k for name, k in self._relation.columns.items() if k in kinds}
        name = place.choice(list(columns), "column here")
        return Column(name, columns[name])

    def _property(self, place: Place, name: str | None = None) -> str:
        name = cast("str", place.value) if name is None else name
        if not _PROPERTY.fullmatch(name):
            raise place.error(f"{name!r} is no property name: letters, digits and _ only")
        return name

    def _where(self, place: Place) -> tuple[ColumnTest, ...]:
        fields = place.fields("a mapping of columns to tests such as {status: {is: completed}}")
        if not fields:
            raise place.error("expected at least one column; leave 'where' out to take all rows")
        order = list(self._relation.columns)
        rank = {name: order.index(name) if name in order else len(order) for name in fields}
        names = sorted(fields, key=lambda name: (rank[name], name))
        return tuple(self._column_test(name, fields[name]) for name in names)

    def _column_test(self, name: str, place: Place) -> ColumnTest:
        columns = self._relation.columns
        if name in columns:
            kind = columns[name]
        elif self._relation.is_open:
            self._property(place, name)
            kind = _kind_by_use(place)
        else:
            raise place.error(f"unknown column{hint(name, list(columns))}")
        choices = self._relation.choices.get(name)
        tests = TestReader(self.schema, self.limits, kind, choices=choices)
        return ColumnTest(Column(name, kind), tests.read(place))

    def _seasons(self, place: Place | None, measure: Measure) -> tuple[Season, ...]:
        if measure.name != "years_in_same_season":
            if place is not None:
                raise place.error("only years_in_same_season has seasons")
            return ()
        if place is None:
            return SEASONS
        fields = place.fields("names of seasons and their months such as {summer: [6, 9]}")
        if not fields:
            raise place.error("expected at least one season")
        return tuple(_season(name, months) for name, months in fields.items())


def _season(name: str, place: Place) -> Season:
    months = place.items("months", 2)
    if len(months) != 2:  # noqa: PLR2004 - a pair
        raise place.error("expected the first and the last month such as [6, 9]")
    first, last = (literals.count(month) for month in months)
    for month, entry in zip((first, last), months, strict=True):
        if not 1 <= month <= _MONTHS:
            raise entry.expected("a month from 1 to 12")
    return Season(name, first, last)


def _kind_by_use(place: Place) -> Kind:
    """Return the kind that a test makes of a property: numbers compare, text is equal or not."""
    if not isinstance(place.value, Mapping) or len(place.value) != 1:
        return Kind.TEXT
    key, value = next(iter(place.value.items()))
    if key == "between" or key in get_args(Operator):
        return Kind.NUMBER
    if isinstance(value, (list, tuple)) and value:
        value = value[0]
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return Kind.NUMBER if is_number else Kind.TEXT
