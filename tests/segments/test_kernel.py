"""The kernel by examples: window edges, the clock's jumps, seasons, missing values, limits."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from tests.segments import histories
from tests.segments.histories import moment
from tests.segments.oracle import Person

from pusula.lib.errors import PusulaError
from pusula.segments import kernel
from pusula.segments.kernel.measures import measure
from pusula.segments.language import DefinitionError, Kind, Schema, leaves, parse
from pusula.segments.language.nodes import Money

TRAITS = {"rfm_group": Kind.TEXT, "age": Kind.NUMBER, "birthday": Kind.DAY, "vip": Kind.BOOL}
ISTANBUL = Schema(currency="TRY", tz="Europe/Istanbul", traits=TRAITS)
BERLIN = Schema(currency="TRY", tz="Europe/Berlin", traits=TRAITS)


NOON = moment("2026-11-22T12:00:00")


def define(schema=ISTANBUL, **conditions):
    return {
        key: parse({"segment": key, "title": {"tr": key, "en": key}, "where": where}, schema)
        for key, where in conditions.items()
    }


def plan(schema=ISTANBUL, cut_points=None, **conditions):
    return kernel.compile(define(schema, **conditions), schema, cut_points or {})


def ask(where, people, at=NOON, schema=ISTANBUL):
    """Return for whom ``where`` holds."""
    made = plan(schema, a=where)
    block = histories.block(people, list(range(1, len(people) + 1)), made.requirements)
    return made.evaluate(block, at).members["a"].tolist()


def searched(*moments):
    return Person(events=[{"name": "Hotel Searched", "at": at} for at in moments])


def stayed(*stays):
    return Person(orders=[{"status": "completed", "starts_on": a, "ends_on": b} for a, b in stays])


def spent(*amounts):
    return Person(orders=[{"status": "completed", "net_amount": a} for a in amounts])


def test_a_window_takes_its_start_and_leaves_its_end():
    day = 86_400_000_000
    people = [searched(NOON - 30 * day + d) for d in (-1, 0)] + [
        searched(NOON + d) for d in (-1, 0)
    ]
    events = {"name": "Hotel Searched", "count": {"at_least": 1}}
    assert ask({"events": {**events, "within": {"last": "30 days"}}}, people) == [
        False, True, True, False,
    ]  # fmt: skip
    people = [Person(orders=[{"cancelled_at": NOON + d}]) for d in (-1, 0, 30 * day - 1, 30 * day)]
    orders = {"count": {"at_least": 1}, "by": "cancelled_at", "within": {"next": "30 days"}}
    assert ask({"orders": orders}, people) == [False, True, True, False]


def test_a_day_is_24_hours_and_a_month_keeps_the_wall_time_when_the_clock_jumps():
    # Berlin's clock goes from 02:00 to 03:00 on 29 March 2026.
    at = moment("2026-03-29T12:00:00", "Europe/Berlin")
    people = [
        searched(moment("2026-03-28T11:00:00", "Europe/Berlin")),
        searched(moment("2026-03-28T10:59:59", "Europe/Berlin")),
        searched(moment("2026-02-28T12:00:00", "Europe/Berlin")),
        searched(moment("2026-02-28T11:59:59", "Europe/Berlin")),
    ]
    events = {"name": "Hotel Searched", "count": {"at_least": 1}}
    last = {"events": {**events, "within": {"last": "1 day"}}}
    assert ask(last, people, at, BERLIN) == [True, False, False, False]
    last = {"events": {**events, "within": {"last": "1 month"}}}
    assert ask(last, people, at, BERLIN) == [True, True, True, False]


def test_a_wall_time_that_the_spring_gap_skips_is_moved_forward():
    at = moment("2026-04-29T02:30:00", "Europe/Berlin")
    people = [searched(moment("2026-03-29T01:30:00")), searched(moment("2026-03-29T01:29:59"))]
    last = {"name": "Hotel Searched", "count": {"at_least": 1}, "within": {"last": "1 month"}}
    assert ask({"events": last}, people, at, BERLIN) == [True, False]


def test_a_month_before_the_31st_ends_with_the_shorter_month():
    at = moment("2026-03-31T12:00:00", "Europe/Istanbul")
    people = [searched(moment("2026-02-28T12:00:00", "Europe/Istanbul"))]
    people.append(searched(people[0].events[0]["at"] - 1))
    last = {"name": "Hotel Searched", "count": {"at_least": 1}, "within": {"last": "1 month"}}
    assert ask({"events": last}, people, at) == [True, False]


def test_a_day_counts_as_the_moment_it_begins_in_the_business_time_zone():
    # At 22:30 UTC it is already tomorrow in Istanbul.
    at = moment("2026-11-22T22:30:00")
    people = [stayed((date(2026, 11, day), None)) for day in (22, 23, 24)]
    orders = {"count": {"at_least": 1}, "by": "starts_on"}
    assert ask({"orders": {**orders, "within": {"next": "all"}}}, people, at) == [
        False, False, True,
    ]  # fmt: skip
    assert ask({"orders": {**orders, "within": {"from": "today"}}}, people, at) == [
        False, True, True,
    ]  # fmt: skip
    assert ask({"orders": {**orders, "within": {"to": "today"}}}, people, at) == [
        True, False, False,
    ]  # fmt: skip


def test_a_winter_belongs_to_the_year_in_which_it_starts():
    def night(text):
        day = date.fromisoformat(text)
        return (day, day)

    people = [
        stayed(night("2024-12-20"), night("2025-02-10")),  # one winter
        stayed(night("2025-01-05"), night("2025-12-31")),  # two winters
        stayed(night("2024-11-30"), night("2025-12-01")),  # autumn and winter
        stayed(night("2024-06-01"), night("2026-08-31")),  # two summers
        stayed(night("2024-06-01"), night("2024-08-31")),  # one summer twice
    ]
    orders = {"years_in_same_season": "starts_on", "is": {"at_least": 2}}
    assert ask({"orders": orders}, people) == [False, True, False, True, False]
    own = {**orders, "seasons": {"halves": [11, 12], "late": [1, 2]}}
    assert ask({"orders": own}, people) == [False, False, True, False, False]


def test_a_moment_on_new_years_eve_falls_into_the_year_of_the_business_time_zone():
    people = [
        Person(orders=[{"ordered_at": moment(text)} for text in texts])
        for texts in (
            ["2024-12-31T20:59:59", "2024-12-31T21:00:00"],  # 23:59:59 and 00:00 in Istanbul
            ["2024-12-31T21:00:00", "2025-06-01T00:00:00"],
        )
    ]
    orders = {"years_in_same_season": "ordered_at", "is": {"at_least": 2}}
    assert ask({"orders": {**orders, "seasons": {"year": [1, 12]}}}, people) == [True, False]
    assert ask({"orders": orders}, people) == [False, False]


def test_counts_and_sums_over_nothing_are_zero_and_everything_else_is_missing():
    nobody = [Person()]
    assert ask({"orders": {"count": {"is": 0}}}, nobody) == [True]
    assert ask({"orders": {"sum": "net_amount", "is": {"is": "0 TRY"}}}, nobody) == [True]
    assert ask({"orders": {"distinct": "region", "is": {"is": 0}}}, nobody) == [True]
    for measured in ("avg", "min", "max"):
        missing = {"orders": {measured: "net_amount", "is": {"at_most": "1000 TRY"}}}
        assert ask(missing, nobody) == [False]
        assert ask({"not": missing}, nobody) == [True]
        assert ask({"orders": {measured: "net_amount", "is": "unknown"}}, nobody) == [True]
    late = {"orders": {"latest": "ends_on", "is": {"last": "all"}}}
    assert ask(late, nobody) == [False]
    assert ask({"not": late}, nobody) == [True]


def test_a_comparison_with_a_missing_value_is_false_and_its_negation_true():
    people = [Person(traits={"rfm_group": "Champions"}), Person(traits={"rfm_group": ""}), Person()]
    other = {"trait": {"rfm_group": {"is_not": "Loyal"}}}
    assert ask(other, people) == [True, False, False]
    assert ask({"not": other}, people) == [False, True, True]
    assert ask({"trait": {"rfm_group": "unknown"}}, people) == [False, True, True]


def test_text_is_compared_by_the_turkish_fold():
    people = [Person(traits={"rfm_group": word}) for word in ("IĞDIR", "iğdir", "Iğdır ")]
    assert ask({"trait": {"rfm_group": {"is": "ığdır"}}}, people) == [True, False, True]
    assert ask({"trait": {"rfm_group": {"starts": "IĞ"}}}, people) == [True, False, True]


def test_a_refusal_beats_a_grant_beside_it():
    made = plan(
        **{
            status: {"consent": {"channel": "email", "purpose": "marketing", "is": status}}
            for status in ("granted", "refused", "unknown")
        }
    )
    rows = [(1, "granted"), (1, "refused"), (2, "granted"), (3, "granted")]
    block = kernel.Block(
        np.array([1, 2, 3, 4]),
        consents=pa.table(
            {
                "profile_id": [profile for profile, _ in rows],
                "channel": ["email", "email", "email", "sms"],
                "purpose": ["marketing"] * 4,
                "status": [status for _, status in rows],
            }
        ),
    )
    members = made.evaluate(block, NOON).members
    assert members["granted"].tolist() == [False, True, False, False]
    assert members["refused"].tolist() == [True, False, False, False]
    assert members["unknown"].tolist() == [False, False, True, True]


def test_amounts_are_summed_to_the_last_kurus_whatever_their_size():
    ninety_trillion = 9_007_199_254_740_993  # 2**53 + 1: no float64 can hold it
    people = [spent(ninety_trillion, -2), spent(ninety_trillion, -1)]
    least = {"orders": {"sum": "net_amount", "is": {"at_least": "90071992547409.92 TRY"}}}
    assert ask(least, people) == [False, True]


def test_a_sum_beyond_64_bits_stops_at_the_limit_and_does_not_change_its_sign():
    people = [spent(2**62, 2**62, 2**62), spent(-(2**62), -(2**62), -(2**62)), spent(5)]
    made = plan(a={"orders": {"sum": "net_amount", "is": {"more_than": "0 TRY"}}})
    block = histories.block(people, [1, 2, 3], made.requirements)
    evaluation = made.evaluate(block, NOON)
    (leaf,) = leaves(made.definitions["a"].where)
    assert evaluation.values(leaf).numbers.tolist() == [2**63 - 1, -(2**63), 5]
    assert evaluation.members["a"].tolist() == [True, False, True]


def test_sums_of_numbers_do_not_depend_on_the_order_of_rows():
    prices = [0.1, 0.2, 0.3, 1e9, -1e9, 2.01, 2.01]
    people = [
        Person(events=[{"name": "A", "at": 0, "price": price} for price in order])
        for order in (prices, prices[::-1], sorted(prices))
    ]
    exact = {"events": {"name": "A", "sum": "price", "is": {"is": 4.62}}}
    assert ask(exact, people) == [True, True, True]


# Limits set by the data

TOP = {
    "orders": {
        "sum": "net_amount",
        "where": {"status": {"is": "completed"}},
        "is": {"top": "10 %"},
    }
}


def test_the_top_is_whoever_reaches_the_published_limit_and_has_rows():
    made = plan(a=TOP)
    (key,) = made.populations
    people = [spent(100 * i) for i in range(1, 12)] + [Person()]
    block = histories.block(people, list(range(1, 13)), made.requirements)
    values = made.population_values(block, NOON)
    assert sorted(values[key]) == [100 * i for i in range(1, 12)]
    limit = made.populations[key].cut_point(values[key])
    assert limit == 1_000  # the tenth of eleven is the 0.9 quantile itself, and is in
    members = plan(cut_points={key: limit}, a=TOP).evaluate(block, NOON).members["a"]
    assert np.flatnonzero(members).tolist() == [9, 10]
    # A limit below zero does not let in those who have no rows.
    members = plan(cut_points={key: -5.0}, a=TOP).evaluate(block, NOON).members["a"]
    assert members.tolist() == [True] * 11 + [False]


def test_with_ties_at_the_limit_all_of_them_are_in():
    made = plan(a=TOP)
    (population,) = made.populations.values()
    assert population.cut_point(np.array([1.0, 7.0, 7.0, 7.0, 7.0])) == 7.0
    assert population.cut_point(np.array([10.0, 20.0])) == 19.0
    assert population.cut_point(np.array([])) == float("inf")  # nobody is in the top of nobody


@pytest.mark.parametrize("n", [1, 2, 3, 10, 11, 97])
def test_a_limit_is_numpys_linear_quantile(n):
    values = np.random.default_rng(n).normal(size=n)
    (population,) = plan(a=TOP).populations.values()
    assert population.cut_point(values) == pytest.approx(np.quantile(values, 0.9), rel=1e-12)


def test_a_limit_that_is_not_published_fails_its_segments_and_never_falls_open():
    conditions = {
        "top": TOP,
        "not-top": {"not": TOP},
        "named": {"any": [{"segment": "top"}, {"orders": {"count": {"is": 0}}}]},
        "fine": {"orders": {"count": {"is": 0}}},
    }
    made = plan(**conditions)
    assert sorted(made.failed) == ["named", "not-top", "top"]
    block = histories.block([Person()], [1], made.requirements)
    evaluation = made.evaluate(block, NOON)
    assert dict(evaluation.members.items()).keys() == {"fine"}
    with pytest.raises(
        kernel.MissingCutPointError, match=r"sum\.net_amount\.quantile-90\.\w+ is not"
    ):
        evaluation.members["top"]
    for key in ("named", "not-top"):
        with pytest.raises(kernel.MissingCutPointError):
            evaluation.members[key]
        with pytest.raises(kernel.MissingCutPointError):
            kernel.explain(made, block, 0, key, NOON)
    with pytest.raises(KeyError):
        evaluation.members["never heard of"]


def test_the_key_of_a_limit_stays_as_long_as_the_question_does():
    def key(**changes):
        (found,) = plan(a={"orders": {**TOP["orders"], **changes}}).populations
        return found

    assert key() == "orders.sum.net_amount.quantile-90.1c86d1490f9c2db9"
    assert key() == key(where={"status": {"in": ["completed"]}})
    within = {"last": "1 year"}
    assert len({key(), key(within=within), key(within=within, by="ends_on")}) == 3


def test_a_definition_that_cannot_be_evaluated_fails_alone_with_those_that_name_it():
    definitions = define(
        gone={"trait": {"vip": {"is": True}}},
        heir={"not": {"segment": "gone"}},
        circle={"segment": "circle"},
        lost={"segment": "nowhere"},
        fine={"orders": {"count": {"is": 0}}},
    )
    schema = Schema(currency="TRY", tz="Europe/Istanbul")
    made = kernel.compile(definitions, schema, {})
    assert sorted(made.failed) == ["circle", "gone", "heir", "lost"]
    assert isinstance(made.failed["gone"], DefinitionError)
    assert all(isinstance(error, PusulaError) for error in made.failed.values())
    block = histories.block([Person()], [1], made.requirements)
    assert list(made.evaluate(block, NOON).members) == ["fine"]


# What is asked for and what is given


def test_a_plan_asks_only_for_what_its_conditions_need():
    made = plan(
        a={"orders": {"count": {"is": 0}, "where": {"region": "known"}, "by": "ends_on",
                      "within": {"last": "1 day"}}},
        b={"events": {"name": ["B", "A"], "sum": "price", "is": {"at_least": 1},
                      "where": {"hotel": {"is": "x"}, "nights": {"at_least": 2}}}},
        c={"all": [{"trait": {"vip": {"is": True}}}, {"trait": {"age": {"at_least": 1}}}]},
    )  # fmt: skip
    assert made.requirements == kernel.Requirements(
        orders=("ends_on", "ordered_at", "region"),
        items=None,
        event_names=("A", "B"),
        event_texts=("hotel",),
        event_numbers=("nights", "price"),
        traits=("age", "vip"),
        consents=False,
    )
    assert plan(a={"orders": {"count": {"is": 0}}}).requirements.orders == ("ordered_at",)
    assert plan(a={"trait": {"vip": {"is": True}}}).requirements.orders is None


def test_a_condition_that_many_segments_share_is_evaluated_once(monkeypatch):
    measured = []
    monkeypatch.setattr(
        "pusula.segments.kernel.run.measure",
        lambda aggregate, *rest: (measured.append(aggregate), measure(aggregate, *rest))[1],
    )
    orders = {"where": {"region": {"in": ["Bodrum", "Çeşme"]}}}
    again = {"where": {"region": {"in": ["ÇEŞME", "bodrum"]}}}
    made = plan(
        a={"orders": {"count": {"at_least": 1}, **orders}},
        b={"all": [{"orders": {"count": {"at_least": 1}, **again}}, {"segment": "a"}]},
        c={"not": {"orders": {"count": {"at_least": 2}, **orders}}},
    )
    made.evaluate(histories.block([Person()], [1], made.requirements), NOON)
    assert len(measured) == 1


def test_rows_of_other_profiles_are_passed_over():
    owners = [1, 2, 4, 5, 5, 9_000_000_000, 10]
    orders = pa.table({"profile_id": owners, "ordered_at": [NOON - 1] * len(owners)})
    made = plan(a={"orders": {"count": {"at_least": 1}}})
    (leaf,) = leaves(made.definitions["a"].where)
    counts = {2: 1, 5: 2, 9_000_000_000: 1}
    for ids in ([2, 5], [2, 5, 9_000_000_000], [3], [11], [0, 2, 3, 5, 6], []):
        evaluation = made.evaluate(kernel.Block(np.array(ids, np.int64), orders), NOON)
        assert evaluation.values(leaf).numbers.tolist() == [counts.get(i, 0) for i in ids]


def test_a_block_without_rows_columns_or_people_is_answered():
    made = plan(
        a={"all": [
            {"orders": {"count": {"is": 0}}},
            {"not": {"trait": {"rfm_group": {"contains": "x"}}}},
            {"events": {"name": "A", "distinct": "hotel", "is": {"is": 0}}},
            {"consent": {"channel": "email", "purpose": "marketing", "is": "unknown"}},
        ]}
    )  # fmt: skip
    for people in ([], [Person(), Person()]):
        block = histories.block(people, list(range(len(people))), made.requirements)
        assert made.evaluate(block, NOON).members["a"].tolist() == [True] * len(people)


def test_a_block_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="not ascending"):
        kernel.Block(np.array([2, 1]))
    with pytest.raises(ValueError, match="not ascending"):
        kernel.Block(np.array([1, 1]))
    made = plan(a={"orders": {"count": {"is": 0}, "where": {"region": "known"}}})
    for missing, there in (("ordered_at", "region"), ("region", "ordered_at")):
        orders = pa.table({"profile_id": [1], there: pa.array([None], pa.int64())})
        with pytest.raises(ValueError, match=f"orders of the block have no column '{missing}'"):
            made.evaluate(kernel.Block(np.array([1]), orders=orders), NOON)


# Why


def test_an_explanation_shows_each_conditions_value_and_truth():
    made = plan(
        loyal={"orders": {"count": {"at_least": 2}, "where": {"status": {"is": "completed"}}}},
        a={"all": [
            {"segment": "loyal"},
            {"orders": {"sum": "net_amount", "is": {"at_least": "100 TRY"}}},
            {"not": {"orders": {"latest": "ends_on", "is": {"last": "30 days"}}}},
            {"any": [
                {"trait": {"rfm_group": {"is": "Champions"}}},
                {"trait": {"vip": {"is": True}}},
                {"trait": {"birthday": "known"}},
            ]},
            {"consent": {"channel": "email", "purpose": "marketing", "is": "granted"}},
            {"events": {"name": "A", "latest": "at", "is": "unknown"}},
        ]},
    )  # fmt: skip
    person = Person(
        orders=[
            {"status": "completed", "net_amount": 7_000, "ends_on": date(2026, 6, 1)},
            {"status": "completed", "net_amount": 5_050, "ends_on": date(2026, 5, 1)},
        ],
        traits={"rfm_group": "At Risk", "vip": True},
        consents={("email", "marketing"): "refused"},
    )
    block = histories.block([Person(), person], [3, 8], made.requirements)
    why = kernel.explain(made, block, 1, "a", NOON)
    assert why.holds is False
    loyal, spent_, latest, any_, consent, event = why.parts
    assert (loyal.holds, loyal.parts[0].value) == (True, 2)
    assert (spent_.holds, spent_.value) == (True, Money(12_050, "TRY"))
    assert (latest.holds, latest.parts[0].value) == (True, date(2026, 6, 1))
    assert [part.value for part in any_.parts] == ["at risk", True, None]
    assert [part.holds for part in any_.parts] == [False, True, False]
    assert (consent.holds, consent.value) == (False, "refused")
    assert (event.holds, event.value) == (True, None)


def test_an_explanation_of_the_top_shows_the_limit():
    (key,) = plan(a=TOP).populations
    made = plan(cut_points={key: 4_000.0}, a=TOP)
    block = histories.block([spent(3_999)], [1], made.requirements)
    why = kernel.explain(made, block, 0, "a", NOON)
    assert (why.holds, why.value, why.limit) == (False, Money(3_999, "TRY"), 4_000.0)


def test_an_evaluation_tells_for_whom_each_part_of_a_definition_holds():
    is_vip = {"trait": {"vip": {"is": True}}}
    made = plan(a={"any": [{"not": {"orders": {"count": {"is": 0}}}}, is_vip]})
    people = [Person(), spent(1), Person(traits={"vip": True})]
    evaluation = made.evaluate(histories.block(people, [1, 2, 3], made.requirements), NOON)
    where = made.definitions["a"].where
    assert evaluation.holds(where).tolist() == [False, True, True]
    assert [evaluation.holds(part).tolist() for part in where.parts] == [
        [False, True, False],
        [False, False, True],
    ]
