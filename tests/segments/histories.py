"""Random definitions and random people for the tests of the segment language.

Rows lie at, just before and just after the edges of the windows that definitions use, since that
is where mistakes are.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from tests.segments import histories_more, oracle
from tests.segments.histories_more import MoreMaker
from tests.segments.oracle import Oracle, Person, us
from tests.segments.oracle_more import POPULATION_TESTS

from pusula.lib.text import fold
from pusula.segments import kernel
from pusula.segments.language import Kind, Schema, parse
from pusula.segments.language.schema import Period

TRAITS = {
    "city": Kind.TEXT,
    "age": Kind.NUMBER,
    "birthday": Kind.DAY,
    "vip": Kind.BOOL,
    "tags": Kind.LIST,
}
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
        "2027-02-20T08:00:00Z",
        "2026-11-22T07:15:00Z",
    )
]
CITIES = ["Bodrum", "BODRUM", "Çeşme", "ÇEŞME", "İzmir", "izmir", "IĞDIR", "ığdır", "Kuşadası"]
PATTERNS = ["İZ", "ığ", "Ş", "dru", "B"]
ENDS = ["RUM", "ir", "IR", "ı"]
TAGS = ["Golf", "GOLF", "spa", "Aile", "İş", "iş"]
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
    {"this": "day"},
    {"this": "week"},
    {"this": "quarter"},
    {"this": "year"},
    {"previous": "day"},
    {"previous": "month"},
    {"previous": "3 weeks"},
    {"following": "week"},
    {"following": "2 months"},
    {"calendar": "6 months"},
    {"calendar": "2 weeks"},
]
OWN_WINDOWS = [
    {"since": "first_order"},
    {"since": "last_order"},
    {"since": "created"},
    {"to": "last_order"},
    {"from": "last_order", "to": "now"},
    {"from": "first_order", "to": "14 days after first_order"},
    {"between": ["30 days before created", "1 week after created"]},
    {"from": "60 days ago", "to": "1 hour before last_order"},
    {"from": "2 days after first_order", "to": "today"},
]
CALENDAR_TESTS = [
    {"month": [3, "november"]},
    {"month": "february"},
    {"season": "winter"},
    {"season": [11, 3]},
    {"weekday": ["sunday", "monday"]},
    {"weekday": ["thursday"]},
    {"anniversary": "today"},
    {"anniversary": {"next": "14 days"}},
    {"anniversary": {"next": "1 day"}},
    {"anniversary": {"next": "50 weeks"}},
    {"during": "bayram"},
]
LEAP_DAYS = [date(2000, 2, 29), date(2020, 2, 29), date(2024, 2, 28), date(2024, 2, 29)]
BAYRAM = [
    (date(2024, 2, 28), date(2024, 2, 29)),
    (date(2025, 12, 30), date(2026, 1, 2)),
    (date(2026, 3, 20), date(2026, 3, 22)),
    (date(2026, 3, 29), date(2026, 3, 29)),
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
GAPS = [0, 1, 1.5, 2, 7, 7.25, 30, 59]
MULTIPLES = [-1, 0, 0.5, 1, 1.1, 1.5, 2, 3]
AMOUNTS = ["-50 TRY", "0 TRY", "100 TRY", "100.01 TRY", "250 TRY", "300.02 TRY"]
COMPARISONS = ["at_least", "at_most", "more_than", "less_than", "is", "is_not"]
ORDER_COLUMNS = [
    "status", "region", "room_type", "nights", "net_amount", "starts_on", "cancelled_at",
]  # fmt: skip
ITEM_COLUMNS = ["name", "quantity", "amount", "status", "region", "ordered_at"]
MONEY = ("net_amount", "amount")
EVENT_COLUMNS = ["hotel", "price", "at"]
COLUMNS = {"orders": ORDER_COLUMNS, "events": EVENT_COLUMNS, "items": ITEM_COLUMNS}
# The columns of text, with a size, and of time that are measured.
MEASURED = {
    "orders": (
        ["region", "room_type"],
        ["nights", "net_amount"],
        ["ordered_at", "ends_on", "cancelled_at"],
    ),
    "events": (["hotel"], ["price"], ["at"]),
    "items": (["name", "region"], ["quantity", "amount"], ["ordered_at"]),
}
TIMED = {
    *("first", "last", "days", "weeks", "months", "years"),
    *("usual_gap", "longest_gap", "last_gap", "overdue"),
}
MEASURE_SORTS = [
    "count", "distinct", "years_in_same_season", "time", "size", "size",
    "share", "period", "gap", "gap", "end", "end",
]  # fmt: skip
PARTS = ["0 %", "25 %", "30 %", "50 %", "66.6 %", "100 %"]


def is_timed(body):
    """Whether a time of rows is looked at although there is no window."""
    return not TIMED.isdisjoint(body)


# Words of what is rare in definitions of all sorts: worlds of nothing else find more.
FOCUSES = (
    "overdue", "usual_gap", "longest_gap", "last_gap", "anniversary", "during", "weekday", "month",
    "season", "weeks", "days", "share", "first", "last", "has_", "matches", "_order", "created",
    "previous", "following", "calendar", "this", "items", "latest", "top", "region", "amount",
    "sequence", "without", "quantiles", "rank", "mean", "score", "reach", "bucket", "campaign",
)  # fmt: skip


class Maker(MoreMaker):
    """Makes definitions, people and worlds from one source of chance."""

    def __init__(self, seed: int, focus: str = "") -> None:
        self.random = random.Random(seed)  # noqa: S311 - chance that can be repeated
        self.tz = self.pick(ZONES)
        self.at = self.pick(MOMENTS) + self.pick([-1, 0, 0, 1])
        self.focus = focus  # a word that all leaves have
        self.own = []  # moments of the person that is being made
        self.rhythm = None  # and its days between one row and the next

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
                {"ends": self.pick(ENDS)},
                {"matches": self.pick(list(oracle.PATTERNS))},
            ]
        )

    def size_test(self, sizes, *, is_total=False):
        low, high = sorted([self.pick(sizes), self.pick(sizes)], key=_size)
        tests = [{operator: low} for operator in COMPARISONS]
        tests += [{"between": [low, high]}, {"in": [low, high]}, {"not_in": [low, high]}]
        return self.pick(tests if is_total else [*tests, "known", "unknown"])

    def time_test(self):
        kind = self.pick(
            [TIME_TESTS, TIME_TESTS, CALENDAR_TESTS, OWN_WINDOWS, ["known", "unknown"]]
        )
        return self.pick(kind)

    def list_test(self):
        tags = self.some(TAGS, 2)
        return self.pick(
            ["known", "unknown", {"has": tags[0]}, {"has_any": tags}, {"has_all": tags}]
        )

    def column_test(self, column):
        if column == "status":
            states = self.some(STATES, 2)
            return self.pick([{"is": states[0]}, {"in": states}, {"not_in": states}])
        if column in ("region", "room_type", "hotel", "name"):
            return self.text_test()
        if column in ("nights", "price", "quantity"):
            return self.size_test([number for number in NUMBERS if number])
        return self.size_test(AMOUNTS) if column in MONEY else self.time_test()

    # Conditions

    def trait(self):
        name = self.pick(list(TRAITS))
        test = {
            "city": self.text_test(),
            "age": self.size_test(NUMBERS),
            "birthday": self.time_test(),
            "vip": {"is": self.often(0.5)},
            "tags": self.list_test(),
        }[name]
        return {"trait": {name: test}}

    def consent(self):
        status = self.pick(["granted", "refused", "unknown"])
        channel = self.pick(["email", "sms"])
        return {"consent": {"channel": channel, "purpose": "marketing", "is": status}}

    def aggregate(self):
        relation = self.pick(["orders", "orders", "events", "events", "items"])
        body = self.measure(relation)
        if relation == "events":
            names = self.some(EVENTS, 3)
            body["name"] = names if self.often(0.5) else names[0]
        if self.often(0.5):
            columns = self.some(COLUMNS[relation], 2)
            body["where"] = {column: self.column_test(column) for column in columns}
        if self.often(0.6):
            body["within"] = self.pick(self.pick([WINDOWS, WINDOWS, OWN_WINDOWS]))
        if relation == "orders" and self.often(0.5) and ("within" in body or is_timed(body)):
            body["by"] = self.pick(["starts_on", "ends_on", "cancelled_at"])
        return {relation: body}

    def measure(self, relation):  # noqa: PLR0911 - a case per line
        total = self.size_test([0, 1, 2, 3], is_total=True)
        total = self.population_test() if self.often(0.2) else total
        texts, numbers, moments = MEASURED[relation]
        match self.pick(MEASURE_SORTS):
            case "count":
                return {"count": total}
            case "distinct":
                return {"distinct": self.pick(texts + numbers[:1]), "is": total}
            case "years_in_same_season":
                seasons = self.pick(SEASONS)
                own = {} if seasons is None else {"seasons": seasons}
                return {"years_in_same_season": self.pick(moments), "is": total, **own}
            case "time":
                return {
                    self.pick(["latest", "earliest"]): self.pick(moments),
                    "is": self.time_test(),
                }
            case "share":
                columns = self.some(COLUMNS[relation], 2)
                of = {column: self.column_test(column) for column in columns}
                return {"share": of, "is": self.size_test(PARTS)}
            case "period":
                return {self.pick(["days", "weeks", "months", "years"]): total}
            case "gap":
                gap = self.size_test(GAPS)
                word = self.pick(["usual_gap", "longest_gap", "last_gap", "overdue", "overdue"])
                return {word: self.size_test(MULTIPLES) if word == "overdue" else gap}
            case "end":
                days = ["starts_on", "ends_on"] if relation == "orders" else []
                column = self.pick(texts + numbers + days)
                return {self.pick(["first", "last"]): column, "is": self.column_test(column)}
        word = self.pick(["sum", "avg", "min", "max"])
        column = self.pick(numbers)
        test = self.size_test(AMOUNTS if column in MONEY else NUMBERS, is_total=word == "sum")
        if is_population(total):
            return {word: column, "is": self.population_test(has_rows=True)}
        return {word: column, "is": test}

    def leaf(self, names=()):
        kinds = [self.aggregate] * 6 + [self.trait] * 3 + [self.consent]
        kinds += [self.sequence] * 2 + [self.reach, self.score, self.picked]
        if names and self.often(0.15):
            return {"segment": self.pick(names)}
        while True:
            leaf = self.pick(kinds)()
            if self.focus in str(leaf):
                return leaf

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
        if self.rhythm is not None and self.often(0.7):
            before = self.random.randint(1, 5) * self.rhythm * 86_400_000_000
            return self.at - round(before) + self.pick([-1, 0, 0, 0, 1])
        if self.own and self.often(0.3):
            shift = self.pick([0, 0, 14, -30, 7, 2]) * 86_400_000_000
            return self.pick(self.own) + shift + self.pick([-1, 0, 1])
        if self.often(0.6):
            return self.pick(self.edges) + self.pick([-1, 0, 1])
        return self.at + self.random.randint(-1_300, 120) * 86_400_000_000

    @cached_property
    def edges(self):
        clock = Oracle({}, [], self.at, self.tz)
        ends = {end for test in TIME_TESTS for end in clock.window(test) if end is not None}
        ends |= {clock.begin(day) for span in BAYRAM for day in span}
        return sorted(ends)

    def day(self):
        if self.often(0.15):
            return self.pick(LEAP_DAYS)
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

    def item(self, orders):
        order = self.pick(orders)
        shared = {column: order[column] for column in ("status", "region", "ordered_at")}
        return shared | {
            "name": self.perhaps(self.city),
            "quantity": self.perhaps(self.number),
            "amount": self.pick([-5_000, 0, 10_000, 10_001, 15_000, 20_001]),
        }

    def event(self):
        return {
            "name": self.pick([*EVENTS, "Page Viewed"]),
            "at": self.moment(),
            "hotel": self.perhaps(self.city),
            "price": self.perhaps(self.number),
        }

    def tags(self):
        return self.random.sample(TAGS, self.random.randint(0, 3))

    def person(self):
        traits = {"city": self.city, "age": self.number, "birthday": self.day, "tags": self.tags}
        traits["vip"] = lambda: self.often(0.5)
        n_rows = self.pick([0, 1, 2, 4, 8])
        self.rhythm = self.pick([None] * 8 + [1, 1.5, 7, 30])
        created = self.perhaps(self.moment)
        self.own = [] if created is None else [created]
        orders = []
        for _ in range(n_rows):
            orders.append(self.order())
            self.own.append(orders[-1]["ordered_at"])
        made = Person(
            orders=orders,
            items=[self.item(orders) for _ in range(n_rows)],
            events=[self.event() for _ in range(n_rows)],
            traits={name: make() for name, make in traits.items() if self.often(0.8)},
            consents={
                (channel, "marketing"): self.pick(["granted", "refused"])
                for channel in ("email", "sms")
                if self.often(0.7)
            },
            created=created,
        )
        self.more(made)
        self.own, self.rhythm = [], None
        return made

    def world(self, n_people=10, n_leaves=16, n_trees=6):
        people = [self.person() for _ in range(n_people)]
        for person, profile_id in zip(people, profile_ids(n_people), strict=True):
            person.id = profile_id
        return World(self.definitions(n_leaves, n_trees), people, self.at, self.tz)


def profile_ids(n):
    return [7 + 3 * i for i in range(n)]


def is_population(test):
    return isinstance(test, dict) and not test.keys().isdisjoint(POPULATION_TESTS)


def _size(amount):
    return float(str(amount).removesuffix(" TRY").removesuffix(" %"))


@dataclass
class World:
    """Definitions, people, and the moment and place in which they are asked about."""

    definitions: dict
    people: list[Person]
    at: int
    tz: str

    @property
    def schema(self) -> Schema:
        periods = {"bayram": Period("Bayram", "Bayram", tuple(BAYRAM))}
        return Schema(currency="TRY", tz=self.tz, traits=TRAITS, periods=periods)

    @property
    def oracle(self) -> Oracle:
        return Oracle(self.definitions, self.people, self.at, self.tz, {"bayram": BAYRAM})


def block(people: list[Person], ids: list[int], requirements: kernel.Requirements) -> kernel.Block:
    """Return the people as the relations hand them over: only what is required, text folded."""
    owners = list(zip(ids, people, strict=True))
    orders = [(i, row) for i, person in owners for row in person.orders]
    items = [(i, row) for i, person in owners for row in person.items]
    created = [(i, {"at": p.created}) for i, p in owners if p.created is not None]
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
        items=_table(items, [(name, name) for name in requirements.items or ()]),
        events=_table(events, event_columns, verbatim=("name",)),
        created=_table(created, [("at", "at")]),
        **histories_more.tables(owners),
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
    "quantity": pa.float64(),
    "amount": pa.int64(),
}


def _table(rows, columns, verbatim=()):
    arrays = {"profile_id": pa.array([i for i, _ in rows], pa.int64())}
    for name, arrow in columns:
        values = [row.get(name) for _, row in rows]
        kind = pa.string() if arrow.startswith("p.") else TYPES.get(name, pa.string())
        if kind == pa.string() and arrow not in verbatim:
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
            "text": column(pa.string(), fits=lambda v: isinstance(v, (str, list)), make=_text),
            "number": column(pa.float64(), fits=lambda v: isinstance(v, (int, float)), make=float),
            "day": column(pa.date32(), fits=lambda v: isinstance(v, date)),
        }
    )


def _text(value: str | list[str]) -> str:
    return fold(value) if isinstance(value, str) else "\n".join(map(fold, value))


def compiled(world: World) -> tuple[kernel.Plan, kernel.Block]:
    """Return a plan with the cut-points that the people themselves set, and the people."""
    definitions = {key: parse(each, world.schema) for key, each in world.definitions.items()}
    plan = kernel.compile(definitions, world.schema, {})
    ids = profile_ids(len(world.people))
    people = block(world.people, ids, plan.requirements)
    if not plan.populations:
        return plan, people
    values = plan.population_values(people, world.at)
    cut_points = {key: p.cut_point(values[key]) for key, p in plan.populations.items()}
    return kernel.compile(definitions, world.schema, cut_points), people


def moment(text: str, tz: str = "UTC") -> int:
    """Return the moment at which clocks in ``tz`` show ``text``."""
    wall = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(tz))
    return us(wall.astimezone(UTC))


TABLES = tuple(each.name for each in fields(kernel.Block) if each.name != "profile_ids")


def alone(block: kernel.Block, i: int) -> kernel.Block:
    """Return the block of one of the profiles; the rows of all are there."""
    return replace(block, profile_ids=block.profile_ids[i : i + 1])
