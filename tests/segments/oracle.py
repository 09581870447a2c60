"""The segment language in naive plain Python: one profile, one row, one condition at a time.

It reads the written definition itself (not the parsed one) and shares no code with the kernel but
the text fold, so a mistake in parser, window arithmetic or kernel shows as a difference.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from pusula.lib.text import fold

DAYS = {"starts_on", "ends_on", "birthday"}
TIMES = DAYS | {"ordered_at", "cancelled_at", "at"}
MEASURES = (
    "count", "sum", "avg", "min", "max", "latest", "earliest", "distinct", "years_in_same_season",
)  # fmt: skip
EXACT = {
    "second": timedelta(seconds=1),
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass
class Person:
    """Everything known about one profile; a missing value is None."""

    orders: list[dict] = field(default_factory=list)
    events: list[dict] = field(default_factory=list)  # name, at, and properties
    traits: dict = field(default_factory=dict)
    consents: dict = field(default_factory=dict)  # (channel, purpose) → status


def us(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


@dataclass
class Oracle:
    """Answers for ``people`` at ``at``."""

    definitions: dict[str, dict]
    people: list[Person]
    at: int
    tz: str

    @property
    def now(self) -> datetime:
        return EPOCH + timedelta(microseconds=self.at)

    # Conditions

    def members(self, key: str) -> list[bool]:
        return [self.holds(self.definitions[key]["where"], person) for person in self.people]

    def holds(self, node: dict, person: Person) -> bool:  # noqa: PLR0911 - a case per line
        ((kind, body),) = node.items()
        if kind == "all":
            return all(self.holds(part, person) for part in body)
        if kind == "any":
            return any(self.holds(part, person) for part in body)
        if kind == "not":
            return not self.holds(body, person)
        if kind == "segment":
            return self.holds(self.definitions[body]["where"], person)
        if kind == "consent":
            found = person.consents.get((body["channel"], body["purpose"]), "unknown")
            return found == body["is"]
        if kind == "trait":
            ((name, test),) = body.items()
            return self.stands(test, person.traits.get(name), name)
        return self.aggregate(kind, body, person)

    def aggregate(self, relation: str, body: dict, person: Person) -> bool:
        test = body["count"] if "count" in body else body["is"]
        value = self.measured(relation, body, person)
        if isinstance(test, dict) and "top" in test:
            population = [
                self.measured(relation, body, other)
                for other in self.people
                if self.rows(relation, body, other)
            ]
            population = [each for each in population if each is not None]
            if value is None or not self.rows(relation, body, person):
                return False
            return value >= quantile(population, 100 - Fraction(test["top"].rstrip(" %")))
        return self.stands(test, value, body.get("latest", body.get("earliest")))

    # Rows and what is measured over them

    def rows(self, relation: str, body: dict, person: Person) -> list[dict]:
        rows = person.orders if relation == "orders" else person.events
        if relation == "events":
            names = body["name"] if isinstance(body["name"], list) else [body["name"]]
            rows = [row for row in rows if row["name"] in names]
        for column, test in body.get("where", {}).items():
            rows = [row for row in rows if self.stands(test, row.get(column), column)]
        if "within" in body:
            by = body.get("by", "at" if relation == "events" else "ordered_at")
            rows = [row for row in rows if self.stands(body["within"], row.get(by), by)]
        return rows

    def measured(  # noqa: PLR0911 - a case per line
        self, relation: str, body: dict, person: Person
    ) -> object:
        rows = self.rows(relation, body, person)
        (measure,) = [name for name in MEASURES if name in body]
        if measure == "count":
            return len(rows)
        values = [row.get(body[measure]) for row in rows]
        values = [value for value in values if value not in (None, "")]
        if measure == "distinct":
            return len({fold(v) if isinstance(v, str) else v for v in values})
        if measure == "years_in_same_season":
            return self.most_years(values, body.get("seasons"))
        if measure in ("sum", "avg", "min", "max"):
            values = [Fraction(str(v)) for v in values if not isinstance(v, str)]
        if measure == "sum":
            return sum(values)
        if not values:
            return None
        if measure == "avg":
            return sum(values) / len(values)
        return (min if measure in ("min", "earliest") else max)(values)

    def most_years(self, values: list, seasons: dict | None) -> int:
        seasons = seasons or {"a": [3, 5], "b": [6, 8], "c": [9, 11], "d": [12, 2]}
        most = 0
        for first, last in seasons.values():
            years = set()
            for value in values:
                day = value if isinstance(value, date) else self.local(value).date()
                months = range(first, last + 1 if first <= last else last + 13)
                for month in months:
                    if (month - 1) % 12 + 1 == day.month:
                        years.add(day.year - (month > 12))
            most = max(most, len(years))
        return most

    # Tests of one value

    def stands(self, test: object, value: object, column: str | None) -> bool:
        if value == "":
            value = None
        if test in ("known", "unknown"):
            return (value is not None) == (test == "known")
        if value is None:
            return False
        if column in TIMES:
            start, end = self.window(test)
            moment = self.begin(value) if column in DAYS else value
            return (start is None or moment >= start) and (end is None or moment < end)
        ((operator, constant),) = test.items()
        return OPERATORS[operator](plain(value), plain(constant))

    # Time

    def window(  # noqa: C901, PLR0911 - a case per line
        self, test: dict
    ) -> tuple[int | None, int | None]:
        match test:
            case {"last": "all"}:
                return None, self.at
            case {"next": "all"}:
                return self.at, None
            case {"last": length}:
                return self.shifted(length, -1), self.at
            case {"next": length}:
                return self.at, self.shifted(length, 1)
            case {"between": [start, end]} | {"from": start, "to": end}:
                return self.point(start), self.point(end)
            case {"from": start}:
                return self.point(start), None
            case {"to": end} | {"before": end} | {"more_than": end}:
                return None, self.point(end)
            case {"less_than": start}:
                return self.point(start), self.at
            case {"after": start} if start[:1].isdigit() and "ago" not in start:
                return self.begin(date.fromisoformat(start) + timedelta(days=1)), None
            case {"after": start}:
                return self.point(start), None
            case {"is": day}:
                day = date.fromisoformat(day)
                return self.begin(day), self.begin(day + timedelta(days=1))
        raise AssertionError(test)

    def point(self, text: str) -> int:
        if text == "now":
            return self.at
        if text == "today":
            return self.begin(self.local(self.at).date())
        if text.endswith(" ago"):
            return self.shifted(text.removesuffix(" ago"), -1)
        if text.startswith("in "):
            return self.shifted(text.removeprefix("in "), 1)
        return self.begin(date.fromisoformat(text))

    def shifted(self, length: str, sign: int) -> int:
        number, unit = length.split()
        number, unit = sign * int(number), unit.rstrip("s")
        if unit in EXACT:
            return us(self.now + number * EXACT[unit])
        wall = self.local(self.at).replace(tzinfo=None)
        month = wall.year * 12 + wall.month - 1 + number * (12 if unit == "year" else 1)
        year, month = month // 12, month % 12 + 1
        day = min(wall.day, calendar.monthrange(year, month)[1])
        wall = wall.replace(year=year, month=month, day=day, fold=0)
        return us(wall.replace(tzinfo=ZoneInfo(self.tz)).astimezone(UTC))

    def begin(self, day: date) -> int:
        midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.tz))
        return us(midnight.astimezone(UTC))

    def local(self, moment: int) -> datetime:
        return (EPOCH + timedelta(microseconds=moment)).astimezone(ZoneInfo(self.tz))


OPERATORS = {
    "is": lambda value, constant: value == constant,
    "is_not": lambda value, constant: value != constant,
    "in": lambda value, constants: value in constants,
    "not_in": lambda value, constants: value not in constants,
    "contains": lambda value, constant: constant in value,
    "starts": lambda value, constant: value.startswith(constant),
    "at_least": lambda value, constant: value >= constant,
    "at_most": lambda value, constant: value <= constant,
    "more_than": lambda value, constant: value > constant,
    "less_than": lambda value, constant: value < constant,
    "between": lambda value, constants: constants[0] <= value <= constants[1],
}


def plain(value: object) -> object:
    """Text folded, amounts in kuruş, numbers exact."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, str) and value.endswith(" TRY"):
        return Fraction(value.removesuffix(" TRY")) * 100
    if isinstance(value, str):
        return fold(value)
    if isinstance(value, (bool, Fraction)):
        return value
    return Fraction(Decimal(str(value)))


def quantile(values: list, percent: Fraction) -> Fraction:
    values = sorted(Fraction(value) for value in values)
    place, rest = divmod((len(values) - 1) * percent, 100)
    above = values[min(place + 1, len(values) - 1)]
    return values[place] + (above - values[place]) * Fraction(rest, 100)
