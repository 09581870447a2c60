"""The figures of quality: against what can be counted by hand, and against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pusula.predict import quality

examples = st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=2, max_size=60)


def arrays(pairs):
    return np.array([c / 8 for c, _ in pairs]), np.array([came for _, came in pairs])


@given(examples)
def test_auc_is_how_often_a_positive_stands_above_a_negative_ties_half(pairs):
    chance, came = arrays(pairs)
    wins = [(p > n) + (p == n) / 2 for p in chance[came] for n in chance[~came]]
    assert quality.auc(chance, came) == pytest.approx(np.mean(wins) if wins else 0.5)


@given(examples)
def test_groups_of_a_calibration_table_hold_everybody_and_ascend(pairs):
    chance, came = arrays(pairs)
    table = quality.calibration(chance, came)
    assert sum(one.n for one in table) == len(came)
    assert sum(one.n * one.observed for one in table) == pytest.approx(came.sum())
    assert [one.predicted for one in table] == sorted(one.predicted for one in table)


@given(examples, st.randoms(use_true_random=False))
def test_no_figure_depends_on_the_order_of_the_rows(pairs, random):
    mixed = list(pairs)
    random.shuffle(mixed)
    one, other = (quality.quality(*arrays(each)) for each in (pairs, mixed))
    for name in ("auc", "log_loss", "brier", "error", "lift"):
        assert getattr(one, name) == pytest.approx(getattr(other, name))


def test_figures_by_hand():
    chance, came = np.array([0.9, 0.8, 0.2, 0.1]), np.array([True, False, True, False])
    assert quality.auc(chance, came) == 0.75
    assert quality.brier(chance, came) == pytest.approx((0.01 + 0.64 + 0.64 + 0.01) / 4)
    assert quality.log_loss(chance, came) == pytest.approx(-np.log([0.9, 0.2, 0.2, 0.9]).mean())
    assert quality.average_precision(chance, came) == pytest.approx((1 + 2 / 3) / 2)
    assert quality.lift(chance, came, share=0.25) == 2.0


def test_true_chances_have_no_calibration_error_to_speak_of_and_false_ones_have():
    rng = np.random.default_rng(3)
    chance = rng.random(50_000)
    came = rng.random(50_000) < chance
    assert quality.calibration_error(chance, came) < 0.01
    assert quality.calibration_error(chance**2, came) > 0.1
