"""Sequences by examples: order, time limits, what must be the same, what must not follow."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from tests.segments import histories
from tests.segments.histories import moment
from tests.segments.oracle import Person

from pusula.segments import kernel
from pusula.segments.kernel.asked import NEVER
from pusula.segments.kernel.run import Run
from pusula.segments.language import Schema, parse

SCHEMA = Schema(currency="TRY", tz="Europe/Istanbul")
NOON = moment("2026-11-22T12:00:00")
MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def compiled(where, people):
    document = {"segment": "a", "title": {"tr": "a", "en": "a"}, "where": where}
    plan = kernel.compile({"a": parse(document, SCHEMA)}, SCHEMA, {})
    return plan, histories.block(people, list(range(1, len(people) + 1)), plan.requirements)


def ask(where, people, at=NOON):
    """Return for whom ``where`` holds."""
    plan, block = compiled(where, people)
    return plan.evaluate(block, at).members["a"].tolist()


def flip(where, person, at=NOON):
    plan, block = compiled(where, [person])
    return int(plan.evaluate(block, at).next_flip[0])


def did(*events):
    """Return a person with events, each a name, how long ago it was, and perhaps a hotel."""
    return Person(
        events=[
            {"name": name, "at": NOON - ago, **({"hotel": rest[0]} if rest else {})}
            for name, ago, *rest in events
        ]
    )


def step(name, **more):
    return {"events": {"name": name}, **more}


def sequence(*steps, **more):
    return {"sequence": {"steps": list(steps), **more}}


def test_b_follows_a_strictly_later_and_at_most_so_long_after():
    people = [
        did(("A", 2 * HOUR), ("B", HOUR)),
        did(("A", 2 * HOUR), ("B", HOUR - 1)),
        did(("A", HOUR), ("B", HOUR)),
        did(("B", 2 * HOUR), ("A", HOUR)),
        did(("A", HOUR)),
        did(),
    ]
    where = sequence(step("A"), step("B", within="1 hour"))
    assert ask(where, people) == [True, False, False, False, False, False]
    assert ask(sequence(step("A"), step("B")), people) == [True, True, False, False, False, False]


def test_any_chain_will_do_not_only_that_of_the_nearest_rows():
    # The nearest B after A has no C within a day; a later one has.
    person = did(("A", 9 * DAY), ("B", 8 * DAY), ("B", 5 * DAY), ("C", 4 * DAY))
    where = sequence(step("A"), step("B", within="5 days"), step("C", within="1 day"))
    assert ask(where, [person]) == [True]
    where = sequence(step("A"), step("B", within="3 days"), step("C", within="1 day"))
    assert ask(where, [person]) == [False]


def test_each_first_row_that_is_followed_counts():
    person = did(("A", 9 * DAY), ("A", 9 * DAY), ("A", 8 * DAY), ("A", DAY), ("B", 7 * DAY))
    where = sequence(step("A"), step("B"), count={"is": 3})
    assert ask(where, [person]) == [True]
    latest = sequence(step("A"), step("B"), latest={"after": "8 days ago"})
    assert ask(latest, [person]) == [True]
    assert ask(latest, [person], NOON + 1) == [False]


def test_the_window_is_that_of_the_first_row():
    person = did(("A", 9 * DAY), ("B", 7 * DAY))
    where = sequence(step("A"), step("B"))
    for within, holds in (("8 days", False), ("9 days", True)):
        asked = {"sequence": {**where["sequence"], "within": {"last": within}}}
        assert ask(asked, [person]) == [holds]
    assert flip(asked, person) == NOON + 1


def test_what_must_be_the_same_is_known_and_the_same():
    people = [
        did(("A", 3 * DAY, "Mavi"), ("B", DAY, "MAVİ")),
        did(("A", 3 * DAY, "Mavi"), ("B", DAY, "Yeşil")),
        did(("A", 3 * DAY, "Mavi"), ("B", 2 * DAY, "Yeşil"), ("B", DAY, "Mavi")),
        did(("A", 3 * DAY), ("B", DAY)),
        did(("A", 3 * DAY, ""), ("B", DAY, "")),
    ]
    where = sequence(step("A"), step("B"), same="hotel")
    assert ask(where, people) == [True, False, True, False, False]
    absent = sequence(step("A"), {"without": step("B"), "for": "1 day"}, same="hotel")
    assert ask(absent, people) == [True, True, True, False, False]
    absent = sequence(step("A"), {"without": step("B"), "for": "2 days"}, same="hotel")
    assert ask(absent, people) == [False, True, False, False, False]


def test_steps_can_be_of_different_relations_with_the_same_value():
    def person(region, ago):
        order = {"ordered_at": NOON - ago, "region": region, "status": "confirmed"}
        event = {"name": "A", "at": NOON - 2 * DAY, "region": "Bodrum"}
        return Person(events=[event], orders=[order])

    people = [person("BODRUM", DAY), person("Çeşme", DAY), person("Bodrum", 3 * DAY)]
    where = sequence(step("A"), {"orders": {}, "within": "1 day"})
    assert ask(where, people) == [True, True, False]
    where = sequence(step("A"), {"orders": {"where": {"status": {"is": "confirmed"}}}})
    assert ask(where, people) == [True, True, False]
    assert ask(sequence(step("A"), {"orders": {}}, same="region"), people) == [True, False, False]


@pytest.mark.parametrize(
    ("later", "asked", "holds"),
    [
        (None, HOUR, False),  # the hour is not over: a row at its end may still come
        (None, HOUR + 1, True),
        (HOUR, HOUR + 1, False),  # at the last moment
        (HOUR + 1, HOUR + 2, True),
        (0, HOUR + 1, True),  # not behind it
        (1, 2 * HOUR, False),
    ],
)
def test_an_absence_holds_once_its_time_is_over(later, asked, holds):
    person = did(("A", 0), *([] if later is None else [("B", -later)]))
    where = sequence(step("A"), {"without": step("B"), "for": "1 hour"})
    assert ask(where, [person], NOON + asked) == [holds]


def test_an_absence_flips_when_it_is_over():
    where = sequence(step("A"), {"without": step("B"), "for": "1 hour"})
    assert flip(where, did(("A", 10 * MINUTE))) == NOON + 50 * MINUTE + 1
    assert flip(where, did(("A", 10 * MINUTE), ("B", 5 * MINUTE))) == NEVER
    assert flip(where, did(("A", 2 * HOUR))) == NEVER
    # A row to come is looked at when it has come.
    assert flip(where, did(("A", 10 * MINUTE), ("B", -5 * MINUTE))) == NOON + 5 * MINUTE + 1


def test_an_absence_is_that_after_the_row_before_it():
    where = sequence(step("A"), step("B", within="1 day"), {"without": step("C"), "for": "1 day"})
    people = [
        did(("A", 9 * DAY), ("B", 8 * DAY)),
        did(("A", 9 * DAY), ("B", 8 * DAY), ("C", 7 * DAY)),
        did(("A", 9 * DAY), ("B", 8 * DAY), ("C", 7 * DAY - 1)),
        did(("A", 9 * DAY), ("C", 8 * DAY)),
    ]
    assert ask(where, people) == [True, False, True, False]


def test_moments_thousands_of_years_apart_are_told_apart():
    """The rows of many profiles are then sorted by the order of their moments, not by these."""
    far = moment("9000-01-01T00:00:00")
    people = [did(("A", 2 * HOUR), ("B", HOUR)) for _ in range(50)]
    people += [did(("B", 2 * HOUR), ("A", HOUR))] * 50
    people[0].events.append({"name": "A", "at": moment("0100-01-01T00:00:00")})
    people[-1].events.append({"name": "B", "at": far})
    where = sequence(step("A"), step("B", within="1 hour"))
    assert ask(where, people, far + 1) == [True] * 50 + [False] * 50


def test_abandoned_carts_of_a_real_shop(shared_data):
    """A timer that the cart restarts and a purchase, at its very end too, cancels.

    The shop's log puts one purchase at the very moment of its cart and behind it; what is not
    later does not follow in a sequence, so that cart is abandoned here.
    """
    expected = json.loads((shared_data / "reference_journeys.json").read_text())["clickstream"]
    log = pq.read_table(shared_data / "clickstream_synthetic.parquet")
    names, users = np.unique(log["user_id"].to_numpy(), return_inverse=True)
    at = log["timestamp"].cast(pa.timestamp("us")).cast(pa.int64())
    events = pa.table(
        {"profile_id": users.astype(np.int64), "name": log["event"].cast(pa.string()), "at": at}
    )
    block = kernel.Block(np.arange(len(names)), events=events)
    last = pc.max(at).as_py()
    for length, key in (("60 minutes", "60min"), ("24 hours", "24h")):
        cancels = {"events": {"name": ["add_to_cart", "purchase"]}}
        where = sequence(step("add_to_cart"), {"without": cancels, "for": length})
        n_at_once, fired = 1, expected[f"cart_abandonment_{key}"]
        plan = compiled(where, [])[0]
        (leaf,) = plan.program.steps
        assert plan.evaluate(block, last).members["a"].sum() == fired["users"]
        values = Run(plan.program, block, last).sequence(leaf)
        assert values.numbers.sum() == fired["fired"] + n_at_once
