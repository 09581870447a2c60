"""Who was erased is in no file for analysts: at once, and not with the next writing."""

from __future__ import annotations

import csv
import shutil

import pyarrow.parquet as pq
import pytest
from tests.privacy.conftest import person

from pusula.destinations.bi import actions, erasing, exporting
from pusula.privacy import analysts, erasure
from pusula.privacy.models import AuditEntry

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "log"])


@pytest.fixture
def elif_():
    return person("Elif", "10027", "elif@ornek.example", "+905329876541")


@pytest.fixture
def stays():
    return person("Kemal", "20031", "kemal@ornek.example", "+905331112233")


def owners(folder):
    found = set()
    for path in folder.glob("*.parquet"):
        found.update(pq.read_table(path)["profile_id"].to_pylist())
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            found.update(int(row["profile_id"]) for row in csv.DictReader(file))
    return found


def test_an_erasure_takes_the_person_out_of_every_folder_and_leaves_the_others(
    elif_, stays, home, tmp_path_factory
):
    number = elif_.pk
    elsewhere = tmp_path_factory.mktemp("share")
    exporting.run(home / "bi", with_identifiers=True)
    exporting.run(elsewhere, kind="csv", has_bom=True, with_identifiers=True)
    kept = {p.name: p.read_bytes() for p in elsewhere.glob("*.csv")}
    assert owners(home / "bi") == owners(elsewhere) == {number, stays.pk}
    made = erasure.begin(number, actor="ayşe")
    assert erasure.run(made)
    assert owners(home / "bi") == owners(elsewhere) == {stays.pk}
    assert made.steps.get(store="bi").n > 10
    for folder in (home / "bi", elsewhere):
        for path in folder.iterdir():
            assert b"elif@ornek" not in path.read_bytes(), path
            assert not path.name.endswith(".part")
    for name, before in kept.items():  # every line of somebody else is as it was
        after = (elsewhere / name).read_bytes()
        assert set(after.splitlines()) <= set(before.splitlines()), name
        assert after[:3] == b"\xef\xbb\xbf"
    exporting.run(home / "bi")
    assert owners(home / "bi") == {stays.pk}


def test_files_that_say_nothing_of_the_person_stay_as_they_are(elif_, home):
    exporting.run(home / "bi")
    before = {path.name: path.read_bytes() for path in (home / "bi").iterdir()}
    assert erasing.erase([elif_.pk + 99]) == 0
    assert {path.name: path.read_bytes() for path in (home / "bi").iterdir()} == before


def test_a_folder_out_of_reach_holds_the_erasure_up_until_somebody_says_it_is_gone(
    elif_, tmp_path_factory
):
    share = tmp_path_factory.mktemp("share")
    exporting.run(share)
    shutil.rmtree(share)
    made = erasure.begin(elif_.pk, actor="ayşe")
    assert not erasure.run(made)
    assert "out of reach" in made.steps.get(store="bi").error
    assert analysts.forget(share, actor="ayşe")
    assert erasure.run(made)
    assert AuditEntry.objects.filter(verb="bi.forgotten").exists()


def test_what_a_stopped_export_left_goes_with_the_erasure(elif_, home, monkeypatch):
    real = exporting._Export._dictionary

    def dies(*_given):
        raise KeyboardInterrupt

    monkeypatch.setattr(exporting._Export, "_dictionary", dies)
    with pytest.raises(KeyboardInterrupt):
        exporting.run(home / "bi")
    assert (home / "bi" / ".new" / "orders.parquet").exists()
    monkeypatch.setattr(exporting._Export, "_dictionary", real)
    assert erasure.run(erasure.begin(elif_.pk, actor="ayşe"))
    assert list((home / "bi").iterdir()) == []


def test_giving_names_to_analysts_and_taking_them_back_stands_in_the_audit_log(elif_):
    analysts.choose({"with_identifiers": True}, actor="ayşe")
    analysts.choose({"is_on": True}, actor="ayşe")
    analysts.choose({"with_identifiers": False}, actor="mehmet")
    told = AuditEntry.objects.filter(verb__startswith="bi.").order_by("pk")
    assert list(told.values_list("actor", "verb")) == [
        ("ayşe", "bi.identifiers_on"), ("mehmet", "bi.identifiers_off"),
    ]  # fmt: skip


def test_the_files_stand_in_no_folder_of_the_home_that_holds_something_else(home):
    with pytest.raises(actions.BiError, match="only bi"):
        actions.choose(folder=str(home / "privacy"))
    with pytest.raises(actions.BiError, match="whole path"):
        actions.choose(folder="bi")
