"""Reading the test of one value: which tests each kind can stand, and their constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import get_args

from pusula.segments.language import literals
from pusula.segments.language.nodes import (
    Among,
    Between,
    Compare,
    Contains,
    Known,
    Measure,
    Money,
    Number,
    Operator,
    Starts,
    Test,
    Top,
    Value,
    Within,
)
from pusula.segments.language.place import Place
from pusula.segments.language.schema import TIMES, Kind, Limits, Schema
from pusula.segments.language.windows import Window


@dataclass(frozen=True)
class TestReader:
    """Reads the test of a value of one kind.

    ``measure`` is set where the value is measured over rows, ``choices`` where it can only be one
    of these words.
    """

    schema: Schema
    limits: Limits
    kind: Kind
    measure: Measure | None = None
    choices: tuple[str, ...] | None = None

    def read(self, place: Place) -> Test:
        """Return the test that stands at ``place``."""
        is_total = self.measure is not None and self.measure.total  # totals are never missing
        if place.value in ("known", "unknown") and not is_total:
            return Known(place.value == "known")
        if self.kind in TIMES:
            return Within(self._window(place))
        known = list(_TESTS[self.kind])
        if self.measure is not None:
            known.append("top")
        key, below = place.single(known, f"a test of {_A[self.kind]}")
        if key == "top":
            return Top(literals.share(below))
        return _TESTS[self.kind][key](self, below)

    def _window(self, place: Place) -> Window:
        if isinstance(place.value, Mapping) and len(place.value) == 1:
            known = (*literals.WINDOW_KEYS, *_TIME_TESTS)
            key, below = place.single(known, f"a test of {_A[self.kind]}")
            if key in _TIME_TESTS:
                return _TIME_TESTS[key](below)
        return literals.window(place)

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
        if self.kind is Kind.MONEY:
            return literals.money(place, self.schema.currency)
        return literals.count(place) if self._counts else literals.number(place)

    @property
    def _counts(self) -> bool:
        return self.measure is not None and self.measure.counts

    def among(self, place: Place) -> tuple[Value, ...]:
        """Return the constants of a list, each once."""
        values = place.items("values", self.limits.values)
        return tuple(dict.fromkeys(self.value(value) for value in values))


def _is(tests: TestReader, place: Place) -> Test:
    return Among((tests.value(place),))


def _is_not(tests: TestReader, place: Place) -> Test:
    return Among((tests.value(place),), negated=True)


def _in(tests: TestReader, place: Place) -> Test:
    return Among(tests.among(place))


def _not_in(tests: TestReader, place: Place) -> Test:
    return Among(tests.among(place), negated=True)


def _contains(_: TestReader, place: Place) -> Test:
    return Contains(place.text("a text"))


def _starts(_: TestReader, place: Place) -> Test:
    return Starts(place.text("a text"))


def _between(tests: TestReader, place: Place) -> Test:
    places = place.items("limits", 2)
    if len(places) != 2:  # noqa: PLR2004 - a pair
        raise place.error("expected two limits, the lower one first")
    low, high = (tests.amount(limit) for limit in places)
    if _size(low) > _size(high):
        raise place.error("the lower limit comes first")
    return Between(low, high)


def _size(amount: Number | Money) -> Number:
    return amount.minor if isinstance(amount, Money) else amount


def _comparison(operator: Operator) -> Callable[[TestReader, Place], Test]:
    return lambda tests, place: Compare(operator, tests.amount(place))


_Parsers = Mapping[str, Callable[[TestReader, Place], Test]]
_EQUALS: _Parsers = {"is": _is, "is_not": _is_not, "in": _in, "not_in": _not_in}
_COMPARES: _Parsers = {
    **{operator: _comparison(operator) for operator in get_args(Operator)},
    "between": _between,
}
_TESTS: Mapping[Kind, _Parsers] = {
    Kind.TEXT: {**_EQUALS, "contains": _contains, "starts": _starts},
    Kind.NUMBER: {**_EQUALS, **_COMPARES},
    Kind.MONEY: {**_EQUALS, **_COMPARES},
    Kind.BOOL: {"is": _is},
}
_TIME_TESTS = {
    "is": literals.on,
    "before": literals.before,
    "after": literals.after,
    "more_than": literals.more_than,
    "less_than": literals.less_than,
}
_A = {
    Kind.TEXT: "a text",
    Kind.NUMBER: "a number",
    Kind.MONEY: "an amount of money",
    Kind.MOMENT: "a moment",
    Kind.DAY: "a day",
    Kind.BOOL: "a yes or no",
}
