"""Whole real data sets come in with small mapping files, and nothing is lost on the way."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from django.db.models import Count, Sum

from pusula.events.models import Event
from pusula.orders.models import Order, OrderItem
from pusula.profiles.models import Identifier, Profile, Trait

pytestmark = pytest.mark.django_db


@pytest.mark.slow
def test_half_a_million_lines_of_a_shop_become_its_orders(bring, shared_data, maps):
    file, mapping = shared_data / "online_retail.parquet", maps / "online_retail.toml"

    report = bring("orders", file, mapping)

    assert (report.n_rows, report.n_new, report.n_rejected) == (541_909, 22_190, 0)
    assert report.n_filtered == 135_080, "sales without a customer"
    assert Profile.objects.count() == len(report.touched) == 4_372
    assert OrderItem.objects.count() == 406_829
    sold = pq.read_table(file, columns=["customer_id", "quantity", "unit_price", "invoice"])
    sold = sold.filter(pc.is_valid(sold["customer_id"]))
    amounts = pc.multiply(sold["quantity"], sold["unit_price"])
    expected = sold.append_column("amount", amounts).group_by("customer_id")
    expected = expected.aggregate([("amount", "sum"), ("invoice", "count_distinct")]).to_pylist()
    stored = Profile.objects.annotate(net=Sum("orders__net_minor"), n=Count("orders"))
    found = {key: sums for key, *sums in stored.values_list("identifiers__value", "net", "n")}
    for customer in expected:
        net, n = found[f"shop:{customer['customer_id']}"]
        assert n == customer["invoice_count_distinct"]
        assert net / 100 == pytest.approx(customer["amount_sum"], abs=0.02)
    buyers = Order.objects.exclude(source_id__startswith="C").values("profile").distinct()
    reference = json.loads((shared_data / "reference_rfm.json").read_text())
    classic = reference["online_retail_classic"]
    assert buyers.count() == classic["customers_before_monetary_filter"]

    again = bring("orders", file, mapping)
    assert (again.n_new, again.n_changed, again.n_same) == (0, 0, 22_190)


def test_purchases_without_numbers_become_one_order_a_customer_and_day(bring, shared_data, maps):
    file = shared_data / "cdnow_sample.parquet"
    report = bring("orders", file, maps / "cdnow.toml")
    sold = pq.read_table(file)
    days = sold.group_by(["customer_id", "date"]).aggregate([]).num_rows
    assert (report.n_rows, report.n_new, report.n_rejected) == (6_919, days, 0)
    assert Profile.objects.count() == 2_357
    total = Order.objects.aggregate(total=Sum("net_minor"))["total"]
    assert total == round(pc.sum(sold["dollars"]).as_py() * 100)


def test_ready_totals_of_customers_become_traits(bring, shared_data, maps):
    file = shared_data / "flo_20k.parquet"
    report = bring("profiles", file, maps / "flo.toml")
    assert (report.n_rows, report.n_new, report.n_rejected) == (19_945, 19_945, 0)
    spent = Trait.objects.filter(name__in=["value_online", "value_offline"])
    table = pq.read_table(file)
    columns = ("customer_value_total_ever_online", "customer_value_total_ever_offline")
    assert spent.aggregate(total=Sum("number"))["total"] == pytest.approx(
        sum(pc.sum(table[column]).as_py() for column in columns)
    )
    # The order of the file is the order of the profiles: ties are broken by it.
    keys = Identifier.objects.order_by("profile_id").values_list("value", flat=True)
    assert list(keys) == [f"flo:{master_id}" for master_id in table["master_id"].to_pylist()]


@pytest.mark.slow
def test_an_experiments_customers_come_in_with_what_was_known_of_them(bring, shared_data, maps):
    file = shared_data / "hillstrom.parquet"
    report = bring("profiles", file, maps / "hillstrom.toml")
    assert (report.n_new, report.n_rejected, len(report.touched)) == (64_000, 0, 64_000)
    arms = Trait.objects.filter(name="arm").values_list("text").annotate(Count("id"))
    table = pq.read_table(file)["segment"].value_counts().to_pylist()
    assert dict(arms) == {row["values"]: row["counts"] for row in table}


def test_a_click_stream_becomes_events(bring, shared_data, maps):
    file = shared_data / "clickstream_synthetic.parquet"
    report = bring("events", file, maps / "clickstream.toml")
    assert (report.n_new, report.n_rejected) == (31_106, 0)
    assert Profile.objects.count() == 600
    names = Event.objects.values_list("name").annotate(Count("id"))
    table = pq.read_table(file)
    assert dict(names) == {
        row["values"]: row["counts"] for row in table["event"].value_counts().to_pylist()
    }
    first = Event.objects.order_by("at").first()
    assert set(first.properties) == {"platform", "session", "acquisition"}


def test_a_names_hash_that_thousands_share_merges_nobody(bring, shared_data):
    mapping = """
    source = "pms"
    [columns]
    profile_key = "ID"
    [traits]
    document = "DocIDHash"
    nights = { column = "RoomNights", type = "number" }
    """
    file = shared_data / "hotel_guests_lisbon.parquet"
    report = bring("profiles", file, mapping)
    ids = np.unique(pq.read_table(file)["ID"].to_numpy())
    assert report.n_new == Profile.objects.count() == len(ids)
