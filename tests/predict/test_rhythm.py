"""Rhythm: what was put into made-up customers comes out, and stages mean what they say."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from tests.predict import past

from pusula.predict.rhythm import coming_back, gaps, horizon, renewal, stages
from pusula.predict.rhythm.renewal import Renewal

MODEL = Renewal(np.log(30), 0.5, 0.4, 0.3, 0.05)


def rhythm_of(days, today):
    return gaps.rhythms(gaps.visits(np.ones(len(days), np.int64), np.array(days)), today)


def test_orders_of_one_day_are_one_visit_and_gaps_are_of_one_customer():
    seen = gaps.visits(np.array([2, 1, 1, 1, 2]), np.array([9, 5, 5, 2, 4]))
    assert seen.customers.tolist() == [1, 1, 2, 2]
    assert seen.days.tolist() == [2, 5, 4, 9]
    assert gaps.gaps(seen).tolist() == [3, 5]
    known = gaps.rhythms(seen, 12)
    assert known.waited.tolist() == [7, 3]
    assert known.last_gap.tolist() == [3, 5]


@given(
    st.dictionaries(
        st.integers(1, 6), st.sets(st.integers(0, 200), min_size=1, max_size=8), min_size=1
    )
)
def test_the_numbers_of_each_customer_are_those_of_the_customer_alone(histories):
    people = np.array([who for who, days in histories.items() for _ in days])
    days = np.array([day for days in histories.values() for day in days])
    known = gaps.rhythms(gaps.visits(people, days), 300)
    for nth, who in enumerate(known.customers.tolist()):
        own = np.diff(sorted(histories[who]))
        logs = np.log(own)
        assert known.n_gaps[nth] == len(own)
        assert known.log_mean[nth] == pytest.approx(logs.mean() if len(own) else 0)
        assert known.log_squares[nth] == pytest.approx(logs.var() * len(own) if len(own) else 0)
        assert known.waited[nth] == 300 - max(histories[who])
        assert known.last_gap[nth] == (own[-1] if len(own) else 0)


def test_the_rhythm_put_into_made_up_customers_comes_out():
    seen = gaps.of_orders(past.made_up(6_000))
    found = renewal.fit(gaps.rhythms(seen, 20_720))
    assert found.mean == pytest.approx(np.log(45), abs=0.06)
    assert found.between == pytest.approx(0.6, abs=0.06)
    assert found.within == pytest.approx(0.5, abs=0.03)
    assert found.stays_away_first == pytest.approx(0.3, abs=0.03)
    assert found.stays_away_later == pytest.approx(0.05, abs=0.02)


def test_the_likelihood_is_that_of_the_gaps_written_out():
    known = rhythm_of([0, 20, 65, 80], 110)
    logs = np.log([20, 45, 15])
    together = stats.multivariate_normal(
        np.full(3, MODEL.mean), MODEL.within**2 * np.eye(3) + MODEL.between**2
    ).logpdf(logs)
    # The fourth gap is longer than 30 days: conditional on the three, or it never comes.
    four = MODEL.within**2 * np.eye(4) + MODEL.between**2
    weights = np.linalg.solve(four[:3, :3], four[:3, 3])
    mean = MODEL.mean + weights @ (logs - MODEL.mean)
    deviation = np.sqrt(four[3, 3] - weights @ four[:3, 3])
    longer = stats.norm.sf(np.log(30), mean, deviation)
    wanted = together + np.log(0.7) + 2 * np.log(0.95) + np.log(0.05 + 0.95 * longer)
    assert renewal._likelihood(MODEL, known) == pytest.approx(wanted)


def test_a_long_history_speaks_for_itself_and_a_short_one_leans_on_everybody():
    often = MODEL.own(rhythm_of(range(0, 400, 4), 400))
    once = MODEL.own(rhythm_of([0], 3))
    assert often.gap(0.5)[0] == pytest.approx(4, rel=0.03)
    assert once.gap(0.5)[0] == pytest.approx(30)


def test_chances_and_days_agree_with_each_other():
    own = MODEL.own(rhythm_of([0, 25, 60], 80))
    within = own.until_next(0.3)
    alive = own.still_comes()
    assert own.returns_within(float(within[0])) == pytest.approx(0.3 * alive)
    bounded = own.until_next(0.3, 40.0)
    assert own.share_within(bounded, 40.0) == pytest.approx(0.3)
    assert bounded < within


def test_days_stay_finite_however_long_the_wait():
    own = MODEL.own(rhythm_of([0, 1, 2, 3, 4, 5, 6, 7, 8], 4_000))
    for share in (0.1, 0.5, 0.9):
        assert np.isfinite(own.until_next(share)).all()
    assert 0 <= own.still_comes()[0] < 1e-3


def test_gaps_nobody_was_seen_to_end_count_as_staying_away():
    # Seven of ten bought once, long ago; the others came back within weeks.
    once = [(who, 0) for who in range(700)]
    often = [(who, day) for who in range(700, 1_000) for day in (0, 20 + who % 9, 45)]
    people, days = np.array(once + often).T
    found = renewal.fit(gaps.rhythms(gaps.visits(people, days), 1_000))
    assert np.exp(found.mean) < 40
    assert found.stays_away_first == pytest.approx(0.7, abs=0.02)


def stage_after(days, waited, model=MODEL):
    return stages.lives(model, rhythm_of(days, days[-1] + waited)).stages()[0]


def test_stages_follow_the_customers_own_rhythm():
    weekly, quarterly = list(range(0, 350, 7)), list(range(0, 900, 90))
    assert stage_after(weekly, 7) == "active"
    assert stage_after(weekly, 30) in {"lapsed", "lost"}
    assert stage_after(quarterly, 30) == "active"
    assert stage_after(weekly, 90) == "lost"
    assert stage_after(quarterly, 90) == "active"
    assert stage_after(quarterly, 600) == "lost"


def test_who_bought_once_is_new_until_everybodys_rhythm_is_over():
    told = [stage_after([0], waited) for waited in range(400)]
    assert told[0] == "new"
    order = ["new", "at_risk", "lapsed", "lost"]
    assert [order.index(one) for one in told] == sorted(order.index(one) for one in told)
    assert set(told) == set(order)


def test_who_comes_back_after_having_lapsed_has_returned_until_the_next_order():
    days = [0, 30, 60, 90, 120]
    gone = next(n for n in range(1_000) if stage_after(days, n) == "lapsed")
    back = [*days, 120 + gone]
    assert stage_after([*days, 120 + gone - 1], 0) == "active"
    assert stage_after(back, 0) == "returned"
    assert stage_after(back, 5) == "returned"
    assert stage_after([*back, back[-1] + 20], 0) == "active"


def test_limits_are_the_share_of_the_own_gaps_or_so_many_times_the_usual_one():
    wild, calm = Renewal(np.log(30), 0.5, 1.5, 0.3, 0.05), Renewal(np.log(30), 0.05, 0.2, 0.3, 0.05)
    known = rhythm_of([0], 1)
    assert stages.lives(wild, known).limits.tolist() == [[61, 91, 181]]
    shares = np.exp(np.hypot(0.05, 0.2) * stats.norm.ppf([0.8, 0.9, 0.975])) * 30
    assert stages.lives(calm, known).limits.tolist() == [[int(each) + 1 for each in shares]]


def test_the_stage_changes_on_the_day_its_limit_is_reached_and_not_before():
    days = [0, 31, 64]
    lives = stages.lives(MODEL, rhythm_of(days, 64))
    for nth, name in enumerate(("at_risk", "lapsed", "lost")):
        limit = int(lives.limits[0, nth])
        assert stage_after(days, limit) == name
        assert stage_after(days, limit - 1) != name


def test_the_horizon_is_of_the_business_and_leaves_something_to_learn_from():
    seen = gaps.of_orders(past.made_up(800))
    all_gaps = np.sort(gaps.gaps(seen))
    found = horizon.horizon(seen, 20_720)
    assert (all_gaps <= found).mean() == pytest.approx(0.9, abs=0.01)
    assert horizon.horizon(seen.before(20_200), 20_200) == 50  # a quarter of the history
    assert horizon.horizon(seen.before(20_040), 20_040) == 0


@pytest.fixture(scope="module")
def trained():
    of = past.made_up(3_000)
    day = past.day_after(of)
    return {one.model: one for one in coming_back.train(past.Given(of, day), day)}


def test_the_next_order_is_told_in_days_of_the_own_rhythm_and_proved_on_unseen_days(trained):
    told = trained["next_order_days"]
    card = told.card
    assert card.withheld is None
    assert card.metric("mae_days").is_better
    assert card.metric("inside_interval").target == pytest.approx(0.8, abs=0.03)
    assert [row.name for row in card.backtest] == ["1", "2", "3", "4–6", "7+"]
    for one in card.calibration:
        assert one.predicted == pytest.approx(one.observed, rel=0.2)
    assert (told.scores.values >= 0).all()
    assert json.loads(json.dumps(told.parameters)) == told.parameters


def test_stages_give_as_many_false_alarms_as_they_promise_to_the_frequent_and_the_rare(trained):
    card = trained["lifecycle"].card
    false = card.metric("false_alarms")
    assert false.model == pytest.approx(false.target, abs=0.03)
    uneven = card.metric("uneven_alarms")
    assert uneven.model < 0.06
    assert uneven.baseline > 0.2
    came = {row.name: row.observed for row in card.backtest}
    assert came["active"] > came["at_risk"] > came["lapsed"] > came["lost"]
    assert trained["lifecycle"].traits == ()  # told as of now, by pusula.predict.living


def test_who_is_out_of_their_rhythm_is_told_no_day(trained):
    of = past.made_up(3_000)
    now = gaps.rhythms(gaps.of_orders(of), past.day_number(past.day_after(of)))
    rhythm = renewal.from_json(trained["lifecycle"].parameters["rhythm"])
    told = stages.lives(rhythm, now).stages()
    in_rhythm = now.customers[~np.isin(told, ["lapsed", "lost"])]
    assert trained["next_order_days"].scores.profile_ids.tolist() == in_rhythm.tolist()


def test_nothing_after_the_day_is_looked_at(trained):
    of = past.made_up(3_000)
    day = past.day_after(of) - timedelta(days=60)
    rng = np.random.default_rng(9)
    later = of.days >= past.day_number(day)
    mixed = of.profile_ids.copy()
    mixed[later] = rng.permutation(mixed[later])
    shuffled = past.orders(mixed, of.days, of.net_minor)
    one, other = (list(coming_back.train(past.Given(each, day), day)) for each in (of, shuffled))
    for a, b in zip(one, other, strict=True):
        assert a.parameters == b.parameters
        assert a.card == b.card
    assert np.array_equal(one[0].scores.values, other[0].scores.values)


def test_too_few_buyers_and_too_short_a_history_are_told_and_nobody_has_a_stage():
    few, short = past.made_up(200), past.made_up(900, days=40)
    for of, code in ((few, "too_few_buyers"), (short, "history_too_short")):
        day = past.day_after(of)
        nexts, life = coming_back.train(past.Given(of, day), day)
        assert nexts.card.withheld.code == life.card.withheld.code == code
        assert nexts.scores is None
        assert len(life.traits[0].profile_ids) == 0
