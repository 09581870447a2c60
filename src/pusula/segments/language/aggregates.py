"""Reading an aggregate: the measure, the rows it works on, and the test of its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from pusula.segments.language import literals, spans
from pusula.segments.language.nodes import (
    MEASURES,
    SEASONS,
    Aggregate,
    AggregateTest,
    Column,
    Measure,
    Number,
    Season,
)
from pusula.segments.language.place import Place
from pusula.segments.language.rows import RowsReader
from pusula.segments.language.schema import Kind, Limits, Schema
from pusula.segments.language.value_tests import POPULATION_TESTS, TestReader

ROWS = ("where", "by", "within")
# Measures that look at the time of rows: ``by`` says which, without a window too.
TIMED = frozenset(
    {
        *("first", "last", "days", "weeks", "months", "years"),
        *("usual_gap", "longest_gap", "last_gap", "overdue"),
    }
)
_OWN_VALUES = frozenset({"min", "max", "first", "last"})  # of one row, not of all together
_OF_ROW_MEAN = frozenset({"sum", "avg"}) | _OWN_VALUES
_MOST_SEASONS = 12


@dataclass(frozen=True)
class AggregateReader:
    """Reads an aggregate over the relation ``name`` and the test it must stand."""

    schema: Schema
    limits: Limits
    name: str

    @cached_property
    def _rows(self) -> RowsReader:
        return RowsReader(self.schema, self.limits, self.name)

    def read(self, place: Place) -> AggregateTest:
        """Read the measure, then the rows it works on, then the test of its result."""
        fields = place.record(self._rows.required, (*MEASURES, "is", *ROWS, "seasons"))
        measure = _measure(place, fields)
        subject, tested = fields[measure.name], _tested(place, fields, measure)
        window = spans.window(fields["within"]) if "within" in fields else None
        if "by" in fields and window is None and measure.name not in TIMED:
            raise fields["by"].error("says which time 'within' looks at, and there is no 'within'")
        column = None
        if measure.takes is not None:
            column = self._rows.measured(subject, measure, tested)
        aggregate = Aggregate(
            relation=self.name,
            measure=measure.name,
            column=column,
            names=self._rows.names(fields),
            where=self._rows.where(fields.get("where")),
            by=self._rows.by(fields.get("by")),
            window=window,
            seasons=_seasons(fields.get("seasons"), measure),
            of=self._rows.where(subject) if measure.name == "share" else (),
        )
        return AggregateTest(aggregate, self._test(aggregate, measure).read(tested))

    def _test(self, aggregate: Aggregate, measure: Measure) -> TestReader:
        choices = None
        if aggregate.column is not None and measure.name in _OWN_VALUES:
            choices = self._rows.relation.choices.get(aggregate.column.name)
        return TestReader(
            self.schema,
            self.limits,
            aggregate.kind,
            choices=choices,
            constant=_constant(measure),
            is_always=measure.total,
            populations=populations(measure, aggregate.column, aggregate.kind),
        )


def populations(measure: Measure, column: Column | None, kind: Kind) -> tuple[str, ...]:
    """Return the tests that compare a measure with that of other profiles."""
    if kind not in (Kind.NUMBER, Kind.MONEY):
        return ()
    words = tuple(POPULATION_TESTS)
    if column is None or measure.name not in _OF_ROW_MEAN:
        words = tuple(word for word in words if word != "of_row_mean")
    return words


def takes_is(measure: Measure) -> bool:
    """Return whether the test of the result stands under ``is``, not under the measure."""
    return measure.takes is not None or measure.name == "share"


def _measure(place: Place, fields: Mapping[str, Place]) -> Measure:
    found = [name for name in MEASURES if name in fields]
    if len(found) != 1:
        raise place.one_of(MEASURES, found)
    return MEASURES[found[0]]


def _tested(place: Place, fields: Mapping[str, Place], measure: Measure) -> Place:
    if takes_is(measure):
        if "is" not in fields:
            raise place.error("%(word)s needs 'is', the test of its result", word=measure.name)
        return fields["is"]
    if "is" in fields:
        raise fields["is"].error("say it in %(word)s: {at_least: 2}", word=measure.name)
    return fields[measure.name]


def _constant(measure: Measure) -> Callable[[Place], Number] | None:
    if measure.name == "share":
        return literals.fraction
    return literals.count if measure.counts else None


def _seasons(place: Place | None, measure: Measure) -> tuple[Season, ...]:
    if measure.name != "years_in_same_season":
        if place is not None:
            raise place.error("only years_in_same_season has seasons")
        return ()
    if place is None:
        return SEASONS
    fields = place.fields("names of seasons and their months such as {summer: [6, 9]}")
    if not fields:
        raise place.error("expected at least one season")
    if len(fields) > _MOST_SEASONS:
        raise place.error(
            "%(n)s seasons are too many, at most %(most)s", n=len(fields), most=_MOST_SEASONS
        )
    return tuple(_season(name, months) for name, months in fields.items())


def _season(name: str, place: Place) -> Season:
    if not name.strip():
        raise place.error("a season has a name")
    return Season(name, *literals.months(place))
