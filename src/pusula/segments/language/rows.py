"""Reading which rows count: their names, the tests of their columns, the time that is looked at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast, get_args

from pusula.segments.language.nodes import Column, ColumnTest, Measure, Operator
from pusula.segments.language.place import Place, hint
from pusula.segments.language.schema import TIMES, Kind, Limits, Relation, Schema
from pusula.segments.language.value_tests import TestReader

_PROPERTY = re.compile(r"[^\W\d]\w{0,63}")


@dataclass(frozen=True)
class RowsReader:
    """Reads what a condition says about the rows of the relation ``name``."""

    schema: Schema
    limits: Limits
    name: str

    @property
    def relation(self) -> Relation:
        """The relation itself."""
        return self.schema.relations[self.name]

    @property
    def required(self) -> tuple[str, ...]:
        """What a condition over these rows must always say."""
        return ("name",) if self.relation.is_open else ()

    def names(self, fields: Mapping[str, Place]) -> tuple[str, ...]:
        """Return the names of events; none where rows have no names."""
        if not self.relation.is_open:
            return ()
        place = fields["name"]
        is_one = isinstance(place.value, str)
        names = [place] if is_one else place.items("event names", self.limits.values)
        found = (name.text("an event name such as 'Hotel Searched'") for name in names)
        return tuple(dict.fromkeys(found))

    def by(self, place: Place | None) -> Column:
        """Return the time of the rows that windows look at."""
        if place is not None:
            return self.column(place, TIMES)
        return Column(self.relation.time, self.relation.columns[self.relation.time])

    def column(self, place: Place, kinds: frozenset[Kind]) -> Column:
        """Return a column of one of the ``kinds``."""
        columns = {name: k for name, k in self.relation.columns.items() if k in kinds}
        name = place.choice(list(columns), "column here")
        return Column(name, columns[name])

    def measured(self, place: Place, measure: Measure, test: Place) -> Column:
        """Return the column a measure works on.

        A property has the kind that the measure takes, or that the test of its result makes it.
        """
        kinds = measure.takes or frozenset()
        name = place.text("a column")
        if self.relation.is_open and name not in self.relation.columns:
            possible = [kind for kind in (Kind.TEXT, Kind.NUMBER) if kind in kinds]
            if possible:
                used = kind_by_use(test) if measure.gives is None else possible[0]
                kind = used if used in possible else possible[0]
                return Column(self.property(place, name), kind)
        return self.column(place, kinds)

    def property(self, place: Place, name: str) -> str:
        """Return the name of a property."""
        if not _PROPERTY.fullmatch(name):
            raise place.error("%(name)r is no property name: letters, digits and _ only", name=name)
        return name

    def where(self, place: Place | None) -> tuple[ColumnTest, ...]:
        """Return the tests that rows must stand, sorted by column."""
        if place is None:
            return ()
        fields = place.fields("a mapping of columns to tests such as {status: {is: completed}}")
        if not fields:
            raise place.error("expected at least one column; leave it out to take all rows")
        if len(fields) > self.limits.rows:
            raise place.error(
                "%(n)s columns are too many, at most %(most)s",
                n=len(fields), most=self.limits.rows,
            )  # fmt: skip
        order = list(self.relation.columns)
        rank = {name: order.index(name) if name in order else len(order) for name in fields}
        names = sorted(fields, key=lambda name: (rank[name], name))
        return tuple(self._column_test(name, fields[name]) for name in names)

    def _column_test(self, name: str, place: Place) -> ColumnTest:
        columns = self.relation.columns
        if name in columns:
            kind = columns[name]
        elif self.relation.is_open:
            kind = kind_by_use(place)
            self.property(place, name)
        else:
            raise place.error("unknown column", hint(name, list(columns)))
        choices = self.relation.choices.get(name)
        tests = TestReader(self.schema, self.limits, kind, choices=choices)
        return ColumnTest(Column(name, kind), tests.read(place))


def kind_by_use(place: Place) -> Kind:
    """Return the kind that a test makes of a property: numbers compare, text is equal or not."""
    if not isinstance(place.value, Mapping) or len(place.value) != 1:
        return Kind.TEXT
    key, value = next(iter(cast("Mapping[object, object]", place.value).items()))
    if key in NUMERIC or key in get_args(Operator):
        return Kind.NUMBER
    if isinstance(value, (list, tuple)) and value:
        value = value[0]
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return Kind.NUMBER if is_number else Kind.TEXT


# Tests besides the comparisons that only numbers stand.
NUMERIC = frozenset(
    {"between", "top", "bottom", "between_quantiles", "rank", "of_mean", "of_row_mean"}
)
