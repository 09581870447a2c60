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
class Ends:
    """The value ends with ``text``."""

    text: str


@dataclass(frozen=True, slots=True)
class Matches:
    """The RE2 pattern occurs in the value as it is compared: folded."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Has:
    """The list has at least one of ``values``, or (``is_all``) every one of them."""

    values: tuple[str, ...]
    is_all: bool = False


@dataclass(frozen=True, slots=True)
class InMonths:
    """The moment or day lies in one of the ``months`` (1-12) of any year."""

    months: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OnWeekdays:
    """The moment or day is one of the ``weekdays`` (0 Monday to 6 Sunday)."""

    weekdays: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Anniversary:
    """Its month and day come round on one of the next ``days`` days, today being the first.

    The 29th of February is kept on the 28th in other years; the day itself is no anniversary.
    """

    days: int


@dataclass(frozen=True, slots=True)
class During:
    """The moment or day lies in the period ``name`` of any year that the schema knows."""

    name: str


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


@dataclass(frozen=True, slots=True)
class Quantiles:
    """The value lies above the ``low`` and not above the ``high`` quantile, in per cent.

    As of ``pandas.qcut``: bins are closed on the right, the lowest value belongs to the first.
    """

    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class ToMean:
    """The value, as a multiple of a published mean, compares so with ``ratio``.

    The mean is that of the ``profiles`` with a value, or of all their ``rows`` ("basket 20 % above
    the average basket").
    """

    operator: Operator
    ratio: Decimal
    of: Literal["profiles", "rows"] = "profiles"


@dataclass(frozen=True, slots=True)
class Rank:
    """The value reaches that of the profile in place ``first``; who ties with it is in too."""

    first: int


Population = Top | Quantiles | ToMean | Rank  # compare with published cut-points
Test = (
    Among
    | Compare
    | Between
    | Contains
    | Starts
    | Ends
    | Matches
    | Has
    | Within
    | InMonths
    | OnWeekdays
    | Anniversary
    | During
    | Known
    | Population
)


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
_VALUES = frozenset({Kind.TEXT, Kind.NUMBER, Kind.MONEY, Kind.DAY})

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
        # The value of a column in the row that comes first or last by ``by``; of rows at the same
        # time the one with the smallest, for last the largest, value.
        Measure("first", _VALUES),
        Measure("last", _VALUES),
        # The share of the rows that also stand ``of``, from 0 to 1.
        Measure("share", gives=Kind.NUMBER),
        # In how many different calendar days, weeks (from Monday), months or years rows lie.
        Measure("days", gives=Kind.NUMBER, total=True),
        Measure("weeks", gives=Kind.NUMBER, total=True),
        Measure("months", gives=Kind.NUMBER, total=True),
        Measure("years", gives=Kind.NUMBER, total=True),
        # Days (fractions of 24 hours) between rows of different moments: the mean, the longest,
        # that between the last two, and that since the last row as a multiple of the mean.
        Measure("usual_gap", gives=Kind.NUMBER),
        Measure("longest_gap", gives=Kind.NUMBER),
        Measure("last_gap", gives=Kind.NUMBER),
        Measure("overdue", gives=Kind.NUMBER),
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
    ``column`` what is measured (``None`` where rows or their times are). ``where`` is sorted by
    column. ``of`` are the tests of a ``share``, sorted likewise.
    """

    relation: str
    measure: str
    by: Column
    column: Column | None = None
    names: tuple[str, ...] = ()
    where: tuple[ColumnTest, ...] = ()
    window: Window | None = None
    seasons: tuple[Season, ...] = ()
    of: tuple[ColumnTest, ...] = ()

    @property
    def kind(self) -> Kind:
        """The kind of the result."""
        if self.column is None:  # rows are counted, or their times compared
            return Kind.NUMBER
        return MEASURES[self.measure].gives or self.column.kind


@dataclass(frozen=True, slots=True)
class SequenceStep:
    """Rows that come after one of the step before, at most ``within`` microseconds later.

    ``is_absent`` (the last step only): no such row came in that time, which is over.
    """

    relation: str
    by: Column
    names: tuple[str, ...] = ()
    where: tuple[ColumnTest, ...] = ()
    within: int | None = None
    is_absent: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """Rows of the first step that the other steps follow, each strictly later than the one before.

    ``window`` is where the first step lies. ``same`` is a property or column that has one and the
    same known value in all rows of a sequence.
    """

    steps: tuple[SequenceStep, ...]
    window: Window | None = None
    same: str | None = None


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
class SequenceTest:
    """How many sequences began (``count``), or when the ``latest`` one did, stands ``test``."""

    sequence: Sequence
    measure: Literal["count", "latest"]
    test: Test


@dataclass(frozen=True, slots=True)
class ReachTest:
    """A message on the channel for the purpose would reach the profile, or why it would not.

    ``unreachable`` is every state but ``reachable``.
    """

    channel: str
    purpose: str
    state: Literal["reachable", "unreachable", "suppressed", "no_address", "not_in_iys"]


@dataclass(frozen=True, slots=True)
class ScoreTest:
    """The newest score of ``model``: its value, its decile or its time stands ``test``."""

    model: str
    of: Literal["value", "decile", "scored_at"]
    test: Test


@dataclass(frozen=True, slots=True)
class InSet:
    """The profile is in an uploaded list, or in a campaign (in one ``arm`` of it, if stated)."""

    sort: Literal["list", "campaign"]
    key: str
    arm: str | None = None


@dataclass(frozen=True, slots=True)
class InBucket:
    """The profile's stable random number for ``name`` lies in [low, high) per cent."""

    name: str
    low: Decimal
    high: Decimal


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


Leaf = (
    TraitTest
    | AggregateTest
    | SequenceTest
    | ConsentTest
    | ReachTest
    | ScoreTest
    | InSet
    | InBucket
    | InSegment
)
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
