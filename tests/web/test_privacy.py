"""The pages of privacy: requests and their clock, export, erasure with its proof, the audit log."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from django.contrib.auth.models import User
from django.test import Client

from pusula.lib import clock
from pusula.privacy import background, erasure, requests
from pusula.privacy.models import AuditEntry, Erasure, Export, Request
from pusula.profiles.models import Identifier, Profile

pytestmark = pytest.mark.django_db(databases=["default", "log"])


@pytest.fixture
def started(monkeypatch) -> list[int]:
    calls: list[int] = []
    monkeypatch.setattr(background, "start", lambda: calls.append(1))
    return calls


@pytest.fixture
def person() -> Profile:
    made = Profile.objects.create(
        first_name="Elif", last_name="Sınar", name_key="elif sinar", created_at=1, recorded_at=1
    )
    Identifier.objects.create(
        profile=made, kind="email", value="elif@ornek.example", source="pms", recorded_at=1
    )
    return made


@pytest.fixture
def admin(settings, tmp_path) -> Client:
    settings.PUSULA_HOME = tmp_path
    settings.LANGUAGE_CODE = "en"
    client = Client()
    client.force_login(User.objects.create_superuser("deniz"))
    return client


@pytest.fixture
def clerk(settings, tmp_path) -> Client:
    settings.PUSULA_HOME = tmp_path
    client = Client()
    client.force_login(User.objects.create_user("kerem"))
    return client


def verbs() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("verb", flat=True))


def test_a_request_is_registered_with_thirty_days_and_shown_when_it_is_late(admin, person):
    answer = admin.post(
        f"/privacy/customers/{person.pk}/",
        {"kind": "access", "received": "2026-01-05", "proof": "kep", "note": "by mail"},
    )
    made = Request.objects.get()
    assert answer.url == f"/privacy/requests/{made.pk}/"
    assert clock.to_datetime(made.due_at, "Europe/Istanbul").date().isoformat() == "2026-02-05"
    assert "late" in admin.get("/privacy/").content.decode()
    assert "request of a person about their data is late" in admin.get("/").content.decode()
    assert verbs() == ["request.received"]


def test_a_request_is_answered_only_when_somebody_made_sure_who_asks(admin, person):
    made = requests.register("access", person.pk, actor="deniz", received_at=clock.now())
    address = f"/privacy/requests/{made.pk}/"
    assert admin.post(address, {"state": "answered"}).status_code == 422
    assert admin.post(address, {"state": "refused", "answer": " "}).status_code == 422
    admin.post(address, {"proof": "person"})
    assert admin.post(address, {"state": "answered", "answer": "sent"}).status_code == 302
    made.refresh_from_db()
    assert (made.state, made.settled_by) == ("answered", "deniz")
    assert admin.post(address, {"state": "refused", "answer": "x"}).status_code == 422


def test_an_answered_objection_is_a_trait_that_keeps_out_of_campaigns(admin, person):
    made = requests.register(
        "object_profiling", person.pk, actor="deniz", received_at=clock.now(), proof="kep"
    )
    admin.post(f"/privacy/requests/{made.pk}/", {"state": "answered"})
    trait = person.traits.get()
    assert (trait.name, trait.number) == ("profiling_objected", 1)


def test_an_export_holds_everything_and_is_gone_after_a_day(admin, person, monkeypatch):
    admin.post(f"/privacy/customers/{person.pk}/export/", {"reason": "request 12"})
    made = Export.objects.get()
    answer = admin.get(f"/privacy/exports/{made.pk}/")
    content = b"".join(answer.streaming_content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        told = json.loads(archive.read("json/identifier.json"))
        page = archive.read("index.html").decode()
        manifest = json.loads(archive.read("manifest.json"))
    assert told[0]["value"] == "elif@ornek.example"
    assert "elif@ornek.example" in page
    assert manifest["rows"]["identifier"] == 1
    assert set(manifest["sha256"]) >= {"index.html", "csv/identifier.csv"}
    assert verbs() == ["customer.exported", "export.fetched"]
    later = clock.now() + 25 * clock.HOUR
    monkeypatch.setattr(clock, "now", lambda: later)
    assert admin.get(f"/privacy/exports/{made.pk}/").status_code == 409


def test_an_export_without_a_reason_is_not_made(admin, person):
    admin.post(f"/privacy/customers/{person.pk}/export/", {"reason": "  "})
    assert not Export.objects.exists()


def test_an_erasure_begins_only_when_the_number_is_typed(admin, person, started):
    address = f"/privacy/customers/{person.pk}/erase/"
    assert admin.get(address).status_code == 200
    assert admin.post(address, {"number": person.pk + 1}).status_code == 422
    assert not Erasure.objects.exists()
    answer = admin.post(address, {"number": str(person.pk)})
    made = Erasure.objects.get()
    assert answer.url == f"/privacy/erasures/{made.pk}/"
    assert started == [1]
    page = admin.get(answer.url).content.decode()
    assert "Proof, store by store" in page
    assert "Elif" not in page


def test_whoever_has_no_right_neither_exports_nor_erases_nor_reads_the_log(clerk, person, started):
    assert clerk.get("/privacy/audit/").status_code == 403
    assert clerk.get(f"/privacy/customers/{person.pk}/erase/").status_code == 403
    address = f"/privacy/customers/{person.pk}/"
    assert clerk.post(f"{address}erase/", {"number": person.pk}).status_code == 403
    assert clerk.post(f"{address}export/", {"reason": "x"}).status_code == 403
    assert "Erase this person" not in clerk.get(address).content.decode()
    assert started == []


def test_the_log_is_shown_as_sentences_and_narrowed(admin, person):
    admin.post(f"/customers/{person.pk}/disclose/")
    requests.register("access", person.pk, actor="kerem", received_at=clock.now())
    page = admin.get("/privacy/audit/").content.decode()
    assert f"deniz was shown the addresses of customer number {person.pk} in full." in page
    narrowed = admin.get("/privacy/audit/?actor=kerem").content.decode()
    assert "was shown the addresses" not in narrowed
    assert "No such entry" in admin.get("/privacy/audit/?about=segment:x").content.decode()


def test_days_are_changed_within_limits(admin):
    assert admin.post("/privacy/retention/", {"kind": "log", "days": "90"}).status_code == 302
    assert "90" in admin.get("/privacy/retention/").content.decode()
    assert admin.post("/privacy/retention/", {"kind": "audit", "days": "30"}).status_code == 422
    assert admin.post("/privacy/retention/", {"kind": "log", "days": "x"}).status_code == 422
    assert verbs() == ["retention.changed"]


def asked_for(person: Profile, kind: str, proof: str = "person", received_at: int = 1) -> Request:
    return requests.register(
        kind, person.pk, actor="deniz", received_at=received_at, proof=proof, note="by letter"
    )


@pytest.mark.django_db(transaction=True, databases=["default", "log"])
def test_an_erasure_begun_on_the_card_closes_what_the_person_asked_for(admin, person, started):
    first, again = (asked_for(person, "erase", received_at=at) for at in (1, 2 * clock.DAY))
    other = asked_for(person, "rectify")
    withdrawn = asked_for(person, "erase", received_at=4 * clock.DAY)
    requests.settle(withdrawn, "withdrawn", actor="deniz")
    admin.post(f"/privacy/customers/{person.pk}/erase/", {"number": str(person.pk)})
    begun = Erasure.objects.get()
    assert begun.request_id == first.pk
    assert Request.objects.get(pk=first.pk).state == "working"
    assert erasure.run(begun)
    states = dict(Request.objects.values_list("pk", "state"))
    assert states == {
        first.pk: "answered", again.pk: "answered", other.pk: "open", withdrawn.pk: "withdrawn",
    }  # fmt: skip
    assert Request.objects.get(pk=first.pk).settled_by == "deniz"
    said = AuditEntry.objects.filter(verb="request.answered", object=f"request:{again.pk}").get()
    assert json.loads(said.detail)["erasure"] == begun.pk
    for one in (first, again):
        page = admin.get(f"/privacy/requests/{one.pk}/").content.decode()
        assert f"/privacy/erasures/{begun.pk}/" in page


def test_an_export_that_is_taken_answers_who_asked_for_their_data(admin, person):
    asked = asked_for(person, "access")
    admin.post(f"/privacy/customers/{person.pk}/export/", {"reason": "asked at the desk"})
    made = Export.objects.get()
    assert made.request_id == asked.pk
    assert Request.objects.get().state == "working", "packed, and not handed over yet"
    for _twice in range(2):
        admin.get(f"/privacy/exports/{made.pk}/").getvalue()
    assert Request.objects.get().state == "answered"
    assert verbs().count("request.answered") == 1
    assert made.digest in admin.get(f"/privacy/requests/{asked.pk}/").content.decode()


def test_an_export_answers_nobody_of_whom_it_is_not_known_who_asks(admin, person):
    asked_for(person, "access", proof="")
    admin.post(f"/privacy/customers/{person.pk}/export/", {"reason": "asked by mail"})
    admin.get(f"/privacy/exports/{Export.objects.get().pk}/").getvalue()
    assert Request.objects.get().state == "working"


def test_a_request_of_somebody_else_is_not_answered_by_this(person):
    stranger = Profile.objects.create(created_at=1, recorded_at=1)
    asked = asked_for(stranger, "erase")
    with pytest.raises(requests.RequestError):
        erasure.begin(person.pk, actor="deniz", request=asked)
    assert not Erasure.objects.exists()
    assert Request.objects.get().state == "open"


def test_buttons_pressed_twice_do_it_once(admin, person):
    path = f"/privacy/customers/{person.pk}/"
    form = {"kind": "rectify", "proof": "person", "note": "the name", "received": "2026-01-05"}
    first, second = (admin.post(path, form)["Location"] for _twice in range(2))
    assert first == second
    assert Request.objects.count() == 1
    assert admin.post(path, {**form, "note": "the address"})["Location"] != first
    for _twice in range(2):
        assert admin.post(first, {"state": "answered", "answer": "done"}).status_code == 302
    assert admin.post(first, {"state": "refused", "answer": "no"}).status_code == 422
    assert verbs().count("request.answered") == 1
