"""The nodes of a definition: frozen, typed, equal when they say the same."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from pusula.segments.language.schema import TIMES, Kind
from pusula.segments.language.windows import Window


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in whole minor units."""

    minor: int
    currency: str


Number = int | float
Value = str | Number | Money  # a bool is an int


# What can be asked of one value. A missing value stands no test but ``Known(False)``.


@dataclass(frozen=True, slots=True)
class Among:
    """The value is one of ``values`` (negated: known and none of them)."""

    values: tuple[Value, ...]
    negated: bool = False


Operator = Literal["at_least", "at_most", "more_than", "less_than"]


@dataclass(frozen=True, slots=True)
class Compare:
    """The value is at least, at most, more or less than ``than``."""

    operator: Operator
    than: Number | Money


@dataclass(frozen=True, slots=True)
class Between:
    """The value lies between ``low`` and ``high``, both included."""

    low: Number | Money
    high: Number | Money


@dataclass(frozen=True, slots=True)
class Contains:
    """``text`` occurs in the value."""

    text: str


@dataclass(frozen=True, slots=True)
class Starts:
    """The value starts with ``text``."""

    text: str


@dataclass(frozen=True, slots=True)
class Within:
    """The moment or day lies in the window."""

    window: Window


@dataclass(frozen=True, slots=True)
class Known:
    """There is a value (``known`` false: there is none)."""

    known: bool = True


@dataclass(frozen=True, slots=True)
class Top:
    """The value reaches the published cut-point above which ``percent`` of the population lie.

    The population are the profiles with at least one row; only they can be in the top.
    """

    percent: Decimal


Test = Among | Compare | Between | Contains | Starts | Within | Known | Top


# What is computed over the rows of a profile.


@dataclass(frozen=True, slots=True)
class Measure:
    """A way to make one value of many rows.

    ``takes`` are the kinds of column it works on (``None``: it counts the rows themselves),
    ``gives`` the kind of its result (``None``: that of the column). A ``total`` is 0 over no
    rows; other measures have no value then.
    """

    name: str
    takes: frozenset[Kind] | None = None
    gives: Kind | None = None
    total: bool = False

    @property
    def counts(self) -> bool:
        """Whether the result is always a whole number from 0 up."""
        return self.total and self.gives is Kind.NUMBER


_AMOUNTS = frozenset({Kind.NUMBER, Kind.MONEY})
_COUNTABLE = frozenset({Kind.TEXT, Kind.NUMBER, Kind.DAY})

MEASURES = {
    measure.name: measure
    for measure in (
        Measure("count", gives=Kind.NUMBER, total=True),
        Measure("distinct", _COUNTABLE, Kind.NUMBER, total=True),
        Measure("years_in_same_season", TIMES, Kind.NUMBER, total=True),
        Measure("sum", _AMOUNTS, total=True),
        Measure("avg", _AMOUNTS),
        Measure("min", _AMOUNTS),
        Measure("max", _AMOUNTS),
        Measure("latest", TIMES),
        Measure("earliest", TIMES),
    )
}


@dataclass(frozen=True, slots=True)
class Column:
    """A typed column of a relation, or a property of an event."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class ColumnTest:
    """A row counts only if the value in ``column`` stands ``test``."""

    column: Column
    test: Test


@dataclass(frozen=True, slots=True)
class Season:
    """The months ``first`` to ``last`` (1–12), across New Year if ``last`` comes before ``first``.

    A season that crosses New Year belongs to the year in which it starts.
    """

    name: str
    first: int
    last: int


SEASONS = (
    Season("spring", 3, 5),
    Season("summer", 6, 8),
    Season("autumn", 9, 11),
    Season("winter", 12, 2),
)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One value per profile, measured over its rows that pass ``where`` and lie in ``window``.

    ``names`` are the event names (empty for orders), ``by`` the time the window looks at,
    ``column`` what is measured (``None`` where rows are counted). ``where`` is sorted by column.
    """

    relation: str
    measure: str
    by: Column
    column: Column | None = None
    names: tuple[str, ...] = ()
    where: tuple[ColumnTest, ...] = ()
    window: Window | None = None
    seasons: tuple[Season, ...] = ()

    @property
    def kind(self) -> Kind:
        """The kind of the result."""
        if self.column is None:  # rows are counted
            return Kind.NUMBER
        return MEASURES[self.measure].gives or self.column.kind


# Conditions: what is true or false of a profile.


@dataclass(frozen=True, slots=True)
class TraitTest:
    """A trait's value stands ``test``."""

    name: str
    kind: Kind
    test: Test


@dataclass(frozen=True, slots=True)
class AggregateTest:
    """What is measured over the profile's rows stands ``test``."""

    aggregate: Aggregate
    test: Test


@dataclass(frozen=True, slots=True)
class ConsentTest:
    """The profile has granted or refused, or (``unknown``) never decided."""

    channel: str
    purpose: str
    status: Literal["granted", "refused", "unknown"]


@dataclass(frozen=True, slots=True)
class InSegment:
    """The profile is in another segment."""

    key: str


@dataclass(frozen=True, slots=True)
class Not:
    """``part`` is false."""

    part: Condition


@dataclass(frozen=True, slots=True)
class AllOf:
    """All ``parts`` are true."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of ``parts`` is true."""

    parts: tuple[Condition, ...]


Leaf = TraitTest | AggregateTest | ConsentTest | InSegment
Condition = Leaf | Not | AllOf | AnyOf


@dataclass(frozen=True, slots=True)
class Words:
    """A text in both languages."""

    tr: str
    en: str


@dataclass(frozen=True, slots=True)
class Definition:
    """A segment: its key, its words, its condition."""

    key: str
    title: Words
    where: Condition
    description: Words | None = None
