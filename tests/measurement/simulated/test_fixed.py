"""Tests at the end hold their level, and every interval covers the truth as often as it says."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr
from tests.measurement.simulated.worlds import RUNS, error, mean_spending, random, spending

from pusula.measurement import stats
from pusula.measurement.stats import ALPHA, Amounts, Pairs, Rate

NEAR = error(ALPHA, RUNS)
MISSES = pytest.approx(ALPHA, abs=NEAR)


def missed(tests, truth: float) -> float:
    """Return the share of intervals that leave the truth out."""
    found = [not interval.has(truth) for interval in tests if interval is not None]
    return float(np.mean(found))


def rates(source, n: int, share: float) -> list[Rate]:
    return [Rate(n, int(x)) for x in source.binomial(n, share, RUNS)]


def pairs_of(y: np.ndarray, x: np.ndarray) -> list[Pairs]:
    return [Pairs.of(a, b) for a, b in zip(y, x, strict=True)]


def test_two_equal_shares_differ_five_times_in_a_hundred():
    source = random(1)
    tests = [
        stats.compare_rates(a, b)
        for a, b in zip(rates(source, 3_000, 0.06), rates(source, 1_000, 0.06), strict=True)
    ]
    assert np.mean([test.p < ALPHA for test in tests]) == MISSES
    assert missed([test.interval for test in tests], 0.0) == MISSES
    assert missed([test.interval_wald for test in tests], 0.0) == pytest.approx(ALPHA, abs=0.012)
    assert missed([test.lift_interval for test in tests], 0.0) == pytest.approx(ALPHA, abs=0.012)


def test_rare_conversions_never_find_more_than_they_may():
    source = random(2)
    tests = [
        stats.compare_rates(a, b)
        for a, b in zip(rates(source, 900, 0.004), rates(source, 100, 0.004), strict=True)
    ]
    assert all(test.is_exact for test in tests)
    assert np.mean([test.p < ALPHA for test in tests]) <= ALPHA + NEAR


def test_intervals_cover_a_real_difference_of_shares():
    source = random(3)
    tests = [
        stats.compare_rates(a, b)
        for a, b in zip(rates(source, 4_000, 0.07), rates(source, 2_000, 0.05), strict=True)
    ]
    assert missed([test.interval for test in tests], 0.02) == MISSES
    assert missed([test.lift_interval for test in tests], 0.4) == MISSES


@pytest.mark.parametrize(("share", "truth"), [(0.3, 0.0), (0.36, 1.0)])
def test_means_returns_and_ratios_cover_the_truth(share, truth):
    source = random(4)
    n, m = 400, 300
    ours, theirs = spending(source, RUNS, n, rate=share), spending(source, RUNS, m, rate=0.3)
    tests = [
        stats.compare_means(Amounts.of(a), Amounts.of(b)) for a, b in zip(ours, theirs, strict=True)
    ]
    difference = mean_spending(share) - mean_spending(0.3)
    assert missed([test.interval for test in tests], difference) == MISSES
    if not truth:
        assert np.mean([test.p < ALPHA for test in tests]) == MISSES
    cost, margin = 5.0, 0.3
    returned = [stats.returns(test, cost=cost, margin=margin) for test in tests]
    profit = margin * difference * n - cost
    assert missed([one.profit_interval for one in returned], profit) == MISSES
    assert missed([one.roi_interval for one in returned], profit / cost) == MISSES
    # Money per order: the same for both arms, whoever orders more often.
    ratios = [
        stats.compare_ratios(a, b)
        for a, b in zip(
            pairs_of(ours, (ours > 0).astype(float)),
            pairs_of(theirs, (theirs > 0).astype(float)),
            strict=True,
        )
    ]
    assert missed([one.interval for one in ratios], 0.0) == pytest.approx(ALPHA, abs=0.012)


def test_what_was_known_before_sharpens_without_lying():
    source = random(5)
    n, effect = 200, 0.1
    before = source.gamma(2, 1, (2, RUNS, n))
    after = 0.8 * before + source.normal(0, 1, (2, RUNS, n))
    after[0] += effect
    tests = [
        stats.cuped(a, b)
        for a, b in zip(pairs_of(after[0], before[0]), pairs_of(after[1], before[1]), strict=True)
    ]
    plain = [stats.compare_means(Amounts.of(a), Amounts.of(b)) for a, b in zip(*after, strict=True)]
    assert missed([one.test.interval for one in tests], effect) == MISSES
    width = np.mean([t.test.interval.high - t.test.interval.low for t in tests])
    width_plain = np.mean([t.interval.high - t.interval.low for t in plain])
    rho = np.corrcoef(after[1].ravel(), before[1].ravel())[0, 1]
    assert width / width_plain == pytest.approx(np.sqrt(1 - rho**2), rel=0.02)


def test_cutting_the_largest_amounts_finds_nothing_where_there_is_nothing():
    source = random(6)
    arms = spending(source, 2 * RUNS, 300, rate=0.3, spread=1.4).reshape(2, RUNS, 300)
    tests = [stats.winsorised(a, b) for a, b in zip(*arms, strict=True)]
    assert missed([one.test.interval for one in tests], 0.0) == MISSES
    plain = [stats.compare_means(Amounts.of(a), Amounts.of(b)) for a, b in zip(*arms, strict=True)]
    width = np.mean([t.test.interval.high - t.test.interval.low for t in tests])
    assert width < np.mean([t.interval.high - t.interval.low for t in plain])


def test_of_many_arms_and_segments_one_is_rarely_found_where_there_is_nothing():
    source = random(7)
    control = source.normal(0, 1, (RUNS, 1))
    z = (source.normal(0, 1, (RUNS, 4)) - control) / np.sqrt(2)  # four arms, one control
    p_values = 2 * ndtr(-np.abs(z))
    plain = np.mean([(row < ALPHA).any() for row in p_values])
    paid = np.mean([min(stats.holm(row.tolist())) < ALPHA for row in p_values])
    assert plain > 2 * ALPHA
    assert paid <= ALPHA + NEAR


def test_effects_of_groups_differ_five_times_in_a_hundred():
    source = random(8)
    effects = source.normal(0.3, 0.1, (RUNS, 5))
    found = [stats.interaction([(e, 0.01) for e in row]).p < ALPHA for row in effects]
    assert np.mean(found) == MISSES


def test_a_split_that_went_as_planned_rarely_alarms():
    source = random(9)
    held = source.binomial(10_000, 0.1, RUNS)
    alarms = [(stats.sample_ratio([10_000 - x, x], [0.9, 0.1]) or 1) < 0.001 for x in held]
    assert np.mean(alarms) <= 0.001 + error(0.001, RUNS)


def test_a_planned_test_finds_its_effect_as_often_as_planned():
    source = random(10)
    n, m = stats.people_needed(0.05, 0.065, control_share=0.2)
    tests = [
        stats.compare_rates(a, b)
        for a, b in zip(rates(source, n, 0.065), rates(source, m, 0.05), strict=True)
    ]
    assert np.mean([t.p < ALPHA for t in tests]) == pytest.approx(0.8, abs=error(0.8, RUNS))
