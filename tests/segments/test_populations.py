"""Limits set by the data: quantiles as of pandas, means as of SQL, places, and their keys."""

from __future__ import annotations

import math
import sqlite3
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pusula.segments import kernel
from pusula.segments.kernel.populations import Mean, Place, Quantile, multiple
from pusula.segments.language import Schema, parse

SCHEMA = Schema(currency="GBP", tz="UTC")
AT = 2_000_000_000_000_000
FIFTHS = [0, 20, 40, 60, 80, 100]


def parsed(**conditions):
    return {
        key: parse({"segment": key, "title": {"tr": key, "en": key}, "where": where}, SCHEMA)
        for key, where in conditions.items()
    }


def members(block, **conditions):
    """Return who is in each segment, with the limits that the block itself sets."""
    definitions = parsed(**conditions)
    plan = kernel.compile(definitions, SCHEMA, {})
    values = plan.population_values(block, AT)
    limits = {key: each.cut_point(values[key]) for key, each in plan.populations.items()}
    return kernel.compile(definitions, SCHEMA, limits).evaluate(block, AT).members


def orders(profiles, amounts):
    """Return a block of orders, and of one more profile without any."""
    ids = np.unique(profiles)
    table = pa.table(
        {
            "profile_id": np.asarray(profiles, np.int64),
            "net_amount": pa.array(amounts, pa.int64()),
            "ordered_at": np.full(len(profiles), AT - 1),
        }
    )
    return kernel.Block(np.append(ids, ids.max() + 1), orders=table)


def fifths(measure):
    return {
        f"fifth-{low}": {"orders": measure({"between_quantiles": [f"{low} %", f"{low + 20} %"]})}
        for low in FIFTHS[:-1]
    }


def total(test):
    return {"sum": "net_amount", "is": test}


def number(test):
    return {"count": test}


def assert_like_qcut(block, values, measure):
    """Check the fifths against ``pandas.qcut``, which joins those that ties leave empty."""
    found = members(block, **fifths(measure))
    masks = np.array([found[f"fifth-{low}"] for low in FIFTHS[:-1]])
    assert not masks[:, -1].any()  # who has no order is in none of them
    assert (masks[:, :-1].sum(axis=0) == 1).all()
    bins, edges = pd.qcut(values, 5, labels=False, retbins=True, duplicates="drop")
    limits = np.quantile(values, [0.2, 0.4, 0.6, 0.8])
    ours = np.argmax(masks[:, :-1], axis=0)
    # The bin of ours that ends where one of theirs does holds the same people, and all below.
    for bin_, edge in enumerate(edges[1:-1]):
        (last,) = {int(np.flatnonzero(np.isclose(limits, edge, rtol=1e-12))[-1])}
        assert ((ours <= last) == (bins <= bin_)).all()


@pytest.mark.parametrize("seed", range(6))
def test_quantiles_of_random_customers_are_those_of_pandas(seed):
    chance = np.random.default_rng(seed)
    n = int(chance.integers(1, 400))
    profiles = np.sort(chance.integers(1, 60, n))
    amounts = chance.integers(0, [10, 100_000][seed % 2], n)
    block = orders(profiles, amounts)
    sums = pd.Series(amounts).groupby(profiles).sum()
    counts = pd.Series(amounts).groupby(profiles).count()
    assert_like_qcut(block, sums.to_numpy(), total)
    assert_like_qcut(block, counts.to_numpy(), number)


def test_quantiles_of_a_real_shop_are_those_of_pandas(shared_data):
    lines = pq.read_table(shared_data / "online_retail.parquet").to_pandas()
    lines = lines[lines.customer_id.notna() & ~lines.invoice.astype(str).str.startswith("C")]
    lines = lines.assign(minor=(lines.quantity * lines.unit_price * 100).round().astype("int64"))
    paid = lines.groupby(["customer_id", "invoice"]).minor.sum().reset_index()
    block = orders(paid.customer_id.astype("int64").to_numpy(), paid.minor.to_numpy())
    each = paid.groupby("customer_id").minor
    assert_like_qcut(block, each.sum().to_numpy(), total)
    assert_like_qcut(block, each.count().to_numpy(), number)
    above = {"avg": "net_amount", "is": {"of_row_mean": {"at_least": 1.2}}}
    found = members(block, above={"orders": above})["above"][:-1]
    database = sqlite3.connect(":memory:")
    paid[["customer_id", "minor"]].to_sql("o", database)
    wanted = """select customer_id from o group by customer_id
        having avg(minor) >= 1.2 * (select avg(minor) from o) order by 1"""
    assert block.profile_ids[:-1][found].tolist() == [row[0] for row in database.execute(wanted)]


def test_the_lowest_value_belongs_to_the_first_bin_and_ties_stay_together():
    block = orders([1, 2, 3, 4, 5], [7, 7, 7, 9, 11])
    found = members(block, **fifths(total))
    assert [found[f"fifth-{low}"].tolist()[:5] for low in FIFTHS[:-1]] == [
        [True, True, True, False, False],
        [False] * 5,
        [False] * 5,
        [False, False, False, True, False],
        [False, False, False, False, True],
    ]
    bottom = members(block, a={"orders": total({"bottom": "25 %"})})["a"]
    assert bottom.tolist() == [True, True, True, False, False, False]


def test_a_rank_takes_in_who_ties_with_it_and_all_if_there_are_few():
    block = orders([1, 2, 3, 4], [5, 8, 8, 9])
    found = members(
        block,
        first={"orders": total({"rank": 1})},
        second={"orders": total({"rank": 2})},
        many={"orders": total({"rank": 50})},
    )
    assert found["first"].tolist() == [False, False, False, True, False]
    assert found["second"].tolist() == [False, True, True, True, False]
    assert found["many"].tolist() == [True, True, True, True, False]


def test_the_mean_of_profiles_is_not_that_of_their_rows():
    # One profile with a row of 100, another with three of 20: 60 on average, or 40.
    block = orders([1, 2, 2, 2], [100, 20, 20, 20])

    def above(kind, ratio):
        test = {"avg": "net_amount", "is": {kind: {"at_least": ratio}}}
        return members(block, a={"orders": test})["a"].tolist()

    assert above("of_mean", 1.6) == [True, False, False]
    assert above("of_mean", 1.7) == [False, False, False]
    assert above("of_row_mean", 2.5) == [True, False, False]
    assert above("of_row_mean", 0.5) == [True, True, False]


def test_a_multiple_of_a_mean_is_rounded_once():
    assert multiple(100.0, Decimal("1.1")) == 110.0 != 100.0 * 1.1
    block = orders([1, 2], [90, 110])
    test = {"sum": "net_amount", "is": {"of_mean": {"at_least": 1.1}}}
    assert members(block, a={"orders": test})["a"].tolist() == [False, True, False]


@pytest.mark.parametrize(
    "test",
    [
        {"top": "10 %"},
        {"bottom": "10 %"},
        {"between_quantiles": ["20 %", "40 %"]},
        {"rank": 3},
        {"of_mean": {"at_most": 2}},
        {"of_row_mean": {"less_than": 2}},
    ],
)
def test_where_nobody_set_a_limit_nobody_meets_it(test):
    """The population was empty when the limit was published; somebody came since."""
    definitions = parsed(a={"orders": total(test)})
    keys = kernel.compile(definitions, SCHEMA, {}).populations
    plan = kernel.compile(definitions, SCHEMA, dict.fromkeys(keys, math.inf))
    assert all(each.cut_point(np.empty(0)) == math.inf for each in plan.populations.values())
    assert plan.evaluate(orders([1], [5]), AT).members["a"].tolist() == [False, False]


def test_a_leaf_needs_as_many_limits_as_it_has_ends():
    def keys(test):
        return list(kernel.compile(parsed(a={"orders": total(test)}), SCHEMA, {}).populations)

    digest = keys({"top": "10 %"})[0].rpartition(".")[2]
    assert keys({"between_quantiles": ["20 %", "40 %"]}) == [
        f"orders.sum.net_amount.quantile-20.{digest}",
        f"orders.sum.net_amount.quantile-40.{digest}",
    ]
    assert keys({"between_quantiles": ["80 %", "100 %"]}) == [
        f"orders.sum.net_amount.quantile-80.{digest}"
    ]
    assert keys({"between_quantiles": ["0 %", "100 %"]}) == []
    # Who asks for the upper tenth and who parts at nine tenths need one limit.
    assert keys({"top": "10 %"}) == keys({"between_quantiles": ["90 %", "100 %"]})
    assert keys({"top": "2.50 %"}) == keys({"top": "2.5 %"})
    assert keys({"rank": 7}) == [f"orders.sum.net_amount.rank-7.{digest}"]
    assert keys({"of_mean": {"at_least": 2}}) == keys({"of_mean": {"less_than": 1.5}})
    assert keys({"of_row_mean": {"at_least": 2}}) == [f"orders.sum.net_amount.row-mean.{digest}"]


def test_equal_questions_have_one_limit_however_they_are_written():
    def keys(nights):
        orders = {**total({"top": "10 %"}), "where": {"nights": {"in": nights}}}
        return list(kernel.compile(parsed(a={"orders": orders}), SCHEMA, {}).populations)

    assert keys([2, 3.5]) == keys([3.5, 2.0]) != keys([2, 3])


def test_a_leaf_with_one_of_its_limits_not_yet_published_fails():
    definitions = parsed(a={"orders": total({"between_quantiles": ["20 %", "40 %"]})})
    first, _ = kernel.compile(definitions, SCHEMA, {}).populations
    assert set(kernel.compile(definitions, SCHEMA, {first: 1.0}).failed) == {"a"}


def test_statistics_of_few_values():
    values = np.array([3.0, 1.0, 2.0])
    assert Quantile(Decimal(50)).of(values) == 2.0
    assert Quantile(Decimal("66.6")).of(values) == pytest.approx(np.quantile(values, 0.666))
    assert Mean("rows").of(np.array([0.1] * 10)) == 0.1
    assert [Place(first).of(values) for first in (1, 3, 4)] == [3.0, 1.0, -math.inf]
