"""A published e-mail test, brought in as a campaign that has ended, measured by the product."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from pusula.campaigns.models import Assignment, Campaign
from pusula.lib import clock
from pusula.measurement.experiments.verdict import Kind, verdict
from pusula.measurement.results.campaign import result
from pusula.ops.campaigns import campaigns
from pusula.sources.actions import run_import

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
MAP = Path(__file__).parent.parent / "maps" / "hillstrom.toml"
SOURCE = tomllib.loads(MAP.read_text(encoding="utf-8"))["source"]
HOLDOUT = "No E-Mail"
VARIANTS = ("Mens E-Mail", "Womens E-Mail")

ORDERS = """
source = "{source}"
[columns]
source_id = "order"
profile_key = "customer_id"
ordered_at = "at"
net_amount = "spend"
[constants]
status = "completed"
currency = "USD"
"""
EVENTS = """
source = "{source}"
[columns]
event_id = "event"
profile_key = "customer_id"
at = "at"
[constants]
name = "Site Visited"
"""
CAMPAIGN = """
campaign: {key}
title: MineThatData
goal: cross_sell
started_at: 2008-03-01 09:00
window_days: 14
holdout: 1/3
variants: [Mens E-Mail, Womens E-Mail]
cost: {{message: 0.10}}
margin: 30%
conversion: {conversion}
assignments:
  source: {source}
  columns: {{profile_key: customer_id, arm: segment, variant: segment}}
  values: {{Mens E-Mail: treated, Womens E-Mail: treated, No E-Mail: holdout}}
"""


@pytest.fixture(scope="module")
def reference(shared_data):
    text = (shared_data / "reference_experiments.json").read_text(encoding="utf-8")
    return json.loads(text)["hillstrom"]


@pytest.fixture
def shop(shared_data, settings, tmp_path):
    """Customers, two weeks of orders and visits, and two campaigns over the same assignment."""
    settings.PUSULA = replace(settings.PUSULA, currency="USD")
    source = shared_data / "hillstrom.parquet"
    frame = pd.read_parquet(source)
    run_import("profiles", source, MAP)
    bought = frame[frame.conversion == 1]
    bring(tmp_path, "orders", ORDERS, bought.assign(order=bought.customer_id), "2008-03-05 12:00")
    seen = frame[frame.visit == 1]
    bring(tmp_path, "events", EVENTS, seen.assign(event=seen.customer_id), "2008-03-04 12:00")
    assigned = tmp_path / "assigned.csv"
    frame[["customer_id", "segment"]].to_csv(assigned, index=False)
    for key, conversion in (("spring", "order"), ("spring-visits", "{event: Site Visited}")):
        file = tmp_path / f"{key}.yaml"
        file.write_text(_definition(key, conversion), encoding="utf-8")
        told = command("adopt", str(file), "--assignments", str(assigned))
        assert key in told


def _definition(key: str, conversion: str) -> str:
    return CAMPAIGN.format(key=key, conversion=conversion, source=SOURCE)


def bring(folder: Path, kind: str, mapping: str, frame: pd.DataFrame, at: str) -> None:
    data, told = folder / f"{kind}.csv", folder / f"{kind}.toml"
    frame.assign(at=at).to_csv(data, index=False)
    told.write_text(mapping.format(source=SOURCE), encoding="utf-8")
    report = run_import(kind, data, told)
    assert (report.n_new, report.n_rejected) == (len(frame), 0)


def command(*words: str) -> str:
    told = CliRunner().invoke(campaigns, list(words))
    assert told.exit_code == 0, told.output
    return told.output


def near(value):
    return pytest.approx(value, rel=1e-6)


def check_rates(found, expected):
    assert found["arm"]["n"] == expected["n_treat"]
    assert found["arm"]["n_conversions"] == expected["x_treat"]
    assert found["rate_difference"] == near(expected["diff"])
    assert found["lift"] == near(expected["rel_lift"])
    assert found["z"] == near(expected["z_pooled"])
    assert found["p"] == near(expected["p_two_sided"])
    assert list(found["rate_interval"].values()) == near(expected["ci95_newcombe"])
    assert list(found["rate_interval_wald"].values()) == near(expected["ci95_wald"])
    assert list(found["lift_interval"].values()) == near(expected["rel_lift_ci95_katz"])
    assert found["n_incremental"] == near(expected["incremental_conversions"])


def check_money(found, expected):
    assert found["arm"]["revenue_per_head_minor"] / 100 == near(expected["mean_treat"])
    assert found["revenue_difference_minor"] / 100 == near(expected["diff"])
    assert found["revenue_lift"] == near(expected["rel_lift"])
    assert found["revenue_t"] == near(expected["welch_t"])
    assert found["revenue_p"] == near(expected["p_two_sided"])
    ends = [end / 100 for end in found["revenue_interval_minor"].values()]
    assert ends == near(expected["ci95"])
    assert found["incremental_revenue_minor"] / 100 == near(expected["incremental_revenue"])


def test_the_result_of_a_published_campaign_equals_the_reference(shop, reference):
    # One import serves all checks: it takes longer than they do.
    check_arms(reference)
    check_orders(reference)
    check_visits(reference)
    check_words()


def check_arms(reference):
    assert Assignment.objects.count() == 2 * 64_000
    found = json.loads(command("result", "spring", "--json"))
    expected = reference["arms"][HOLDOUT]
    assert found["holdout"]["n"] == expected["n"]
    assert found["holdout"]["n_conversions"] == expected["conversions"]
    assert found["holdout"]["revenue_minor"] == round(expected["spend"] * 100)
    assert found["holdout"]["rate"] == near(expected["conversion_rate"])
    assert found["split"]["p"] == near(reference["srm_equal"]["p"])
    assert not found["split"]["is_broken"]


def check_orders(reference):
    found = json.loads(command("result", "spring", "--json"))
    overall = reference["Any e-mail vs none"]
    check_rates(found["overall"], overall["conversion"])
    check_money(found["overall"], overall["spend"])
    for effect, name in zip(found["variants"], VARIANTS, strict=True):
        assert effect["arm"]["name"] == name
        check_rates(effect, reference[name]["conversion"])
        check_money(effect, reference[name]["spend"])
    mens, example = found["variants"][0], reference["Mens E-Mail"]["roi_example"]
    assert mens["cost_minor"] == near(21_307 * 10)
    assert mens["profit_minor"] / 100 == near(example["incremental_profit"])
    assert mens["roi"] == near(example["roi"])


def check_visits(reference):
    found = json.loads(command("result", "spring-visits", "--json"))
    check_rates(found["overall"], reference["Any e-mail vs none"]["visit"])
    for effect, name in zip(found["variants"], VARIANTS, strict=True):
        check_rates(effect, reference[name]["visit"])


def check_words():
    campaign = Campaign.objects.get(key="spring")
    assert campaign.state == "finished"
    said = verdict(result(campaign, clock.now()))
    assert said.kind is Kind.WORKED
    assert "Mens E-Mail" in command("result", "spring")
    assert "spring-visits" in command("list")
