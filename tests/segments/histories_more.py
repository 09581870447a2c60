"""Random sequences, populations, sets, reach and scores: what ``histories.Maker`` adds."""

from __future__ import annotations

import pyarrow as pa

HOUR = 3_600_000_000
# What follows follows at, just before or just after one of these lengths.
LENGTHS = {"1 hour": HOUR, "90 minutes": 3 * HOUR // 2, "2 days": 48 * HOUR, "3 weeks": 504 * HOUR}
STATES = ["reachable", "suppressed", "no_address", "no_consent"]
PURPOSES = [("email", "marketing"), ("sms", "marketing")]
MODELS = ["churn", "next_order"]
LISTS = ["vip", "press"]
CAMPAIGNS = ["spring", "autumn"]
ARMS = ["", "treated", "holdout"]
DECILES = [1, 2, 5, 9, 10]
VALUES = [0, 0.1, 0.25, 0.5, 1]
RATIOS = [0.5, 0.8, 1, 1.1, 1.2, 1.5]


class MoreMaker:
    """Makes conditions beyond traits and aggregates, and what people need for them."""

    # Conditions

    def sequence(self):
        steps = [self.step() for _ in range(self.pick([2, 2, 3]))]
        for step in steps[1:]:
            if self.often(0.7):
                step["within"] = self.pick(list(LENGTHS))
        if self.often(0.4):
            rows = steps[-1]
            rows.pop("within", None)
            steps[-1] = {"without": rows, "for": self.pick(list(LENGTHS))}
        body = {"steps": steps}
        if self.often(0.4):
            body["same"] = "region"
        if self.often(0.4):
            body["within"] = self.window()
        match self.pick(["", "count", "latest"]):
            case "count":
                body["count"] = self.size_test([0, 1, 2], is_total=True)
            case "latest":
                body["latest"] = self.time_test()
        return {"sequence": body}

    def step(self):
        relation = self.pick(["events", "events", "events", "orders", "items"])
        body = {}
        if relation == "events":
            names = self.some(["Hotel Searched", "Hotel Viewed", "Booking Abandoned"], 2)
            body["name"] = names if self.often(0.3) else names[0]
        if self.often(0.2):
            column = self.pick(
                {"events": ["hotel"], "orders": ["status", "cancelled_at"]}.get(relation, ["name"])
            )
            body["where"] = {column: self.column_test(column)}
        if relation == "orders" and self.often(0.2):
            body["by"] = self.pick(["starts_on", "cancelled_at"])
        return {relation: body}

    def reach(self):
        channel, purpose = self.pick(PURPOSES)
        state = self.pick(["reachable", "unreachable", "suppressed", "no_address"])
        return {"reach": {"channel": channel, "purpose": purpose, "is": state}}

    def score(self):
        test = {
            "value": lambda: self.size_test(VALUES),
            "decile": lambda: self.size_test(DECILES),
            "scored_at": self.time_test,
        }
        of = self.pick(list(test))
        return {"score": {"model": self.pick(MODELS), of: test[of]()}}

    def picked(self):
        kind = self.pick(["list", "campaign", "bucket"])
        if kind == "list":
            return {"list": self.pick(LISTS)}
        if kind == "campaign":
            arm = {"arm": self.pick(ARMS[1:])} if self.often(0.5) else {}
            return {"campaign": {"key": self.pick(CAMPAIGNS), **arm}}
        low, high = sorted(self.random.sample(range(101), 2))
        return {"bucket": {"name": self.pick(["a", "b"]), "from": f"{low} %", "to": f"{high} %"}}

    def window(self):
        return {"last": self.pick(["30 days", "36 hours", "1 year"])}

    def population_test(self, *, has_rows=False):
        low, high = sorted(self.random.sample([0, 10, 20, 33.3, 50, 60, 80, 100], 2))
        means = ["of_mean", "of_row_mean"] if has_rows else ["of_mean"]
        operator = self.pick(["at_least", "at_most", "more_than", "less_than"])
        return self.pick(
            [
                {"top": f"{self.pick([10, 25, 30, 50, 66.6, 90])} %"},
                {"bottom": f"{self.pick([10, 25, 66.6])} %"},
                {"between_quantiles": [f"{low} %", f"{high} %"]},
                {"rank": self.pick([1, 2, 5, 50])},
                {self.pick(means): {operator: self.pick(RATIOS)}},
            ]
        )

    # People

    def followed(self, rows, time):
        """Return rows with others beside them: as much later as definitions speak of."""
        found = list(rows)
        for row in rows:
            if self.often(0.5) and row.get(time) is not None:
                beside = self.pick([0, *LENGTHS.values()]) + self.pick([-1, 0, 1])
                made = self.event() if time == "at" else self.order()
                found.append(made | {time: row[time] + beside, "region": row.get("region")})
        return found

    def beside(self):
        """Return a moment from which on what must not follow is, or is not quite, over."""
        return self.at - self.pick(list(LENGTHS.values())) + self.pick([-2, -1, 0, 1])

    def more(self, person):
        """Give ``person`` what conditions beyond traits and aggregates ask for."""
        for event in person.events:
            event["region"] = self.perhaps(self.city)
            if self.often(0.2):
                event["at"] = self.beside()
        person.events = self.followed(person.events, "at")
        person.reach = {pair: self.pick(STATES) for pair in PURPOSES if self.often(0.8)}
        person.scores = {
            model: {
                "value": self.pick(VALUES),
                "decile": self.perhaps(lambda: self.pick(DECILES)),
                "scored_at": self.moment(),
            }
            for model in MODELS
            if self.often(0.7)
        }
        person.sets = {("list", key): "" for key in LISTS if self.often(0.5)}
        person.sets |= {("campaign", key): self.pick(ARMS) for key in CAMPAIGNS if self.often(0.5)}
        return person


def tables(owners):
    """Return the tables of a block that ``Person`` holds as dictionaries."""
    reach = [(i, *pair, state) for i, p in owners for pair, state in p.reach.items()]
    scores = [
        (i, model, found["value"], found["decile"], found["scored_at"])
        for i, p in owners
        for model, found in p.scores.items()
    ]
    sets = [(i, *key, arm) for i, p in owners for key, arm in p.sets.items()]
    text, whole = pa.string(), pa.int64()
    return {
        "reach": _table(reach, {"channel": text, "purpose": text, "state": text}),
        "scores": _table(
            scores, {"model": text, "value": pa.float64(), "decile": whole, "scored_at": whole}
        ),
        "sets": _table(sets, {"sort": text, "key": text, "arm": text}),
    }


def _table(rows, columns):
    named = {"profile_id": pa.int64(), **columns}
    return pa.table(
        {
            name: pa.array([row[i] for row in rows], kind)
            for i, (name, kind) in enumerate(named.items())
        }
    )
