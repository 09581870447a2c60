"""Random definitions and random people for the tests of the segment language.

Rows lie at, just before and just after the edges of the windows that definitions use, since that
is where mistakes are.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from tests.segments.oracle import Oracle, Person, us

from pusula.lib.text import fold
from pusula.segments import kernel
from pusula.segments.language import Kind, Schema, parse

TRAITS = {"city": Kind.TEXT, "age": Kind.NUMBER, "birthday": Kind.DAY, "vip": Kind.BOOL}
ZONES = ["Europe/Istanbul", "Europe/Berlin", "America/New_York", "UTC"]
# Summer time begins and ends, months end, years turn, and an ordinary morning.
MOMENTS = [
    us(datetime.fromisoformat(text))
    for text in (
        "2026-03-29T00:59:59.999999Z",
        "2026-03-29T01:00:00Z",
        "2026-03-31T09:30:00.000001Z",
        "2026-05-31T21:00:00Z",
        "2026-10-25T00:30:00Z",
        "2026-10-25T01:30:00Z",
        "2025-12-31T23:00:00Z",
        "2024-02-29T12:00:00Z",
        "2026-11-22T07:15:00Z",
    )
]
CITIES = ["Bodrum", "BODRUM", "Çeşme", "ÇEŞME", "İzmir", "izmir", "IĞDIR", "ığdır", "Kuşadası"]
PATTERNS = ["İZ", "ığ", "Ş", "dru", "B"]
EVENTS = ["Hotel Searched", "Hotel Viewed", "Booking Abandoned"]
WINDOWS = [
    {"last": "30 days"},
    {"last": "36 hours"},
    {"last": "2 months"},
    {"last": "1 year"},
    {"last": "all"},
    {"next": "90 days"},
    {"next": "1 month"},
    {"next": "all"},
    {"from": "today"},
    {"to": "today"},
    {"to": "3 weeks ago"},
    {"from": "now", "to": "in 2 weeks"},
    {"between": ["540 days ago", "180 days ago"]},
    {"between": ["13 months ago", "11 months ago"]},
    {"from": "2026-01-01", "to": "2026-03-30"},
    {"from": "2026-03-29"},
]
TIME_TESTS = [
    *WINDOWS,
    {"before": "2026-03-29"},
    {"after": "2026-03-29"},
    {"after": "30 days ago"},
    {"is": "2026-03-29"},
    {"more_than": "30 days ago"},
    {"less_than": "2 months ago"},
]
SEASONS = [
    None,
    {"summer": [6, 9]},
    {"winter": [11, 3], "late": [12, 1]},
    {"year": [1, 12], "march": [3, 3]},
]


STATES = ["completed", "completed", "confirmed", "cancelled", "no_show"]
NUMBERS = [0, 1, 1.5, 2, 2.5, 3, 19.99, 39.98]
AMOUNTS = ["-50 TRY", "0 TRY", "100 TRY", "100.01 TRY", "250 TRY", "300.02 TRY"]
SHARES = [10, 25, 30, 50, 66.6, 90]
COMPARISONS = ["at_least", "at_most", "more_than", "less_than", "is", "is_not"]
ORDER_COLUMNS = [
    "status", "region", "room_type", "nights", "net_amount", "starts_on", "cancelled_at",
]  # fmt: skip
EVENT_COLUMNS = ["hotel", "price", "at"]


class Maker:
    """Makes definitions, people and worlds from one source of chance."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - chance that can be repeated
        self.tz = self.pick(ZONES)
        self.at = self.pick(MOMENTS) + self.pick([-1, 0, 0, 1])

    def pick(self, choices):
        return self.random.choice(choices)

    def often(self, share):
        return self.random.random() < share

    def some(self, choices, most):
        return self.random.sample(choices, self.random.randint(1, most))

    # Tests of a value

    def text_test(self):
        word, words = self.pick(CITIES), self.some(CITIES, 3)
        return self.pick(
            [
                "known",
                "unknown",
                {"is": word},
                {"is_not": word},
                {"in": words},
                {"not_in": words},
                {"contains": self.pick(PATTERNS)},
                {"starts": self.pick(PATTERNS)},
            ]
        )

    def size_test(self, sizes, *, is_total=False):
        low, high = sorted([self.pick(sizes), self.pick(sizes)], key=_size)
        tests = [{operator: low} for operator in COMPARISONS]
        tests += [{"between": [low, high]}, {"in": [low, high]}, {"not_in": [low, high]}]
        return self.pick(tests if is_total else [*tests, "known", "unknown"])

    def time_test(self):
        return self.pick([*TIME_TESTS, "known", "unknown"])

    def column_test(self, column):
        if column == "status":
            states = self.some(STATES, 2)
            return self.pick([{"is": states[0]}, {"in": states}, {"not_in": states}])
        if column in ("region", "room_type", "hotel"):
            return self.text_test()
        if column in ("nights", "price"):
            return self.size_test([number for number in NUMBERS if number])
        return self.size_test(AMOUNTS) if column == "net_amount" else self.time_test()

    # Conditions

    def trait(self):
        name = self.pick(list(TRAITS))
        test = {
            "city": self.text_test(),
            "age": self.size_test(NUMBERS),
            "birthday": self.time_test(),
            "vip": {"is": self.often(0.5)},
        }[name]
        return {"trait": {name: test}}

    def consent(self):
        status = self.pick(["granted", "refused", "unknown"])
        channel = self.pick(["email", "sms"])
        return {"consent": {"channel": channel, "purpose": "marketing", "is": status}}

    def aggregate(self):
        relation = self.pick(["orders", "events"])
        is_orders = relation == "orders"
        names = self.some(EVENTS, 3)
        body = {} if is_orders else {"name": names if self.often(0.5) else names[0]}
        if self.often(0.5):
            columns = self.some(ORDER_COLUMNS if is_orders else EVENT_COLUMNS, 2)
            body["where"] = {column: self.column_test(column) for column in columns}
        if self.often(0.6):
            body["within"] = self.pick(WINDOWS)
            if is_orders and self.often(0.5):
                body["by"] = self.pick(["starts_on", "ends_on", "cancelled_at"])
        return {relation: body | self.measure(is_orders)}

    def measure(self, is_orders):
        total = self.size_test([0, 1, 2, 3], is_total=True)
        total = {"top": f"{self.pick(SHARES)} %"} if self.often(0.15) else total
        moment = self.pick(["ordered_at", "ends_on", "cancelled_at"]) if is_orders else "at"
        match self.pick(["count", "distinct", "years_in_same_season", "time", "size", "size"]):
            case "count":
                return {"count": total}
            case "distinct":
                column = self.pick(["region", "nights", "ends_on"]) if is_orders else "hotel"
                return {"distinct": column, "is": total}
            case "years_in_same_season":
                seasons = self.pick(SEASONS)
                own = {} if seasons is None else {"seasons": seasons}
                return {"years_in_same_season": moment, "is": total, **own}
            case "time":
                return {self.pick(["latest", "earliest"]): moment, "is": self.time_test()}
        word = self.pick(["sum", "avg", "min", "max"])
        column = self.pick(["net_amount", "nights"]) if is_orders else "price"
        sizes = AMOUNTS if column == "net_amount" else NUMBERS
        test = self.size_test(sizes, is_total=word == "sum")
        return {word: column, "is": total if "top" in total else test}

    def leaf(self, names=()):
        kinds = [self.aggregate] * 6 + [self.trait] * 3 + [self.consent]
        if names and self.often(0.15):
            return {"segment": self.pick(names)}
        return self.pick(kinds)()

    def tree(self, names, depth=3):
        if depth == 0 or self.often(0.2):
            return self.leaf(names)
        kind = self.pick(["all", "any", "not"])
        if kind == "not":
            return {"not": self.tree(names, depth - 1)}
        parts = [self.tree(names, depth - 1) for _ in range(self.random.randint(1, 3))]
        return {kind: parts}

    def definitions(self, n_leaves, n_trees):
        found = {}
        for i in range(n_leaves + n_trees):
            where = self.leaf() if i < n_leaves else self.tree(list(found))
            key = f"segment-{i}"
            found[key] = {"segment": key, "title": {"tr": key, "en": key}, "where": where}
        return found

    # People

    def moment(self):
        """Return a moment at or beside the edge of a window, or anywhere in four years."""
        if self.often(0.6):
            return self.pick(self.edges) + self.pick([-1, 0, 1])
        return self.at + self.random.randint(-1_300, 120) * 86_400_000_000

    @cached_property
    def edges(self):
        clock = Oracle({}, [], self.at, self.tz)
        ends = {end for test in TIME_TESTS for end in clock.window(test) if end is not None}
        return sorted(ends)

    def day(self):
        day = Oracle({}, [], self.at, self.tz).local(self.moment()).date()
        return day + timedelta(days=self.pick([-1, 0, 1]))

    def perhaps(self, make):
        return None if self.often(0.15) else make()

    def city(self):
        return self.pick([*CITIES, ""])

    def number(self):
        return self.pick(NUMBERS)

    def order(self):
        return {
            "status": self.pick(STATES),
            "region": self.perhaps(self.city),
            "room_type": self.perhaps(self.city),
            "ordered_at": self.moment(),
            "cancelled_at": self.perhaps(self.moment),
            "starts_on": self.perhaps(self.day),
            "ends_on": self.perhaps(self.day),
            "nights": self.perhaps(self.number),
            "net_amount": self.pick([-5_000, 0, 10_000, 10_001, 15_000, 20_001]),
        }

    def event(self):
        return {
            "name": self.pick([*EVENTS, "Page Viewed"]),
            "at": self.moment(),
            "hotel": self.perhaps(self.city),
            "price": self.perhaps(self.number),
        }

    def person(self):
        traits = {"city": self.city, "age": self.number, "birthday": self.day}
        traits["vip"] = lambda: self.often(0.5)
        n_rows = self.pick([0, 1, 2, 4, 8])
        return Person(
            orders=[self.order() for _ in range(n_rows)],
            events=[self.event() for _ in range(n_rows)],
            traits={name: make() for name, make in traits.items() if self.often(0.8)},
            consents={
                (channel, "marketing"): self.pick(["granted", "refused"])
                for channel in ("email", "sms")
                if self.often(0.7)
            },
        )

    def world(self, n_people=10, n_leaves=16, n_trees=6):
        people = [self.person() for _ in range(n_people)]
        return World(self.definitions(n_leaves, n_trees), people, self.at, self.tz)


def _size(amount):
    return float(str(amount).removesuffix(" TRY"))


@dataclass
class World:
    """Definitions, people, and the moment and place in which they are asked about."""

    definitions: dict
    people: list[Person]
    at: int
    tz: str

    @property
    def schema(self) -> Schema:
        return Schema(currency="TRY", tz=self.tz, traits=TRAITS)

    @property
    def oracle(self) -> Oracle:
        return Oracle(self.definitions, self.people, self.at, self.tz)


def block(people: list[Person], ids: list[int], requirements: kernel.Requirements) -> kernel.Block:
    """Return the people as the relations hand them over: only what is required, text folded."""
    owners = list(zip(ids, people, strict=True))
    orders = [(i, row) for i, person in owners for row in person.orders]
    events = [
        (i, row)
        for i, person in owners
        for row in person.events
        if row["name"] in requirements.event_names
    ]
    traits = [(i, name, value) for i, p in owners for name, value in p.traits.items()]
    traits = [trait for trait in traits if trait[1] in requirements.traits]
    consents = [(i, *key, status) for i, p in owners for key, status in p.consents.items()]
    event_columns = [("name", "name"), ("at", "at")]
    event_columns += [(name, f"p.{name}") for name in requirements.event_texts]
    event_columns += [(name, f"n.{name}") for name in requirements.event_numbers]
    return kernel.Block(
        profile_ids=np.array(ids, np.int64),
        orders=_table(orders, [(name, name) for name in requirements.orders or ()]),
        events=_table(events, event_columns),
        traits=_traits(traits),
        consents=pa.table(
            {
                "profile_id": pa.array([row[0] for row in consents], pa.int64()),
                **{
                    name: pa.array([row[i] for row in consents], pa.string())
                    for i, name in enumerate(["channel", "purpose", "status"], start=1)
                },
            }
        ),
    )


TYPES = {
    "ordered_at": pa.int64(),
    "cancelled_at": pa.int64(),
    "at": pa.int64(),
    "net_amount": pa.int64(),
    "starts_on": pa.date32(),
    "ends_on": pa.date32(),
    "nights": pa.float64(),
    "price": pa.float64(),
}


def _table(rows, columns):
    arrays = {"profile_id": pa.array([i for i, _ in rows], pa.int64())}
    for name, arrow in columns:
        values = [row.get(name) for _, row in rows]
        kind = pa.string() if arrow.startswith("p.") else TYPES.get(name, pa.string())
        if kind == pa.string() and name != "name":
            values = [None if value is None else fold(str(value)) for value in values]
        arrays[arrow] = pa.array(values, kind)
    return pa.table(arrays)


def _traits(rows):
    def column(kind, *, fits, make=lambda value: value):
        values = [make(value) if fits(value) else None for _, _, value in rows]
        return pa.array(values, kind)

    return pa.table(
        {
            "profile_id": pa.array([row[0] for row in rows], pa.int64()),
            "name": pa.array([row[1] for row in rows], pa.string()),
            "text": column(pa.string(), fits=lambda v: isinstance(v, str), make=fold),
            "number": column(pa.float64(), fits=lambda v: isinstance(v, (int, float)), make=float),
            "day": column(pa.date32(), fits=lambda v: isinstance(v, date)),
        }
    )


def compiled(world: World) -> tuple[kernel.Plan, kernel.Block]:
    """Return a plan with the cut-points that the people themselves set, and the people."""
    definitions = {key: parse(each, world.schema) for key, each in world.definitions.items()}
    plan = kernel.compile(definitions, world.schema, {})
    ids = [7 + 3 * i for i in range(len(world.people))]
    people = block(world.people, ids, plan.requirements)
    values = plan.population_values(people, world.at)
    cut_points = {key: p.cut_point(values[key]) for key, p in plan.populations.items()}
    return kernel.compile(definitions, world.schema, cut_points), people


def moment(text: str, tz: str = "UTC") -> int:
    """Return the moment at which clocks in ``tz`` show ``text``."""
    wall = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(tz))
    return us(wall.astimezone(UTC))
