"""The pages of calls and approvals: a call in one hand, noted once, seen by its holder alone."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.web import calls
from tests.web import company as made_up

from pusula.journeys.models import Attempt, CallList, JourneyVersion, Task
from pusula.outbox import actions as outbox
from pusula.outbox.models import Content, Message
from pusula.privacy.models import AuditEntry
from pusula.profiles.models import Profile
from pusula.web import masking
from pusula.web.models import Disclosure

pytestmark = pytest.mark.django_db
RIGHTS = ("supervise_calls", "decide_approvals")


def page(client: Client, path: str, language: str = "en") -> str:
    client.cookies["django_language"] = language
    answer = client.get(path)
    assert answer.status_code == 200, path
    return " ".join(answer.content.decode().split())


def signed_in(name: str, *rights: str) -> Client:
    user = User.objects.create_user(name)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client = Client()
    client.force_login(user)
    return client


def number_of(task: Task) -> str:
    message = Message.objects.get(pk=task.message_id)
    return masking.national_phone(message.address, "TR")


@pytest.fixture
def tasks(company) -> list[Task]:
    return calls.asked(*calls.with_phones(3))


@pytest.fixture
def boss(company) -> Client:
    return signed_in("boss", *RIGHTS)


def test_without_calls_the_page_says_where_they_come_from(deniz):
    assert "No call waits" in page(deniz, "/tasks/")


@pytest.mark.parametrize("language", ["tr", "en"])
def test_an_agent_takes_a_call_sees_script_and_number_and_notes_it_with_one_click(
    deniz, tasks, language
):
    assert "3" in page(deniz, "/tasks/", language)
    assert number_of(tasks[0]) not in page(deniz, "/tasks/", language)
    assert deniz.post("/tasks/+take/").status_code == 302
    mine = Task.objects.get(holder="deniz")
    shown = page(deniz, "/tasks/", language)
    assert number_of(mine) in shown
    assert "Lodos" in shown
    assert {"tr": "Düşünüyor", "en": "Is thinking"}[language] in shown
    assert Disclosure.objects.filter(profile_id=mine.enrollment.profile_id, kind="phone").exists()
    deniz.post(f"/tasks/{mine.pk}/note/", {"result": "booked", "note": "İki oda"})
    mine.refresh_from_db()
    assert (mine.outcome, mine.note, mine.closed_by) == ("booked", "İki oda", "deniz")
    assert Task.objects.get(holder="deniz") != mine  # the next one came at once
    again = deniz.post(f"/tasks/{mine.pk}/note/", {"result": "booked"})
    assert again.status_code == 302
    assert Attempt.objects.count() == 1


def test_an_agent_cannot_note_keep_put_back_or_see_the_call_of_another(deniz, tasks):
    deniz.post("/tasks/+take/")
    mine = Task.objects.get(holder="deniz")
    ece = signed_in("ece")
    for path in ("note", "put-back", "keep"):
        ece.post(f"/tasks/{mine.pk}/{path}/", {"result": "booked"})
    mine.refresh_from_db()
    assert (mine.holder, mine.closed_at) == ("deniz", None)
    assert ece.post(f"/tasks/{mine.pk}/keep/")["HX-Refresh"] == "true"
    assert number_of(mine) not in page(ece, "/tasks/")
    for path in ("/tasks/+all/", "/tasks/+lists/"):
        assert ece.get(path).status_code == 403
    for path in ("/tasks/+lists/export/", f"/tasks/{mine.pk}/free/"):
        assert ece.post(path).status_code == 403
    assert not CallList.objects.exists()
    assert Client().get("/tasks/").status_code == 302


def test_a_note_that_does_not_fit_is_kept_in_the_form_and_the_call_stays_in_hand(deniz, tasks):
    deniz.post("/tasks/+take/")
    mine = Task.objects.get(holder="deniz")
    for given in ({"result": "call_back"}, {"result": "call_back", "again": "2020-01-01T10:00"},
                  {"result": "call_back", "again": "soon"}, {"result": "sold"}):  # fmt: skip
        answer = deniz.post(f"/tasks/{mine.pk}/note/", {**given, "note": "Akşam arayın"})
        assert answer.status_code == 422
        assert "Akşam arayın" in answer.content.decode()
    assert Task.objects.get(holder="deniz") == mine
    deniz.post(
        f"/tasks/{mine.pk}/note/",
        {"result": "call_back", "again": "2026-11-23T10:30", "note": "x", "stop": "1"},
    )
    mine.refresh_from_db()
    assert mine.reserved_for == "deniz"
    when = dt.datetime(2026, 11, 23, 10, 30)
    assert Message.objects.get(pk=mine.message_id).due_at == made_up.clock.from_datetime(
        when, made_up.ZONE
    )
    assert not Task.objects.filter(holder="deniz").exists()


@pytest.mark.usefixtures("company")
def test_what_a_script_and_a_note_hold_is_shown_as_text(deniz):
    [pk] = calls.with_phones(1)
    Profile.objects.filter(pk=pk).update(first_name="<script>alert(1)</script>")
    calls.asked(pk)
    deniz.post("/tasks/+take/")
    mine = Task.objects.get(holder="deniz")
    assert "<script>alert" not in deniz.get("/tasks/").content.decode()
    deniz.post(f"/tasks/{mine.pk}/note/", {"result": "no_answer", "note": "<img src=x>"})
    Task.objects.filter(pk=mine.pk).update(note="<img src=x>")
    assert "<img src=x>" not in deniz.get("/tasks/").content.decode()


def test_a_supervisor_sees_all_calls_by_state_with_masked_numbers_and_puts_one_back(
    deniz, boss, tasks
):
    deniz.post("/tasks/+take/")
    mine = Task.objects.get(holder="deniz")
    shown = page(boss, "/tasks/+all/?state=in_hand")
    assert "deniz" in shown
    assert number_of(mine) not in shown
    assert "••" in shown
    assert page(boss, "/tasks/+all/?state=due&journey=sezon").count("/free/") == 0
    assert "No call is like that" in page(boss, "/tasks/+all/?state=done")
    boss.post(f"/tasks/{mine.pk}/free/")
    mine.refresh_from_db()
    assert mine.holder == ""
    assert AuditEntry.objects.filter(verb="call.freed", actor="boss").count() == 1


def test_a_call_is_named_in_the_language_of_the_page_not_in_that_of_the_customer(boss, tasks):
    Content.objects.update(subject="Erster Anruf")
    shown = page(boss, "/tasks/+all/", "tr")
    assert "Sezonun ilk araması" in shown
    assert "Erster Anruf" not in shown


def test_a_list_goes_out_and_its_outcomes_are_looked_at_first_and_then_noted(boss, tasks):
    boss.cookies["django_language"] = "tr"
    answer = boss.post("/tasks/+lists/export/", {"most": "2", "hours": "8", "journey": "sezon"})
    assert answer["Content-Type"].startswith("text/csv")
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("basvuru;musteri_no;ad;soyad;telefon;")
    assert len(lines) == 3
    assert AuditEntry.objects.filter(verb="calls.exported", actor="boss").count() == 1
    assert page(boss, "/tasks/+all/?state=listed", "tr").count("/free/") == 2
    rows = [re.match(r"[^;]*", line)[0] for line in lines[1:]]
    filled = f"basvuru;sonuc;not\n{rows[0]};Düşünüyor;Mart\n{rows[1]};Bilmem;\nL9-9;booked;\n"
    file = SimpleUploadedFile("sonuc.csv", filled.encode())
    looked = boss.post("/tasks/+lists/", {"file": file}).content.decode()
    assert "sonuc" in looked
    assert Attempt.objects.count() == 0
    boss.post("/tasks/+lists/", {"text": filled, "take": "1"})
    boss.post("/tasks/+lists/", {"text": filled, "take": "1"})
    made = CallList.objects.get()
    [attempt] = Attempt.objects.all()
    of_excel = SimpleUploadedFile("sonuc.csv", filled.encode("cp1254"))
    assert "Düşünüyor;Mart" in boss.post("/tasks/+lists/", {"file": of_excel}).content.decode()
    assert (attempt.result, attempt.note, attempt.by) == ("thinking", "Mart", made.holder)
    assert boss.post("/tasks/+lists/", {"text": "a;b\n1;2\n"}).status_code == 422
    assert boss.post("/tasks/+lists/", {}).status_code == 422
    boss.post(f"/tasks/+lists/{made.pk}/end/")
    assert not Task.objects.filter(holder=made.holder).exists()


def test_an_approval_shows_who_asks_for_how_many_with_a_sample_and_is_given_once(boss, company):
    people = calls.with_phones(3)
    tasks = calls.waiting(*people)
    shown = page(boss, "/tasks/+approvals/")
    for words in ("Shall the coupon go out?", "3 people", "kuponunuz hazır", "deniz"):
        assert words in shown
    calls.actions.enroll("kupon", company.elif_.pk, occurrence="y", at=made_up.NOW)
    path = f"/tasks/+approvals/{tasks[0].enrollment.version_id}/onay/"
    up_to = {"up_to": str(tasks[-1].pk), "note": "Bütçe uygun"}
    ece = signed_in("ece")
    assert ece.post(path, {**up_to, "answer": "then"}).status_code == 403
    assert "You may look at this" in page(ece, "/tasks/+approvals/")
    boss.post(path, {**up_to, "answer": "maybe"})
    assert not Task.objects.exclude(outcome="").exists()
    boss.post(path, {**up_to, "answer": "then"})
    boss.post(path, {**up_to, "answer": "else"})
    assert Task.objects.filter(outcome="then", closed_by="boss", note="Bütçe uygun").count() == 3
    assert Task.objects.filter(closed_at=None).count() == 1  # came after the page was drawn
    assert Message.objects.filter(channel="email").count() == 3
    assert AuditEntry.objects.filter(verb="approval.given").count() == 1
    assert "Bütçe uygun" in page(boss, "/tasks/+approvals/")


def test_a_rejection_sends_nothing(boss, company):
    [task] = calls.waiting(company.elif_.pk)
    path = f"/tasks/+approvals/{task.enrollment.version_id}/onay/"
    boss.post(path, {"up_to": str(task.pk), "answer": "else"})
    assert not Message.objects.filter(channel="email").exists()
    assert AuditEntry.objects.filter(verb="approval.refused").count() == 1


def test_a_call_that_cannot_be_filled_in_shows_the_script_as_it_was_written(deniz, tasks):
    deniz.post("/tasks/+take/")
    mine = Task.objects.get(holder="deniz")
    message = Message.objects.get(pk=mine.message_id)
    type(message.content).objects.filter(pk=message.content_id).update(text="{{ traits.pet }} ?")
    shown = page(deniz, "/tasks/")
    assert "A value is missing" in shown
    assert "{{ traits.pet }} ?" in shown
    deniz.cookies["django_language"] = "tr"
    assert "traits.pet boş; bu durumda ne" in deniz.get("/tasks/").content.decode()


def test_an_agent_puts_a_call_back_and_hears_why_nobody_is_called(deniz, tasks):
    deniz.post("/tasks/+take/")
    mine = Task.objects.get(holder="deniz")
    deniz.post(f"/tasks/{mine.pk}/put-back/")
    assert not Task.objects.filter(holder="deniz").exists()
    outbox.hold("channel:call", at=made_up.NOW)
    assert "Nobody is called just now" in page(deniz, "/tasks/")
    deniz.post("/tasks/+take/")
    assert not Task.objects.filter(holder="deniz").exists()


def speak_of_what_is_gone() -> None:
    """Let all versions say what nothing here knows any more."""
    for version in JourneyVersion.objects.all():
        version.definition |= {"gone": True}
        version.save(update_fields=["definition"])


def test_a_journey_that_speaks_of_what_is_gone_keeps_nobody_from_their_calls(deniz, boss, tasks):
    speak_of_what_is_gone()
    deniz.post("/tasks/+take/")
    mine = Task.objects.get(holder="deniz")
    assert number_of(mine) in page(deniz, "/tasks/")
    page(boss, "/tasks/+all/?state=in_hand")
    answer = boss.post("/tasks/+lists/export/", {"most": "9", "hours": "1"})
    assert len(answer.content.decode().splitlines()) == 3
    deniz.post(f"/tasks/{mine.pk}/note/", {"result": "no_calls", "stop": "1"})
    assert Attempt.objects.get().result == "no_calls"
    assert page(deniz, "/tasks/").count("Does not want calls") == 1


def test_a_journey_that_speaks_of_what_is_gone_hides_no_other_approval(boss, company):
    calls.waiting(company.elif_.pk)
    speak_of_what_is_gone()
    calls.waiting(company.elif_.pk, key="other")
    shown = page(boss, "/tasks/+approvals/")
    assert "onay" in shown
    assert "Shall the coupon go out?" in shown
