"""A real shop's year through the public commands: every published figure comes out."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from pusula.ops.imports import import_
from pusula.ops.rfm import rfm

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
MAP = Path(__file__).parent.parent / "maps" / "online_retail.toml"
DROP = '[orders]\nreturns = "drop"\n'
CLASSIC = DROP
WITH_RETURNS = '[orders]\nreturns = "count"\n[monetary]\nabove_zero = false\n'
MONTHLY = f'{DROP}[recency]\nmeasure = "calendar_days"\n'
SEED = f"look_back_months = 12\n{MONTHLY}cuts = [30, 90, 180]\n[pool]\n"
POOLS = {
    "all_buyers_in_lookback": "",
    "ge4_orders_in_lookback": "min_orders = 4\n",
    "ge4_orders_and_order_in_last_90d": "min_orders = 4\nordered_within_days = 90\n",
}
# Prices of a tenth of a penny are rounded to pennies line by line.
PENNIES = {"rel": 1e-4}


@pytest.fixture(scope="module")
def reference(shared_data):
    return json.loads((shared_data / "reference_rfm.json").read_text(encoding="utf-8"))


@pytest.fixture
def shop(shared_data, settings, tmp_path):
    """The whole file, returns included, as the command brings it."""
    settings.PUSULA_LAKE = str(tmp_path / "lake")
    settings.PUSULA = replace(settings.PUSULA, currency="GBP", time_zone="Europe/London")
    file = shared_data / "online_retail.parquet"
    told = CliRunner().invoke(import_, ["orders", str(file), "--map", str(MAP), "--json"])
    assert told.exit_code == 0, told.output


def pusula_rfm(*words: object) -> str:
    """Return what ``pusula rfm`` prints."""
    told = CliRunner().invoke(rfm, [str(word) for word in words])
    assert told.exit_code == 0, told.output
    return told.stdout


def asked(*words: object):
    return json.loads(pusula_rfm(*words, "--json"))


def test_the_figures_of_a_real_shop_are_the_published_ones(shop, reference, tmp_path):
    # One import serves all recipes: it takes longer than they do.
    file = tmp_path / "rules.toml"

    def rules(text: str) -> Path:
        file.write_text(text, encoding="utf-8")
        return file

    check_classic(rules(CLASSIC), reference["online_retail_classic"])
    check_with_returns(rules(WITH_RETURNS), reference["online_retail_with_returns"])
    recipe = reference["online_retail_seed_recipe"]
    assert set(POOLS) == set(recipe["pools"])
    for name, pool in POOLS.items():
        check_seed(rules(SEED + pool), name, recipe["pools"][name])
    months = reference["online_retail_monthly_transitions"]
    check_backfill(rules(MONTHLY), months["sizes"])
    check_months(file, months)
    check_quarters(file, reference["online_retail_quarterly_transitions"])
    check_paths(file, months)


def check_groups(found, expected, *, later=0):
    assert {g["name"]: g["n"] for g in found} == sizes(expected)
    for group in found:
        wanted = expected[group["name"]]
        assert group["recency_mean"] == pytest.approx(wanted["recency_mean"] + later, abs=1e-3)
        assert group["frequency_mean"] == pytest.approx(wanted["frequency_mean"], abs=1e-3)
        assert group["revenue_minor"] / 100 == pytest.approx(wanted["monetary_sum"], **PENNIES)
        mean = group["monetary_mean_minor"] / 100
        assert mean == pytest.approx(wanted["monetary_mean"], **PENNIES)


def sizes(segments) -> dict[str, int]:
    return {name: row["customers"] for name, row in segments.items()}


def pounds(edges):
    return [edge / 100 for edge in edges]


def check_classic(file, expected):
    arguments = ("--as-of", "2011-12-11", "--config", file)
    found = asked("run", *arguments)
    assert found["n_profiles"] == expected["customers"]
    check_groups(found["groups"], expected["segments"])
    assert asked("run", *arguments, "--from-lake") == found
    assert found["edges"]["recency"] == pytest.approx(expected["edges"]["recency"])
    assert pounds(found["edges"]["monetary"]) == pytest.approx(
        expected["edges"]["monetary"], **PENNIES
    )
    for customer, spot in expected["spot"].items():
        [now] = asked("history", f"shop:{customer}", "--on", "2011-12-11")["runs"]
        assert now["group"] == spot["segment"]
        assert now["scores"] == "-".join((spot["R"], spot["F"], spot["M"]))


def check_with_returns(file, expected):
    # The notebook looked from the start of the last day and counted that day's orders all the same,
    # some as -1 days old. We look from its end: everything is a day older, and the same.
    found = asked("run", "--as-of", "2011-12-10", "--config", file)
    assert found["n_profiles"] == expected["customers"]
    check_groups(found["groups"], expected["segments"], later=1)
    assert {g["name"]: g["n"] for g in found["groups"]} == expected["published"]["counts"]


def check_seed(file, name, expected):
    found = asked("run", "--as-of", "2011-12-10", "--config", file)
    assert found["n_profiles"] == expected["customers"]
    assert found["edges"]["recency"] == [30, 90, 180]
    assert found["edges"]["frequency"] == pytest.approx(expected["F_edges"])
    assert pounds(found["edges"]["monetary"]) == pytest.approx(expected["M_edges"], **PENNIES)
    assert found["cube"] == expected["cube"]
    by_r: Counter[str] = Counter()
    for code, n in found["cube"].items():
        by_r[code[1]] += n
    assert by_r == expected["R_counts"]
    contradicts = "pool_contradicts_cuts" in {w["code"] for w in found["warnings"]}
    assert contradicts == (name == "ge4_orders_and_order_in_last_90d")


def check_backfill(file, expected):
    """The months are made once; asked again, nothing is made."""
    given = ("--from", "2011-04-01", "--to", "2011-12-01", "--every", "month", "--config", file)
    made = asked("backfill", *given)
    assert [run["as_of_on"] for run in made["made"]] == list(expected)
    assert [run["n"] for run in made["made"]] == [sum(n.values()) for n in expected.values()]
    again = asked("backfill", *given)
    assert (again["made"], again["kept"]) == ([], list(expected))


def steps(file, first, last, *more):
    return asked("transitions", "--from", first, "--to", last, "--config", file, *more)["steps"]


def named(step) -> dict[str, int]:
    return {f"{f['before'] or '(none)'}>{f['after']}": f["n"] for f in step["flows"]}


def filled(found: dict[str, int]) -> dict[str, int]:
    return {group: n for group, n in found.items() if n}


def check_months(file, expected):
    found = steps(file, "2011-04-01", "2011-12-01", "--every", "month")
    flows = {f"{step['before']}->{step['after']}": named(step) for step in found}
    assert flows == expected["transitions"]
    for key in ("champions>at_risk", "champions>loyal_customers", "loyal_customers>at_risk"):
        told = key.replace(">", "_to_").replace("_customers", "")
        assert {days: flow.get(key, 0) for days, flow in flows.items()} == expected[told]
    for step in found:
        assert filled(step["sizes"]["before"]) == expected["sizes"][step["before"]]
        assert filled(step["sizes"]["after"]) == expected["sizes"][step["after"]]
        check_impossible(step)
        assert barred(step)["champions", "at_risk"] == "too_soon"
    check_csv(file, expected["transitions"]["2011-11-01->2011-12-01"])


def barred(step) -> dict[tuple[str, str], str]:
    return {(why["before"], why["after"]): why["reason"] for why in step["impossible"]}


def check_impossible(step):
    """Nobody made a step that the limits call impossible."""
    went = {(flow["before"], flow["after"]) for flow in step["flows"]}
    assert went.isdisjoint(barred(step))


def check_csv(file, expected):
    text = pusula_rfm("transitions", "--from", "2011-11-01", "--to", "2011-12-01",
                      "--config", file, "--csv")  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 11 * 10
    told = {
        f"{row['from_group'] or '(none)'}>{row['to_group']}": int(row["customers"]) for row in rows
    }
    assert filled(told) == expected


def check_quarters(file, expected):
    for days, flows in expected["transitions"].items():
        [step] = steps(file, *days.split("->"))
        found = named(step)
        assert found == flows
        assert found["champions>at_risk"] == expected["champions_to_at_risk"][days]
        assert found["champions>cant_loose"] == expected["champions_to_cant_loose"][days]
        check_impossible(step)
        assert ("champions", "at_risk") not in barred(step)


def check_paths(file, expected):
    """Summed up over the months between, paths are the moves of the quarter; movers are they."""
    days = ("--from", "2011-09-01", "--to", "2011-12-01", "--every", "month", "--config", file)
    found = asked("paths", *days, "--most", 10_000)
    assert found["runs"] == ["2011-09-01", "2011-10-01", "2011-11-01", "2011-12-01"]
    for place, day in enumerate(found["runs"]):
        at_the_time: Counter[str] = Counter()
        for path in found["paths"]:
            if path["groups"][place]:
                at_the_time[path["groups"][place]] += path["n"]
        assert at_the_time == expected["sizes"][day]
    [step] = steps(file, "2011-09-01", "2011-12-01")
    lost = asked("paths", *days, "--first", "champions", "--last", "at_risk")
    assert lost["n"] == named(step)["champions>at_risk"] == 72
    way = lost["paths"][0]
    stops = [f"{day}={group}" for day, group in zip(lost["runs"], way["groups"], strict=True)]
    assert asked("movers", *stops, "--config", file)["n"] == way["n"]
