"""Tests of values, windows and points in time in English."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from pusula.segments.language.nodes import (
    Aggregate,
    Among,
    Anniversary,
    Between,
    ColumnTest,
    Compare,
    Contains,
    During,
    Ends,
    Has,
    InMonths,
    Known,
    Matches,
    OnWeekdays,
    Population,
    Quantiles,
    Rank,
    Starts,
    Test,
    ToMean,
    Top,
    Value,
    Within,
)
from pusula.segments.language.sentences.english_words import (
    ANCHORS,
    COLUMNS,
    MONTHS,
    OPERATORS,
    STATES,
    WEEKDAYS,
)
from pusula.segments.language.sentences.printer import Printer, is_state
from pusula.segments.language.sentences.shapes import Shape
from pusula.segments.language.windows import Offset, OnDay, Point, Since, StartOf, Today

CalendarTest = InMonths | OnWeekdays | During
TextTest = Contains | Starts | Ends | Matches | Has


class EnglishTests(Printer):
    """Says what a value must be: "is at least 3", "does not contain “x”"."""

    LANGUAGE = "en"
    AND = "and"
    OR = "or"
    ALL_OF = "all of these hold"
    ANY_OF = "at least one of these holds"
    THOUSANDS = ","
    DECIMALS = "."
    STATES = STATES
    DAYS: ClassVar[Mapping[Shape, str]] = {
        "this": "today",
        "previous": "yesterday",
        "following": "tomorrow",
    }
    WINDOWS: ClassVar[Mapping[Shape, str]] = {
        "always": "at any time",
        "past": "up to now",
        "future": "from now on",
        "last": "in the last {}",
        "next": "in the next {}",
        "long_ago": "more than {} ago",
        "not_far": "less than {} from now or earlier",
        "before_today": "before today",
        "before_day": "before {}",
        "since_day": "on or after {}",
        "since": "{} or later",
        "day": "on {}",
        "days": "from {} to {}",
        "between": "between {} and {}",
        "this": "in the current {}",
        "previous": "in the previous {}",
        "previous_n": "in the previous {n} full {}s",
        "following": "in the following {}",
        "following_n": "in the following {n} full {}s",
        "so_far": "in the current {} so far",
        "so_far_n": "in the current {} up to now and the {n} before it",
        "since_own": "from {} on",
        "before_own": "before {}",
        "before_shifted": "earlier than {}",
    }

    def capital(self, letter: str) -> str:
        """Return the first letter of a sentence."""
        return letter.upper()

    def truth(self, *, value: bool) -> str:
        """Return a yes or no."""
        return "yes" if value else "no"

    def per_cent(self, percent: Decimal) -> str:
        """Return a percentage."""
        return f"{self.figure(percent)}%"

    def predicate(self, test: Test, *, negated: bool) -> str:
        """Return the test as a predicate: "is at least 3", "does not contain “x”"."""
        verb = "is not" if negated else "is"
        match test:
            case Contains() | Starts() | Ends() | Matches() | Has():
                said = self._text(test, negated=negated)
            case Anniversary(days):
                verb = "does not have" if negated else "has"
                said = f"{verb} its anniversary {self._soon(days)}"
            case Known(known):
                said = f"is {'known' if known != negated else 'not known'}"
            case Among(values, True):
                shown = self.values(values)
                said = f"is {shown} (or not known)" if negated else f"is known and is not {shown}"
            case Among(values, False):
                said = f"{verb} {self.values(values)}"
            case _:
                said = f"{verb} {self._phrase(test)}"
        return said

    def addition(self, rows: Aggregate, row: ColumnTest) -> str:
        """Return the test of one column as an addition: "region “Bodrum” or “Çeşme”"."""
        name = self.column(rows, row.column.name)
        match row.test:
            case Known(known):
                said = "known" if known else "not known"
            case Contains() | Starts() | Ends() | Matches() | Has():
                said = self._participle(row.test)
            case Anniversary(days):
                said = f"with its anniversary {self._soon(days)}"
            case Among(values, negated):
                shown = self.states(values) if is_state(rows, row) else self.values(values)
                said = f"{'other than ' if negated else ''}{shown}"
            case _:
                said = self._phrase(row.test)
        return f"{name} {said}"

    def _phrase(self, test: Test) -> str:
        match test:
            case Within(window):
                return self.window(window)
            case InMonths() | OnWeekdays() | During():
                return self._calendar(test)
            case Top() | Quantiles() | ToMean() | Rank():
                return self._population(test)
        return self.quantity(test)

    def quantity(self, test: Test) -> str:
        """Return how large something is: "at least 3"."""
        match test:
            case Among((value,), False):
                return f"exactly {self.value(value)}"
            case Among(values, False):
                return self.values(values)
            case Compare(operator, than):
                return f"{OPERATORS[operator]} {self.value(than)}"
            case Between(low, high):
                return f"between {self.value(low)} and {self.value(high)}"
        raise AssertionError(test)

    def states(self, values: tuple[Value, ...]) -> str:
        """Return states of orders as adjectives."""
        return self.listed([STATES.get(str(value), str(value)) for value in values], self.OR)

    def column(self, rows: Aggregate, column: str) -> str:
        """Return the name of a column or property."""
        if rows.relation == "events":
            return "time" if column == "at" else self.property_name(column)
        return COLUMNS[column]

    def _text(self, test: TextTest, *, negated: bool) -> str:
        no = "does not " if negated else ""
        s = "" if negated else "s"
        match test:
            case Contains(text):
                return f"{no}contain{s} {self.value(text)}"
            case Starts(text):
                return f"{no}start{s} with {self.value(text)}"
            case Ends(text):
                return f"{no}end{s} with {self.value(text)}"
            case Matches(pattern):
                return f"{no}match{'' if negated else 'es'} the pattern {self.value(pattern)}"
        return f"{no}include{s} {self._had(test)}"

    def _participle(self, test: TextTest) -> str:
        match test:
            case Contains(text):
                return f"containing {self.value(text)}"
            case Starts(text):
                return f"starting with {self.value(text)}"
            case Ends(text):
                return f"ending with {self.value(text)}"
            case Matches(pattern):
                return f"matching the pattern {self.value(pattern)}"
        return f"including {self._had(test)}"

    def _had(self, test: Has) -> str:
        values = [self.value(value) for value in test.values]
        return f"all of {self.listed(values, 'and')}" if test.is_all else self.values(test.values)

    def _calendar(self, test: CalendarTest) -> str:
        match test:
            case InMonths(months):
                return f"in {self.listed([MONTHS[each - 1] for each in months], 'or')}"
            case OnWeekdays(weekdays):
                return f"on a {self.listed([WEEKDAYS[each] for each in weekdays], 'or')}"
            case During(name):
                return f"in the period {self.period(name)}"

    def _soon(self, days: int) -> str:
        return "today" if days == 1 else f"today or in the {days - 1} days after"

    def _population(self, test: Population) -> str:
        match test:
            case Top(percent):
                return f"in the top {self.per_cent(percent)}"
            case Quantiles(low, high) if not low:
                return f"in the bottom {self.per_cent(high)}"
            case Quantiles(low, high):
                shown = f"{self.per_cent(low)} and {self.per_cent(high)}"
                return f"between the quantiles of {shown}"
            case ToMean(operator, ratio, of):
                whose = "all customers" if of == "profiles" else "all customers’ single rows"
                return f"{OPERATORS[operator]} {self.figure(ratio)} times the mean of {whose}"
            case Rank(first):
                return f"among the {self.figure(first)} highest"

    def point(self, point: Point | Since, shape: Shape) -> str:
        """Return a point in time as it stands in a window of this shape."""
        match point:
            case Today():
                return "today"
            case OnDay(day):
                return f"{day.day} {MONTHS[day.month - 1]} {day.year}"
            case StartOf(unit, _):
                return unit
            case Since():
                return self._since(point)
            case Offset(amount, unit):
                return self._offset(amount, unit, shape)

    def _since(self, point: Since) -> str:
        if point.shift is None:
            return ANCHORS[point.anchor]
        side = "before" if point.shift.amount < 0 else "after"
        length = self.length(point.shift.amount, point.shift.unit)
        return f"{length} {side} {ANCHORS[point.anchor]}"

    def _offset(self, amount: int, unit: str, shape: Shape) -> str:
        if amount == 0:
            return "now"
        length = self.length(amount, unit)
        if shape in ("last", "next", "long_ago", "not_far"):
            return length
        return f"{length} ago" if amount < 0 else f"{length} from now"

    def length(self, amount: int, unit: str) -> str:
        """Return a length of time."""
        number = abs(amount)
        return f"{self.figure(number)} {unit if number == 1 else unit + 's'}"
