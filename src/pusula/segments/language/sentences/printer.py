"""What the printers of both languages share: the tree, negation, lists and figures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar, Literal

from pusula.lib.money import SYMBOLS, from_minor
from pusula.segments.language.nodes import (
    MEASURES,
    Aggregate,
    AggregateTest,
    AllOf,
    Among,
    AnyOf,
    ColumnTest,
    Compare,
    Condition,
    ConsentTest,
    InSegment,
    Known,
    Leaf,
    Money,
    Not,
    Number,
    Operator,
    Test,
    TraitTest,
    Value,
)
from pusula.segments.language.references import leaves
from pusula.segments.language.windows import NOW, Offset, OnDay, Point, Today, Window

_SIGNS = {code: sign for sign, code in SYMBOLS.items() if not sign.isalpha()}
_OPPOSITE: dict[Operator, Operator] = {
    "at_least": "less_than",
    "less_than": "at_least",
    "at_most": "more_than",
    "more_than": "at_most",
}
# Columns that only a stay has; rows that are chosen or measured by them are called stays.
_OF_STAYS = frozenset(
    {"property", "room_type", "board", "starts_on", "ends_on", "nights", "adults", "children"}
)


Shape = Literal[
    "always", "past", "future", "last", "next", "long_ago", "not_far",
    "before_today", "before_day", "since_day", "since", "day", "days", "between",
]  # fmt: skip


class Printer(ABC):
    """Says conditions as clauses about one person; a language fills in the words."""

    AND: ClassVar[str]
    OR: ClassVar[str]
    ALL_OF: ClassVar[str]
    ANY_OF: ClassVar[str]
    THOUSANDS: ClassVar[str]
    DECIMALS: ClassVar[str]
    WINDOWS: ClassVar[Mapping[Shape, str]]

    def __init__(self, whole: Condition, titles: Mapping[str, str]) -> None:
        """Speak of stays in all of ``whole`` if some part of it does, else of orders."""
        self.titles = titles
        self.has_stays = any(
            isinstance(leaf, AggregateTest) and _is_of_stays(leaf.aggregate)
            for leaf in leaves(whole)
        )

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
                return self.aggregate(aggregate, test, negated=negated)
            case TraitTest(name, _, Known(known)):
                return self.trait_known(name, known=known != negated)
            case TraitTest(name, _, test):
                return self.trait(name, test, negated=negated)
            case ConsentTest():
                return self.consent(leaf, negated=negated)
            case InSegment(key):
                return self.in_segment(self.titles.get(key, key), negated=negated)

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
            case str():
                return f"“{value}”"
            case bool():
                return self.truth(value=value)
            case Money(minor, currency):
                amount = from_minor(minor, currency)
                figure = self.marked(f"{amount:,f}") if amount % 1 else self.figure(amount)
                sign = _SIGNS.get(currency)
                return f"{sign}{figure}" if sign else f"{figure} {currency}"
        return self.figure(value)

    def values(self, values: Sequence[Value]) -> str:
        """Return constants as an alternative."""
        return self.listed([self.value(value) for value in values], self.OR)

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
        shape, points = _shape(window)
        return self.WINDOWS[shape].format(*(self.point(point, shape) for point in points))

    @abstractmethod
    def point(self, point: Point, shape: Shape) -> str:
        """Return a point in time as it stands in a window of this shape."""

    @abstractmethod
    def capital(self, letter: str) -> str:
        """Return the first letter of a sentence."""

    @abstractmethod
    def truth(self, *, value: bool) -> str:
        """Return a yes or no."""

    @abstractmethod
    def aggregate(self, aggregate: Aggregate, test: Test, *, negated: bool) -> str:
        """Return what is measured over rows and what it must be."""

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
    def in_segment(self, title: str, *, negated: bool) -> str:
        """Return that a person is in another segment."""


def _is_of_stays(aggregate: Aggregate) -> bool:
    """Return whether the rows are better called stays than orders."""
    columns = {test.column.name for test in aggregate.where}
    if aggregate.column is not None:
        columns.add(aggregate.column.name)
    if aggregate.window is not None:
        columns.add(aggregate.by.name)
    return aggregate.relation == "orders" and not columns.isdisjoint(_OF_STAYS)


def states(aggregate: Aggregate) -> tuple[Value, ...]:
    """Return the states that rows must be in, where an adjective can say so."""
    for row in aggregate.where:
        if is_state(aggregate, row) and isinstance(row.test, Among) and not row.test.negated:
            return row.test.values
    return ()


def is_state(aggregate: Aggregate, row: ColumnTest) -> bool:
    """Return whether the test is about the state of an order."""
    return aggregate.relation == "orders" and row.column.name == "status"


def narrowing(aggregate: Aggregate) -> list[ColumnTest]:
    """Return the tests of rows that no adjective says."""
    said = bool(states(aggregate))
    return [row for row in aggregate.where if not (said and is_state(aggregate, row))]


def _shape(window: Window) -> tuple[Shape, tuple[Point, ...]]:
    """Return which words say a window best, and the points that stand in them."""
    start, end = window.start, window.end
    if start is None:
        return _shape_before(end)
    if end is None:
        return _shape_after(start)
    match start, end:
        case Offset(amount, _), Offset(0, _) if amount < 0:
            return "last", (start,)
        case Offset(0, _), Offset():
            return "next", (end,)
        case OnDay(), OnDay(after):
            last = OnDay(after - timedelta(days=1))
            return ("day", (start,)) if start == last else ("days", (start, last))
    return "between", (start, end)


def _shape_after(start: Point) -> tuple[Shape, tuple[Point, ...]]:
    if start == NOW:
        return "future", ()
    return ("since_day" if isinstance(start, OnDay) else "since"), (start,)


def _shape_before(end: Point | None) -> tuple[Shape, tuple[Point, ...]]:
    match end:
        case None:
            return "always", ()
        case Offset(0, _):
            return "past", ()
        case Offset(amount, _):
            return ("long_ago" if amount < 0 else "not_far"), (end,)
        case Today():
            return "before_today", ()
    return "before_day", (end,)


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
