"""The segment language in naive plain Python: one profile, one row, one condition at a time.

It reads the written definition itself (not the parsed one) and shares no code with the kernel but
the text fold, so a mistake in parser, window arithmetic or kernel shows as a difference.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from tests.segments import oracle_more

from pusula.lib.text import fold

DAYS = {"starts_on", "ends_on", "birthday"}
TIMES = DAYS | {"ordered_at", "cancelled_at", "at"}
MEASURES = (
    "count", "sum", "avg", "min", "max", "latest", "earliest", "distinct", "years_in_same_season",
    "first", "last", "share", "days", "weeks", "months", "years",
    "usual_gap", "longest_gap", "last_gap", "overdue",
)  # fmt: skip
TESTED_IN_PLACE = (
    "count", "days", "weeks", "months", "years", "usual_gap", "longest_gap", "last_gap", "overdue",
)  # fmt: skip
# Patterns as definitions write them, and what they mean on folded text.
PATTERNS = {
    "^İz": "^iz", "IĞ": "ığ", r"\w+UM$": r"^\w+um$", "[ŞĞ]": "[şğ]", "(?i)BOD|çeş": "bod|çeş",
    "k.şad[a-ı]*sı": "k.şad[a-ı]*sı",
}  # fmt: skip
MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SEASONS = {"spring": [3, 5], "summer": [6, 8], "autumn": [9, 11], "winter": [12, 2]}
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
    items: list[dict] = field(default_factory=list)
    events: list[dict] = field(default_factory=list)  # name, at, and properties
    traits: dict = field(default_factory=dict)
    consents: dict = field(default_factory=dict)  # (channel, purpose) → status
    created: int | None = None
    reach: dict = field(default_factory=dict)  # (channel, purpose) → state
    scores: dict = field(default_factory=dict)  # model → value, decile, scored_at
    sets: dict = field(default_factory=dict)  # (sort, key) → arm
    id: int = 0


def us(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


@dataclass
class Oracle:
    """Answers for ``people`` at ``at``."""

    definitions: dict[str, dict]
    people: list[Person]
    at: int
    tz: str
    periods: dict = field(default_factory=dict)  # name → (first day, last day) of each year

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
            return self.stands(test, person.traits.get(name), name, person)
        if kind in oracle_more.LEAVES:
            return oracle_more.holds(self, kind, body, person)
        return self.aggregate(kind, body, person)

    def aggregate(self, relation: str, body: dict, person: Person) -> bool:
        (measure,) = [name for name in MEASURES if name in body]
        test = body[measure] if measure in TESTED_IN_PLACE else body["is"]
        if isinstance(test, dict) and not test.keys().isdisjoint(oracle_more.POPULATION_TESTS):
            return oracle_more.compared(self, relation, body, test, person)
        value = self.measured(relation, body, person)
        # A result is of the column's kind where it is a value of the column.
        column = body[measure] if measure in ("latest", "earliest", "first", "last") else None
        return self.stands(test, value, column, person)

    # Rows and what is measured over them

    def rows(self, relation: str, body: dict, person: Person) -> list[dict]:
        time = "at" if relation == "events" else "ordered_at"
        rows = [row for row in getattr(person, relation) if self.exists(row.get(time))]
        if relation == "events":
            names = body["name"] if isinstance(body["name"], list) else [body["name"]]
            rows = [row for row in rows if row["name"] in names]
        rows = self.standing(body.get("where", {}), rows, person)
        if "within" in body:
            rows = self.standing({body.get("by", time): body["within"]}, rows, person)
        return rows

    def exists(self, time: int | None) -> bool:
        return time is None or time < self.at

    def standing(self, where: dict, rows: list[dict], person: Person) -> list[dict]:
        return [
            row
            for row in rows
            if all(
                self.stands(test, row.get(column), column, person) for column, test in where.items()
            )
        ]

    def measured(  # noqa: C901, PLR0911 - a case per line
        self, relation: str, body: dict, person: Person
    ) -> object:
        rows = self.rows(relation, body, person)
        (measure,) = [name for name in MEASURES if name in body]
        by = body.get("by", "at" if relation == "events" else "ordered_at")
        if measure == "count":
            return len(rows)
        if measure == "share":
            standing = self.standing(body["share"], rows, person)
            return Fraction(len(standing), len(rows)) if rows else None
        if measure in TESTED_IN_PLACE:
            times = [row[by] for row in rows if row.get(by) is not None]
            if measure.endswith(("gap", "overdue")):
                return self.gap(measure, sorted(set(times)))
            return len({self.unit(measure, time) for time in times})
        if measure in ("first", "last"):
            return self.end_row(measure, body[measure], by, rows)
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

    def end_row(self, measure: str, column: str, by: str, rows: list[dict]) -> object:
        pick = min if measure == "first" else max
        times = [row[by] for row in rows if row.get(by) is not None]
        values = [row.get(column) for row in rows if times and row.get(by) == pick(times)]
        values = [fold(value) if isinstance(value, str) else value for value in values]
        values = [value for value in values if value not in (None, "")]
        return pick(values) if values else None

    def gap(self, measure: str, times: list) -> Fraction | None:
        if len(times) < 2:
            return None
        steps = [later - sooner for sooner, later in pairwise(times)]
        if isinstance(steps[0], timedelta):
            steps = [Fraction(step.days) for step in steps]
        else:
            steps = [Fraction(step, 86_400_000_000) for step in steps]
        usual = sum(steps) / len(steps)
        last = times[-1] if isinstance(times[-1], int) else self.begin(times[-1])
        return {
            "usual_gap": usual,
            "longest_gap": max(steps),
            "last_gap": steps[-1],
            "overdue": Fraction(self.at - last, 86_400_000_000) / usual,
        }[measure]

    def unit(self, measure: str, time: date | int) -> object:
        day = self.day(time)
        return {
            "days": day,
            "weeks": day.isocalendar()[:2],
            "months": (day.year, day.month),
            "years": day.year,
        }[measure]

    def day(self, value: date | int) -> date:
        return value if isinstance(value, date) else self.local(value).date()

    def most_years(self, values: list, seasons: dict | None) -> int:
        seasons = seasons or SEASONS
        most = 0
        for first, last in seasons.values():
            years = set()
            for value in values:
                day = self.day(value)
                months = range(first, last + 1 if first <= last else last + 13)
                for month in months:
                    if (month - 1) % 12 + 1 == day.month:
                        years.add(day.year - (month > 12))
            most = max(most, len(years))
        return most

    # Tests of one value

    def stands(
        self, test: object, value: object, column: str | None, person: Person | None = None
    ) -> bool:
        if value in ("", []):
            value = None
        if test in ("known", "unknown"):
            return (value is not None) == (test == "known")
        if value is None:
            return False
        if column in TIMES:
            if isinstance(test, dict) and next(iter(test)) in CALENDAR:
                return self.falls(test, self.day(value))
            return self.lies(test, self.begin(value) if column in DAYS else value, person)
        ((operator, constant),) = test.items()
        if operator == "matches":
            return OPERATORS[operator](plain(value), PATTERNS[constant])
        return OPERATORS[operator](plain(value), plain(constant))

    # Time

    def lies(self, test: dict, moment: int, person: Person | None) -> bool:
        try:
            start, end = self.window(test, person)
        except LookupError:  # the person has no such moment
            return False
        return (start is None or moment >= start) and (end is None or moment < end)

    def falls(self, test: dict, day: date) -> bool:
        match test:
            case {"month": months}:
                months = months if isinstance(months, list) else [months]
                return any(month in (day.month, MONTHS[day.month - 1]) for month in months)
            case {"season": season}:
                first, last = SEASONS.get(season) if isinstance(season, str) else season
                return day.month in months_between(first, last)
            case {"weekday": weekdays}:
                return WEEKDAYS[day.weekday()] in weekdays
            case {"during": name}:
                return any(first <= day <= last for first, last in self.periods[name])
            case {"anniversary": "today"}:
                ahead = 1
            case {"anniversary": {"next": length}}:
                number, unit = length.split()
                ahead = int(number) * (7 if unit.startswith("week") else 1)
        today = self.local(self.at).date()
        coming = [today + timedelta(days=k) for k in range(ahead)]
        return any(each.year > day.year and each == kept(day, each.year) for each in coming)

    def window(  # noqa: C901, PLR0911, PLR0912 - a case per line
        self, test: dict, person: Person | None = None
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
            case {"this": unit}:
                return self.start_of(unit, 0), self.start_of(unit, 1)
            case {"previous": units}:
                number, unit = calendar_units(units)
                return self.start_of(unit, -number), self.start_of(unit, 0)
            case {"following": units}:
                number, unit = calendar_units(units)
                return self.start_of(unit, 1), self.start_of(unit, 1 + number)
            case {"calendar": units}:
                number, unit = calendar_units(units)
                return self.start_of(unit, 1 - number), self.at
            case {"between": [start, end]} | {"from": start, "to": end}:
                return self.point(start, person), self.point(end, person)
            case {"from": start} | {"since": start}:
                return self.point(start, person), None
            case {"to": end} | {"before": end} | {"more_than": end}:
                return None, self.point(end, person)
            case {"less_than": start}:
                return self.point(start), self.at
            case {"after": start} if start[:2] == "20":
                return self.begin(date.fromisoformat(start) + timedelta(days=1)), None
            case {"after": start}:
                return self.point(start, person), None
            case {"is": day}:
                day = date.fromisoformat(day)
                return self.begin(day), self.begin(day + timedelta(days=1))
        raise AssertionError(test)

    def start_of(self, unit: str, shift: int) -> int:
        day = self.local(self.at).date()
        if unit == "day":
            return self.begin(day + timedelta(days=shift))
        if unit == "week":
            return self.begin(day - timedelta(days=day.weekday()) + timedelta(days=7 * shift))
        months = {"month": 1, "quarter": 3, "year": 12}[unit]
        first = (day.year * 12 + day.month - 1) // months * months + shift * months
        return self.begin(date(first // 12, first % 12 + 1, 1))

    def anchor(self, name: str, person: Person | None) -> int:
        if person is None:
            raise LookupError
        if name == "created":
            moments = [person.created] if person.created is not None else []
        else:
            moments = [
                order["ordered_at"]
                for order in person.orders
                if order["status"] not in ("cancelled", "no_show")
                and order.get("ordered_at") is not None
                and order["ordered_at"] < self.at
            ]
        if not moments:
            raise LookupError
        return min(moments) if name != "last_order" else max(moments)

    def point(  # noqa: PLR0911 - a case per line
        self, text: str, person: Person | None = None
    ) -> int:
        if text in ANCHORS:
            return self.anchor(text, person)
        for word, sign in ((" after ", 1), (" before ", -1)):
            if word in text:
                length, name = text.split(word)
                number, unit = length.split()
                step = EXACT[unit.rstrip("s")] // timedelta(microseconds=1)
                return self.anchor(name, person) + sign * int(number) * step
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


ANCHORS = ("first_order", "last_order", "created")
CALENDAR = ("month", "season", "weekday", "anniversary", "during")


def months_between(first: int, last: int) -> list[int]:
    months = [first]
    while months[-1] != last:
        months.append(months[-1] % 12 + 1)
    return months


def kept(day: date, year: int) -> date:
    """Return the day on which the date of ``day`` is kept in ``year``."""
    try:
        return date(year, day.month, day.day)
    except ValueError:
        return date(year, 2, 28)


def calendar_units(text: str) -> tuple[int, str]:
    number, unit = text.split() if " " in text else ("1", text)
    return int(number), unit.rstrip("s")


OPERATORS = {
    "is": lambda value, constant: value == constant,
    "is_not": lambda value, constant: value != constant,
    "in": lambda value, constants: value in constants,
    "not_in": lambda value, constants: value not in constants,
    "contains": lambda value, constant: constant in value,
    "starts": lambda value, constant: value.startswith(constant),
    "ends": lambda value, constant: value.endswith(constant),
    "matches": lambda value, pattern: re.search(pattern, value) is not None,
    "has": lambda value, constant: constant in value,
    "has_any": lambda value, constants: any(each in value for each in constants),
    "has_all": lambda value, constants: all(each in value for each in constants),
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
    if isinstance(value, str) and value.endswith(" %"):
        return Fraction(value.removesuffix(" %")) / 100
    if isinstance(value, str):
        return fold(value)
    if isinstance(value, (bool, Fraction)):
        return value
    return Fraction(Decimal(str(value)))
