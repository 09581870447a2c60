"""However often one looks: differences are found where there is none no more often than once in 20.

Beside each stands what a plain test at every look would have found, so that a world in which
nothing can go wrong is noticed.
"""

from __future__ import annotations

import numpy as np
import pytest
from tests.measurement.simulated.worlds import RUNS, error, mean_spending, random

from pusula.measurement import stats
from pusula.measurement.stats import ALPHA, Amounts, Look, Rate

MOST = ALPHA + error(ALPHA, RUNS)
DAYS = 14
FEWEST = 5  # conversions before a first look, as the product has it


def judge(looks: list[Look], seen: list, truths: list[float]) -> tuple[bool, bool]:
    """Return whether any interval leaves the truth out, and whether any plain one does."""
    wrong = any(not one.interval.has(truth) for one, truth in zip(seen, truths, strict=True))
    peeked = any(
        abs(look.difference - truth) > 1.96 * look.variance**0.5
        for look, truth in zip(looks, truths, strict=True)
    )
    return wrong, peeked


def by_day(source, n: int, daily: float) -> tuple[np.ndarray, list[float]]:
    """Return how many of ``n`` people have converted by each day, and the true share."""
    done, share = np.zeros(RUNS, int), 0.0
    counts, shares = [], []
    for _ in range(DAYS):
        done = done + source.binomial(n - done, daily)
        share += (1 - share) * daily
        counts.append(done)
        shares.append(share)
    return np.array(counts), shares


@pytest.mark.parametrize(
    ("n", "m", "daily", "times"),
    [
        (1_000, 1_000, 0.01, 1.0),
        (9_000, 1_000, 0.001, 1.0),  # few buyers in a small control group
        (450, 50, 0.005, 1.0),
        (9_000, 1_000, 0.005, 1.5),
        (9_000, 1_000, 0.005, 0.5),
    ],
)
def test_looking_every_day_at_the_same_people(n, m, daily, times):
    source = random(20)
    ours, shares = by_day(source, n, daily * times)
    theirs, base = by_day(source, m, daily)
    truths = [a - b for a, b in zip(shares, base, strict=True)]
    wrong = peeked = 0
    for run in range(RUNS):
        looks, true = [], []
        for day in range(DAYS):
            x, y = int(ours[day, run]), int(theirs[day, run])
            look = stats.look_at_rates(Rate(n, x), Rate(m, y))
            if x + y >= FEWEST and look:
                looks.append(look)
                true.append(truths[day])
        found = judge(looks, stats.growing_days(looks), true)
        wrong, peeked = wrong + found[0], peeked + found[1]
    assert wrong / RUNS <= MOST
    assert peeked > wrong


def test_people_who_buy_again_make_daily_looks_no_bolder():
    """What somebody spends on different days hangs together: regulars buy again and again."""
    source = random(21)
    n, runs = 60, RUNS
    regular = source.gamma(0.5, 1, (2, runs, n))
    sums = np.zeros((2, runs, n))
    days = []
    for _ in range(DAYS):
        sums = sums + source.poisson(0.08 * regular) * source.lognormal(0, 0.5, (2, runs, n))
        days.append((sums.sum(axis=2), (sums**2).sum(axis=2), (sums > 0).sum(axis=2)))
    wrong = peeked = 0
    for run in range(runs):
        looks = []
        for total, squares, buyers in days:
            a, b = (Amounts(n, float(total[arm, run]), float(squares[arm, run])) for arm in (0, 1))
            look = stats.look_at_means(a, b)
            if buyers[:, run].sum() >= FEWEST and look:
                looks.append(look)
        found = judge(looks, stats.growing_days(looks), [0.0] * len(looks))
        wrong, peeked = wrong + found[0], peeked + found[1]
    assert wrong / runs <= MOST
    assert peeked / runs > 2 * ALPHA


@pytest.mark.parametrize(("share", "held"), [(0.05, 0.5), (0.02, 0.1)])
def test_looking_at_more_and_more_people(share, held):
    source = random(22)
    looks_n, batch = 50, 100
    m = round(batch * held)
    ours = source.binomial(batch - m, share, (looks_n, RUNS)).cumsum(axis=0)
    theirs = source.binomial(m, share, (looks_n, RUNS)).cumsum(axis=0)
    wrong = peeked = 0
    for run in range(RUNS):
        looks, sizes = [], []
        for i in range(looks_n):
            x, y = int(ours[i, run]), int(theirs[i, run])
            look = stats.look_at_rates(Rate((i + 1) * (batch - m), x), Rate((i + 1) * m, y))
            if x + y >= FEWEST and look:
                looks.append(look)
                sizes.append((i + 1) * batch)
        found = judge(looks, stats.growing_people(looks, sizes), [0.0] * len(looks))
        wrong, peeked = wrong + found[0], peeked + found[1]
    assert wrong / RUNS <= MOST
    assert peeked / RUNS > ALPHA


def test_looking_at_more_and_more_spending_with_a_real_effect():
    source = random(23)
    looks_n, batch, spread = 30, 100, 0.8
    rates = (0.15, 0.10)
    truth = mean_spending(rates[0], spread) - mean_spending(rates[1], spread)
    sums = []
    for rate in rates:
        buys = source.random((RUNS, looks_n, batch)) < rate
        spent = (buys * source.lognormal(0, spread, (RUNS, looks_n, batch))).astype(np.float32)
        sums.append((spent.sum(axis=2).cumsum(axis=1), (spent**2).sum(axis=2).cumsum(axis=1)))
    wrong = 0
    for run in range(RUNS):
        looks = []
        for i in range(looks_n):
            a, b = (
                Amounts((i + 1) * batch, float(total[run, i]), float(squares[run, i]))
                for total, squares in sums
            )
            look = stats.look_at_means(a, b)
            assert look is not None
            looks.append(look)
        sizes = [(i + 1) * 2 * batch for i in range(looks_n)]
        seen = stats.growing_people(looks, sizes)
        wrong += any(not one.interval.has(truth) for one in seen)
    assert wrong / RUNS <= MOST


def test_the_p_value_never_grows_and_agrees_with_the_intervals():
    source = random(24)
    looks = [Look(float(d), 0.04 / i) for i, d in enumerate(source.normal(0.3, 0.1, 40), 1)]
    seen = stats.growing_people(looks, list(range(1, 41)))
    p_values = [one.p for one in seen]
    assert p_values == sorted(p_values, reverse=True)
    for i, one in enumerate(seen):
        excluded = any(not earlier.interval.has(0) for earlier in seen[: i + 1])
        assert excluded == (one.p < ALPHA)
