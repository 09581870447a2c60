"""Journeys replayed over imported histories equal a reference that knows nothing of our code.

Files come in by ``pusula import``, figures out by ``pusula journeys backtest --json``.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner
from django.utils import translation
from tests.sources.conftest import MAPS

from pusula.ops.main import cli

pytestmark = pytest.mark.django_db(databases=["default", "log"])
TITLE = {"tr": "Deneme", "en": "Trial"}
ORDERS = """
source = "shop"
[file]
time_zone = "UTC"
[columns]
source_id = "invoice"
profile_key = "customer"
ordered_at = "at"
net_amount = "total"
[constants]
status = "completed"
currency = "TRY"
"""
PEOPLE = """
source = "{source}"
[columns]
profile_key = "customer"
email = "email"
"""
GRANTS = """
source = "{source}"
[file]
time_zone = "UTC"
[columns]
profile_key = "customer"
decided_at = "at"
[constants]
channel = "email"
purpose = "marketing"
status = "granted"
evidence = "form"
"""


@pytest.fixture
def pusula(settings, tmp_path):
    """Return a function that types a ``pusula`` command with texts as files; a company in UTC."""
    settings.PUSULA_HOME = tmp_path / "home"
    settings.PUSULA = replace(settings.PUSULA, time_zone="UTC")

    def typed(*words, **files):
        for name, content in files.items():
            (tmp_path / name.replace("__", ".")).write_text(content, encoding="utf-8")
        with translation.override("en"):
            asked = [str(tmp_path / w[1:]) if w.startswith("@") else w for w in words]
            done = CliRunner().invoke(cli, asked, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    return typed


@pytest.fixture
def reachable(pusula, tmp_path):
    """Return a function that gives customers an e-mail address and a consent of 2010."""

    def reach(source, customers):
        keys = pa.array(customers, pa.string())
        emails = pc.binary_join_element_wise(keys, "example.com", "@")
        at = pa.array(["2010-11-01 00:00:00"] * len(keys))
        pq.write_table(
            pa.table({"customer": keys, "email": emails, "at": at}), tmp_path / "people.parquet"
        )
        pusula("import", "profiles", "@people.parquet", "--map", "@p.toml", "--defer",
               p__toml=PEOPLE.format(source=source))  # fmt: skip
        pusula("import", "consents", "@people.parquet", "--map", "@c.toml", "--defer",
               c__toml=GRANTS.format(source=source))  # fmt: skip

    return reach


def journey(key, steps, **parts):
    return yaml.safe_dump({"journey": key, "title": TITLE, "holdout": 0, "steps": steps, **parts})


def mail(step):
    return {"id": step, "message": {"ways": [{"channel": "email", "template": "t"}]}}


def wait(step, length):
    return {"id": step, "wait": {"for": length}}


def cart(length):
    return journey(
        "cart", [wait("timer", length), mail("mail")], reentry="restart",
        entry=[{"event": {"name": "add_to_cart"}}], exit_when=[{"event": {"name": "purchase"}}],
    )  # fmt: skip


def cap(most, window):
    return f"caps: [{{most: {most}, in: {window}}}]"


def test_cart_timers_fire_as_often_as_in_the_reference(shared_data, pusula, reachable):
    said = json.loads((shared_data / "reference_journeys.json").read_text())["clickstream"]
    file = shared_data / "clickstream_synthetic.parquet"
    log = pq.read_table(file, columns=["user_id", "timestamp"])
    end = pc.max(log["timestamp"]).as_py()
    reachable("web", log["user_id"].cast(pa.string()).unique().to_pylist())
    pusula("import", "events", str(file), "--map", str(MAPS / "clickstream.toml"), "--defer")
    for length, name in (("60 minutes", "60min"), ("24 hours", "24h")):
        expected = said[f"cart_abandonment_{name}"]
        out = pusula(
            "journeys", "backtest", "@cart.yaml", "--from", "2023-12-01",
            "--to", end.strftime("%Y-%m-%d %H:%M:%S"), "--limits", "@day.yaml", "--json",
            cart__yaml=cart(length), day__yaml=cap(1, "24h"),
        )  # fmt: skip
        (found,) = json.loads(out)["messages"]["by_step"]
        fired = (found["n_asked"], found["n_people"], found["by_month"], found["n_sent"])
        assert fired == (
            expected["fired"], expected["users"], expected["by_month"],
            expected["fired_with_reentry_limit_24h"],
        )  # fmt: skip


WELCOME = [mail("d0"), wait("w3", "72 hours"), mail("d3"), wait("w10", "168 hours"), mail("d10")]
SHOP = {
    "second": (1, "never", True, [wait("w", "336 hours"), mail("second_order_14d")]),
    "winback": (2, "restart", False, [wait("w", "720 hours"), mail("winback30")]),
    "welcome": (3, "never", True, WELCOME),
    "thanks": (4, "always", False, [wait("w", "24 hours"), mail("thanks_d1")]),
    "review": (5, "restart", False, [wait("w", "168 hours"), mail("review_d7")]),
}


def test_seven_journeys_of_a_gift_shop_send_what_the_reference_sends(
    shared_data, pusula, reachable, tmp_path
):
    said = json.loads((shared_data / "reference_journeys.json").read_text())["journeys"]["results"]
    lines = pq.read_table(shared_data / "online_retail.parquet")
    is_sale = pc.and_(pc.is_valid(lines["customer_id"]), pc.greater(lines["quantity"], 0))
    lines = lines.filter(is_sale).select(["customer_id", "invoice", "invoice_date"])
    sold = lines.group_by(["customer_id", "invoice"]).aggregate([("invoice_date", "min")])
    keys = sold["customer_id"].cast(pa.int64()).cast(pa.string())
    moments = sold["invoice_date_min"]
    at = pc.strftime(moments, "%Y-%m-%d %H:%M")
    orders = {"invoice": sold["invoice"], "customer": keys, "at": at, "total": [1] * len(sold)}
    pq.write_table(pa.table(orders), tmp_path / "orders.parquet")
    reachable("shop", keys.unique().to_pylist())
    pusula("import", "orders", "@orders.parquet", "--map", "@o.toml", "--defer", o__toml=ORDERS)
    files = {
        f"{key}__yaml": journey(
            key, steps, priority=priority, reentry=rule, entry=[{"order": {}}],
            **({"exit_when": [{"order": {}}]} if ends else {}),
        )
        for key, (priority, rule, ends, steps) in SHOP.items()
    }  # fmt: skip
    end = pc.max(moments).as_py()
    names = {"d0": "welcome_d0", "d3": "welcome_d3", "d10": "welcome_d10"}
    for most in (1, 2, 3):
        out = pusula(
            "journeys", "backtest", *(f"@{key}.yaml" for key in SHOP), "--from", "2010-12-01",
            "--to", end.strftime("%Y-%m-%d %H:%M"), "--limits", "@week.yaml", "--json",
            **files, week__yaml=cap(most, "7d"),
        )  # fmt: skip
        steps = {
            names.get(step["step"], step["step"]): step
            for found in json.loads(out)
            for step in found["messages"]["by_step"]
        }
        fired = {
            name: {"fired": s["n_asked"], "customers": s["n_people"], "by_month": s["by_month"]}
            for name, s in steps.items()
        }
        assert len(fired) == 7
        assert fired == {n: {k: said[n][k] for k in fired[n]} for n in fired}
        expected = said[f"frequency_cap_{most}_per_7_days"]
        assert {n: s["n_sent"] for n, s in steps.items() if s["n_sent"]} == expected["sent"]
        capped = {n: s["skipped"].get("capped") for n, s in steps.items() if s["skipped"]}
        assert capped == expected["suppressed"]
        assert all(set(s["skipped"]) <= {"capped"} for s in steps.values())
