"""Conditions in English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pusula.segments.language.nodes import (
    SEASONS,
    Aggregate,
    Among,
    Between,
    ColumnTest,
    Compare,
    ConsentTest,
    Contains,
    Known,
    Season,
    Starts,
    Test,
    Top,
    Value,
    Within,
)
from pusula.segments.language.sentences.printer import (
    Printer,
    Shape,
    is_state,
    narrowing,
    states,
    whole_bounds,
)
from pusula.segments.language.windows import Offset, OnDay, Point, Today

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_COLUMNS = {
    "status": "status",
    "property": "property",
    "region": "region",
    "room_type": "room type",
    "board": "board",
    "channel": "channel",
    "source": "source",
    "ordered_at": "order date",
    "cancelled_at": "cancellation date",
    "starts_on": "start date",
    "ends_on": "end date",
    "nights": "number of nights",
    "adults": "number of adults",
    "children": "number of children",
    "net_amount": "net amount",
    "gross_amount": "gross amount",
}
_STATES = {
    "pending": "pending",
    "confirmed": "confirmed",
    "in_house": "in-house",
    "completed": "completed",
    "cancelled": "cancelled",
    "no_show": "no-show",
}
_HAPPENED = {"cancelled_at": "cancelled", "starts_on": "starting", "ends_on": "ending"}
_CHANNELS = {
    "email": "e-mail",
    "sms": "SMS",
    "whatsapp": "WhatsApp",
    "call": "phone",
    "webpush": "web push",
}
_OPERATORS = {
    "at_least": "at least",
    "at_most": "at most",
    "more_than": "more than",
    "less_than": "less than",
}
_MEASURES = {
    "distinct": "number of different values of",
    "sum": "total",
    "avg": "average",
    "min": "lowest",
    "max": "highest",
    "latest": "latest",
    "earliest": "earliest",
}


class English(Printer):
    """Says conditions as "has at least 2 completed stays ending in the last 12 months"."""

    AND = "and"
    OR = "or"
    ALL_OF = "all of these hold"
    ANY_OF = "at least one of these holds"
    THOUSANDS = ","
    DECIMALS = "."
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
    }

    def capital(self, letter: str) -> str:
        """Return the first letter of a sentence."""
        return letter.upper()

    def truth(self, *, value: bool) -> str:
        """Return a yes or no."""
        return "yes" if value else "no"

    def trait(self, name: str, test: Test, *, negated: bool) -> str:
        """Return what a trait must be."""
        return f"trait {self.value(name)} {self._is(test, negated=negated)}"

    def trait_known(self, name: str, *, known: bool) -> str:
        """Return that a trait is known or not."""
        return f"trait {self.value(name)} is {'known' if known else 'not known'}"

    def consent(self, leaf: ConsentTest, *, negated: bool) -> str:
        """Return what a person decided about a channel."""
        purpose = leaf.purpose if leaf.purpose == "marketing" else self.value(leaf.purpose)
        about = f"{purpose} by {_CHANNELS.get(leaf.channel, leaf.channel)}"
        match leaf.status:
            case "granted":
                return f"has {'not granted' if negated else 'granted'} consent to {about}"
            case "refused":
                return f"has {'not refused' if negated else 'refused'} {about}"
        return f"has {'' if negated else 'never '}decided about {about}"

    def in_segment(self, title: str, *, negated: bool) -> str:
        """Return that a person is in another segment."""
        return f"is {'not ' if negated else ''}in the segment {self.value(title)}"

    def aggregate(self, aggregate: Aggregate, test: Test, *, negated: bool) -> str:
        """Return what is measured over rows and what it must be."""
        match aggregate.measure:
            case "count":
                return self._count(aggregate, whole_bounds(test), negated=negated)
            case "years_in_same_season":
                return self._seasons(aggregate, whole_bounds(test), negated=negated)
        measured = f"the {_MEASURES[aggregate.measure]} {self._measured(aggregate)}"
        return f"{measured} of {self._rows(aggregate)} {self._is(test, negated=negated)}"

    def _count(self, aggregate: Aggregate, test: Test, *, negated: bool) -> str:
        match test:
            case Among((0,)) if negated:
                return f"has at least 1 {self._rows(aggregate, is_one=True)}"
            case Compare("at_most", 0) | Among((0,)):
                return f"has no {self._rows(aggregate)}"
            case Top() | Among() if negated or isinstance(test, Top):
                number = f"the number of {self._rows(aggregate)}"
                return f"{number} {self._is(test, negated=negated)}"
        verb = "does not have" if negated else "has"
        return f"{verb} {self._quantity(test)} {self._rows(aggregate, is_one=_is_one(test))}"

    def _seasons(self, aggregate: Aggregate, test: Test, *, negated: bool) -> str:
        rows, by = self._rows(aggregate), f"(by {self._measured(aggregate)})"
        season = "the same season"
        if aggregate.seasons != SEASONS:
            season = f"the same one of {self._season_list(aggregate.seasons)}"
        if isinstance(test, Top) or (isinstance(test, Among) and negated):
            years = f"the number of different years with {rows} in {season} {by}"
            return f"{years} {self._is(test, negated=negated)}"
        verb = "does not have" if negated else "has"
        year = "different year" if _is_one(test) else "different years"
        return f"{verb} {rows} in {season} of {self._quantity(test)} {year} {by}"

    def _season_list(self, seasons: tuple[Season, ...]) -> str:
        spans = [
            f"{self.value(each.name)} ({_MONTHS[each.first - 1]}–{_MONTHS[each.last - 1]})"
            for each in seasons
        ]
        return self.listed(spans, "and")

    def _rows(self, aggregate: Aggregate, *, is_one: bool = False) -> str:
        """Return the rows as a noun with everything that narrows them down."""
        noun = "stay" if self.has_stays else "order"
        if aggregate.relation == "events":
            noun = f"{self.values(aggregate.names)} event"
        words = [noun if is_one else f"{noun}s"]
        if found := states(aggregate):
            words.insert(0, self._states(found))
        if rows := narrowing(aggregate):
            words.append(f"with {self.listed([self._with(aggregate, r) for r in rows], 'and')}")
        if aggregate.window is not None:
            if aggregate.relation == "orders":
                made = "booked" if self.has_stays else "placed"
                words.append(_HAPPENED.get(aggregate.by.name, made))
            words.append(self.window(aggregate.window))
        return " ".join(words)

    def _states(self, values: tuple[Value, ...]) -> str:
        return self.listed([_STATES.get(str(value), str(value)) for value in values], self.OR)

    def _with(self, aggregate: Aggregate, row: ColumnTest) -> str:
        """Return the test of one column as an addition: "region “Bodrum” or “Çeşme”"."""
        name = self._name(aggregate, row.column.name)
        match row.test:
            case Known(known):
                return f"{name} {'known' if known else 'not known'}"
            case Contains(text):
                return f"{name} containing {self.value(text)}"
            case Starts(text):
                return f"{name} starting with {self.value(text)}"
            case Within(window):
                return f"{name} {self.window(window)}"
            case Among(values, negated):
                is_words = is_state(aggregate, row)
                shown = self._states(values) if is_words else self.values(values)
                return f"{name} {'other than ' if negated else ''}{shown}"
        return f"{name} {self._quantity(row.test)}"

    def _measured(self, aggregate: Aggregate) -> str:
        return "" if aggregate.column is None else self._name(aggregate, aggregate.column.name)

    def _name(self, aggregate: Aggregate, column: str) -> str:
        if aggregate.relation == "events":
            return "time" if column == "at" else self.value(column)
        return _COLUMNS[column]

    def _quantity(self, test: Test) -> str:
        match test:
            case Among((value,), False):
                return f"exactly {self.value(value)}"
            case Among(values, False):
                return self.values(values)
            case Compare(operator, than):
                return f"{_OPERATORS[operator]} {self.value(than)}"
            case Between(low, high):
                return f"between {self.value(low)} and {self.value(high)}"
        raise AssertionError(test)

    def _is(self, test: Test, *, negated: bool) -> str:
        """Return the test as a predicate: "is at least 3", "does not contain “x”"."""
        verb = "is not" if negated else "is"
        match test:
            case Contains(text):
                said = f"{'does not contain' if negated else 'contains'} {self.value(text)}"
            case Starts(text):
                said = f"{'does not start' if negated else 'starts'} with {self.value(text)}"
            case Within(window):
                said = f"{verb} {self.window(window)}"
            case Known(known):
                said = f"is {'known' if known != negated else 'not known'}"
            case Top(percent):
                said = f"{verb} in the top {self.figure(percent)}%"
            case Among(values, True):
                shown = self.values(values)
                said = f"is {shown} or not known" if negated else f"is known and is not {shown}"
            case Among(values, False):
                said = f"{verb} {self.values(values)}"
            case _:
                said = f"{verb} {self._quantity(test)}"
        return said

    def point(self, point: Point, shape: Shape) -> str:
        """Return a point in time as it stands in a window of this shape."""
        match point:
            case Today():
                return "today"
            case OnDay(day):
                return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"
            case Offset(0, _):
                return "now"
            case Offset(amount, unit):
                return self._offset(amount, unit, shape)

    def _offset(self, amount: int, unit: str, shape: Shape) -> str:
        number = abs(amount)
        length = f"{self.figure(number)} {unit if number == 1 else unit + 's'}"
        if shape in ("last", "next"):
            return unit if number == 1 else length
        if shape in ("long_ago", "not_far"):
            return length
        return f"{length} ago" if amount < 0 else f"{length} from now"


def _is_one(test: Test) -> bool:
    match test:
        case Compare(_, 1) | Among((1,), False):
            return True
    return False
