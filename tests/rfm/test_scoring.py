"""Scores against pandas, and against published numbers of two real shops."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from pusula.rfm.rules import Config, Frequency, Monetary, Pool, Recency, Ties
from pusula.rfm.scoring import cut, quantile_edges, score

SEED_CUTS = Recency(measure="calendar_days", cuts=(30, 90, 180))


@pytest.fixture(scope="module")
def lines(shared_data):
    return pd.read_parquet(shared_data / "online_retail.parquet").dropna()


@pytest.fixture(scope="module")
def flo(shared_data):
    frame = pd.read_parquet(shared_data / "flo_20k.parquet").sort_values("row_no")
    days = pd.Timestamp("2021-06-01") - pd.to_datetime(frame.last_order_date)
    return pd.DataFrame(
        {
            "key": frame.master_id.to_numpy(str),
            "recency": days.dt.days,
            "frequency": (
                frame.order_num_total_ever_online + frame.order_num_total_ever_offline
            ).astype(np.int64),
            "monetary": frame.customer_value_total_ever_online
            + frame.customer_value_total_ever_offline,
        }
    )


@pytest.fixture(scope="module")
def reference(shared_data):
    return json.loads((shared_data / "reference_rfm.json").read_text(encoding="utf-8"))


def without_returns(lines):
    kept = lines[~lines.invoice.str.contains("C") & (lines.quantity > 0)]
    return kept.assign(total=kept.quantity * kept.unit_price)


def per_customer(lines, as_of, *, calendar=False):
    """One row per customer as the recipes count: days, invoices, money."""
    grouped = lines.groupby("customer_id").agg(
        last=("invoice_date", "max"), frequency=("invoice", "nunique"), monetary=("total", "sum")
    )
    last = grouped["last"].dt.normalize() if calendar else grouped["last"]
    grouped["recency"] = (pd.Timestamp(as_of) - last).dt.days
    return grouped.reset_index(names="key")


def scored(frame, config):
    return score(
        frame.key.to_numpy(),
        frame.recency.to_numpy(np.int64),
        frame.frequency.to_numpy(np.int64),
        frame.monetary.to_numpy(float),
        config,
    )


def check_groups(frame, scores, expected):
    kept = frame.iloc[scores.kept].assign(group=np.array(scores.groups)[scores.group])
    assert scores.group_sizes() == {name: row["customers"] for name, row in expected.items()}
    for name, rows in kept.groupby("group"):
        assert rows.recency.mean() == pytest.approx(expected[name]["recency_mean"], abs=1e-4)
        assert rows.frequency.mean() == pytest.approx(expected[name]["frequency_mean"], abs=1e-4)
        assert rows.monetary.mean() == pytest.approx(expected[name]["monetary_mean"], abs=1e-4)
        assert rows.monetary.sum() == pytest.approx(expected[name]["monetary_sum"], rel=1e-6)


def check_against_pandas(frame, scores):
    """pandas.qcut is the meaning of a quantile score: not one customer may differ."""
    kept = frame.iloc[scores.kept]
    down, up = range(5, 0, -1), range(1, 6)
    assert (pd.qcut(kept.recency, 5, labels=down).astype(int) == scores.r).all()
    ranks = kept.frequency.rank(method="first")
    assert (pd.qcut(ranks, 5, labels=up).astype(int) == scores.f).all()
    assert (pd.qcut(kept.monetary, 5, labels=up).astype(int) == scores.m).all()


def test_the_classic_recipe_gives_the_published_groups(lines, reference):
    expected = reference["online_retail_classic"]
    frame = per_customer(without_returns(lines), "2011-12-11")
    assert len(frame) == expected["customers_before_monetary_filter"]
    scores = scored(frame, Config())
    assert len(scores.kept) == expected["customers"]
    assert scores.edges.recency == pytest.approx(expected["edges"]["recency"])
    assert scores.edges.monetary == pytest.approx(expected["edges"]["monetary"])
    check_groups(frame, scores, expected["segments"])
    check_against_pandas(frame, scores)
    for customer, spot in expected["spot"].items():
        row = np.flatnonzero(frame.key.iloc[scores.kept] == int(customer))[0]
        grades = f"{scores.r[row]}{scores.f[row]}{scores.m[row]}"
        assert grades == spot["R"] + spot["F"] + spot["M"]
        assert scores.groups[scores.group[row]] == spot["segment"]
    assert scores.warnings == ()


def test_returns_counted_as_invoices_give_the_published_groups(lines, reference):
    expected = reference["online_retail_with_returns"]
    everything = lines.assign(total=lines.quantity * lines.unit_price)
    frame = per_customer(everything, "2011-12-09")
    assert frame.recency.min() == -1  # the notebook looked from before the last orders
    scores = scored(frame, Config(monetary=Monetary(above_zero=False)))
    assert len(scores.kept) == expected["customers"]
    check_groups(frame, scores, expected["segments"])
    check_against_pandas(frame, scores)


@pytest.mark.parametrize(
    ("name", "pool"),
    [
        ("all_buyers_in_lookback", Pool()),
        ("ge4_orders_in_lookback", Pool(min_orders=4)),
        ("ge4_orders_and_order_in_last_90d", Pool(min_orders=4, ordered_within_days=90)),
    ],
)
def test_business_cuts_and_pools_give_the_reference_cube(lines, reference, name, pool):
    expected = reference["online_retail_seed_recipe"]["pools"][name]
    orders = without_returns(lines).groupby(["customer_id", "invoice"], as_index=False)
    orders = orders.agg(invoice_date=("invoice_date", "min"), total=("total", "sum"))
    inside = (orders.invoice_date >= "2010-12-10") & (orders.invoice_date < "2011-12-10")
    frame = per_customer(orders[inside], "2011-12-10", calendar=True)
    scores = scored(frame, Config(recency=SEED_CUTS, pool=pool))
    assert len(scores.kept) == expected["customers"]
    assert {str(r): n for r, n in Counter(scores.r.tolist()).items()} == expected["R_counts"]
    assert scores.edges.frequency == pytest.approx(expected["F_edges"])
    assert scores.edges.monetary == pytest.approx(expected["M_edges"])
    cube = Counter(f"R{r}F{f}M{m}" for r, f, m in zip(scores.r, scores.f, scores.m, strict=True))
    assert cube == expected["cube"]


@pytest.mark.parametrize(
    ("ties", "name"),
    [(Ties.FILE_ORDER, "ties_by_file_order"), (Ties.PROFILE_KEY, "ties_by_master_id")],
)
def test_ready_aggregates_score_as_the_stated_tie_order_says(flo, reference, ties, name):
    expected = reference["flo_classic"]
    scores = scored(flo, Config(ties=ties))
    assert len(scores.kept) == expected["customers"]
    check_groups(flo, scores, expected[name]["segments"])


def test_the_tie_order_moves_as_many_customers_as_the_reference_says(flo, reference):
    expected = reference["flo_classic"]["customers_whose_segment_differs_between_the_two"]
    one, other = (scored(flo, Config(ties=ties)) for ties in Ties)
    assert (one.group != other.group).sum() == expected


def test_a_value_on_an_edge_belongs_to_the_lower_class():
    days = np.array([0, 30, 31, 90, 91, 180, 181])
    assert cut(days, (30, 90, 180)).tolist() == [1, 1, 2, 2, 3, 3, 4]
    scores = scored(people(days), Config(recency=SEED_CUTS))
    assert scores.r.tolist() == [4, 4, 3, 3, 2, 2, 1]


def test_quantile_limits_are_interpolated_like_pandas():
    random = np.random.default_rng(5)
    for size in (1, 2, 3, 7, 100, 1_001):
        values = random.integers(0, 50, size)
        edges = quantile_edges(values, 5)
        _, expected = pd.qcut(pd.Series(values), 5, retbins=True, duplicates="drop")
        assert set(np.round(edges, 9)) <= set(np.round(expected, 9))
    assert quantile_edges(np.array([], float), 5) == ()


def people(recency, frequency=None, monetary=None):
    n = len(recency)
    return pd.DataFrame(
        {
            "key": [f"pms:{i:03}" for i in range(n)],
            "recency": recency,
            "frequency": np.arange(1, n + 1) if frequency is None else frequency,
            "monetary": np.arange(1, n + 1) * 10.0 if monetary is None else monetary,
        }
    )


def codes(scores):
    return {(c.code, c.measure, c.scores) for c in scores.warnings}


def test_a_pool_that_contradicts_the_cuts_is_said_and_not_failed():
    pool = Pool(ordered_within_days=90)
    scores = scored(people([1, 20, 40, 80, 100, 300]), Config(recency=SEED_CUTS, pool=pool))
    assert scores.kept.tolist() == [0, 1, 2, 3]
    assert ("pool_contradicts_cuts", "recency", (1, 2)) in codes(scores)
    assert ("empty_scores", "recency", (1, 2)) not in codes(scores)
    empty = next(c for c in scores.warnings if c.code == "empty_groups")
    assert "hibernating" in empty.groups
    assert scores.group_sizes()["hibernating"] == 0


def test_everybody_alike_is_said_and_not_failed():
    alike = people([10] * 6, [1] * 6, [5.0] * 6)
    scores = scored(alike, Config(frequency=Frequency(ranked=False)))
    assert {("same_edges", "recency", ()), ("same_edges", "monetary", ())} <= codes(scores)
    assert ("empty_scores", "frequency", (2, 3, 4, 5)) in codes(scores)
    assert len(scores.kept) == 6


def test_an_empty_pool_is_said_and_not_failed():
    scores = scored(people([10, 20], monetary=[0.0, -5.0]), Config())
    assert len(scores.kept) == 0
    assert codes(scores) == {("nobody", "", ())}
    assert set(scores.group_sizes().values()) == {0}
    assert scores.edges.recency == ()


def test_orders_ever_may_open_the_pool_to_people_with_few_orders_in_the_window():
    config = Config(pool=Pool(min_orders=4, min_orders_in="ever"))
    frame = people([1, 2, 3], [1, 1, 0])
    arrays = [frame[name].to_numpy() for name in ("key", "recency", "frequency", "monetary")]
    scores = score(*arrays, config, orders_ever=np.array([4, 3, 9]))
    assert scores.kept.tolist() == [0]
    assert score(*arrays, Config()).kept.tolist() == [0, 1]


def test_scores_do_not_depend_on_the_order_of_rows_when_keys_break_ties():
    random = np.random.default_rng(2)
    frame = people(random.integers(0, 400, 200), random.integers(1, 4, 200))
    mixed = frame.sample(frac=1, random_state=4)
    a, b = scored(frame, Config()), scored(mixed, Config())
    named = dict(zip(mixed.key, b.f.tolist(), strict=True))
    assert [named[k] for k in frame.key] == a.f.tolist()
