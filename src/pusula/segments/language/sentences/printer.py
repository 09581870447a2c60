"""What the printers of both languages share: the tree, negation, lists and figures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

from pusula.events import vocabulary
from pusula.lib.money import SYMBOLS, from_minor
from pusula.segments.language.nodes import (
    MEASURES,
    Aggregate,
    AggregateTest,
    AllOf,
    Among,
    AnyOf,
    Between,
    ColumnTest,
    Compare,
    Condition,
    ConsentTest,
    InBucket,
    InSegment,
    InSet,
    Known,
    Leaf,
    Money,
    Not,
    Number,
    Operator,
    Population,
    ReachTest,
    ScoreTest,
    SequenceStep,
    SequenceTest,
    Test,
    TraitTest,
    Value,
)
from pusula.segments.language.periods import shipped_periods
from pusula.segments.language.references import leaves
from pusula.segments.language.schema import RELATIONS
from pusula.segments.language.sentences.shapes import Shape, shape
from pusula.segments.language.windows import Point, Since, StartOf, Window

_SIGNS = {code: sign for sign, code in SYMBOLS.items() if not sign.isalpha()}
_OPPOSITE: dict[Operator, Operator] = {
    "at_least": "less_than",
    "less_than": "at_least",
    "at_most": "more_than",
    "more_than": "at_most",
}
# Columns that only a stay has; rows that are chosen or measured by them are called stays.
_OF_STAYS = frozenset(
    {"property", "room_type", "board", "rate_code", "market_code", "starts_on", "ends_on"}
    | {"nights", "lead_days", "rooms", "adults", "children"}
)


class PerCent(float):
    """A number from 0 to 1 that is read as a percentage."""


class State(str):
    """A state of an order, which has a word in each language."""

    __slots__ = ()


class Printer(ABC):
    """Says conditions as clauses about one person; a language fills in the words."""

    LANGUAGE: ClassVar[str]
    AND: ClassVar[str]
    OR: ClassVar[str]
    ALL_OF: ClassVar[str]
    ANY_OF: ClassVar[str]
    THOUSANDS: ClassVar[str]
    DECIMALS: ClassVar[str]
    WINDOWS: ClassVar[Mapping[Shape, str]]
    DAYS: ClassVar[Mapping[Shape, str]]  # calendar days that have a name
    STATES: ClassVar[Mapping[str, str]]

    def __init__(self, whole: Condition, titles: Mapping[str, str]) -> None:
        """Speak of stays in all of ``whole`` if some part of it does, else of orders."""
        self.titles = titles
        self.has_stays = any(_is_of_stays(rows) for rows in _all_rows(whole))

    def sentence(self, condition: Condition) -> str:
        """Return ``condition`` as a sentence with a capital and a full stop."""
        clause = self.clause(condition, is_top=True)
        return f"{self.capital(clause[0])}{clause[1:]}."

    def clause(self, node: Condition, *, negated: bool = False, is_top: bool = False) -> str:
        """Return ``node`` as a clause; a negation moves down to the leaves."""
        match node:
            case Not(part):
                return self.clause(part, negated=not negated, is_top=is_top)
            case AllOf(parts) | AnyOf(parts):
                is_all = isinstance(node, AllOf) != negated
                clauses = [self.clause(part, negated=negated) for part in parts]
                return self._joined(clauses, is_all=is_all, is_top=is_top)
        return self.leaf(node, negated=negated)

    def leaf(self, leaf: Leaf, *, negated: bool) -> str:
        """Return a condition without parts as a clause."""
        match leaf:
            case AggregateTest(aggregate, test):
                if MEASURES[aggregate.measure].total:
                    test, negated = _never_missing(test, negated=negated)
                test = _spoken(aggregate, test)
                return self.aggregate(aggregate, test, negated=negated)
            case SequenceTest(_, measure, test):
                if measure == "count":
                    test, negated = _never_missing(test, negated=negated)
                return self.sequence(leaf, test, negated=negated)
            case TraitTest(name, _, Known(known)):
                return self.trait_known(name, known=known != negated)
            case TraitTest(name, _, test):
                return self.trait(name, test, negated=negated)
            case InSegment(key):
                return self.in_segment(self.titles.get(key, key), negated=negated)
        return self.choice(leaf, negated=negated)

    def choice(
        self, leaf: ConsentTest | ReachTest | ScoreTest | InSet | InBucket, *, negated: bool
    ) -> str:
        """Return what others know or have decided about a person."""
        match leaf:
            case ConsentTest():
                return self.consent(leaf, negated=negated)
            case ReachTest():
                return self.reach(leaf, negated=negated)
            case ScoreTest():
                return self.score(leaf, negated=negated)
            case InSet():
                return self.in_set(leaf, negated=negated)
            case InBucket():
                return self.in_bucket(leaf, negated=negated)

    def _joined(self, clauses: Sequence[str], *, is_all: bool, is_top: bool) -> str:
        if len(clauses) == 1:
            return clauses[0]
        last = self.AND if is_all else self.OR
        if len(clauses) == 2:  # noqa: PLR2004 - a pair
            joined = f"{clauses[0]} {last} {clauses[1]}"
        else:
            joined = "; ".join([*clauses[:-1], f"{last} {clauses[-1]}"])
        return joined if is_top else f"{self.ALL_OF if is_all else self.ANY_OF}: ({joined})"

    def listed(self, words: Sequence[str], last: str) -> str:
        """Return "a, b or c"."""
        return f"{', '.join(words[:-1])} {last} {words[-1]}" if words[1:] else words[0]

    def value(self, value: Value) -> str:
        """Return a constant as it is read: text quoted, numbers grouped, money with its sign."""
        match value:
            case State():
                return self.STATES.get(value, value)
            case str():
                return f"“{value}”"
            case bool():
                return self.truth(value=value)
            case PerCent():
                return self.per_cent(Decimal(str(float(value))) * 100)
            case Money(minor, currency):
                amount = from_minor(minor, currency)
                figure = self.marked(f"{amount:,f}") if amount % 1 else self.figure(amount)
                sign = _SIGNS.get(currency)
                return f"{sign}{figure}" if sign else f"{figure} {currency}"
        return self.figure(value)

    def values(self, values: Sequence[Value]) -> str:
        """Return constants as an alternative."""
        return self.listed([self.value(value) for value in values], self.OR)

    def event_names(self, names: Sequence[str]) -> str:
        """Return events as people call them, as an alternative."""
        return self.values([vocabulary.title(name, self.LANGUAGE) for name in names])

    def property_name(self, name: str) -> str:
        """Return the property of an event as people call it."""
        return self.value(vocabulary.property_title(name, self.LANGUAGE))

    def figure(self, number: Number | Decimal) -> str:
        """Return a number grouped by thousands, without superfluous decimals."""
        digits = f"{Decimal(str(number)):,f}"
        return self.marked(digits.rstrip("0").rstrip(".") if "." in digits else digits)

    def marked(self, digits: str) -> str:
        """Return English digits with the marks of the language."""
        marks = {",": self.THOUSANDS, ".": self.DECIMALS, "-": "−"}
        return "".join(marks.get(digit, digit) for digit in digits)

    def window(self, window: Window) -> str:
        """Return when: "in the last 30 days"."""
        word, points, number = shape(window)
        if points and isinstance(points[0], StartOf) and points[0].unit == "day":
            named = self.DAYS.get(word)
            if named is not None:
                return named
        said = (self.point(point, word) for point in points)
        return self.WINDOWS[word].format(*said, n=self.figure(number))

    def period(self, name: str) -> str:
        """Return the name of a period as people call it."""
        known = shipped_periods().get(name)
        return self.value(name if known is None else getattr(known, self.LANGUAGE))

    @abstractmethod
    def point(self, point: Point | Since, shape: Shape) -> str:
        """Return a point in time as it stands in a window of this shape."""

    @abstractmethod
    def capital(self, letter: str) -> str:
        """Return the first letter of a sentence."""

    @abstractmethod
    def truth(self, *, value: bool) -> str:
        """Return a yes or no."""

    @abstractmethod
    def per_cent(self, percent: Decimal) -> str:
        """Return a percentage."""

    @abstractmethod
    def aggregate(self, aggregate: Aggregate, test: Test, *, negated: bool) -> str:
        """Return what is measured over rows and what it must be."""

    @abstractmethod
    def sequence(self, leaf: SequenceTest, test: Test, *, negated: bool) -> str:
        """Return rows that follow one another, and how often or when they must."""

    @abstractmethod
    def trait(self, name: str, test: Test, *, negated: bool) -> str:
        """Return what a trait must be."""

    @abstractmethod
    def trait_known(self, name: str, *, known: bool) -> str:
        """Return that a trait is known or not."""

    @abstractmethod
    def consent(self, leaf: ConsentTest, *, negated: bool) -> str:
        """Return what a person decided about a channel."""

    @abstractmethod
    def reach(self, leaf: ReachTest, *, negated: bool) -> str:
        """Return whether a message would reach a person."""

    @abstractmethod
    def score(self, leaf: ScoreTest, *, negated: bool) -> str:
        """Return what a model's score must be."""

    @abstractmethod
    def in_set(self, leaf: InSet, *, negated: bool) -> str:
        """Return that a person is in a list or campaign."""

    @abstractmethod
    def in_bucket(self, leaf: InBucket, *, negated: bool) -> str:
        """Return that a person is in a part chosen by chance."""

    @abstractmethod
    def in_segment(self, title: str, *, negated: bool) -> str:
        """Return that a person is in another segment."""


def _all_rows(whole: Condition) -> Iterator[Aggregate]:
    for leaf in leaves(whole):
        if isinstance(leaf, AggregateTest):
            yield leaf.aggregate
        elif isinstance(leaf, SequenceTest):
            yield from (rows_of(step) for step in leaf.sequence.steps)


def rows_of(step: SequenceStep) -> Aggregate:
    """Return the rows of a step as those of an aggregate."""
    return Aggregate(step.relation, "count", step.by, names=step.names, where=step.where)


def _is_of_stays(rows: Aggregate) -> bool:
    """Return whether the rows are better called stays than orders."""
    columns = {test.column.name for test in (*rows.where, *rows.of)} | {rows.by.name}
    if rows.column is not None:
        columns.add(rows.column.name)
    return rows.relation == "orders" and not columns.isdisjoint(_OF_STAYS)


def own_time(rows: Aggregate) -> str | None:
    """Return the time that rows are looked at by, if nothing else says it."""
    is_said = rows.window is not None or rows.by.name == RELATIONS[rows.relation].time
    return None if is_said else rows.by.name


def is_of_number(test: Test, *, negated: bool) -> bool:
    """Return whether a test is better said of a number than of so many things."""
    return isinstance(test, Population) or (isinstance(test, Among) and negated)


def states(aggregate: Aggregate) -> tuple[Value, ...]:
    """Return the states that rows must be in, where an adjective can say so."""
    for row in aggregate.where:
        if is_state(aggregate, row) and isinstance(row.test, Among) and not row.test.negated:
            return row.test.values
    return ()


def is_state(aggregate: Aggregate, row: ColumnTest) -> bool:
    """Return whether the test is about the state of an order."""
    return aggregate.relation in ("orders", "items") and row.column.name == "status"


def narrowing(aggregate: Aggregate) -> list[ColumnTest]:
    """Return the tests of rows that no adjective says."""
    said = bool(states(aggregate))
    return [row for row in aggregate.where if not (said and is_state(aggregate, row))]


def whole_bounds(test: Test) -> Test:
    """Return the test of a whole number said with "at least" and "at most" where it can be."""
    match test:
        case Compare("more_than", int(than)):
            return Compare("at_least", than + 1)
        case Compare("less_than", int(than)) if than > 0:
            return Compare("at_most", than - 1)
    return test


def _never_missing(test: Test, *, negated: bool) -> tuple[Test, bool]:
    """Return the test of a value that is never missing with as little negation as it takes."""
    match test:
        case Compare(operator, _) if negated:
            return replace(test, operator=_OPPOSITE[operator]), False
        case Among(values, True):
            return Among(values), not negated
    return test, negated


def _spoken(aggregate: Aggregate, test: Test) -> Test:
    """Return the test with its constants as they are said: shares in per cent, states in words."""
    if aggregate.measure == "share":
        return _in_per_cent(test)
    if aggregate.column is not None and isinstance(test, Among):
        row = ColumnTest(aggregate.column, test)
        if is_state(aggregate, row) and aggregate.measure in ("first", "last"):
            return replace(test, values=tuple(State(value) for value in test.values))
    return test


def _in_per_cent(test: Test) -> Test:
    """Return the test of a share with its constants as percentages."""
    match test:
        case Compare(_, int() | float() as than):
            return replace(test, than=PerCent(than))
        case Between(int() | float() as low, int() | float() as high):
            return Between(PerCent(low), PerCent(high))
        case Among(values, _):
            shares = (PerCent(value) for value in values if isinstance(value, int | float))
            return replace(test, values=tuple(shares))
    return test
