"""Courses over real histories fire as often as a reference that knows nothing of our code."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import date
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pusula.journeys.course import Course, Happening
from pusula.journeys.language import Names, graph, parse
from pusula.journeys.language.nodes import DateOf, Message
from pusula.lib import clock
from pusula.segments.language.schema import Schema

NAMES = Names(schema=Schema(currency="TRY", tz="UTC"))
MOMENT = [("invoice_date", "min")]
TITLE = {"tr": "Sepet", "en": "Cart"}


class Nothing:
    """A world in which nothing is known."""

    tz = "UTC"

    def holds(self, condition: str, at: int) -> bool:
        raise AssertionError(condition, at)

    def day(self, of: DateOf) -> date | None:
        raise AssertionError(of)

    def coupon(self, step: str, pool: str) -> str | None:
        raise AssertionError(step, pool)


def cart(length: str) -> dict[str, object]:
    return {
        "journey": "cart", "title": TITLE, "reentry": "restart", "holdout": 0,
        "entry": [{"event": {"name": "add_to_cart"}}],
        "exit_when": [{"event": {"name": "purchase"}}],
        "steps": [
            {"id": "timer", "wait": {"for": length}},
            {"id": "mail", "message": {"ways": [{"channel": "email", "template": "cart"}]}},
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("length", "name"),
    [("60 minutes", "cart_abandonment_60min"), ("24 hours", "cart_abandonment_24h")],
)
def test_cart_timers_fire_as_often_as_in_the_reference(shared_data: Path, length: str, name: str):
    expected = json.loads((shared_data / "reference_journeys.json").read_text())["clickstream"]
    made = graph(parse(cart(length), NAMES))
    lives, end = happenings(shared_data / "clickstream_synthetic.parquet")
    fired = 0
    people = set()
    for user, life in lives.items():
        course = Course(user, 1, {1: made}, [], [], since_at=0, is_held_out=False)
        course.run(life, end, lambda _version, _order: Nothing())
        asked = [e for ride in course.rides for e in ride.effects if isinstance(e.kind, Message)]
        fired += len(asked)
        people |= {user} if asked else set()
    assert (fired, len(people)) == (expected[name]["fired"], expected[name]["users"])


def mail(step: str) -> dict[str, object]:
    return {"id": step, "message": {"ways": [{"channel": "email", "template": "t"}]}}


def wait(step: str, length: str) -> dict[str, object]:
    return {"id": step, "wait": {"for": length}}


WELCOME = [mail("d0"), wait("w3", "72 hours"), mail("d3"), wait("w10", "168 hours"), mail("d10")]
SHOP = {
    "winback30": ("restart", [], [wait("w", "720 hours"), mail("winback30")]),
    "second": ("never", [{"order": {}}], [wait("w", "336 hours"), mail("second_order_14d")]),
    "thanks": ("always", [], [wait("w", "24 hours"), mail("thanks_d1")]),
    "review": ("restart", [], [wait("w", "168 hours"), mail("review_d7")]),
    "welcome": ("never", [{"order": {}}], WELCOME),
}


def test_journeys_of_a_gift_shop_send_as_often_as_in_the_reference(shared_data: Path):
    results = json.loads((shared_data / "reference_journeys.json").read_text())["journeys"][
        "results"
    ]
    lives, end = orders(shared_data / "online_retail.parquet")
    fired: Counter[str] = Counter()
    for key, (rule, exits, steps) in SHOP.items():
        document = {"journey": key, "title": TITLE, "reentry": rule, "entry": [{"order": {}}],
                    "steps": steps, **({"exit_when": exits} if exits else {})}  # fmt: skip
        made = graph(parse(document, NAMES))
        for customer, life in lives.items():
            course = Course(customer, 1, {1: made}, [], [], since_at=0, is_held_out=False)
            course.run(life, end, lambda _version, _order: Nothing())
            asked = [e for ride in course.rides for e in ride.effects]
            fired.update(effect.step for effect in asked)
    said = {n.replace("welcome_", ""): one.get("fired") for n, one in results.items()}
    assert dict(fired) == {name: said[name] for name in fired}
    assert len(fired) == 7


def orders(file: Path) -> tuple[dict[int, list[Happening]], int]:
    """Return when each customer ordered: an invoice counts from its first line."""
    lines = pq.read_table(file)
    is_sale = pc.and_(pc.is_valid(lines["customer_id"]), pc.greater(lines["quantity"], 0))
    sales = lines.filter(is_sale).group_by(["customer_id", "invoice"]).aggregate(MOMENT)
    places = {1: frozenset({"entry:0", "exit:0"})}
    lives: dict[int, list[Happening]] = defaultdict(list)
    for row in sales.to_pylist():
        at = clock.from_datetime(row["invoice_date_min"])
        lives[int(row["customer_id"])].append(Happening(at, places))
    return lives, max(one.at for life in lives.values() for one in life)


def happenings(file: Path) -> tuple[dict[int, list[Happening]], int]:
    """Return what happened to each user, in order, and when the last thing did."""
    log = pq.read_table(file).sort_by([("timestamp", "ascending"), ("seq", "ascending")])
    places = {"add_to_cart": frozenset({"entry:0"}), "purchase": frozenset({"exit:0"})}
    lives: dict[int, list[Happening]] = defaultdict(list)
    numbers: dict[object, int] = {}
    end = 0
    for row in log.to_pylist():
        at = clock.from_datetime(row["timestamp"])
        end = max(end, at)
        if row["event"] in places:
            user = numbers.setdefault(row["user_id"], len(numbers) + 1)
            lives[user].append(Happening(at, {1: places[row["event"]]}))
    return lives, end
