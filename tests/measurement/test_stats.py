"""The arithmetic of experiments against published data, and against itself."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from pusula.measurement import stats
from pusula.measurement.stats import Amounts, Rate

CLOSE = 1e-6  # relative, as stated with the reference


@pytest.fixture(scope="module")
def hillstrom(shared_data):
    return pd.read_parquet(shared_data / "hillstrom.parquet")


@pytest.fixture(scope="module")
def reference(shared_data):
    text = (shared_data / "reference_experiments.json").read_text(encoding="utf-8")
    return json.loads(text)


def near(value):
    """References are printed with eight digits; that and the stated tolerance decide."""
    return pytest.approx(value, rel=CLOSE)


def rate(values) -> Rate:
    return Rate(len(values), int((values > 0).sum()))


def amounts(values) -> Amounts:
    return Amounts(len(values), float(values.sum()), float((values**2).sum()))


def arms(frame, name):
    control = frame[frame.segment == "No E-Mail"]
    treated = frame[frame.segment != "No E-Mail"]
    if name == "Mens vs Womens":
        control = frame[frame.segment == "Womens E-Mail"]
        name = "Mens E-Mail"
    return (treated if name == "Any e-mail vs none" else frame[frame.segment == name]), control


COMPARISONS = ["Mens E-Mail", "Womens E-Mail", "Mens vs Womens", "Any e-mail vs none"]


def check_rates(test, expected):
    assert test.treated.n == expected["n_treat"]
    assert test.treated.x == expected["x_treat"]
    assert test.control.n == expected["n_control"]
    assert test.control.x == expected["x_control"]
    assert test.difference == near(expected["diff"])
    assert test.lift == near(expected["rel_lift"])
    assert test.z == near(expected["z_pooled"])
    assert test.p == near(expected["p_two_sided"])
    assert [test.interval_wald.low, test.interval_wald.high] == near(expected["ci95_wald"])
    assert [test.interval.low, test.interval.high] == near(expected["ci95_newcombe"])
    lift = test.lift_interval
    assert [lift.low, lift.high] == near(expected["rel_lift_ci95_katz"])
    assert test.difference * test.treated.n == near(expected["incremental_conversions"])


def check_means(test, expected):
    assert test.treated.mean == near(expected["mean_treat"])
    assert test.control.mean == near(expected["mean_control"])
    assert math.sqrt(test.treated.variance) == near(expected["sd_treat"])
    assert math.sqrt(test.control.variance) == near(expected["sd_control"])
    assert test.difference == near(expected["diff"])
    assert test.lift == near(expected["rel_lift"])
    assert test.t == near(expected["welch_t"])
    assert test.degrees == near(expected["welch_df"])
    assert test.p == near(expected["p_two_sided"])
    assert [test.interval.low, test.interval.high] == near(expected["ci95"])


@pytest.mark.parametrize("comparison", COMPARISONS)
@pytest.mark.parametrize("outcome", ["visit", "conversion"])
def test_rates_of_the_hillstrom_campaign_equal_the_reference(
    hillstrom, reference, comparison, outcome
):
    treated, control = arms(hillstrom, comparison)
    test = stats.compare_rates(rate(treated[outcome]), rate(control[outcome]))
    expected = reference["hillstrom"][comparison][outcome]
    check_rates(test, expected)
    if expected["fisher_p"] is not None:
        assert stats.fisher(test.treated, test.control) == near(expected["fisher_p"])


@pytest.mark.parametrize("comparison", COMPARISONS)
def test_spend_per_head_of_the_hillstrom_campaign_equals_the_reference(
    hillstrom, reference, comparison
):
    treated, control = arms(hillstrom, comparison)
    test = stats.compare_means(amounts(treated.spend), amounts(control.spend))
    expected = reference["hillstrom"][comparison]["spend"]
    check_means(test, expected)
    gained = stats.returns(test, cost=0, margin=1)
    assert gained.revenue == near(expected["incremental_revenue"])
    assert gained.roi is None


def test_return_counts_margin_and_cost(hillstrom, reference):
    treated, control = arms(hillstrom, "Mens E-Mail")
    test = stats.compare_means(amounts(treated.spend), amounts(control.spend))
    gained = stats.returns(test, cost=0.10 * len(treated), margin=0.3)
    expected = reference["hillstrom"]["Mens E-Mail"]["roi_example"]
    assert gained.profit == near(expected["incremental_profit"])
    assert gained.roi == near(expected["roi"])


def test_arms_of_the_planned_size_pass_the_sample_ratio_check(reference):
    expected = reference["hillstrom"]["srm_equal"]
    assert stats.sample_ratio(expected["observed"], [1, 1, 1]) == near(expected["p"])
    assert stats.sample_ratio([9000, 1400], [0.9, 0.1]) < 1e-20
    assert stats.sample_ratio([0, 0], [1, 1]) is None
    assert stats.sample_ratio([10], [1]) is None


def test_several_questions_are_paid_for_by_holm(reference):
    expected = reference["hillstrom"]["multiplicity_of_the_six_tests"]
    assert stats.holm(expected["p"]) == near(expected["holm"])
    assert stats.holm([0.6, 0.9]) == [1.0, 1.0]


def test_the_control_group_does_not_differ_from_itself(hillstrom, reference):
    control = hillstrom[hillstrom.segment == "No E-Mail"]
    expected = reference["aa_test_hillstrom_control"]
    # "split by parity": which half is called treated is told by its size.
    halves = [control[control.customer_id % 2 == parity] for parity in (0, 1)]
    treated, rest = sorted(halves, key=lambda h: len(h) != expected["visit"]["n_treat"])
    check_rates(stats.compare_rates(rate(treated.visit), rate(rest.visit)), expected["visit"])
    check_means(stats.compare_means(amounts(treated.spend), amounts(rest.spend)), expected["spend"])


def test_tests_of_equal_groups_hold_their_level():
    """Of 2,000 campaigns without any effect, about 5 % look as if they had one."""
    random = np.random.default_rng(20260101)
    conversions, spends = 0, 0
    sizes, shares = (18_000, 4_000), 0.06
    for _ in range(2_000):
        arms_x = [int(random.binomial(n, shares)) for n in sizes]
        rates = [Rate(n, x) for n, x in zip(sizes, arms_x, strict=True)]
        conversions += stats.compare_rates(*rates).p < stats.ALPHA
        bought = [random.gamma(2.0, 300.0, x) for x in arms_x]
        money = [
            Amounts(n, float(b.sum()), float((b**2).sum()))
            for n, b in zip(sizes, bought, strict=True)
        ]
        spends += stats.compare_means(*money).p < stats.ALPHA
    assert 0.035 < conversions / 2_000 < 0.065
    assert 0.035 < spends / 2_000 < 0.065


def test_intervals_cover_the_truth_as_often_as_they_say():
    random = np.random.default_rng(7)
    n, p, q, covered = 900, 0.05, 0.03, 0
    for _ in range(2_000):
        test = stats.compare_rates(
            Rate(n, int(random.binomial(n, p))), Rate(n, int(random.binomial(n, q)))
        )
        covered += test.interval.low <= p - q <= test.interval.high
    assert 0.94 < covered / 2_000 < 0.96


def test_an_effect_of_the_detectable_size_is_found_four_times_in_five():
    random = np.random.default_rng(11)
    n, rate_without = 5_000, 0.08
    step = stats.detectable_difference(rate_without, n, n)
    found = 0
    for _ in range(2_000):
        test = stats.compare_rates(
            Rate(n, int(random.binomial(n, rate_without + step))),
            Rate(n, int(random.binomial(n, rate_without))),
        )
        found += test.p < stats.ALPHA
    assert found / 2_000 == pytest.approx(0.8, abs=0.03)


def test_the_detectable_difference_agrees_with_the_usual_sample_sizes(reference):
    sizes = reference["hillstrom"]["sample_size_per_arm"]
    n = sizes["5% -> 6%"]
    assert stats.detectable_difference(0.05, n, n) == pytest.approx(0.01, rel=1e-4)
    n = sizes["base 10.62% -> 11.62% visit, 80% power, alpha 5%"]
    assert stats.detectable_difference(0.1062, n, n) == pytest.approx(0.01, rel=1e-4)
    assert 0 < stats.detectable_difference(0.5, 2, 2) <= 2


def test_small_cells_are_tested_exactly():
    test = stats.compare_rates(Rate(40, 4), Rate(40, 0))
    assert test.is_exact
    assert test.p == pytest.approx(0.11557, abs=1e-5)
    assert test.lift is None
    assert test.lift_interval is None
    assert not stats.compare_rates(Rate(400, 40), Rate(400, 20)).is_exact


def test_nobody_converting_is_no_difference_and_no_failure():
    test = stats.compare_rates(Rate(50, 0), Rate(50, 0))
    assert (test.z, test.p, test.difference) == (0.0, 1.0, 0.0)
    assert test.interval.low < 0 < test.interval.high
    everyone = stats.compare_rates(Rate(50, 50), Rate(50, 50))
    assert everyone.p == 1.0
    money = stats.compare_means(Amounts(50, 0, 0), Amounts(50, 0, 0))
    assert (money.t, money.p, money.difference) == (None, 1.0, 0.0)
    assert stats.detectable_difference(0, 50, 50) is None


def test_sums_of_squares_beyond_2_to_the_53_lose_nothing_that_matters():
    """Minor units of large bookings: means of 10**8 with a spread of 10**5."""
    random = np.random.default_rng(3)
    values = [int(v) for v in random.normal(1e8, 1e5, 1_000)]
    squares = sum(v * v for v in values)  # exact whole numbers
    exact = Amounts(len(values), sum(values), squares)
    assert math.sqrt(exact.variance) == pytest.approx(float(np.std(values, ddof=1)), rel=1e-3)
