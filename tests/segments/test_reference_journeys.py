"""Two real shops day by day: sizes, entries and exits of segments are the published ones."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pusula.lake.as_of import AsOf
from pusula.lib import clock
from pusula.orders.models import Order
from pusula.segments import catalog, history
from pusula.segments.language import parse, read_yaml
from pusula.sources.actions import run_import

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

SHOP = """
source = "shop"
[file]
time_zone = "UTC"
[columns]
source_id = "invoice"
profile_key = "customer_id"
ordered_at = "invoice_date"
line_no = "line_no"
item_name = "description"
quantity = "quantity"
unit_price = "unit_price"
region = "country"
[constants]
status = "completed"
currency = "GBP"
[filter]
invoice = { not_starts = "C" }
[rates]
GBP = 1
"""
MARKET = """
source = "market"
[file]
time_zone = "UTC"
[columns]
source_id = "basket_id"
profile_key = "household_id"
ordered_at = "at"
net_amount = "total"
[constants]
status = "completed"
currency = "GBP"
[rates]
GBP = 1
"""
DEFINITIONS = """
repeat-365:
  orders: {count: {at_least: 2}, within: {last: 365 days}}
active-7d:
  orders: {count: {at_least: 1}, within: {last: 7 days}}
lapsing-30-90:
  all:
    - orders: {count: {at_least: 1}, within: {between: [90 days ago, 30 days ago]}}
    - orders: {count: {is: 0}, within: {last: 30 days}}
high-value-180:
  orders: {sum: net_amount, is: {at_least: 1000 GBP}, within: {last: 180 days}}
basket-20pct-above-average:
  orders: {avg: net_amount, is: {of_row_mean: {at_least: 1.2}}}
german-active-7d:
  all:
    - orders: {count: {at_least: 1}, where: {region: {is: germany}}}
    - segment: active-7d
christmas-60d:
  items: {count: {at_least: 1}, where: {name: {contains: CHRISTMAS}}, within: {last: 60 days}}
"""
OF_MARKET = 5  # the definitions that the second shop's reference has, from the first on


@pytest.fixture
def reference(shared_data):
    return json.loads((shared_data / "reference_journeys.json").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def _company(settings):
    settings.PUSULA = replace(settings.PUSULA, currency="GBP", time_zone="UTC")


def bring(table, mapping, folder):
    pq.write_table(table, folder / "orders.parquet")
    (folder / "map.toml").write_text(mapping, encoding="utf-8")
    report = run_import("orders", folder / "orders.parquet", folder / "map.toml")
    assert report.n_rejected == 0


def definitions(n=None):
    stated = list(read_yaml(DEFINITIONS).items())[:n]
    schema = catalog.schema()
    return {
        key: parse({"segment": key, "title": {"tr": key, "en": key}, "where": where}, schema)
        for key, where in stated
    }


def found(asked, expected):
    """Return [members, entered, left] by segment and day as the reference writes them."""
    days = [dt.date.fromisoformat(day) for day in next(iter(expected.values()))]
    # The day before is where the first day's entries and exits start from.
    moments = [clock.start_of(day, "UTC") for day in [days[0] - dt.timedelta(days=1), *days]]
    counted = history.counts(asked, moments, known_at=clock.now())
    return {
        key.replace("-", "_"): {
            str(day): list(count[1:]) for day, count in zip(days, each[1:], strict=True)
        }
        for key, each in counted.items()
    }


def test_a_gift_shops_segments_on_91_days_are_the_published_ones(reference, shared_data, tmp_path):
    lines = pq.read_table(shared_data / "online_retail.parquet")
    is_sale = pc.and_(pc.is_valid(lines["customer_id"]), pc.greater(lines["quantity"], 0))
    bring(lines.filter(is_sale), SHOP, tmp_path)
    assert Order.objects.count() == reference["orders"]["orders"]

    expected = reference["daily_segments"]["days"]
    asked = definitions()
    assert found(asked, expected) == expected
    # One moment alone, and the present tables at that moment, say the same.
    at = clock.from_datetime(dt.datetime(2011, 10, 15, tzinfo=dt.UTC))
    alone = history.members_at(asked, AsOf(at, clock.now()))
    assert {key.replace("-", "_"): len(ids) for key, ids in alone.items()} == {
        key: days["2011-10-15"][0] for key, days in expected.items()
    }


def test_a_supermarkets_segments_on_61_days_are_the_published_ones(
    reference, shared_data, tmp_path
):
    lines = pq.read_table(shared_data / "cj_transactions.parquet")
    baskets = lines.group_by(["household_id", "basket_id"]).aggregate(
        [("sales_value", "sum"), ("transaction_timestamp", "min")]
    )
    table = pa.table(
        {
            "basket_id": baskets["basket_id"].cast(pa.string()),
            "household_id": baskets["household_id"].cast(pa.string()),
            "at": baskets["transaction_timestamp_min"].cast(pa.timestamp("us"), safe=False),
            "total": pc.round(baskets["sales_value_sum"], 2),
        }
    )
    bring(table, MARKET, tmp_path)
    expected = reference["cj_even_daily_segments"]["days"]
    assert found(definitions(OF_MARKET), expected) == expected
