"""Why somebody is in a segment: each leaf's value, its truth, its next change, its rows."""

from __future__ import annotations

from datetime import date

import pytest
from tests.segments import histories
from tests.segments.histories import moment
from tests.segments.oracle import Person

from pusula.segments import kernel
from pusula.segments.kernel.evidence import MOST
from pusula.segments.language import Schema, parse
from pusula.segments.language.nodes import Money

SCHEMA = Schema(currency="TRY", tz="Europe/Istanbul", traits={"city": "text", "born": "day"})
NOON = moment("2026-11-22T12:00:00")
HOUR = 3_600_000_000
DAY = 24 * HOUR


def explained(where, person, cut_points=None, at=NOON):
    document = {"segment": "a", "title": {"tr": "a", "en": "a"}, "where": where}
    plan = kernel.compile({"a": parse(document, SCHEMA)}, SCHEMA, cut_points or {})
    # Another profile stands in front, so that places are told from numbers.
    other = Person(events=[{"name": "A", "at": NOON - HOUR}], orders=[{"net_amount": 1}])
    block = histories.block([other, person], [3, 8], plan.requirements)
    return kernel.explain(plan, block, 1, "a", at)


def did(*events):
    return Person(events=[{"name": name, "at": NOON - ago, **more} for name, ago, more in events])


def test_an_aggregate_shows_its_rows_the_newest_first_and_when_it_changes():
    person = did(
        ("A", 3 * DAY, {"hotel": "MAVİ", "price": 10}),
        ("A", DAY, {"hotel": "Mavi", "price": 30}),
        ("A", 9 * DAY, {"hotel": "Mavi", "price": 50}),
        ("A", HOUR, {"hotel": "Yeşil", "price": 70}),
        ("A", -HOUR, {"hotel": "Mavi", "price": 90}),
    )
    events = {
        "name": "A",
        "sum": "price",
        "is": {"at_least": 40},
        "where": {"hotel": {"is": "Mavi"}},
        "within": {"last": "7 days"},
    }
    why = explained({"events": events}, person)
    assert (why.holds, why.value) == (True, 40.0)
    assert why.rows == (
        {"relation": "events", "time": NOON - DAY, "name": "A", "at": NOON - DAY, "hotel": "mavi",
         "price": 30.0},
        {"relation": "events", "time": NOON - 3 * DAY, "name": "A", "at": NOON - 3 * DAY,
         "hotel": "mavi", "price": 10.0},
    )  # fmt: skip
    assert why.changes_at == NOON + HOUR + 1  # that to come has come
    assert (
        explained({"events": events}, person, at=NOON + 2 * HOUR).changes_at == NOON + 4 * DAY + 1
    )


def test_rows_of_orders_have_days_and_amounts():
    person = Person(
        orders=[
            {"ordered_at": NOON - ago, "net_amount": 100 + ago % 97, "starts_on": date(2026, 12, 1)}
            for ago in range(1, 30)
        ]
    )
    orders = {"max": "net_amount", "is": {"at_least": "1 TRY"}, "by": "starts_on"}
    why = explained({"orders": {**orders, "within": {"next": "all"}}}, person)
    assert why.value == Money(129, "TRY")
    assert len(why.rows) == MOST
    assert why.rows[0] == {
        "relation": "orders", "time": NOON - 1, "ordered_at": NOON - 1,
        "net_amount": Money(101, "TRY"), "starts_on": date(2026, 12, 1),
    }  # fmt: skip
    assert [row["time"] for row in why.rows] == [NOON - ago for ago in range(1, MOST + 1)]


def test_a_sequence_shows_the_rows_of_those_that_began_last():
    person = did(
        ("A", 9 * DAY, {"hotel": "Mavi"}),
        ("B", 9 * DAY - HOUR, {"hotel": "Yeşil"}),
        ("B", 9 * DAY - 2 * HOUR, {"hotel": "Mavi"}),
        ("A", 5 * DAY, {"hotel": "Mavi"}),
        ("A", 2 * DAY, {"hotel": "Yeşil"}),
        ("B", DAY, {"hotel": "Yeşil"}),
    )
    steps = [{"events": {"name": "A"}}, {"events": {"name": "B"}, "within": "1 day"}]
    why = explained({"sequence": {"steps": steps, "same": "hotel"}}, person)
    assert (why.holds, why.value) == (True, 2)
    told = [(row["step"], NOON - row["time"], row["hotel"]) for row in why.rows]
    assert told == [
        (1, DAY, "yeşil"), (0, 2 * DAY, "yeşil"),
        (1, 9 * DAY - 2 * HOUR, "mavi"), (0, 9 * DAY, "mavi"),
    ]  # fmt: skip
    absent = [steps[0], {"without": {"events": {"name": "B"}}, "for": "6 days"}]
    why = explained({"sequence": {"steps": absent, "same": "hotel", "latest": "known"}}, person)
    assert (why.holds, why.value, why.rows) == (False, None, ())
    assert why.changes_at == NOON + DAY + 1


def test_the_limits_and_the_mean_of_a_population_are_shown():
    person = Person(orders=[{"ordered_at": NOON - 1, "net_amount": 5_000}])
    orders = {"sum": "net_amount"}
    middle = {"orders": {**orders, "is": {"between_quantiles": ["20 %", "80 %"]}}}
    above = {"orders": {**orders, "is": {"of_mean": {"at_least": 1.2}}}}
    document = {"segment": "a", "title": {"tr": "a", "en": "a"}, "where": {"all": [middle, above]}}
    keys = kernel.compile({"a": parse(document, SCHEMA)}, SCHEMA, {}).populations
    low, high, mean = keys
    why = explained({"all": [middle, above]}, person, {low: 1.0, high: float("inf"), mean: 4_000.0})
    first, second = why.parts
    assert (first.holds, first.limit, first.limits, first.mean) == (
        False,
        1.0,
        (1.0, None),
        4_000.0,
    )
    assert (second.holds, second.limit, second.mean) == (True, 4_800.0, 4_000.0)
    assert second.value == Money(5_000, "TRY")


def test_what_is_known_of_a_profile_itself_is_shown():
    person = Person(
        traits={"city": "İZMİR", "born": date(1990, 11, 24)},
        consents={("email", "marketing"): "granted"},
        reach={("email", "marketing"): "suppressed"},
        scores={"churn": {"value": 0.7, "decile": 9, "scored_at": NOON - DAY}},
        sets={("list", "press"): "", ("campaign", "spring"): "holdout"},
    )
    email = {"channel": "email", "purpose": "marketing"}
    leaves = [
        {"trait": {"city": {"is": "izmir"}}},
        {"trait": {"born": {"anniversary": {"next": "7 days"}}}},
        {"consent": {**email, "is": "granted"}},
        {"reach": {**email, "is": "reachable"}},
        {"score": {"model": "churn", "scored_at": {"last": "7 days"}}},
        {"score": {"model": "other", "value": {"at_least": 0.5}}},
        {"campaign": {"key": "spring", "arm": "holdout"}},
        {"campaign": {"key": "autumn"}},
        {"list": "press"},
        {"bucket": {"name": "a", "from": "0 %", "to": "100 %"}},
    ]
    why = explained({"all": leaves}, person)
    assert not why.holds
    assert [(part.value, part.holds) for part in why.parts][:-1] == [
        ("izmir", True),
        (date(1990, 11, 24), True),
        ("granted", True),
        ("suppressed", False),
        (NOON - DAY, True),
        (None, False),
        ("holdout", True),
        (None, False),
        (None, True),
    ]
    assert 0 <= why.parts[-1].value < 100
    assert [part.changes_at for part in why.parts[:3]] == [
        None,
        moment("2026-11-24T21:00:00"),
        None,
    ]
    assert why.parts[4].changes_at == NOON + 6 * DAY + 1


def test_every_node_is_there_and_other_segments_are_looked_into():
    event = {"events": {"name": "A", "count": {"at_least": 1}}}
    documents = {
        "b": {"not": event},
        "a": {"any": [{"segment": "b"}, {"trait": {"city": "unknown"}}]},
    }
    definitions = {
        key: parse({"segment": key, "title": {"tr": key, "en": key}, "where": where}, SCHEMA)
        for key, where in documents.items()
    }
    plan = kernel.compile(definitions, SCHEMA, {})
    block = histories.block([did(("A", HOUR, {}))], [1], plan.requirements)
    why = kernel.explain(plan, block, 0, "a", NOON)
    segment, trait = why.parts
    assert (why.holds, segment.holds, trait.holds) == (True, False, True)
    (negation,) = segment.parts
    (leaf,) = negation.parts
    assert (negation.holds, leaf.holds, leaf.value, len(leaf.rows)) == (False, True, 1, 1)


@pytest.mark.parametrize("seed", range(25))
def test_an_explanation_agrees_with_the_evaluation_and_each_leafs_flip_is_sound(seed):
    world = histories.Maker(seed).world(n_people=2, n_leaves=4, n_trees=2)
    plan, block = histories.compiled(world)
    evaluation = plan.evaluate(block, world.at)
    for key, mask in evaluation.members.items():
        for i in range(len(block)):
            why = kernel.explain(plan, block, i, key, world.at)
            assert why.holds == bool(mask[i])
            changes = [at for at in moments(why) if at is not None]
            if changes:
                assert min(changes) >= evaluation.next_flip[i] > world.at


def moments(why):
    yield why.changes_at
    for part in why.parts:
        yield from moments(part)
