"""Erasing a person: every owner, every step, killed anywhere, and who may come back how."""

from __future__ import annotations

import json
import re

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import Field
from tests.privacy.conftest import AT, person

from pusula.consent import queries as consents
from pusula.events.models import Event
from pusula.orders.models import StayGuest
from pusula.outbox.models import Message
from pusula.pipeline import identity, live
from pusula.pipeline.appender import Entry, append
from pusula.pipeline.models import LogEntry, Quarantine
from pusula.pipeline.queries import TOMBSTONE
from pusula.privacy import erasure, ledger, stores
from pusula.privacy.erasure import UnknownPersonError
from pusula.privacy.models import Erasure
from pusula.privacy.verify import verify
from pusula.profiles import erased
from pusula.profiles.models import Identifier, Merge, Profile
from pusula.profiles.needles import Needles
from pusula.segments.models import Segment
from pusula.sources.models import Import, Job

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "log"])

# Tables that name people by number alone, and keep doing so.
BY_NUMBER = {
    "web.Disclosure", "privacy.Request", "privacy.Export", "privacy.Erasure",
    "segments.Drift",  # erase takes the number out of its list
}  # fmt: skip


def person_columns(model) -> list[Field]:
    return [
        field
        for field in model._meta.concrete_fields
        if field.related_model is Profile
        or field.attname in {"profile_id", "profile_ids", "loser_id", "winner_id"}
    ]


def everything() -> dict[str, list[str]]:
    """Return every row of every table as text; our own numbers and moments say nothing."""
    found = {}
    for model in apps.get_models():
        told = model._default_manager.values_list()
        rows = [repr([value for value in row if not isinstance(value, int)]) for row in told]
        found[model._meta.label] = rows
    return found


def erase(profile: Profile) -> Erasure:
    made = erasure.begin(profile.pk, actor="ayşe")
    assert erasure.run(made)
    return made


def test_each_table_with_people_is_known_to_an_owner_that_erases_it(elif_, stays):
    packages = {owner.__name__.split(".")[1] for owner in stores.OWNERS}
    for model in apps.get_models():
        if person_columns(model) and model._meta.label not in BY_NUMBER:
            assert model._meta.app_label in packages, f"{model._meta.label} has no owner"
    number = elif_.pk
    erase(elif_)
    for model in apps.get_models():
        if model._meta.label in BY_NUMBER:
            continue
        for column in person_columns(model):
            if column.attname == "profile_ids":
                continue
            left = model._default_manager.filter(**{column.attname: number})
            assert not left.exists(), model._meta.label


def test_no_table_holds_a_word_of_the_person_and_who_stays_is_untouched(elif_, stays):
    before = everything()
    erase(elif_)
    after = everything()
    for label, rows in after.items():
        for word in ("Elif", "elif@", "9876541", r"(?<!\d)10027(?!\d)"):
            assert not [row for row in rows if re.search(word, row)], label
    kept = [row for row in before["profiles.Identifier"] if "kemal" in row or "20031" in row]
    assert set(kept) <= set(after["profiles.Identifier"])
    assert len(after["events.Event"]) == len(before["events.Event"]) - 1
    assert Segment.objects.get().n_members == 1


def test_an_erasure_stopped_before_any_step_goes_on_where_it_was(elif_, stays, monkeypatch):
    made = erasure.begin(elif_.pk, actor="ayşe")
    for store in list(stores.STORES):
        real = stores.STORES[store]

        def dies(work, step, real=real):
            real(work, step)
            raise KeyboardInterrupt

        monkeypatch.setitem(stores.STORES, store, dies)
        with pytest.raises(KeyboardInterrupt):
            erasure.run(made)
        monkeypatch.setitem(stores.STORES, store, real)
    assert erasure.resume() == (1, 0)
    assert erasure.resume() == (0, 0)
    assert not Profile.objects.filter(pk=elif_.pk).exists()
    assert made.steps.filter(finished_at=None).count() == 0
    assert verify().broken is None


def test_a_step_that_cannot_be_done_says_why_and_is_tried_again(elif_, home):
    (home / "notes.odt").write_text("elif@ornek.example")
    made = erasure.begin(elif_.pk, actor="ayşe")
    assert not erasure.run(made)
    assert "notes.odt" in made.steps.get(store="files").error
    assert Profile.objects.filter(pk=elif_.pk).exists()
    (home / "notes.odt").unlink()
    assert erasure.run(made)
    assert made.steps.filter(error__gt="").count() == 0


def test_what_comes_late_is_refused_and_says_nothing_any_more(elif_, stays):
    erase(elif_)
    append(
        [
            Entry("event", "pms", "pms:late", json.dumps({"key": "10027", "name": "A"})),
            Entry(
                "event", "web", "web:1", json.dumps({"email": "Elif@Ornek.example", "name": "A"})
            ),
            Entry("event", "pms", "pms:kemal", json.dumps({"key": "20031", "name": "A"})),
        ]
    )
    live.step()
    assert Event.objects.filter(profile=stays).count() == 2
    assert Profile.objects.count() == 1
    assert set(Quarantine.objects.values_list("reason", flat=True)) == {"erased"}
    bodies = LogEntry.objects.filter(source="web").values_list("body", flat=True)
    assert set(bodies) == {TOMBSTONE}
    live.step()  # the log is still the one that was read


def test_a_number_of_the_state_from_another_system_is_refused_too(elif_):
    number = "ab" * 32
    Identifier.objects.create(
        profile=elif_, kind="national_id", value=number, source="pms", recorded_at=1
    )
    erase(elif_)
    body = {"key": "new", "national_id": number, "first_name": "Elif"}
    append([Entry("trait", "crm", "crm:1", json.dumps(body))])
    live.step()
    assert Profile.objects.count() == 0
    assert not LogEntry.objects.filter(body__contains=number).exists()


def test_an_address_that_somebody_else_holds_stays_theirs(elif_, stays):
    Identifier.objects.create(
        profile=stays, kind="email", value="elif@ornek.example", source="pms", recorded_at=1
    )
    erase(elif_)
    assert erased.refused([("email", "elif@ornek.example")]) == set()
    assert erased.refused([("phone", "+905329876541")]) == {("phone", "+905329876541")}
    assert consents.suppressed("email", ["elif@ornek.example"]) == set()


def test_an_own_address_stays_closed_by_its_hash_alone(elif_):
    erase(elif_)
    assert consents.suppressed("email", ["elif@ornek.example"]) == {"elif@ornek.example"}


def test_who_registers_anew_is_let_in_by_somebody_who_saw_it(elif_, stays):
    erase(elif_)
    pair = ("email", "elif@ornek.example")
    assert erasure.readmit([pair], actor="ayşe", reason="registered at the desk") == 1
    assert erased.refused([pair]) == set()
    assert erased.digest(*pair) not in ledger.standing()


def test_a_restored_copy_is_cleaned_by_the_ledger_and_nobody_else_goes(elif_, stays):
    erase(elif_)
    # As in a copy made before: the person is there, and the database knows of no erasure.
    erased.Erased.objects.all().delete()
    Erasure.objects.all().delete()
    back = Profile.objects.create(created_at=5, recorded_at=5)
    Identifier.objects.create(
        profile=back, kind="phone", value="+905329876541", source="pms", recorded_at=5
    )
    assert ledger.missing()
    begun = erasure.replay(actor="cli:root")
    assert [one.profile_id for one in begun] == [back.pk]
    assert erasure.resume() == (1, 0)
    assert list(Profile.objects.values_list("pk", flat=True)) == [stays.pk]
    assert not ledger.missing()
    assert erasure.replay(actor="cli:root") == []


def test_the_ledger_holds_hashes_and_nothing_to_read(elif_):
    erase(elif_)
    text = ledger.file().read_text()
    assert "elif" not in text
    assert str(elif_.pk) not in json.loads(text)["erased"]
    assert ledger.file().stat().st_mode & 0o777 == 0o600


def test_nobody_is_erased_twice_and_nobody_who_is_not_there(elif_):
    made = erasure.begin(elif_.pk, actor="ayşe")
    assert erasure.begin(elif_.pk, actor="mehmet") == made
    with pytest.raises(UnknownPersonError):
        erasure.begin(987, actor="ayşe")


def test_entries_that_speak_of_others_stay_as_they_came(elif_, stays):
    append(
        [
            Entry("event", "web", "web:n", json.dumps({"email": "x@y.example", "name": "10027"})),
            Entry("order", "pms", "pms:o", json.dumps({"key": "20031", "net_minor": 10027})),
        ]
    )
    erase(elif_)
    kept = LogEntry.objects.exclude(body=TOMBSTONE).values_list("message_id", flat=True)
    assert {"web:n", "pms:o", "pms:20031:e"} <= set(kept)


def test_the_databases_are_cleaned_on_both_engines(elif_):
    made = erase(elif_)
    assert made.steps.get(store="databases").finished_at is not None
    assert connection.vendor in {"sqlite", "postgresql"}


def test_what_files_left_behind_loses_the_person_and_keeps_the_others(elif_, home):
    rejects = home / "imports" / "3-rejected.csv"
    rejects.parent.mkdir()
    lines = ["line;column;value;reason", "2;tel;0532 987 65 41 x;bad", "3;no;10027;bad", "4;no;9;b"]
    rejects.write_text("\r\n".join(lines), encoding="utf-8-sig")
    for name in ("a" * 22, "b" * 22):
        (home / "uploads" / name).mkdir(parents=True)
    (home / "uploads" / ("a" * 22) / "x.csv").write_text("no;ad\n10027;Elif\n")
    (home / "uploads" / ("b" * 22) / "x.csv").write_text("no;ad\n20031;Kemal\n")
    reason = {"column": "mail", "reason": "bad", "n": 1, "line": 2, "value": "ELIF@ornek.example"}
    brought = Import.objects.create(
        kind="profiles", file_name="elif@ornek.example.csv", digest="x", source="pms",
        state="done", started_at=1, reasons=[reason],
    )  # fmt: skip
    job = Job.objects.create(
        task="check", place="x", state="done", language="tr", created_at=1,
        result={"reasons": [reason], "n_rows": 3},
    )  # fmt: skip
    erase(elif_)
    assert rejects.read_text(encoding="utf-8-sig").splitlines() == [lines[0], lines[3]]
    assert [path.name for path in (home / "uploads").iterdir()] == ["b" * 22]
    brought.refresh_from_db()
    job.refresh_from_db()
    assert "ornek" not in f"{brought.file_name}{brought.reasons}{job.result}"
    assert job.result["n_rows"] == 3


def test_a_message_that_waits_to_be_sent_is_not_sent_any_more(elif_, stays):
    waiting = Message.objects.filter(profile__in=[elif_, stays])
    waiting.update(state="pending", settled_at=None)
    erase(elif_)
    assert list(Message.objects.values_list("profile_id", flat=True)) == [stays.pk]


def test_a_guest_on_the_booking_of_somebody_else_is_left_out_of_it(elif_, stays):
    erase(elif_)
    guests = [{"guest_no": 1, "key": "20031"}, {"guest_no": 2, "key": "10027"}]
    body = {
        "key": "20031", "source_id": "r9", "status": "confirmed", "ordered_at": AT,
        "net_minor": 1, "guests": guests,
    }  # fmt: skip
    append([Entry("order", "pms", "pms:r9", json.dumps(body))])
    live.step()
    held = StayGuest.objects.filter(order__source_id="r9").order_by("guest_no")
    assert [one.profile_id for one in held] == [stays.pk, None]
    assert LogEntry.objects.get(message_id__startswith="~", kind="order").body == TOMBSTONE
    assert Profile.objects.count() == 1


def test_somebody_whose_address_ends_or_begins_alike_stays_as_they_are(elif_, home):
    twin = person("Belif", "100271234", "belif@ornek.example", "+905330001122")
    Identifier.objects.filter(profile=elif_, kind="key").update(value="pms:10027123")
    longer = "elif@ornek.example.tr"
    Identifier.objects.create(
        profile=twin, kind="email", value=longer, source="pms", recorded_at=AT
    )
    told = [
        Entry("event", "web", f"web:{n}", json.dumps({"email": email}))
        for n, email in enumerate(["belif@ornek.example", longer, "b-elif@ornek.example"])
    ]
    append([*told, Entry("event", "web", "web:own", json.dumps({"email": "ELIF@ornek.example"}))])
    mail = home / "mailbox" / "1.eml"
    mail.parent.mkdir()
    mail.write_text("To: belif@ornek.example\n", encoding="utf-8")
    erase(elif_)
    kept = set(LogEntry.objects.exclude(body=TOMBSTONE).values_list("message_id", flat=True))
    assert {"web:0", "web:1", "web:2"} <= kept
    assert "web:own" not in kept
    assert mail.exists()


@pytest.mark.parametrize(
    "text", ["mailto%3Aelif@x.tr", "<elif@x.tr>", "ELIF@x.tr.", "-elif@x.tr,", r"a\nelif@x.tr"]
)
def test_an_address_is_found_whatever_stands_around_it(text):
    assert Needles.of([("email", "elif@x.tr")]).are_in(text)


def test_who_is_being_erased_is_not_parted_and_goes_as_all_they_were(elif_, stays):
    identity.merge(elif_.pk, stays.pk)
    live.step()
    made = erasure.begin(elif_.pk, actor="ayşe")
    assert made.merged_ids == [stays.pk]
    identity.unmerge(Merge.objects.get().pk)
    live.step()
    assert Quarantine.objects.count() == 1
    assert erasure.run(made)
    assert not Profile.objects.exists()
    assert not Identifier.objects.exists()
