"""The lake holds what the database holds, whatever happened; who reads it gets the same answer."""

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pusula.consent.models import Consent, ConsentEntry
from pusula.events.models import Event
from pusula.lake import delta
from pusula.lake.delta import Lake
from pusula.lib import clock
from pusula.orders.models import Order, OrderItem
from pusula.pipeline import batch, mirror
from pusula.profiles.models import Identifier, Profile, Trait
from pusula.segments import actions, queries
from pusula.segments.everybody import files, mirrored, rebuild
from pusula.segments.everybody.compare import ids_between
from pusula.segments.everybody.means import Means
from pusula.segments.models import Due, Membership, Segment

pytestmark = pytest.mark.django_db

NOW = clock.from_datetime(dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC))
TITLE = {"tr": "Deneme", "en": "Trial"}


@pytest.fixture
def lake(settings, tmp_path, monkeypatch):
    """Return a lake of our own, with buckets so small that there are several."""
    settings.PUSULA_LAKE = str(tmp_path / "lake")
    monkeypatch.setattr(mirrored, "SPAN", 8)
    return Lake(settings.PUSULA_LAKE)


def define(key, **where):
    actions.apply([(f"{key}.yaml", {"segment": key, "title": TITLE, "where": where})])


def definitions():
    define("buyers", orders={"count": {"at_least": 1}, "within": {"last": "90 days"}})
    define(
        "searchers",
        events={"name": "Hotel Searched", "count": {"at_least": 1},
                "where": {"region": {"is": "bodrum"}, "nights": {"at_least": 3}}},
    )  # fmt: skip
    define("golden", trait={"tier": {"is": "Altın"}})
    define("granted", consent={"channel": "email", "purpose": "marketing", "is": "granted"})
    define("spenders", orders={"sum": "net_amount", "is": {"top": "50 %"}})


def guest(number):
    """Return somebody about whom something of every relation is known, as the number has it."""
    profile = Profile.objects.create(
        first_name="Elif", last_name="Gizli", created_at=number, recorded_at=0
    )
    Identifier.objects.create(
        profile=profile, kind="email", value=f"secret{number}@example.com", source="crm",
        recorded_at=0,
    )  # fmt: skip
    if number % 2:
        order(profile, number)
    if number % 3:
        Event.objects.create(
            profile=profile, name="Hotel Searched", at=NOW - clock.DAY, recorded_at=NOW,
            dedupe_key=f"{profile.pk}-{number}", source="web",
            properties={"region": "BODRUM" if number % 2 else "İzmir", "nights": number,
                        "phone": "+905321234567"},
        )  # fmt: skip
    tier = "Altın" if number % 4 else "Gümüş"
    Trait.objects.create(
        profile=profile, name="tier", kind="text", text=tier, text_fold=tier.lower(),
        source="crm", updated_at=0,
    )  # fmt: skip
    entry = ConsentEntry.objects.create(
        profile=profile, channel="email", purpose="marketing", source="web", decided_at=0,
        status="granted" if number % 5 else "refused", recorded_at=0,
        dedupe_key=f"{profile.pk}-{number}",
    )  # fmt: skip
    Consent.objects.create(
        profile=profile, channel="email", purpose="marketing", status=entry.status,
        decided_at=0, entry=entry,
    )  # fmt: skip
    return profile


def order(profile, number):
    made = Order.objects.create(
        profile=profile, source="pms", source_id=f"{profile.pk}-{number}", status="completed",
        ordered_at=NOW - number * 10 * clock.DAY, status_at=NOW, currency="TRY",
        starts_on=dt.date(2026, 1, 1), ends_on=dt.date(2026, 1, 4), region="Çeşme",
        gross_minor=number * 100, net_minor=number * 100, gross_base_minor=number * 100,
        net_base_minor=number * 100, recorded_at=NOW,
    )  # fmt: skip
    OrderItem.objects.create(
        order=made, line_no=1, sku="room", name="Oda", quantity=3, amount_minor=number * 100
    )
    return made


@pytest.fixture
def guests():
    made = [guest(number) for number in range(30)]
    definitions()
    return made


def in_the_lake(lake, relation):
    """Return all rows of a relation as any reader of Delta finds them, sorted."""
    places = [place for each in lake.table(relation).files().values() for place in each]
    tables = [pq.read_table(place, partitioning=None) for place in places]
    return _sorted([row for table in tables for row in table.to_pylist()])


def in_the_database(relation, spec):
    everybody = ids_between(0, 10**9)
    return _sorted(mirrored.rows(relation, everybody, spec).to_pylist())


def _sorted(rows):
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True, default=str))


def assert_same(lake, done):
    for relation in files.RELATIONS:
        stored = in_the_database(relation, done.snapshot.spec)
        assert in_the_lake(lake, relation) == stored, relation


def test_the_lake_holds_every_row_once(lake, guests):
    done = mirror.run()
    assert done.n_buckets > 3
    assert_same(lake, done)
    assert len(in_the_lake(lake, "created")) == 30
    assert len(in_the_lake(lake, "items")) == 15


def test_a_second_mirroring_writes_nothing(lake, guests):
    mirror.run()
    versions = [lake.table(relation).version for relation in files.RELATIONS]
    assert mirror.run().n_written == 0
    assert [lake.table(relation).version for relation in files.RELATIONS] == versions


CHANGES = ["order", "status", "event", "trait", "consent", "erased", "new"]


@pytest.mark.parametrize("change", CHANGES)
def test_only_what_changed_is_written_again(lake, guests, change):
    mirror.run()
    somebody = guests[7]
    match change:
        case "order":
            order(somebody, 500)
            expected = {"orders", "items"}
        case "status":
            Order.objects.filter(profile=somebody).update(status="cancelled", status_at=NOW + 1)
            expected = {"orders", "items"}
        case "event":
            Event.objects.create(
                profile=somebody, name="Never Seen", at=0, recorded_at=0, dedupe_key="x", source=""
            )
            expected = {"events"}
        case "trait":
            Trait.objects.filter(profile=somebody).update(text_fold="bakır", updated_at=5)
            expected = {"traits"}
        case "consent":
            entry = ConsentEntry.objects.create(
                profile=somebody, channel="email", purpose="marketing", status="refused",
                source="web", decided_at=1, recorded_at=1, dedupe_key="later",
            )  # fmt: skip
            Consent.objects.filter(profile=somebody).update(status="refused", entry=entry)
            expected = {"consents"}
        case "erased":
            Consent.objects.filter(profile=somebody).delete()
            somebody.delete()
            expected = {"orders", "items", "events", "traits", "consents", "created"}
        case "new":
            guest(31)
            expected = {*files.RELATIONS} - {"reach", "scores", "sets"}
    before = {relation: lake.table(relation).version for relation in files.RELATIONS}
    done = mirror.run()
    moved = {r for r in files.RELATIONS if lake.table(r).version != before[r]}
    assert moved == expected
    assert_same(lake, done)


def test_a_new_property_in_a_definition_is_mirrored(lake, guests):
    mirror.run()
    define("callers", events={"name": "Hotel Searched", "count": {"at_least": 1},
                              "where": {"device": {"is": "phone"}}})  # fmt: skip
    done = mirror.run()
    assert "p.device" in lake.table("events").schema.names
    assert_same(lake, done)


def test_a_block_from_the_lake_is_the_block_from_the_database(lake, guests, monkeypatch):
    held = mirror.run().snapshot
    bucket, needs = guests[9].pk // 8, held.spec
    ids = ids_between(bucket * 8, bucket * 8 + 7)
    assert mirrored.is_current(held, ids, needs)
    by_files = files.block(held.of(bucket), needs, ids)
    for relation in files.RELATIONS:
        read = getattr(by_files, relation)
        plain = read.cast(mirrored.rows(relation, ids, needs).select(read.column_names).schema)
        stored = mirrored.rows(relation, ids, needs).select(plain.column_names)
        assert plain.to_pylist() == stored.to_pylist(), relation
    monkeypatch.setattr(mirrored, "block", None)  # whoever asks for files now fails
    with pytest.raises(TypeError):
        mirrored.read(held, ids, needs)
    order(guests[9], 600)
    assert not mirrored.is_current(held, ids, needs)
    mirrored.read(held, ids, needs)


def evaluated(means):
    """Return members and next flips as ``means`` find them."""
    Membership.objects.all().delete(), Due.objects.all().delete()
    outcome = rebuild.everybody(at=NOW, means=means)
    assert outcome.errors == {}
    members = {s.key: queries.member_ids(s).tolist() for s in Segment.objects.all()}
    return members, list(Due.objects.order_by("pk").values_list("pk", "due_at"))


def test_an_evaluation_from_the_lake_is_that_from_the_database(lake, guests):
    by_database = evaluated(Means())
    assert all(by_database[0].values())
    held = mirror.run().snapshot
    assert evaluated(Means(lake=held)) == by_database


def test_an_evaluation_from_a_lake_that_is_behind_is_right_all_the_same(lake, guests):
    held = mirror.run().snapshot
    order(guests[0], 1), Trait.objects.filter(profile=guests[9]).delete(), guest(77)
    assert evaluated(Means(lake=held)) == evaluated(Means())


@pytest.mark.parametrize("harm", ["deleted", "emptied", "cut"])
def test_an_evaluation_from_a_broken_lake_is_right_and_the_next_mirroring_mends_it(
    lake, guests, harm
):
    held = mirror.run().snapshot
    for place in (place for each in lake.table("orders").files().values() for place in each):
        match harm:
            case "deleted":
                Path(place).unlink()
            case "emptied":
                Path(place).write_bytes(b"")
            case "cut":
                Path(place).write_bytes(Path(place).read_bytes()[:-9])
    assert evaluated(Means(lake=held)) == evaluated(Means())
    done = mirror.run()
    assert done.lost == ("orders",)
    assert_same(lake, done)


def test_a_table_with_a_broken_log_is_made_anew(lake, guests):
    mirror.run()
    for entry in (Path(lake.uri) / "events" / "_delta_log").glob("*.json"):
        entry.write_bytes(b"\0" * entry.stat().st_size)
    done = mirror.run()
    assert done.lost == ("events",)
    assert_same(lake, done)


def test_what_was_written_after_the_last_seal_is_not_trusted_after_a_restart(
    lake, guests, monkeypatch
):
    mirror.run()
    monkeypatch.setattr(Lake, "seal", lambda *_: None)  # stopped before it was on the disk
    order(guests[3], 700)
    mirror.run()
    monkeypatch.undo()
    monkeypatch.setattr(mirrored, "SPAN", 8)
    monkeypatch.setattr(delta, "_boot", lambda: "the next start")
    done = mirror.run()
    assert set(done.lost) == {"orders", "items"}
    assert_same(lake, done)
    assert mirror.run().lost == ()


def test_nothing_personal_is_in_the_lake_and_nothing_at_all_of_who_is_erased(lake, guests):
    mirror.run()
    secrets = [b"secret", b"Gizli", b"+905321234567"]
    everything = [file for file in Path(lake.uri).rglob("*") if file.is_file()]
    assert everything
    for file in everything:
        content = file.read_bytes()
        if file.suffix == ".parquet":
            content = repr(pq.read_table(file, partitioning=None).to_pylist()).encode()
        assert not any(secret in content for secret in secrets), file
        if file.suffix == ".json":
            assert "bodrum" not in content.decode()
            assert "altın" not in content.decode()
    Trait.objects.filter(profile=guests[5]).update(text_fold="benzersiz", updated_at=9)
    mirror.run()
    Consent.objects.all().delete(), guests[5].delete()
    mirror.run(forget_at_once=True)
    for file in Path(lake.uri).rglob("*.parquet"):
        table = pq.read_table(file, partitioning=None)
        assert guests[5].pk not in table["profile_id"].to_pylist()
        assert "benzersiz" not in repr(table.to_pylist())


def test_a_run_mirrors_first_and_reads_from_the_lake(lake, guests, monkeypatch):
    monkeypatch.setattr(batch, "cores", lambda: 1)
    outcome = batch.run(from_lake=True)
    assert outcome.errors == {}
    assert np.sum([moves.n_entered for moves in outcome.moves.values()]) > 0
