"""Random definitions that say everything the language can say."""

from __future__ import annotations

import random
from datetime import date

from pusula.segments.language import Kind, Schema
from pusula.segments.language.schema import Period

SCHEMA = Schema(
    currency="TRY",
    tz="Europe/Istanbul",
    traits={
        "city": Kind.TEXT,
        "a.b%": Kind.TEXT,
        "12": Kind.NUMBER,
        "tags": Kind.LIST,
        "birthday": Kind.DAY,
        "vip": Kind.BOOL,
    },
    periods={"ramazan-bayrami": Period("R", "R", ((date(2026, 3, 20), date(2026, 3, 22)),))},
    lists=("vip", "newspaper-2026"),
    campaigns={"spring": ("holdout", "treated")},
    models=("clv",),
)
WORDS = ["İzmir", "a b", "çok 'güzel'", "12", "null", "no", 'x"y', "a: b", "1:30", "- a", "~", "#"]
NAMES = ["Hotel Searched", "Booking Abandoned", "12"]
AMOUNTS = ["0 TRY", "-10 TRY", "99.5 TRY", "1000000 TRY"]
OPERATORS = ["at_least", "at_most", "more_than", "less_than"]
UNITS = ["second", "minute", "hour", "day", "week", "month", "year"]
CALENDAR = ["day", "week", "month", "quarter", "year"]
SEASONS = ["spring", "summer", "autumn", "winter"]
MONTHS = ["january", "june", "december"]
DAYS = ["2025-12-31", "2026-01-01", "2026-03-29"]
ORDERS = {
    "status": "state",
    "region": "text",
    "nights": "number",
    "net_amount": "money",
    "starts_on": "time",
    "cancelled_at": "time",
}
ITEMS = {"sku": "text", "status": "state", "quantity": "number", "amount": "money"}
EVENTS = {"hotel": "text", "price": "property", "at": "time", "şehir": "text"}
COLUMNS = {"orders": ORDERS, "items": ITEMS, "events": EVENTS}
TIMES = {
    "orders": ["starts_on", "ends_on", "cancelled_at"],
    "items": ["ordered_at"],
    "events": ["at"],
}


class Sayings:
    """Says random things from one source of chance."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - chance that can be repeated

    def pick(self, choices):
        return self.random.choice(choices)

    def often(self, share):
        return self.random.random() < share

    def some(self, choices, most=3):
        return self.random.sample(choices, min(len(choices), self.random.randint(1, most)))

    def length(self, units=UNITS):
        number = self.random.randint(1, 30)
        return f"{number} {self.pick(units)}" + ("s" if self.often(0.5) else "")

    def share(self):
        return f"{self.pick(['1', '10', '33.3', '66.6', '99.99'])} %"

    # Points in time and windows

    def point(self):
        fixed = ["today", "now", *DAYS, "first_order", "last_order", "created"]
        moving = [f"{self.length()} ago", f"in {self.length()}"]
        anchor = self.pick(["first_order", "created"])
        side = self.pick(["after", "before"])
        return self.pick([*fixed, *moving, f"{self.length(UNITS[:5])} {side} {anchor}"])

    def window(self):
        units = self.pick([self.pick(CALENDAR), f"{self.pick([1, 2, 6])} {self.pick(CALENDAR)}s"])
        return self.pick(
            [
                {"last": self.pick(["all", self.length()])},
                {"next": self.pick(["all", self.length()])},
                {"from": self.point()},
                {"to": self.point()},
                {"since": self.point()},
                {"this": self.pick(CALENDAR)},
                {"previous": units},
                {"following": units},
                {"calendar": units},
                {"between": ["540 days ago", self.pick(["180 days ago", "today", "in 3 days"])]},
                {"from": "2020-01-01", "to": self.point()},
                {"from": "first_order", "to": f"{self.length(UNITS[:5])} after first_order"},
            ]
        )

    # Tests

    def test(self, kind):
        if kind == "time":
            return self.time()
        tests = {
            "text": self.text,
            "list": self.entries,
            "state": self.state,
            "money": lambda: self.size(AMOUNTS),
            "number": lambda: self.size([0, 1, 2.5, 1e9, -3]),
            "property": lambda: {self.pick(OPERATORS): self.pick([1, 2.5])},
            "bool": lambda: {"is": self.often(0.5)},
        }
        return self.pick(["known", "unknown"]) if self.often(0.1) else tests[kind]()

    def text(self):
        word = self.pick(WORDS)
        plain = self.pick(["is", "is_not", "contains", "starts", "ends"])
        some = self.some(WORDS)
        pattern = self.pick(["^vip-[0-9]+$", r"(İZ|iz)\w+\s\d", "a|b", r"[[:alpha:]]\.\Q*\E"])
        return self.pick([{plain: word}, {"in": some}, {"not_in": some}, {"matches": pattern}])

    def entries(self):
        some = self.some(WORDS)
        return self.pick([{"has": self.pick(WORDS)}, {"has_any": some}, {"has_all": some}])

    def state(self):
        states = self.some(["completed", "cancelled", "no_show", "pending"])
        return self.pick([{"is": states[0]}, {"in": states}, {"not_in": states}])

    def size(self, sizes):
        low = self.pick(sizes)
        tests = [{operator: low} for operator in OPERATORS]
        some = self.some(sizes)
        return self.pick(
            [*tests, {"between": [low, low]}, {"is": low}, {"is_not": low}, {"in": some}]
        )

    def time(self):
        weekdays = self.some(["monday", "saturday", "sunday"])
        return self.pick(
            [
                self.window(),
                self.window(),
                {"is": self.pick(DAYS)},
                self.pick([{"before": self.point()}, {"after": self.pick([*DAYS, "30 days ago"])}]),
                {self.pick(["more_than", "less_than"]): f"{self.length()} ago"},
                {"month": self.pick([6, *MONTHS, self.some([1, 2, 12, "june"])])},
                {"season": self.pick([*SEASONS, [6, 9], [11, 2]])},
                {"weekday": self.pick([weekdays, weekdays[0]])},
                {"anniversary": self.pick(["today", {"next": self.length(["day", "week"])}])},
                {"during": "ramazan-bayrami"},
                "known",
                "unknown",
            ]
        )

    def whole(self, populations=None):
        if populations and self.often(0.3):
            return self.population(populations)
        return self.size([0, 1, 2, 5])

    def population(self, words=("top", "bottom", "between_quantiles", "rank", "of_mean")):
        word = self.pick(words)
        mean = {self.pick(OPERATORS): self.pick([1.2, 2, "120 %"])}
        special = {"between_quantiles": ["12.5 %", "60 %"], "rank": 100}
        return {word: special.get(word, mean if "mean" in word else self.share())}

    # Rows

    def rows(self, relation, window=True):
        found = {}
        if relation == "events":
            found["name"] = self.pick([self.pick(NAMES), self.some(NAMES)])
        if self.often(0.5):
            found["where"] = self.where(relation)
        if window and self.often(0.5):
            found["within"] = self.window()
        if (not window or "within" in found) and self.often(0.5):
            found["by"] = self.pick(TIMES[relation])
        return found

    def where(self, relation):
        columns = COLUMNS[relation]
        return {name: self.test(columns[name]) for name in self.some(list(columns))}

    def aggregate(self):
        relation = self.pick(["orders", "events", "items"])
        return {relation: self.rows(relation) | self.measure(relation)}

    def measure(self, relation):
        number = {"orders": "nights", "events": "price", "items": "quantity"}[relation]
        text = {"orders": "region", "events": "hotel", "items": "sku"}[relation]
        time = {"orders": "ends_on", "events": "at", "items": "ordered_at"}[relation]
        all_ = ("top", "bottom", "between_quantiles", "rank", "of_mean")
        rows = (*all_, "of_row_mean")
        sizes = self.test("number" if relation != "events" else "property")
        amount = self.pick([sizes, self.population(rows)])
        seasons = {"seasons": {"yaz": [6, 9], "kış 1.": [11, 2]}} if self.often(0.5) else {}
        return self.pick(
            [
                {"count": self.whole(all_)},
                {"distinct": text, "is": self.whole(all_)},
                {"years_in_same_season": time, "is": self.whole(all_), **seasons},
                {self.pick(["sum", "avg", "min", "max"]): number, "is": self.sum(amount)},
                {self.pick(["latest", "earliest"]): time, "is": self.time()},
                {self.pick(["first", "last"]): text, "is": self.test("text")},
                {self.pick(["first", "last"]): number, "is": amount},
                {"share": self.where(relation), "is": {self.pick(OPERATORS): self.share()}},
                {self.pick(["days", "weeks", "months", "years"]): self.whole(all_)},
                {self.pick(["usual_gap", "last_gap", "longest_gap"]): self.size([1, 2.5])},
                {"overdue": self.pick(["known", {"more_than": 1.5}])},
            ]
        )

    def sum(self, test):
        return {"at_least": 1} if isinstance(test, str) else test  # a sum is always known

    # Conditions

    def sequence(self):
        steps = [{(name := self.pick(list(COLUMNS))): self.rows(name, window=False)}]
        for _ in range(self.random.randint(1, 3)):
            name = self.pick(list(COLUMNS))
            within = {"within": self.length(UNITS[:5])} if self.often(0.5) else {}
            steps.append({name: self.rows(name, window=False), **within})
        if self.often(0.4):
            absent = {"events": self.rows("events", window=False)}
            steps.append({"without": absent, "for": self.length(UNITS[:5])})
        found = {"steps": steps}
        if self.often(0.3):
            names = {name for step in steps for name in step if name in COLUMNS}
            found["same"] = "hotel" if names == {"events"} else "region"
            if "items" in names and "orders" not in names:
                found["same"] = "sku"
        if self.often(0.5):
            found["within"] = self.window()
        test = [{}, {"count": self.whole()}, {"latest": self.time()}]
        return {"sequence": found | self.pick(test)}

    def trait(self):
        name = self.pick(list(SCHEMA.traits))
        kinds = {Kind.DAY: "time", Kind.LIST: "list"}
        kind = SCHEMA.traits[name]
        return {"trait": {name: self.test(kinds.get(kind, str(kind)))}}

    def other(self):
        asked = {"channel": self.pick(["email", "call"]), "purpose": self.pick(["marketing", "x"])}
        consent = self.pick(["granted", "refused", "unknown"])
        reach = self.pick(["reachable", "unreachable", "suppressed", "no_address"])
        score = {
            "value": self.size([0, 0.5]),
            "decile": self.size([1, 9]),
            "scored_at": self.time(),
        }
        of = self.pick(list(score))
        return self.pick(
            [
                {"consent": {**asked, "is": consent}},
                {"reach": {**asked, "is": reach}},
                {"score": {"model": "clv", of: score[of]}},
                {"list": self.pick(SCHEMA.lists)},
                {"campaign": {"key": "spring"} | self.pick([{}, {"arm": "holdout"}])},
                {"bucket": {"name": "a-b", "to": "12.5 %"} | self.pick([{}, {"from": "1 %"}])},
                {"segment": self.pick(["repeat-guests", "a"])},
            ]
        )

    def leaf(self):
        return self.pick([self.aggregate, self.aggregate, self.trait, self.sequence, self.other])()

    def condition(self, depth=3):
        if depth == 0 or self.often(0.3):
            return self.leaf()
        kind = self.pick(["all", "any", "not"])
        if kind == "not":
            return {"not": self.condition(depth - 1)}
        return {kind: [self.condition(depth - 1) for _ in range(self.random.randint(1, 3))]}

    def definition(self):
        words = {"tr": "Başlık", "en": "Title"}
        described = {"description": words} if self.often(0.5) else {}
        return {"segment": "a-b", "title": words, **described, "where": self.condition()}
