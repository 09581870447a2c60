"""Reading the test of one value: which tests each kind can stand, and their constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

from pusula.lib.sayings import Saying
from pusula.segments.language import literals, moment_tests, patterns
from pusula.segments.language.nodes import (
    Among,
    Between,
    Compare,
    Contains,
    Ends,
    Has,
    Known,
    Matches,
    Money,
    Number,
    Operator,
    Quantiles,
    Rank,
    Starts,
    Test,
    ToMean,
    Top,
    Value,
)
from pusula.segments.language.place import Place
from pusula.segments.language.schema import TIMES, Kind, Limits, Schema

MOST_RANK = 10_000_000


@dataclass(frozen=True)
class TestReader:
    """Reads the test of a value of one kind.

    ``choices`` are set where it can only be one of these words. ``constant`` reads what the value
    is compared with, where that is no plain number or amount. A value that ``is_always`` there is
    neither known nor unknown. ``populations`` are the tests that compare it with other profiles.
    """

    schema: Schema
    limits: Limits
    kind: Kind
    choices: tuple[str, ...] | None = None
    constant: Callable[[Place], Number] | None = None
    is_always: bool = False
    populations: tuple[str, ...] = ()

    def read(self, place: Place) -> Test:
        """Return the test that stands at ``place``."""
        if place.value in ("known", "unknown") and not self.is_always:
            return Known(place.value == "known")
        if self.kind in TIMES:
            return moment_tests.read(place, self.schema, _test_of(self.kind))
        key, below = place.single((*TESTS[self.kind], *self.populations), _test_of(self.kind))
        if key in self.populations:
            return POPULATION_TESTS[key](self, below)
        return TESTS[self.kind][key](self, below)

    def value(self, place: Place) -> Value:
        """Return one constant to compare with."""
        match self.kind:
            case Kind.TEXT if self.choices is not None:
                return place.choice(self.choices, "word")
            case Kind.TEXT:
                return place.text("a text")
            case Kind.BOOL:
                if not isinstance(place.value, bool):
                    raise place.expected("true or false")
                return place.value
        return self.amount(place)

    def amount(self, place: Place) -> Number | Money:
        """Return a constant that has a size."""
        if self.constant is not None:
            return self.constant(place)
        if self.kind is Kind.MONEY:
            return literals.money(place, self.schema.currency)
        return literals.number(place)

    def among(self, place: Place) -> tuple[Value, ...]:
        """Return the constants of a list, each once."""
        values = place.items("values", self.limits.values)
        return tuple(dict.fromkeys(self.value(value) for value in values))

    def words(self, place: Place) -> tuple[str, ...]:
        """Return the texts of a list, each once."""
        values = place.items("values", self.limits.values)
        return tuple(dict.fromkeys(_entry(value) for value in values))


def _test_of(kind: Kind) -> Saying:
    return Saying("a test of %(what)s", {"what": A[kind]})


# Tests of one profile's value.


def _is(tests: TestReader, place: Place) -> Test:
    return Among((tests.value(place),))


def _is_not(tests: TestReader, place: Place) -> Test:
    return Among((tests.value(place),), negated=True)


def _in(tests: TestReader, place: Place) -> Test:
    return Among(tests.among(place))


def _not_in(tests: TestReader, place: Place) -> Test:
    return Among(tests.among(place), negated=True)


def _contains(_: TestReader, place: Place) -> Test:
    return Contains(_piece(place))


def _starts(_: TestReader, place: Place) -> Test:
    return Starts(_piece(place))


def _ends(_: TestReader, place: Place) -> Test:
    return Ends(_piece(place))


def _piece(place: Place) -> str:
    """Return a piece of a text; white space at its ends would be lost where text is folded."""
    text = place.text("a text")
    if text != text.strip():
        raise place.error("white space at its ends is not compared; say it with matches")
    return text


def _matches(_: TestReader, place: Place) -> Test:
    return Matches(patterns.pattern(place))


def _has(_: TestReader, place: Place) -> Test:
    return Has((_entry(place),))


def _entry(place: Place) -> str:
    text = place.text("a text")
    if "\n" in text:
        raise place.error("an entry of a list has one line")
    return text


def _has_any(tests: TestReader, place: Place) -> Test:
    return Has(tests.words(place))


def _has_all(tests: TestReader, place: Place) -> Test:
    words = tests.words(place)
    return Has(words, is_all=len(words) > 1)


def _between(tests: TestReader, place: Place) -> Test:
    low, high = (tests.amount(limit) for limit in _pair(place))
    if _size(low) > _size(high):
        raise place.error("the lower limit comes first")
    return Between(low, high)


def _pair(place: Place) -> list[Place]:
    places = place.items("limits", 2)
    if len(places) != 2:  # noqa: PLR2004 - a pair
        raise place.error("expected two limits, the lower one first")
    return places


def _size(amount: Number | Money) -> Number:
    return amount.minor if isinstance(amount, Money) else amount


def _comparison(operator: Operator) -> Callable[[TestReader, Place], Test]:
    return lambda tests, place: Compare(operator, tests.amount(place))


# Tests that compare with published cut-points.


def _top(_: TestReader, place: Place) -> Test:
    return Top(literals.share(place))


def _bottom(_: TestReader, place: Place) -> Test:
    return Quantiles(literals.NONE, literals.share(place))


def _quantiles(_: TestReader, place: Place) -> Test:
    low, high = (literals.per_cent(limit) for limit in _pair(place))
    if low >= high:
        raise place.error("the lower limit comes first")
    return Quantiles(low, high)


def _of_mean(_: TestReader, place: Place) -> Test:
    key, below = place.single(get_args(Operator), "a comparison")
    return ToMean(_operator(key), literals.ratio(below))


def _of_row_mean(_: TestReader, place: Place) -> Test:
    key, below = place.single(get_args(Operator), "a comparison")
    return ToMean(_operator(key), literals.ratio(below), "rows")


def _operator(word: str) -> Operator:
    operators: tuple[Operator, ...] = get_args(Operator)
    return next(operator for operator in operators if operator == word)


def _rank(_: TestReader, place: Place) -> Test:
    first = literals.count(place)
    if not 1 <= first <= MOST_RANK:
        raise place.expected("a place from 1 to %(most)s", most=MOST_RANK)
    return Rank(first)


_Parsers = Mapping[str, Callable[[TestReader, Place], Test]]
_EQUALS: _Parsers = {"is": _is, "is_not": _is_not, "in": _in, "not_in": _not_in}
_COMPARES: _Parsers = {
    **{operator: _comparison(operator) for operator in get_args(Operator)},
    "between": _between,
}
_TEXTS: _Parsers = {"contains": _contains, "starts": _starts, "ends": _ends, "matches": _matches}
TESTS: Mapping[Kind, _Parsers] = {
    Kind.TEXT: {**_EQUALS, **_TEXTS},
    Kind.NUMBER: {**_EQUALS, **_COMPARES},
    Kind.MONEY: {**_EQUALS, **_COMPARES},
    Kind.BOOL: {"is": _is},
    Kind.LIST: {"has": _has, "has_any": _has_any, "has_all": _has_all},
}
POPULATION_TESTS: _Parsers = {
    "top": _top,
    "bottom": _bottom,
    "between_quantiles": _quantiles,
    "rank": _rank,
    "of_mean": _of_mean,
    "of_row_mean": _of_row_mean,
}
A = {
    Kind.TEXT: Saying("a text"),
    Kind.NUMBER: Saying("a number"),
    Kind.MONEY: Saying("an amount of money"),
    Kind.MOMENT: Saying("a moment"),
    Kind.DAY: Saying("a date"),
    Kind.BOOL: Saying("a yes or no"),
    Kind.LIST: Saying("a list"),
}
