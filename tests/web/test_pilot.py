"""The pages of pilots: from the ready file to the report, with nothing sent by accident."""

from __future__ import annotations

import pytest
from tests.web import pilots

from pusula.measurement.pilot.models import Pilot

pytestmark = pytest.mark.django_db


def page(client, path: str, language: str = "en") -> str:
    client.cookies["django_language"] = language
    answer = client.get(path)
    assert answer.status_code == 200, path
    return " ".join(answer.content.decode().split())


def test_without_pilots_the_list_leads_to_the_ready_file(deniz):
    assert "No pilot yet" in page(deniz, "/pilot/")
    assert "scenario: loyalty" in page(deniz, "/pilot/+new/?kit=shop")


def test_a_file_that_cannot_be_meant_stays_and_says_where_it_is_wrong(deniz):
    text = pilots.TEXT.replace("days: 14", "days: 2")
    answer = deniz.post("/pilot/+new/", {"text": text})
    assert answer.status_code == 422
    shown = answer.content.decode()
    assert "7 to 60" in shown
    assert "days: 2" in shown
    assert not Pilot.objects.exists()


def test_a_file_of_segments_there_are_not_says_so(deniz):
    text = pilots.TEXT.replace("lapsing", "strange-ones")
    answer = deniz.post("/pilot/+new/", {"text": text})
    assert answer.status_code == 422
    assert "strange-ones" in answer.content.decode()


def test_a_prepared_pilot_shows_whom_it_reaches_and_what_is_missing(deniz):
    assert deniz.post("/pilot/+new/", {"text": pilots.TEXT}).status_code == 302
    found = page(deniz, "/pilot/yaz/")
    assert "Not started" in found
    assert "Whom it reaches" in found
    assert "Somebody is named who looks every day" in found
    assert "Yaz pilotu" in page(deniz, "/pilot/yaz/", "tr")


def test_what_is_to_be_written_in_the_file_is_set_as_code(deniz):
    text = pilots.TEXT.replace("https://lodos.example", "https://example.com")
    assert deniz.post("/pilot/+new/", {"text": text}).status_code == 302
    assert "<code>site</code>" in page(deniz, "/pilot/yaz/")


def test_a_point_is_ticked_with_a_name_and_taken_back(deniz):
    pilots.prepared()
    deniz.post("/pilot/yaz/tick/", {"item": "owner", "to": "done"})
    tick = Pilot.objects.get().ticks.get()
    assert (tick.item, tick.by) == ("owner", "deniz")
    deniz.post("/pilot/yaz/tick/", {"item": "owner", "to": "open"})
    assert not Pilot.objects.get().ticks.exists()
    assert deniz.post("/pilot/yaz/tick/", {"item": "anything"}).status_code == 404


def test_it_starts_only_with_the_right_number_of_people(deniz, settings):
    settings.PUSULA_SMTP_URL = "smtp://127.0.0.1:1"
    one = pilots.prepared()
    n = pilots.n_people(one)
    assert n > 0
    wrong = deniz.post("/pilot/yaz/start/", {"people": str(n + 1)})
    assert wrong.status_code == 422
    assert Pilot.objects.get().state == "planned"
    assert deniz.post("/pilot/yaz/start/", {"people": str(n)}).status_code == 302
    assert Pilot.objects.get().state == "running"
    assert Pilot.objects.get().registered_by == "deniz"
    found = page(deniz, "/pilot/yaz/")
    assert "Too early to say." in found
    assert deniz.post("/pilot/+new/", {"text": pilots.TEXT}).status_code == 422
    assert deniz.post("/pilot/yaz/stop/").status_code == 302
    assert Pilot.objects.get().state == "stopped"


def test_the_report_is_a_pdf_in_both_languages(deniz):
    pilots.over()
    for language in ("tr", "en"):
        deniz.cookies["django_language"] = language
        answer = deniz.get("/pilot/yaz/report.pdf")
        assert answer["Content-Type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF-")
        assert f"yaz-{language}.pdf" in answer["Content-Disposition"]


def test_what_is_over_says_what_to_do(deniz):
    pilots.over()
    found = page(deniz, "/pilot/yaz/")
    assert "What this report does not tell" in found
    assert "/journeys/yaz-loyalty/" in found


def test_one_under_way_shows_its_days_and_messages_and_no_order(deniz):
    pilots.running()
    found = page(deniz, "/pilot/kis/")
    assert "Under way" in found
    assert "5 / 14" in found
    assert found.count("People written to") == 1  # as agreed; who is to get messages may not yet
    assert "Revenue per person" not in found
    assert "whoever looks earlier sees differences that are only chance" in found
    assert "/journeys/kis-loyalty/" in found


def test_what_cannot_start_has_no_button_that_starts_it(deniz, settings):
    pilots.prepared()
    settings.PUSULA_SMTP_URL = ""
    assert "/pilot/yaz/start/" not in page(deniz, "/pilot/yaz/")
    settings.PUSULA_SMTP_URL = "smtp://127.0.0.1:1"
    assert "/pilot/yaz/start/" in page(deniz, "/pilot/yaz/")


def test_the_ready_file_of_a_turkish_page_is_turkish(deniz):
    found = page(deniz, "/pilot/+new/?kit=hotel", "tr")
    assert "Sizi yeniden ağırlamak isteriz" in found
    assert "We would like" not in found
    assert "We would like" in page(deniz, "/pilot/+new/?kit=hotel")
