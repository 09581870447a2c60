"""Scorecards: what they learn, that they are plain numbers, and the reference of a real telco."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pusula.predict import quality
from pusula.predict.learning import bins, scorecard

NUMBERS = ("tenure", "monthly_charges", "total_charges")


def folds(came, n: int, seed: int):
    """The folds of scikit-learn's StratifiedKFold(n, shuffle=True, random_state=seed)."""
    codes = (came != came[0]).astype(int)
    allotted = [np.bincount(np.sort(codes)[i::n], minlength=2) for i in range(n)]
    rng = np.random.RandomState(seed)
    fold = np.empty(len(came), int)
    for code in (0, 1):
        own = np.arange(n).repeat([each[code] for each in allotted])
        rng.shuffle(own)
        fold[codes == code] = own
    return fold


@pytest.fixture
def telco(shared_data):
    table = pq.read_table(shared_data / "churn_wa_churn.parquet").to_pydict()
    came = np.array([said == "Yes" for said in table["churn"]])
    features, words = {}, []
    for name, values in table.items():
        if name in ("churn", "row_no"):
            continue
        if name in NUMBERS:
            features[name] = np.array(values, float)
        else:
            features[name], _ = bins.codes_of([str(value) for value in values])
            words.append(name)
    return features, came, words


def test_on_the_telco_set_it_beats_the_reference_in_the_same_folds_and_is_calibrated(
    shared_data, telco
):
    file = shared_data / "reference_hotel_misc.json"
    wanted = json.loads(file.read_text(encoding="utf-8"))["churn_telco"]
    features, came, words = telco
    assert (len(came), came.mean()) == (wanted["rows"], pytest.approx(wanted["churn_rate"]))
    chance, fold = np.empty(len(came)), folds(came, 5, 0)
    for nth in range(5):
        seen = fold != nth
        learned = scorecard.fit(
            {name: values[seen] for name, values in features.items()}, came[seen], words=words
        )
        chance[~seen] = learned.chance({name: v[~seen] for name, v in features.items()})
    found, baseline = quality.quality(chance, came), wanted["baseline"]
    assert found.auc >= baseline["auc"]
    assert found.brier <= baseline["brier"]
    assert quality.average_precision(chance, came) >= baseline["average_precision"]
    assert found.error < 0.015


def test_on_answers_to_a_campaign_it_beats_the_number_of_earlier_answers(shared_data):
    table = pq.read_table(shared_data / "ifood_campaigns.parquet").to_pydict()
    came = np.array(table["Response"]) == 1
    earlier = sum(np.array(table[f"AcceptedCmp{n}"]) for n in range(1, 6))
    features = {
        "earlier": earlier.astype(float),
        "recency": np.array(table["Recency"], float),
        "income": np.array([np.nan if v is None else v for v in table["Income"]], float),
        "wines": np.array(table["MntWines"], float),
        "meat": np.array(table["MntMeatProducts"], float),
        "visits": np.array(table["NumWebVisitsMonth"], float),
    }
    chance, fold = np.empty(len(came)), folds(came, 5, 0)
    for nth in range(5):
        seen = fold != nth
        learned = scorecard.fit({n: v[seen] for n, v in features.items()}, came[seen])
        chance[~seen] = learned.chance({n: v[~seen] for n, v in features.items()})
    assert quality.auc(chance, came) > quality.auc(earlier.astype(float), came) + 0.08
    assert quality.calibration_error(chance, came) < 0.03


def test_it_follows_a_curve_that_no_straight_line_follows():
    rng = np.random.default_rng(5)
    values = rng.uniform(-1, 1, 20_000)
    came = rng.random(20_000) < np.where(np.abs(values) > 0.5, 0.8, 0.2)
    learned = scorecard.fit({"x": values}, came)
    told = learned.chance({"x": np.array([-0.9, 0.0, 0.9])})
    assert told == pytest.approx([0.8, 0.2, 0.8], abs=0.04)


def test_what_is_missing_has_points_of_its_own():
    rng = np.random.default_rng(5)
    values = np.where(rng.random(4_000) < 0.5, np.nan, 1.0)
    came = np.isnan(values)
    learned = scorecard.fit({"x": values}, came)
    low, high = learned.chance({"x": np.array([1.0, np.nan])})
    assert low < 0.1
    assert high > 0.9


def test_it_is_plain_numbers_and_tells_the_same_when_read_back():
    rng = np.random.default_rng(1)
    features = {"a": rng.normal(size=500), "b": rng.integers(0, 3, 500).astype(float)}
    learned = scorecard.fit(features, features["a"] + rng.normal(size=500) > 0)
    told = json.loads(json.dumps(scorecard.as_json(learned)))
    again = scorecard.from_json(told)
    assert np.array_equal(again.log_odds(features), learned.log_odds(features))


def test_parted_data_do_not_drive_it_to_certainty_or_out_of_its_mind():
    values = np.array([0.0] * 300 + [1.0] * 300)
    learned = scorecard.fit({"x": values}, values > 0.5)
    low, high = learned.chance({"x": np.array([0.0, 1.0])})
    assert 0 < low < 0.2
    assert 0.8 < high < 1


def test_rare_positives_do_not_make_it_overshoot():
    rng = np.random.default_rng(11)
    features = {f"x{n}": rng.exponential(size=2_000) ** 3 for n in range(8)}
    came = rng.random(2_000) < 0.01
    learned = scorecard.fit(features, came)
    assert learned.chance(features).mean() == pytest.approx(came.mean(), abs=1e-6)


@given(st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=1, max_size=80))
def test_bins_keep_equal_values_together_and_order(values):
    column = np.array(values)
    made = bins.binned("x", column)
    codes = made.codes(column)
    assert codes.max() < made.n
    known = ~np.isnan(column)
    assert (codes[~known] == made.n - 1).all()
    order = np.argsort(column[known])
    assert (np.diff(codes[known][order]) >= 0).all()
    assert list(made.edges) == sorted(set(made.edges))
