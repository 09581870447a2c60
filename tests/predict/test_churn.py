"""Churn: learned from the past alone, better than the wait alone, and withheld where it is not."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pytest
from tests.predict import past

from pusula.predict.learning import churn, scorecard
from pusula.predict.training import day_number


@pytest.fixture(scope="module")
def people():
    return past.made_up(3_000)


@pytest.fixture(scope="module")
def trained(people):
    day = past.day_after(people)
    (told,) = churn.train(past.Given(people, day), day)
    return told


def test_it_beats_the_wait_alone_on_days_it_had_not_seen_and_is_calibrated(trained):
    card = trained.card
    assert (card.method, card.baseline, card.withheld) == ("scorecard", "recency", None)
    for name in ("auc", "log_loss", "brier"):
        assert card.metric(name).is_better, name
    assert card.metric("calibration_error").model < 0.04
    assert sum(row.n for row in card.backtest) == card.n_validated
    observed = [row.observed for row in card.backtest]
    assert observed[0] > observed[4] > observed[9]


def test_everybody_who_ever_bought_has_a_risk_between_nothing_and_one(trained, people):
    assert trained.scores.profile_ids.tolist() == np.unique(people.profile_ids).tolist()
    assert ((trained.scores.values > 0) & (trained.scores.values < 1)).all()


def test_its_parameters_are_plain_numbers_that_tell_the_same_risk(trained, people):
    told = json.loads(json.dumps(trained.parameters))
    read = scorecard.from_json(told["scorecard"])
    day = past.day_after(people)
    known = churn.examples.known_on(past.Given(people, day), day, told["horizon_days"])
    assert np.array_equal(read.chance(known.features), trained.scores.values)


def test_nothing_after_the_day_is_looked_at(people):
    day = past.day_after(people) - timedelta(days=90)
    later = people.days >= day_number(day)
    rng = np.random.default_rng(2)
    mixed, minor = people.profile_ids.copy(), people.net_minor.copy()
    mixed[later], minor[later] = rng.permutation(mixed[later]), 1
    shuffled = past.orders(mixed, people.days, minor)
    (one,), (other,) = (churn.train(past.Given(each, day), day) for each in (people, shuffled))
    assert one.card == other.card
    assert one.parameters == other.parameters
    assert np.array_equal(one.scores.values, other.scores.values)


def test_what_is_known_at_the_start_of_a_period_sees_nothing_of_it(people):
    day = past.day_after(people) - timedelta(days=100)
    given = past.Given(people, past.day_after(people))
    cut = past.Given(given.orders(day), day)
    seen, alone = (churn.examples.known_on(each, day, 60) for each in (given, cut))
    for name, values in seen.features.items():
        assert np.array_equal(values, alone.features[name], equal_nan=True), name


def test_where_nothing_tells_people_apart_it_is_withheld():
    # Everybody buys by the throw of a coin each week: no past says anything of the future.
    rng = np.random.default_rng(4)
    rows = [
        (who, 20_000 + 7 * week) for who in range(400) for week in range(60) if rng.random() < 0.1
    ]
    of = past.orders(*np.array(rows).T)
    day = past.day_after(of)
    (told,) = churn.train(past.Given(of, day), day)
    metric = told.card.metric("auc")
    assert told.card.withheld is not None or metric.model < 0.58
    if told.card.withheld:
        assert told.scores is None


@pytest.mark.parametrize(
    ("n", "days", "code"),
    [(250, 720, "too_few_buyers"), (900, 45, "history_too_short")],
)
def test_too_little_to_learn_from_is_told(n, days, code):
    of = past.made_up(n, days=days)
    day = past.day_after(of)
    (told,) = churn.train(past.Given(of, day), day)
    assert told.card.withheld.code == code
    assert told.scores is None


def test_too_few_of_the_rarer_outcome_is_told():
    rows = [(who, 20_000 + 10 * n) for who in range(400) for n in range(30)]
    of = past.orders(*np.array(rows).T)
    day = past.day_after(of)
    (told,) = churn.train(past.Given(of, day), day)
    assert told.card.withheld.code == "too_few_of_a_kind"
