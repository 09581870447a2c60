"""Whether values stand a test: one function per test of the language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np

from pusula.lib import clock
from pusula.segments.kernel.block import Bools
from pusula.segments.kernel.columns import FIRST, Vector
from pusula.segments.language.nodes import (
    Among,
    Between,
    Compare,
    Contains,
    Known,
    Money,
    Operator,
    Starts,
    Test,
    Value,
    Within,
)
from pusula.segments.language.schema import Kind
from pusula.segments.language.windows import Window

EPOCH = date(1970, 1, 1)
_ANCIENT, _NEVER = np.iinfo(np.int64).min, np.iinfo(np.int64).max

_COMPARE: dict[Operator, np.ufunc] = {
    "at_least": np.greater_equal,
    "at_most": np.less_equal,
    "more_than": np.greater,
    "less_than": np.less,
}


@dataclass(frozen=True)
class Asked:
    """The moment that is asked about, and what the windows of definitions mean at it."""

    at: int
    tz: str
    _bounds: dict[tuple[Window, bool], tuple[int, int]] = field(default_factory=dict)

    def bounds(self, window: Window, kind: Kind) -> tuple[int, int]:
        """Return [from, to) for values of ``kind``: moments, or days since 1970."""
        key = (window, kind is Kind.DAY)
        if key not in self._bounds:
            start, end = window.bounds(self.at, self.tz)
            if kind is Kind.DAY:
                start = None if start is None else self._day_from(start)
                end = None if end is None else self._day_from(end)
            self._bounds[key] = (
                _ANCIENT if start is None else start,
                _NEVER if end is None else end,
            )
        return self._bounds[key]

    def _day_from(self, moment: int) -> int:
        """Return the first day that begins at ``moment`` or later."""
        day = clock.day_of(moment, self.tz)
        while clock.start_of(day, self.tz) < moment:
            day += timedelta(days=1)
        return (day - EPOCH).days


def holds(test: Test, vector: Vector, asked: Asked) -> Bools:
    """Return where a value stands ``test``; a missing one stands none but ``Known(False)``."""
    if isinstance(test, Known):
        return vector.known if test.known else ~vector.known
    stands: Bools = _TESTS[type(test)](test, vector, asked)
    return stands & vector.known


def _among(test: Among, vector: Vector, _: Asked) -> Bools:
    if vector.kind is Kind.TEXT:
        return _text_among(test, vector)
    found = np.isin(vector.values, np.array([_plain(value) for value in test.values]))
    return ~found if test.negated else found


def _text_among(test: Among, vector: Vector) -> Bools:
    codes = [vector.words[str(word)] for word in test.values]
    if len(codes) == 1 and not test.negated:
        only: Bools = vector.values == codes[0]
        return only
    stands = np.full(FIRST + len(vector.words), test.negated)
    stands[codes] = not test.negated
    picked: Bools = stands[vector.values]
    return picked


def _compare(test: Compare, vector: Vector, _: Asked) -> Bools:
    compared: Bools = _COMPARE[test.operator](vector.values, _plain(test.than))
    return compared


def _between(test: Between, vector: Vector, _: Asked) -> Bools:
    between: Bools = vector.values >= _plain(test.low)
    between &= vector.values <= _plain(test.high)
    return between


def _pattern(test: Contains | Starts, vector: Vector, _: Asked) -> Bools:
    if vector.search is None:
        message = f"{vector.kind} has no patterns"
        raise TypeError(message)
    return vector.search(test)


def _within(test: Within, vector: Vector, asked: Asked) -> Bools:
    start, end = asked.bounds(test.window, vector.kind)
    within: Bools = vector.values < end
    if start != _ANCIENT:
        within &= vector.values >= start
    return within


def _plain(value: Value) -> Any:
    return value.minor if isinstance(value, Money) else value


_TESTS: dict[type[Any], Callable[[Any, Vector, Asked], Bools]] = {
    Among: _among,
    Compare: _compare,
    Between: _between,
    Contains: _pattern,
    Starts: _pattern,
    Within: _within,
}
