"""A shoe retailer's totals through the public commands: both orders of ties, two campaign lists."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from pusula.ops.imports import import_
from pusula.ops.rfm import rfm
from pusula.ops.run import run
from pusula.ops.segments import segments
from pusula.rfm import moves
from pusula.rfm.models import RfmRun

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
MAP = Path(__file__).parent.parent / "maps" / "flo.toml"
ORDERS = """
source = "flo"
[file]
time_zone = "Europe/Istanbul"
[columns]
source_id = "order"
profile_key = "master_id"
ordered_at = "on"
net_amount = "amount"
[constants]
status = "completed"
currency = "TRY"
"""
CASES = {
    "case1_loyal_or_champion_and_KADIN": {
        "all": [
            {"trait": {"rfm_group": {"in": ["loyal_customers", "champions"]}}},
            {"trait": {"categories": {"contains": "KADIN"}}},
        ]
    },
    "case2_cantloose_atrisk_new_and_ERKEK_or_COCUK": {
        "all": [
            {"trait": {"rfm_group": {"in": ["cant_loose", "at_risk", "new_customers"]}}},
            {"any": [{"trait": {"categories": {"contains": c}}} for c in ("ERKEK", "COCUK")]},
        ]
    },
}


@pytest.fixture(scope="module")
def reference(shared_data):
    return json.loads((shared_data / "reference_rfm.json").read_text(encoding="utf-8"))[
        "flo_classic"
    ]


def pusula(command, *words: object) -> str:
    told = CliRunner().invoke(command, [str(word) for word in words])
    assert told.exit_code == 0, (told.output, told.exception)
    return told.stdout


def orders_of(totals: pa.Table) -> pa.Table:
    """Return orders whose sums are the totals: the last one is of the last day and of all money."""
    columns: dict[str, list[object]] = {"order": [], "master_id": [], "on": [], "amount": []}
    for row in totals.to_pylist():
        n = int(row["order_num_total_ever_online"] + row["order_num_total_ever_offline"])
        spent = row["customer_value_total_ever_online"] + row["customer_value_total_ever_offline"]
        for number in range(1, n + 1):
            is_last = number == n
            columns["order"].append(f"{row['row_no']}-{number}")
            columns["master_id"].append(row["master_id"])
            columns["on"].append(str(row["last_order_date" if is_last else "first_order_date"]))
            columns["amount"].append(f"{spent if is_last else 0:.2f}")
    return pa.table(columns)


@pytest.fixture
def shop(shared_data, tmp_path):
    """The customers with their traits, then orders that come to their totals."""
    file = shared_data / "flo_20k.parquet"
    pusula(import_, "profiles", file, "--map", MAP, "--defer")
    orders, mapping = tmp_path / "orders.parquet", tmp_path / "orders.toml"
    pq.write_table(orders_of(pq.read_table(file)), orders)
    mapping.write_text(ORDERS, encoding="utf-8")
    pusula(import_, "orders", orders, "--map", mapping, "--defer")


def test_ties_and_campaign_lists_are_those_of_the_reference(shop, reference, tmp_path):
    for ties, expected in (
        ("profile_key", reference["ties_by_master_id"]),
        ("file_order", reference["ties_by_file_order"]),
    ):
        rules = tmp_path / f"{ties}.toml"
        rules.write_text(f'ties = "{ties}"\n', encoding="utf-8")
        found = json.loads(pusula(rfm, "run", "--as-of", "2021-06-01", "--config", rules, "--json"))
        assert found["n_profiles"] == reference["customers"]
        check_groups(found["groups"], expected["segments"])
    check_who_differs(reference["customers_whose_segment_differs_between_the_two"])
    check_lists(reference, tmp_path / "segments")


def check_groups(found, expected):
    assert {group["name"]: group["n"] for group in found} == {
        name: row["customers"] for name, row in expected.items()
    }
    for group in found:
        wanted = expected[group["name"]]
        assert group["recency_mean"] == pytest.approx(wanted["recency_mean"], abs=1e-3)
        assert group["frequency_mean"] == pytest.approx(wanted["frequency_mean"], abs=1e-3)
        assert group["revenue_minor"] / 100 == pytest.approx(wanted["monetary_sum"], rel=1e-6)
        mean = group["monetary_mean_minor"] / 100
        assert mean == pytest.approx(wanted["monetary_mean"], abs=1e-3)


def check_who_differs(expected):
    """Two runs of one day lie no days apart, so no command compares them."""
    by_key, by_file = RfmRun.objects.filter(as_of_on=date(2021, 6, 1)).order_by("pk")
    flows = moves.transitions(by_key, by_file)
    assert sum(flow.n for flow in flows if flow.before != flow.after) == expected


def check_lists(reference, folder):
    folder.mkdir()
    for name, where in CASES.items():
        key = name.partition("_")[0]
        document = {"segment": key, "title": {"en": name, "tr": name}, "where": where}
        (folder / f"{key}.yaml").write_text(json.dumps(document), encoding="utf-8")
    pusula(segments, "apply", folder, "--yes", "--no-history", "--later")
    pusula(run)
    sizes = {
        one["segment"]: one["n_members"] for one in json.loads(pusula(segments, "list", "--json"))
    }
    for name in CASES:
        assert sizes[name.partition("_")[0]] == reference[name]
