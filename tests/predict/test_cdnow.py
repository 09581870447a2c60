"""CDNOW and a real shop through the import and the command: the published figures come out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from pusula.ops.predict import predict
from pusula.pipeline import predicting
from pusula.predict import queries
from pusula.predict.buying import bgnbd, grouping
from pusula.predict.buying.summary import purchases, summarise
from pusula.predict.history import Past
from pusula.profiles.models import Score
from pusula.sources.actions import run_import

MAPS = Path(__file__).parent.parent / "maps"
SPOTS = ("1", "2", "3", "4", "5", "6", "325", "1516", "157")


@pytest.fixture(scope="module")
def reference(shared_data):
    return json.loads((shared_data / "reference_clv.json").read_text(encoding="utf-8"))


def clv(*words: str):
    told = CliRunner().invoke(predict, ["clv", *words, "--json"])
    assert told.exit_code == 0, told.output
    return json.loads(told.output)


def check_model(found, wanted):
    for name, value in wanted["params"].items():
        assert found["params"][name] == pytest.approx(value, rel=1e-3)
    assert found["LL"] == pytest.approx(wanted["LL"], abs=0.01)
    if "p_alive_mean" in wanted:
        assert found["p_alive_mean"] == pytest.approx(wanted["p_alive_mean"], abs=1e-4)
        total = wanted["expected_transactions_next_t"]["total"]
        assert found["expected_transactions_next_t"]["total"] == pytest.approx(total, rel=1e-4)
    for name, value in wanted.get("holdout", {}).items():
        assert found["holdout"][name] == pytest.approx(value, rel=1e-3)


def check_values(found, wanted):
    check_model(found, wanted)
    for name in ("customers_used", "population_mean", "mean_expected_value_all"):
        assert found[name] == pytest.approx(wanted[name], rel=1e-3)
    assert found["corr_frequency_value"] == pytest.approx(wanted["corr_frequency_value"], abs=1e-4)
    name = "clv_next_t_undiscounted_total"
    assert found[name] == pytest.approx(wanted[name], rel=1e-3)


def check_spots(found, wanted, key_of):
    for name, figures in wanted.items():
        spot = found["customers_asked_for"][key_of[name]]
        assert spot["x"] == figures["x"]
        for figure in ("t_x", "T", "p_alive", "expected"):
            assert spot[figure] == pytest.approx(figures[figure], rel=1e-3, abs=2e-4)


def test_the_published_parameters_come_from_the_published_summary(shared_data, reference):
    wanted = reference["cdnow_published_summary"]
    asked = [word for name in SPOTS for word in ("--customer", name)]
    found = clv(str(shared_data / "cdnow_published_summary.parquet"), *asked)
    assert found["customers"] == wanted["customers"]
    assert found["repeat_transactions"] == wanted["repeat_transactions"]
    check_model(found["bgnbd"], wanted["bgnbd"])
    check_model(found["pareto_nbd"], wanted["pareto_nbd"])
    check_values(found["gamma_gamma"], wanted["gamma_gamma"])
    check_spots(found, wanted["spot_bgnbd"], {name: name for name in SPOTS})
    assert found["customers_asked_for"]["1"]["expected"] == pytest.approx(1.226, abs=5e-4)
    assert not found["bgnbd"]["degenerate"]
    for model in ("bgnbd", "pareto_nbd", "gamma_gamma"):
        for name, value in wanted["published"][model].items():
            if name in {"r", "alpha", "a", "b", "s", "beta", "p", "q", "gamma"}:
                assert found[model]["params"][name] == pytest.approx(value, abs=8e-3)


@pytest.mark.django_db
def test_cdnow_is_reproduced_from_its_transactions(shared_data, reference, settings):
    settings.PUSULA = replace(settings.PUSULA, currency="USD", time_zone="UTC")
    file = shared_data / "cdnow_sample.parquet"
    assert run_import("orders", file, MAPS / "cdnow.toml").n_rejected == 0
    rows = pq.read_table(file, columns=["customer_id", "sample_id"]).to_pydict()
    key_of = {
        str(sample): str(customer)
        for sample, customer in zip(rows["sample_id"], rows["customer_id"], strict=True)
    }
    check_cdnow(reference["cdnow_from_transactions"], key_of)
    check_trained()


def check_cdnow(wanted, key_of):
    asked = [word for name in SPOTS for word in ("--customer", key_of[name])]
    found = clv("--calibration-end", "1997-09-30", "--holdout-end", "1998-06-30", *asked)
    for name in ("customers", "repeat_customers", "repeat_transactions", "holdout_transactions"):
        assert found[name] == wanted[name]
    check_model(found["bgnbd"], wanted["bgnbd"])
    check_model(found["pareto_nbd"], wanted["pareto_nbd"])
    check_values(found["gamma_gamma"], wanted["gamma_gamma"])
    check_spots(found, wanted["spot_bgnbd"], key_of)
    naive, wanted_naive = found["naive_same_rate_holdout"], wanted["naive_same_rate_holdout"]
    for name, value in wanted_naive.items():
        assert naive[name] == pytest.approx(value, rel=1e-3)
    for name, row in wanted["mean_holdout_by_frequency"].items():
        assert found["mean_holdout_by_frequency"][name] == pytest.approx(row, abs=5e-4)


def check_trained():
    made = {v.model: v for v in predicting.run(date(1998, 7, 1), "clv_12m")}
    assert {model: version.withheld for model, version in made.items()} == {
        "clv_12m": "", "p_alive": "", "expected_orders_12m": ""
    }  # fmt: skip
    assert made["clv_12m"].n_scored == 2357
    card = queries.card(made["expected_orders_12m"])
    assert card.window.until_on == date(1998, 7, 1)
    assert card.metric("mae").is_better
    total = card.metric("total")
    assert abs(total.model - total.target) < abs(total.baseline - total.target)
    alive = Score.objects.filter(model="p_alive")
    assert made["p_alive"].n_scored == alive.count() < 2357


def check_degenerate(found, wanted):
    """Our likelihood is theirs at their parameters, where their search stopped; ours went on."""
    seen = summarise(purchases(Past(date(2011, 9, 1)).orders()), date(2011, 9, 1))
    theirs = bgnbd.Model(**wanted["params"])
    value, by = bgnbd.log_likelihood(theirs, grouping.group(seen.x, seen.t_x, seen.age))
    assert value == pytest.approx(wanted["LL"], abs=0.01)
    assert by[2] < 0  # fewer who leave are likelier still
    assert value < found["LL"] < value + 0.2
    total = wanted["expected_transactions_next_t"]["total"]
    assert found["expected_transactions_next_t"]["total"] == pytest.approx(total, rel=1e-3)
    assert found["p_alive_mean"] == pytest.approx(wanted["p_alive_mean"], abs=1e-3)


@pytest.mark.slow
@pytest.mark.django_db
def test_a_shop_whose_data_begins_in_the_middle_gets_no_scores(shared_data, reference, settings):
    settings.PUSULA = replace(settings.PUSULA, currency="GBP", time_zone="Europe/London")
    run_import("orders", shared_data / "online_retail.parquet", MAPS / "online_retail.toml")
    wanted = reference["online_retail"]
    asked = [word for name in wanted["spot_bgnbd"] for word in ("--customer", name)]
    found = clv("--calibration-end", "2011-08-31", "--holdout-end", "2011-12-09", *asked)
    for name in ("customers", "repeat_customers", "repeat_transactions", "holdout_transactions"):
        assert found[name] == wanted[name]
    model = found["bgnbd"]
    assert model["degenerate"]
    check_degenerate(model, wanted["bgnbd"])
    for name, value in wanted["bgnbd"]["holdout"].items():
        assert model["holdout"][name] == pytest.approx(value, rel=1e-3)
    check_values(found["gamma_gamma"], wanted["gamma_gamma"])
    for name, figures in wanted["spot_bgnbd"].items():
        spot = found["customers_asked_for"][name]
        assert spot["expected"] == pytest.approx(figures["expected"], rel=6e-3)
        assert spot["p_alive"] == pytest.approx(figures["p_alive"], abs=6e-3)
    made = predicting.run(date(2011, 9, 1), "clv_12m")
    assert {version.withheld for version in made} == {"nobody_leaves"}
    assert not Score.objects.filter(model__in=[version.model for version in made]).exists()
    notes = {note.code for note in queries.card(made[0]).notes}
    assert {"left_truncated", "short_history"} <= notes
