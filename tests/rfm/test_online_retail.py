"""A real shop's year through the import and the run: the published groups come out."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from pusula.ops.rfm import rfm
from pusula.rfm import actions, config, queries
from pusula.rfm.models import RfmScore
from pusula.sources.actions import run_import

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
MAP = Path(__file__).parent.parent / "maps" / "online_retail.toml"
LAST_DAY = date(2011, 12, 10)
CLASSIC = '[orders]\nreturns = "drop"\n'
SEED = {
    "look_back_months": 12,
    "orders": {"returns": "drop"},
    "recency": {"measure": "calendar_days", "cuts": [30, 90, 180]},
}


@pytest.fixture(scope="module")
def reference(shared_data):
    return json.loads((shared_data / "reference_rfm.json").read_text(encoding="utf-8"))


@pytest.fixture
def shop(shared_data, settings):
    """The whole file, returns included, as the importer brings it."""
    settings.PUSULA = replace(settings.PUSULA, currency="GBP", time_zone="Europe/London")
    report = run_import("orders", shared_data / "online_retail.parquet", MAP)
    assert report.n_rejected == 0
    return report


def sizes(groups) -> dict[str, int]:
    return {group.name: group.n for group in groups}


def expected_sizes(part) -> dict[str, int]:
    return {name: row["customers"] for name, row in part["segments"].items()}


def test_the_groups_of_a_real_shop_are_the_published_ones(shop, reference, tmp_path):
    # One import serves all recipes: it takes longer than they do.
    check_classic_by_command_line(reference["online_retail_classic"], tmp_path)
    check_with_returns(reference["online_retail_with_returns"])
    check_business_cuts(reference["online_retail_seed_recipe"]["pools"])
    check_transitions(reference["online_retail_monthly_transitions"])


def check_classic_by_command_line(expected, tmp_path):
    file = tmp_path / "classic.toml"
    file.write_text(CLASSIC, encoding="utf-8")
    told = CliRunner().invoke(
        rfm, ["run", "--as-of", "2011-12-11", "--config", str(file), "--json"]
    )
    assert told.exit_code == 0, told.output
    found = json.loads(told.output)
    assert found["n_profiles"] == expected["customers"]
    assert {g["name"]: g["n"] for g in found["groups"]} == expected_sizes(expected)
    for group in found["groups"]:
        wanted = expected["segments"][group["name"]]
        assert group["recency_mean"] == pytest.approx(wanted["recency_mean"], abs=1e-3)
        assert group["frequency_mean"] == pytest.approx(wanted["frequency_mean"], abs=1e-3)
        # Prices of a tenth of a penny are rounded to pennies line by line.
        assert group["revenue_minor"] / 100 == pytest.approx(wanted["monetary_sum"], rel=1e-4)


def check_with_returns(expected):
    made_with = config.parse({"orders": {"returns": "count"}, "monetary": {"above_zero": False}})
    run = actions.run(LAST_DAY, made_with)
    assert run.n_profiles == expected["customers"]
    assert sizes(queries.groups(run)) == expected_sizes(expected)


def check_business_cuts(expected):
    pools = {
        "all_buyers_in_lookback": {},
        "ge4_orders_in_lookback": {"min_orders": 4},
        "ge4_orders_and_order_in_last_90d": {"min_orders": 4, "ordered_within_days": 90},
    }
    for name, pool in pools.items():
        run = actions.run(LAST_DAY, config.parse(SEED | {"pool": pool}))
        wanted = expected[name]
        assert run.n_profiles == wanted["customers"]
        assert run.edges["frequency"] == pytest.approx(wanted["F_edges"])
        pounds = [edge / 100 for edge in run.edges["monetary"]]
        assert pounds == pytest.approx(wanted["M_edges"], rel=1e-4)
        scores = list(RfmScore.objects.filter(run=run).values_list("r", "f", "m"))
        assert Counter(str(r) for r, _f, _m in scores) == wanted["R_counts"]
        assert Counter(f"R{r}F{f}M{m}" for r, f, m in scores) == wanted["cube"]


def check_transitions(expected):
    rules = config.parse({"orders": {"returns": "drop"}, "recency": {"measure": "calendar_days"}})
    before, after = (actions.run(date(2011, month, 1), rules) for month in (11, 12))
    flows = {
        f"{flow.before or '(none)'}>{flow.after}": flow.n
        for flow in queries.transitions(before, after)
    }
    assert flows == expected["transitions"]["2011-11-01->2011-12-01"]
