"""An import is whole or nothing, may be repeated, may be tried out, and says what it did."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path

import pytest
from django.db import DatabaseError, connection
from django.forms.models import model_to_dict

from pusula.consent.models import Consent, ConsentEntry
from pusula.events.models import Event
from pusula.lake import statistics
from pusula.orders.models import Order, OrderChange, OrderItem
from pusula.profiles.models import Identifier, Profile, Trait
from pusula.sources.actions import ImportFailedError
from pusula.sources.models import Import, ImportState

pytestmark = pytest.mark.django_db

TABLES = (Profile, Identifier, Trait, Order, OrderItem, OrderChange, Event, ConsentEntry, Consent)

WHO = '[columns]\nprofile_key = "guest"\nemail = "mail"\nphone = "tel"\n'
MAPS = {
    "orders": 'source = "pms"\n' + WHO + """
source_id = "no"
status = "state"
status_at = "since"
ordered_at = "made"
net_amount = "net"
""",
    "lines": 'source = "pms"\n' + WHO + """
source_id = "no"
status = "state"
ordered_at = "made"
quantity = "n"
unit_price = "net"
""",
    "profiles": 'source = "pms"\n' + WHO + """
full_name = "name"
[traits]
city = "city"
points = { column = "n", type = "number" }
""",
    "events": 'source = "pms"\n' + WHO + """
event_id = "no"
name = "name"
at = "made"
[properties]
city = "city"
""",
    "consents": 'source = "pms"\n' + WHO + """
channel = "via"
purpose = "why"
status = "yes"
decided_at = "made"
evidence = "city"
""",
}  # fmt: skip
HEADER = ["guest", "mail", "tel", "no", "state", "since", "made", "net", "n", "name", "city",
          "via", "why", "yes"]  # fmt: skip


def anything(seed: int, n: int = 400) -> str:
    """Return a file in which people share addresses, rows repeat, and some cells are bad."""
    dice = random.Random(seed)  # noqa: S311 - a test's dice
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADER)
    for _row in range(n):
        person = dice.randrange(n // 5)
        day = f"2024-0{dice.randint(1, 9)}-{dice.randint(1, 30):02}"  # 30 February is among them
        writer.writerow([
            dice.choice(["", person, person]),
            dice.choice(["", f"p{person}@example.com", f"f{person % 7}@example.com", "yok@yok.tr"]),
            dice.choice(["", "", f"0532 {person:03} 45 6{person % 9}", "0532"]),
            dice.randrange(n // 2),
            dice.choice(["completed", "cancelled", "confirmed", "pending"]),
            dice.choice(["", "2024-09-30", day]),
            day,
            dice.choice(["10.5", "0", "-3", "7"]),
            dice.choice(["1", "2", "-1", "x"]),
            dice.choice(["Hotel Searched", "Şükrü Çağlar", "", "=cmd"]),
            dice.choice(["İzmir", "", "Muğla"]),
            dice.choice(["email", "sms", "fax"]),
            "marketing",
            dice.choice(["E", "H", "belki"]),
        ])  # fmt: skip
    return out.getvalue()


def everything() -> dict[str, list[dict[str, object]]]:
    """Return the contents of all tables."""
    return {
        model.__name__: [model_to_dict(row) for row in model.objects.order_by("pk")]
        for model in TABLES
    }


def kind_of(name: str) -> str:
    return "orders" if name == "lines" else name


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("seed", range(3))
def test_the_same_file_twice_changes_nothing(bring, name, seed):
    content = anything(seed)

    first = bring(kind_of(name), content, MAPS[name])
    before = everything()
    second = bring(kind_of(name), content, MAPS[name])

    assert first.n_new > 20
    assert first.n_rejected > 20
    assert everything() == before
    assert (second.n_new, second.n_changed) == (0, 0)
    assert len(second.touched) == 0
    assert second.n_rejected == first.n_rejected
    assert second.n_same == (
        first.n_new if name == "lines" else first.n_new + first.n_changed + first.n_same
    )


@pytest.mark.parametrize("name", [name for name in MAPS if name != "lines"])
def test_every_row_of_the_file_is_counted_once(bring, name):
    report = bring(name, anything(5), MAPS[name] + '[filter]\ncity = { not = "Muğla" }\n')
    counted = report.n_new + report.n_changed + report.n_same
    assert report.n_filtered > 50
    assert report.n_rows == 400 == counted + report.n_rejected + report.n_filtered


@pytest.mark.parametrize("name", MAPS)
def test_a_dry_run_counts_the_same_and_writes_nothing(bring, name, tmp_path):
    dry = bring(kind_of(name), anything(6), MAPS[name], dry_run=True)
    assert not any(everything().values())
    assert not Import.objects.exists()
    assert dry.import_id is None
    assert dry.reject_file == tmp_path / "home" / "imports" / "dry-run-rejected.csv"

    wet = bring(kind_of(name), anything(6), MAPS[name])

    for count in ("n_rows", "n_new", "n_changed", "n_same", "n_rejected", "n_filtered", "reasons"):
        assert getattr(dry, count) == getattr(wet, count)
    assert len(dry.touched) == len(wet.touched)


def test_the_report_names_the_profiles_that_are_not_what_they_were(bring):
    rows = ["guest,mail,tel,no,state,since,made,net", "1,,,A,completed,,2024-01-01,5",
            "2,,,B,completed,,2024-01-01,5"]  # fmt: skip
    _of_a, of_b = bring("orders", "\n".join(rows), MAPS["orders"]).touched
    rows[2] = rows[2].replace("5", "6")
    assert list(bring("orders", "\n".join(rows), MAPS["orders"]).touched) == [of_b]


def test_when_the_database_refuses_the_last_row_nothing_is_kept(bring):
    n_items = 0

    def refuse(execute, sql, params, many, context):
        nonlocal n_items
        if "orders_orderchange" in sql and "insert" in sql.lower():
            n_items += 1
            raise DatabaseError("the disk is full")
        return execute(sql, params, many, context)

    if connection.vendor != "sqlite":
        pytest.skip("COPY does not pass the wrapper")
    with connection.execute_wrapper(refuse), pytest.raises(ImportFailedError, match="disk is full"):
        bring("orders", anything(7), MAPS["orders"])

    assert n_items == 1
    assert not any(everything().values())
    failed = Import.objects.get()
    assert failed.state == ImportState.FAILED
    assert "disk is full" in failed.error
    assert bring("orders", anything(7), MAPS["orders"]).n_new > 20


def test_an_import_tells_how_far_it_is(bring):
    steps = []
    bring("profiles", anything(8), MAPS["profiles"], progress=steps.append)
    assert [step.stage for step in steps] == ["reading", "people", "people", "writing"]
    assert all(0 <= step.fraction <= 1 for step in steps)
    assert steps[-1].fraction == 1


def test_what_a_dead_run_left_is_marked_failed_and_cleaned(bring, tmp_path):
    folder = tmp_path / "home" / "imports"
    folder.mkdir(parents=True)
    spool = folder / "7-rejected.spool"
    spool.touch()
    dead = Import.objects.create(
        kind="orders", file_name="a.csv", digest="", source="pms", state="reading", started_at=0
    )
    bring("orders", anything(9), MAPS["orders"])
    dead.refresh_from_db()
    assert dead.state == ImportState.FAILED
    assert "was stopped" in dead.error
    assert not spool.exists()
    assert not list(folder.glob("*.spool"))


def test_the_database_looks_at_its_tables_when_an_import_has_filled_them(bring, monkeypatch):
    looked = []
    monkeypatch.setattr(statistics, "refresh", lambda _: looked.append(Order.objects.count()))
    bring("orders", anything(11), MAPS["lines"], dry_run=True)
    assert not looked
    bring("orders", anything(11), MAPS["lines"])
    assert looked == [Order.objects.count()]
    assert looked[0] > 0


def test_a_large_file_is_read_and_written_piece_by_piece(bring, monkeypatch):
    whole = bring("orders", anything(10), MAPS["lines"], dry_run=True)
    monkeypatch.setattr("pusula.sources.files.table.BATCH_ROWS", 37)
    monkeypatch.setattr("pusula.sources.spool.CHUNK", 29)
    monkeypatch.setattr("pusula.lake.rows.ASKED", 11)
    pieces = bring("orders", anything(10), MAPS["lines"])
    assert (pieces.n_new, pieces.n_rejected) == (whole.n_new, whole.n_rejected)
    again = bring("orders", anything(10), MAPS["lines"])
    assert (again.n_new, again.n_changed, again.n_same) == (0, 0, whole.n_new)


def test_a_rejected_row_can_be_brought_back_from_its_guarded_spelling(bring):
    mapping = 'source = "pms"\n[columns]\nprofile_key = "value"\n'
    bring("profiles", "value\n'=A1\n", mapping)
    assert Identifier.objects.get().value == "pms:=A1"


def test_the_report_is_json_for_programs(bring):
    told = bring("profiles", anything(11), MAPS["profiles"]).as_json()
    assert told["n_touched"] == Profile.objects.count()
    assert Path(told["reject_file"]).exists()
    assert set(told["reasons"][0]) == {"column", "reason", "n", "line", "value"}
