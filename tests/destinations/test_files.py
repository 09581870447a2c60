"""The files for analysts say what the database says, whoever reads them."""

from __future__ import annotations

import csv
import datetime as dt
import json
from decimal import Decimal

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
from django.db.models import Sum
from tests.web import company as made_up

from pusula.consent import relations as consents
from pusula.destinations.bi import catalog, exporting, reading, tables
from pusula.destinations.models import BiFolder
from pusula.events.models import Event
from pusula.lib import clock, money
from pusula.orders import machine
from pusula.orders.models import Order, OrderItem
from pusula.outbox.models import Message, Receipt
from pusula.profiles.models import Profile, Score
from pusula.segments.models import Membership

pytestmark = pytest.mark.django_db


def read(folder, name):
    return duckdb.sql(f"from '{folder / name}.parquet'").fetchall()


def one(folder, sql):
    return duckdb.sql(sql.format(f=folder)).fetchall()[0]


def test_totals_are_those_of_the_database(written):
    alive = Order.objects.filter(status__in=machine.ALIVE)
    told = one(
        written, "select sum(n_orders), sum(revenue), count(*) from '{f}/master_table.parquet'"
    )
    net = alive.aggregate(net=Sum("net_base_minor"))["net"]
    assert told == (alive.count(), money.from_minor(net, "TRY"), Profile.objects.count())
    counts = {
        "orders": Order, "order_items": OrderItem, "events": Event, "messages": Message,
        "receipts": Receipt, "memberships": Membership,
    }  # fmt: skip
    for name, model in counts.items():
        assert one(written, f"select count(*) from '{{f}}/{name}.parquet'") == (
            model.objects.count(),
        )


def test_each_order_has_its_amount_in_its_own_currency_and_the_days_of_the_company(written):
    frame = pd.read_parquet(written / "orders.parquet").set_index("order_id")
    for order in Order.objects.all():
        row = frame.loc[order.pk]
        assert row["net"] == money.from_minor(order.net_minor, order.currency)
        assert row["net_company"] == Decimal(order.net_base_minor) / 100
        assert row["ordered_at"] == clock.to_datetime(order.ordered_at)
        local = clock.to_datetime(order.ordered_at, "Europe/Istanbul").replace(tzinfo=None)
        assert row["ordered_local"] == local
        assert row["is_alive"] == (order.status in machine.ALIVE)


def test_each_customer_has_what_is_known_of_them(written, company):
    frame = pd.read_parquet(written / "master_table.parquet").set_index("profile_id")
    assert frame.index.is_monotonic_increasing
    who = company.elif_
    row = frame.loc[who.pk]
    own = Order.objects.filter(profile=who, status__in=machine.ALIVE)
    assert row["n_orders"] == own.count() == 8
    assert row["n_cancelled"] == 1
    newest = own.order_by("-ordered_at").first()
    assert row["last_order_at"] == clock.to_datetime(newest.ordered_at)
    assert (row["rfm_group"], row["trait_city"]) == ("champions", "Bursa")
    assert row["trait_birth_date"] == dt.date(1992, 4, 8)
    assert row["consent_email_marketing"] == "granted"
    assert row["consent_call_marketing"] == "refused"
    assert row["rfm_as_of_on"] == made_up.day(21)
    score = Score.objects.filter(profile=who, model="churn").order_by("-scored_at").first()
    assert row["score_churn"] == score.value
    assert row["score_churn_decile"] == score.decile
    assert row["in_repeat_guests"]
    members = Membership.objects.filter(segment__key="lapsing", left_at=None).count()
    assert frame["in_lapsing"].sum() == members
    clicks = Receipt.objects.filter(message__profile=who, is_machine=False).latest("at")
    assert row["last_click_at"] == clock.to_datetime(clicks.at)
    for channel in ("email", "sms"):
        sent = Message.objects.filter(state="sent", channel=channel).count()
        assert frame[f"last_{channel}_at"].count() == sent > 0
    reached = consents.reach(frame.index.to_numpy(), [("email", "marketing")])
    assert frame["reach_email"].to_list() == reached["state"].to_pylist()


def test_nobody_is_named_unless_it_is_asked_for(written, home):
    words = ("Doğan", "elif.dogan@example.com", "+905321234541", "M000001", "R0000001")
    # Remarks in free text are nobody's business either; what a few people share is a category.
    for file in sorted(written.glob("*.parquet")):
        text = str(pq.read_table(file).to_pydict())
        assert not [word for word in (*words, "arayın") if word in text], file
    exporting.run(home / "bi", with_identifiers=True)
    text = str(pq.read_table(written / "master_table.parquet").to_pydict())
    assert "elif.dogan@example.com" in text
    assert "+905321234541" in text


def test_a_customer_counts_once_however_small_the_blocks_are(written, home, monkeypatch):
    whole = {name: read(written, name) for name in catalog.NAMES}
    monkeypatch.setattr(reading, "SPAN", 7)
    exporting.run(home / "bi")
    assert {name: read(written, name) for name in catalog.NAMES} == whole


def test_csv_says_the_same_and_no_spreadsheet_takes_a_text_for_a_formula(written, home):
    exporting.run(home / "csv", kind="csv", has_bom=True)
    for name in catalog.NAMES:
        bytes_ = (home / "csv" / f"{name}.csv").read_bytes()
        assert bytes_.startswith(b"\xef\xbb\xbf")
        assert bytes_.count(b"\n") == bytes_.count(b"\r\n")
    with (home / "csv" / "order_items.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["name"] for row in rows} == {"'=oda"}
    amounts = {row[0]: row[1] for row in duckdb.sql(
        f"select order_id, amount from '{written}/order_items.parquet'").fetchall()}  # fmt: skip
    assert {int(row["order_id"]): Decimal(row["amount"]) for row in rows} == amounts
    with (home / "csv" / "events.csv").open(encoding="utf-8-sig", newline="") as file:
        sources = {row["source"] for row in csv.DictReader(file)}
    assert 'say "hi", there' in sources
    told = duckdb.sql(
        f"select sum(revenue) from read_csv('{home}/csv/master_table.csv')"
    ).fetchall()[0]
    parquet = one(written, "select sum(revenue) from '{f}/master_table.parquet'")
    assert told[0] == pytest.approx(float(parquet[0]))


def test_the_dictionary_says_what_is_really_in_the_files(written):
    document = json.loads((written / "dictionary.json").read_text())
    assert [table["name"] for table in document["tables"]] == list(catalog.NAMES)
    for table in document["tables"]:
        told = [(column["name"], column["type"]) for column in table["columns"]]
        schema = pq.read_schema(written / f"{table['name']}.parquet")
        assert told == [(field.name, str(field.type)) for field in schema]
        seen = duckdb.sql(f"describe from '{written}/{table['name']}.parquet'").fetchall()
        assert [row[0] for row in seen] == [name for name, _type in told]
        for column in table["columns"]:
            assert column["source"]
            for language in ("tr", "en"):
                assert column["meaning"][language]
    for language in ("tr", "en"):
        page = (written / f"dictionary.{language}.html").read_text()
        text = (written / f"dictionary.{language}.md").read_text()
        for table in document["tables"]:
            for column in table["columns"]:
                assert f"<code>{column['name']}</code>" in page
                assert f"`{column['name']}`" in text


def test_the_manifest_tells_the_rows_and_digests_of_the_files(written):
    manifest = json.loads((written / "manifest.json").read_text())
    for table in manifest["tables"]:
        path = written / table["file"]
        assert pq.read_metadata(path).num_rows == table["n_rows"]
        assert exporting._digest(path) == table["sha256"]


def test_an_export_that_is_stopped_leaves_the_files_of_before_and_the_next_one_clears_up(
    written, company, home, monkeypatch
):
    before = {path.name: path.read_bytes() for path in written.iterdir()}
    Order.objects.filter(profile=company.elif_).delete()
    real = reading.blocks

    def dies(table, *rest):
        if table.name == "events":
            raise KeyboardInterrupt
        return real(table, *rest)

    monkeypatch.setattr(reading, "blocks", dies)
    with pytest.raises(KeyboardInterrupt):
        exporting.run(written)
    assert {p.name: p.read_bytes() for p in written.iterdir() if p.is_file()} == before
    monkeypatch.setattr(reading, "blocks", real)
    exporting.run(written, kind="csv")
    assert not (written / ".new").exists()
    assert {path.suffix for path in written.iterdir()} == {".csv", ".json", ".md", ".html"}


def test_a_folder_that_cannot_be_written_is_said_and_remembered(company, home):
    (home / "bi").write_text("a file")
    with pytest.raises(exporting.BiError, match="cannot be written"):
        exporting.run(home / "bi")
    assert "cannot be written" not in BiFolder.objects.get().error
    assert BiFolder.objects.get().error


def test_words_from_outside_become_names_that_every_program_takes():
    names = tables.Names({"trait_city"})
    assert names.of("trait_", "city") == "trait_city_2"
    assert names.of("trait_", "İl / Şehir") == "trait_il_sehir"
    assert names.of("trait_", "ığüşöç") == "trait_igusoc"
    assert names.of("trait_", "日本") == "trait_x"
    long = [names.of("trait_", "a" * 90) for _ in range(3)]
    assert len(set(long)) == 3
    assert max(map(len, long)) <= 60


@pytest.mark.parametrize("zone", ["Europe/Istanbul", "America/New_York", "Asia/Kolkata"])
def test_wall_times_are_those_of_the_clock_at_every_change_of_it(zone):
    moments = [at + step for at, _by in clock.shifts(zone)[1:] for step in (-1, 0, 1)]
    for moment in moments:
        shift = [by for at, by in clock.shifts(zone) if at <= moment][-1]
        shown = clock.to_datetime(moment + shift).replace(tzinfo=None)
        assert shown == clock.to_datetime(moment, zone).replace(tzinfo=None)
