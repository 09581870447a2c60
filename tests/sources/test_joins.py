"""Rows of a file that prove two customers to be one: merged by the live step, parted by an undo."""

from __future__ import annotations

import pytest
from tests.sources.test_undo import world

from pusula.events.models import Event
from pusula.lib import clock
from pusula.pipeline import appender, identity, live
from pusula.pipeline.models import LogEntry
from pusula.profiles import actions, merging
from pusula.profiles.models import Identifier, IdentifierKind, Merge, Profile, Shelved
from pusula.sources import joins, undo
from pusula.sources.journal import Holds
from pusula.sources.models import Import, ImportPage, ImportState

pytestmark = pytest.mark.django_db(databases=["default", "log"])

GUESTS = """
source = "{source}"
[columns]
profile_key = "no"
email = "mail"
full_name = "name"
"""
EVENTS = """
source = "shop"
[columns]
event_id = "no"
email = "mail"
at = "at"
name = "what"
"""
PMS, CRM = GUESTS.format(source="pms"), GUESTS.format(source="crm")
HEAD = "no,mail,name\n"


@pytest.fixture
def ayse(bring) -> tuple[int, int]:
    """Return one person under the numbers of two systems; one of them proved her address."""
    bring("profiles", f"{HEAD}1,a@example.com,Ayşe Yılmaz", PMS)
    bring("profiles", f"{HEAD}9,,Ayse YILMAZ\n8,b@example.com,Can Ok", CRM)
    pms, crm = (Identifier.objects.get(value=key).profile_id for key in ("pms:1", "crm:9"))
    assert actions.verify(pms, IdentifierKind.EMAIL, "a@example.com", at=clock.now())
    return pms, crm


def step() -> None:
    live.step(at=clock.now())


def test_rows_that_prove_two_customers_to_be_one_merge_them_with_the_next_step(bring, ayse):
    report = bring("profiles", f"{HEAD}9,a@example.com,Ayse YILMAZ", CRM)
    assert report.n_merges == 1
    assert Profile.objects.filter(pk__in=ayse).count() == 2, "the step merges, not the import"
    step()
    merge = Merge.objects.get()
    assert (merge.winner_id, merge.loser_id, merge.reason) == (*ayse, identity.RULE)
    assert merge.evidence == {"rule": "email", "import": report.import_id}


def test_a_dry_run_says_how_many_would_be_merged_and_merges_nobody(bring, ayse):
    report = bring("profiles", f"{HEAD}9,a@example.com,Ayse YILMAZ", CRM, dry_run=True)
    assert (report.n_merges, report.as_json()["n_merges"]) == (1, 1)
    step()
    assert not Merge.objects.exists()


def test_names_that_do_not_agree_are_left_to_people(bring, ayse):
    report = bring("profiles", f"{HEAD}8,a@example.com,Can Ok", CRM)
    assert report.n_merges == 0


def test_a_row_without_a_number_means_the_one_person_that_the_file_proved(bring, ayse):
    pms, _crm = ayse
    rows = "9,a@example.com,Ayse YILMAZ\n,a@example.com,Ayşe Yılmaz Demir"
    report = bring("profiles", HEAD + rows, CRM)
    assert (report.n_merges, report.n_rejected) == (1, 0)
    assert Profile.objects.get(pk=pms).last_name == "Demir"


def test_what_a_row_says_of_the_one_who_will_go_stays_hers_until_then(bring, ayse):
    pms, crm = ayse
    rows = "9,a@example.com,Ayse YILMAZ\n9,a@example.com,Ayşe Nur Yılmaz"
    bring("profiles", HEAD + rows, CRM)
    assert Profile.objects.get(pk=pms).first_name == "Ayşe"
    assert Profile.objects.get(pk=crm).first_name == "Ayşe Nur"


def test_merges_that_could_not_be_told_are_told_by_the_next_import_and_once(
    bring, ayse, monkeypatch
):
    def full(_entries):
        raise OSError("no space left on device")

    monkeypatch.setattr(appender, "append", full)
    report = bring("profiles", f"{HEAD}9,a@example.com,Ayse YILMAZ", CRM)
    monkeypatch.undo()
    assert Import.objects.get(pk=report.import_id).state == ImportState.DONE
    assert ImportPage.objects.filter(holds=Holds.JOINS).count() == 1

    bring("profiles", f"{HEAD}7,,Ali Can", CRM)
    joins.tell()
    assert LogEntry.objects.filter(kind=identity.MERGE).count() == 1
    assert not ImportPage.objects.filter(holds=Holds.JOINS).exists()
    step()
    assert Merge.objects.count() == 1


def test_an_import_that_merged_people_is_taken_back_with_its_merges(bring, ayse):
    before = world()
    rows = "9,a@example.com,Ayşe Nur Yılmaz\n7,c@example.com,Ali Can"
    report = bring("profiles", HEAD + rows, CRM)
    step()
    assert Merge.objects.count() == 1

    preview = undo.undo(report.import_id, dry_run=True).undone
    found = undo.undo(report.import_id)

    assert found.undone == preview
    assert found.undone.n_merges_undone == 1
    assert world() == before
    assert not Shelved.objects.exists()
    assert set(ayse) <= set(found.touched.tolist())
    assert not merging.are_parted(*ayse), "nobody said that they are two"


def test_a_merge_that_comes_after_its_import_was_taken_back_is_undone_too(bring, ayse):
    report = bring("profiles", f"{HEAD}9,a@example.com,Ayse YILMAZ", CRM)
    undo.undo(report.import_id)
    step()
    bring("profiles", f"{HEAD}7,,Ali Can", CRM)
    step()
    assert Profile.objects.filter(pk__in=ayse).count() == 2
    assert Merge.objects.get().undone_at is not None


def test_an_import_is_taken_back_from_people_whom_somebody_merged_since(bring, ayse):
    pms, crm = ayse
    before = world()
    report = bring("profiles", f"{HEAD}9,b2@example.com,Nazlı Ekinci\n1,b2@example.com,", CRM)
    bring("profiles", f"{HEAD}1,b2@example.com,", PMS)
    Identifier.objects.filter(source="pms", value="b2@example.com").delete()
    identity.merge(pms, crm)
    step()
    undo.undo(report.import_id)
    identity.unmerge(Merge.objects.get().pk)
    step()
    assert world()["Profile"] == before["Profile"]
    assert not Identifier.objects.filter(value="b2@example.com").exists()
    assert not Shelved.objects.exists()


def test_an_import_is_taken_back_from_somebody_parted_since_from_whom_others_still_are(bring, ayse):
    pms, crm = ayse
    can = Identifier.objects.get(value="crm:8").profile_id
    identity.merge(crm, can)
    step()
    identity.merge(pms, crm)
    step()
    rows = "no,mail,at,what\n1,b@example.com,2026-01-05T10:00:00+00:00,Cart Abandoned"
    report = bring("events", rows, EVENTS)
    assert Event.objects.get().profile_id == pms
    identity.unmerge(Merge.objects.get(loser_id=can).pk)
    step()
    assert Event.objects.get().profile_id == can
    assert undo.undo(report.import_id).undone.n_events_removed == 1
    assert not Event.objects.exists()
