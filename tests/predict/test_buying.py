"""The purchase models: parameters come back from made-up customers, figures from other formulas."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from scipy import integrate, special

from pusula.predict.buying import bgnbd, gammagamma, grouping, pareto, simulated, soundness
from pusula.predict.buying.learned import Learned, learn_from
from pusula.predict.buying.summary import Summary, counted, kept_share, purchases, summarise
from pusula.predict.buying.validation import by_prediction, by_repeats
from pusula.predict.training import Orders, day_number

CDNOW = bgnbd.Model(0.242593, 4.413531, 0.792886, 2.425753)
PARETO = pareto.Model(0.553276, 10.577612, 0.606214, 11.667912)


def one(x, t_x, age):
    return np.array([x]), np.array([float(t_x)]), np.array([float(age)])


def gradient_by_differences(model, likelihood, grouped):
    at = np.array([getattr(model, name) for name in model.__dataclass_fields__])
    found = []
    for place in range(len(at)):
        values = []
        for side in (1e-6, -1e-6):
            moved = at.copy()
            moved[place] *= 1 + side
            values.append(likelihood(type(model)(*moved), grouped)[0])
        found.append((values[0] - values[1]) / (2e-6 * at[place]))
    return found


@pytest.fixture(scope="module")
def made_up():
    return simulated.customers(bgnbd.Model(0.6, 5.0, 0.9, 3.0), 40_000, 400, seed=7)


@pytest.mark.parametrize(("kind", "model"), [(bgnbd, CDNOW), (pareto, PARETO)])
def test_the_gradient_is_that_of_the_likelihood(made_up, kind, model):
    some = slice(0, 800)
    grouped = grouping.group(made_up.x[some], made_up.t_x[some], made_up.age[some])
    _value, gradient = kind.log_likelihood(model, grouped)
    by_differences = gradient_by_differences(model, kind.log_likelihood, grouped)
    assert gradient == pytest.approx(by_differences, rel=1e-4, abs=1e-3)


def test_the_parameters_of_made_up_customers_are_found_again(made_up):
    model, fit = bgnbd.fit(grouping.group(made_up.x, made_up.t_x, made_up.age))
    assert not any(fit.at_bound)
    assert model.r == pytest.approx(0.6, rel=0.05)
    # A purchase counts on the day it ends in, which makes times half a day longer.
    assert model.alpha == pytest.approx(5.0, rel=0.07)
    assert model.a / (model.a + model.b) == pytest.approx(0.9 / 3.9, rel=0.05)
    assert model.a == pytest.approx(0.9, rel=0.15)


def test_grouping_changes_nothing(made_up):
    some = slice(0, 2_000)
    x, t_x, age = made_up.x[some], made_up.t_x[some], made_up.age[some]
    grouped = grouping.group(x, t_x, age)
    assert grouped.n.sum() == 2_000
    assert len(grouped.n) < 2_000
    each = [bgnbd.log_likelihood(CDNOW, grouping.group(*one(*row)))[0]
            for row in zip(x, t_x, age, strict=True)]  # fmt: skip
    assert bgnbd.log_likelihood(CDNOW, grouped)[0] == pytest.approx(sum(each), rel=1e-12)


def test_many_histories_are_fitted_from_where_some_of_them_lead(monkeypatch, made_up):
    grouped = grouping.group(made_up.x, made_up.t_x, made_up.age)
    whole, _fit = bgnbd.fit(grouped)
    monkeypatch.setattr(bgnbd, "_SAMPLE", 500)
    stepwise, _fit = bgnbd.fit(grouped)
    assert stepwise.r == pytest.approx(whole.r, rel=1e-5)
    assert stepwise.b == pytest.approx(whole.b, rel=1e-5)


def expected_in_closed_form(model, x, t_x, age, weeks):
    """Fader, Hardie and Lee (2005), equation 10."""
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    z = weeks / (alpha + age + weeks)
    f = special.hyp2f1(r + x, b + x, a + b + x - 1, z)
    first = (a + b + x - 1) / (a - 1)
    first *= 1 - ((alpha + age) / (alpha + age + weeks)) ** (r + x) * f
    odds = a / (b + x - 1) * ((alpha + age) / (alpha + t_x)) ** (r + x) if x else 0.0
    return first / (1 + odds)


@pytest.mark.parametrize("weeks", [1.0, 39.0, 260.0])
@pytest.mark.parametrize("row", [(2, 30.43, 38.86), (0, 0.0, 38.86), (26, 30.86, 31.0), (1, 2, 2)])
def test_expected_purchases_equal_the_closed_form_where_that_holds(row, weeks):
    found = CDNOW.expected(*one(*row), weeks)[0]
    assert found == pytest.approx(expected_in_closed_form(CDNOW, *row, weeks), rel=1e-9)


@pytest.mark.parametrize("a", [1.0 - 1e-9, 1.0, 1e-4, 900.0])
@pytest.mark.parametrize("b", [1e-3, 2.4, 9_999.0])
def test_expected_purchases_stay_sane_where_the_closed_form_does_not(a, b):
    model = bgnbd.Model(0.7, 9.4, a, b)
    x = np.array([0, 1, 80])
    t_x, age = np.array([0.0, 20.0, 38.0]), np.array([39.0, 39.0, 39.0])
    found = model.expected(x, t_x, age, 52.0)
    at_most = (model.r + x) / (model.alpha + age) * 52.0  # if nobody ever left
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert (found <= at_most * (1 + 1e-9)).all()
    if a < 1e-3 and b > 1_000:
        assert found == pytest.approx(at_most, rel=1e-4)


def test_new_customers_buy_as_the_published_sheet_says():
    published = {0.1429: 0.0078, 1.0: 0.0532, 3.0: 0.1506, 31.8571: 1.0405, 78.0: 1.858}
    for weeks, expected in published.items():
        assert CDNOW.expected_of_new(weeks) == pytest.approx(expected, abs=6e-5)


def test_the_probability_of_some_purchase_is_that_of_the_model(made_up):
    model = bgnbd.Model(0.6, 5.0, 0.9, 3.0)
    days = 400
    later = simulated.order_days(model, 30_000, days, seed=11)
    cut = 300
    rows, came = [], []
    for own in later:
        before = own[own < cut]
        if not len(before):
            continue
        x, first, last = len(before) - 1, before[0], before[-1]
        rows.append((x, (last - first) / 7, (cut - 1 - first) / 7))
        came.append((own >= cut).any())
    x, t_x, age = (np.array(column) for column in zip(*rows, strict=True))
    some = model.p_some(x, t_x, age, (days - cut) / 7)
    assert some.mean() == pytest.approx(np.mean(came), abs=0.015)
    for bin_ in by_prediction(some, np.array(came, float)):
        assert bin_.predicted == pytest.approx(bin_.observed, abs=0.05)


@pytest.mark.parametrize(
    "row", [(0, 0.0, 38.86), (2, 30.43, 38.86), (26, 30.86, 31.0), (60, 10.0, 38.86)]
)
def test_who_left_by_pareto_nbd_equals_the_integral_done_another_way(row):
    r, alpha, s, beta = PARETO.r, PARETO.alpha, PARETO.s, PARETO.beta
    x, t_x, age = row

    def left_at(t):
        return s * (alpha + t) ** -(r + x) * (beta + t) ** -(s + 1)

    here = (alpha + age) ** -(r + x) * (beta + age) ** -s
    gone = integrate.quad(left_at, t_x, age, epsabs=0, epsrel=1e-11)[0]
    assert PARETO.p_alive(*one(*row))[0] == pytest.approx(here / (here + gone), rel=1e-8)


def test_pareto_nbd_holds_where_leaving_is_as_fast_as_its_spread():
    near = [pareto.Model(0.5, 10.0, s, 11.0).expected(*one(2, 30.0, 38.0), 39.0)[0]
            for s in (1 - 1e-6, 1.0, 1 + 1e-6)]  # fmt: skip
    assert near[0] == pytest.approx(near[1], rel=1e-5)
    assert near[2] == pytest.approx(near[1], rel=1e-5)


def test_values_of_made_up_customers_are_found_again():
    rng = np.random.default_rng(3)
    own = 15.0 * 6.0 / rng.gamma(4.0, 1.0, 30_000)  # p 6, q 4, gamma 15: means of each
    x = rng.integers(1, 9, 30_000)
    value = rng.gamma(6.0 * x, own / (6.0 * x))
    model, _fit = gammagamma.fit(x, value)
    assert model.p == pytest.approx(6.0, rel=0.05)
    assert model.q == pytest.approx(4.0, rel=0.05)
    assert model.gamma == pytest.approx(15.0, rel=0.08)
    assert model.mean == pytest.approx(30.0, rel=0.02)
    expected = model.expected(x, value)
    assert expected.mean() == pytest.approx(value.mean(), rel=0.02)
    assert model.expected(np.array([0]), np.array([0.0]))[0] == pytest.approx(model.mean)


def orders(*rows):
    """Return orders from (profile, day, net) rows, any order."""
    profile_ids, days, net = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    return Orders(profile_ids, days * 86_400_000_000, days, net, 0.01)


def test_orders_of_a_day_are_one_purchase_and_returns_are_none():
    first = day_number(date(2026, 1, 1))
    told = orders(
        (7, first, 1000), (7, first, 500), (7, first + 14, 2000), (7, first + 20, -1000),
        (9, first + 3, 700),
    )  # fmt: skip
    seen = summarise(purchases(told), date(2026, 2, 1))
    assert seen.profile_ids.tolist() == [7, 9]
    assert seen.x.tolist() == [1, 0]
    assert seen.t_x.tolist() == [2.0, 0.0]
    assert (seen.age * 7).tolist() == pytest.approx([30, 27])
    assert seen.value.tolist() == [20.0, 0.0]
    assert kept_share(told) == pytest.approx(1 - 1000 / 4200)
    came = counted(purchases(told), seen.profile_ids, date(2026, 1, 4), date(2026, 1, 16))
    assert (came.n.tolist(), came.value.tolist()) == ([1, 1], [20.0, 7.0])


def test_nobody_and_somebody_who_came_once_are_no_error():
    nobody = Orders(*(np.empty(0, np.int64),) * 4, 0.01)
    seen = summarise(purchases(nobody), date(2026, 1, 1))
    assert soundness.too_little(seen).code == "too_few_customers"
    assert learn_from(seen) == Learned(seen)
    assert kept_share(nobody) == 1.0


def summary(made_up, n=None, **changed) -> Summary:
    some = slice(0, n)
    size = len(made_up.x[some])
    told = {
        "profile_ids": np.arange(size), "x": made_up.x[some], "t_x": made_up.t_x[some],
        "age": made_up.age[some], "value": np.where(made_up.x[some] > 0, 10.0, 0.0),
    }  # fmt: skip
    return Summary(**{**told, **changed})


def test_each_reason_to_say_nothing_is_found(made_up):
    assert soundness.too_little(summary(made_up)) is None
    assert soundness.too_little(summary(made_up, 200)).code == "too_few_customers"
    never = np.zeros(1_000, np.int64)
    seen = summary(made_up, 1_000, x=never, t_x=never.astype(float))
    assert soundness.too_little(seen).code == "too_few_again"
    young = np.minimum(made_up.age, 8.0)
    seen = summary(made_up, t_x=np.minimum(made_up.t_x, young), age=young)
    assert soundness.too_little(seen).code == "too_short"
    seen = summary(made_up, age=made_up.age + 20)
    assert soundness.too_little(seen).values["n"] >= 140


def test_customers_who_never_leave_make_the_fit_degenerate():
    loyal = simulated.customers(bgnbd.Model(0.7, 9.4, 1e-3, 1_000.0), 3_000, 300, seed=5)
    learned = learn_from(summary(loyal))
    assert soundness.degenerate(learned).code == "nobody_leaves"
    sound = simulated.customers(CDNOW, 3_000, 300, seed=5)
    assert soundness.degenerate(learn_from(summary(sound))) is None


def test_values_that_cannot_be_told_are_found(made_up):
    rng = np.random.default_rng(4)
    wild = np.where(made_up.x > 0, np.exp(rng.normal(0, 4, len(made_up.x))), 0.0)
    assert soundness.degenerate_values(learn_from(summary(made_up, value=wild))).code in {
        "infinite_value", "vanished"
    }  # fmt: skip
    rising = made_up.x * rng.gamma(20.0, 1.0, len(made_up.x))
    assert (
        soundness.degenerate_values(learn_from(summary(made_up, value=rising))).code
        == "value_depends"
    )


def test_value_in_twelve_months_is_discounted_by_the_month_and_takes_the_margin():
    sound = simulated.customers(CDNOW, 2_000, 300, seed=5)
    rng = np.random.default_rng(0)
    value = np.where(sound.x > 0, 20.0 * rng.gamma(5.0, 0.2, len(sound.x)), 0.0)
    learned = learn_from(summary(sound, value=value))
    plain = learned.lifetime_value()
    assert plain == pytest.approx(learned.expected(365.25) * learned.mean_value())
    assert learned.lifetime_value(margin=0.3) == pytest.approx(0.3 * plain)
    ratio = learned.lifetime_value(yearly_discount=0.1) / plain
    assert (ratio > 1 / 1.1).all()
    assert (ratio < 1).all()


def test_old_customers_who_look_new_are_noticed():
    """A shop with as many new customers every day; what came before a day is not told."""
    rng = np.random.default_rng(2)
    began = rng.integers(0, 730, 3_000)
    visits = [np.arange(start, 730, rng.integers(10, 60)) for start in began]

    def seen_from(day):
        rows = [(who, day_, 100) for who, days in enumerate(visits) for day_ in days if day_ >= day]
        return summarise(purchases(orders(*rows)), date(1972, 1, 1))

    codes = [{n.code for n in soundness.cautions(seen_from(d), 1.0, 365)} for d in (0, 365)]
    assert "left_truncated" not in codes[0]
    assert "left_truncated" in codes[1]


def test_classes_of_the_backtest_hold_everybody_once():
    x = np.array([0, 0, 1, 7, 12])
    rows = by_repeats(x, x * 1.0, x * 2.0, x * 3.0)
    assert [(row.name, row.n, row.observed) for row in rows] == [
        ("0", 2, 0.0), ("1", 1, 3.0), ("7+", 2, 28.5)
    ]  # fmt: skip
    bins = by_prediction(np.array([0.0] * 50 + list(range(50))), np.ones(100))
    assert sum(one.n for one in bins) == 100
    assert [one.predicted for one in bins] == sorted(one.predicted for one in bins)
