"""Opens and clicks are noted, machines are told from people, and links lead where the mail said."""

from __future__ import annotations

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test import Client
from tests.api.test_unsubscribe import PERSON, path_of
from tests.outbox.people import HTML, in_line, profiles

from pusula.content import check, template
from pusula.content.template import TRAP
from pusula.events.models import Event
from pusula.lib import clock
from pusula.outbox import links, queries, receipts
from pusula.outbox.models import Message, Receipt

pytestmark = pytest.mark.django_db

TARGET = "https://otel.example/oda?a=1&b=ş#c"
ON_THE_WIRE = "https://otel.example/oda?a=1&b=%C5%9F#c"


@pytest.fixture
def message() -> Message:
    [made] = in_line(profiles(1))
    Message.objects.filter(pk=made.pk).update(state="sent", settled_at=clock.now() - clock.HOUR)
    return Message.objects.get(pk=made.pk)


def click_path(message: Message, target: str = TARGET) -> str:
    return path_of(links.MessageLinks(message.token).click(target))


def open_path(message: Message) -> str:
    return path_of(links.MessageLinks(message.token).pixel_url)


def test_a_click_leads_to_the_page_the_mail_named_and_is_noted(message):
    response = Client().get(click_path(message), headers=PERSON)
    assert response.status_code == 302
    assert response["Location"] == ON_THE_WIRE
    assert not response.cookies
    assert response["Referrer-Policy"] == "no-referrer"
    [receipt] = Receipt.objects.all()
    assert (receipt.kind, receipt.url, receipt.is_machine) == ("clicked", TARGET, False)
    [event] = Event.objects.all()
    assert (event.name, event.profile_id) == ("Email Clicked", message.profile_id)
    assert event.properties == {"origin": "campaign:1", "url": TARGET}


def test_an_open_is_answered_with_an_image_that_web_mail_can_show(message):
    response = Client().get(open_path(message), headers=PERSON)
    assert response["Content-Type"] == "image/gif"
    assert response.content.startswith(b"GIF89a")
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert response["Cache-Control"] == "no-store, private"
    assert Event.objects.get().name == "Email Opened"


def test_the_same_person_opening_again_is_one_event(message):
    for _ in range(3):
        Client().get(open_path(message), headers=PERSON)
    assert Receipt.objects.count() == 3
    assert Event.objects.count() == 1


def test_two_links_of_a_mail_are_two_events(message):
    started = clock.to_datetime(clock.now())
    with time_machine.travel(started, tick=False) as moment:
        for target in (TARGET, "https://otel.example/spa", TARGET):
            Client().get(click_path(message, target), headers=PERSON)
            moment.shift(5)
    assert Event.objects.count() == 2
    assert not Receipt.objects.filter(is_machine=True).exists()


def test_whoever_follows_several_links_at_once_is_a_scanner(message):
    with time_machine.travel(clock.to_datetime(clock.now()), tick=False) as moment:
        for target in (TARGET, "https://otel.example/spa", "https://otel.example/plaj"):
            Client().get(click_path(message, target), headers=PERSON)
            moment.shift(0.3)
        moment.shift(60)
        Client().get(click_path(message, TARGET), headers=PERSON)
    marks = list(Receipt.objects.order_by("at").values_list("is_machine", flat=True))
    assert marks == [True, True, True, False]
    assert queries.rates("campaign:1").n_clicked == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path[:-1] + ("A" if path[-1] != "A" else "B"),
        lambda path: path + "x",
        lambda path: path.replace("/c/", "/c/x"),
        lambda _path: "/c/aHR0cHM6Ly9ldmls",
        lambda _path: "/c/?u=https://evil.example",
        lambda _path: "/c/https://evil.example",
    ],
)
def test_no_changed_address_leads_anywhere(message, change):
    response = Client().get(change(click_path(message)), headers=PERSON)
    assert response.status_code == 404
    assert "Location" not in response


def test_a_signature_of_an_unsubscribe_or_an_open_opens_no_redirect(message):
    made = links.MessageLinks(message.token)
    for url in (made.unsubscribe_url, made.pixel_url):
        signed = path_of(url)[3:].rstrip("/").removesuffix(".gif")
        assert Client().get(f"/c/{signed}").status_code == 404


def test_what_is_no_web_page_is_not_led_through_us(message):
    made = links.MessageLinks(message.token)
    for url in ("mailto:otel@deniz.example", "tel:+902520000000", "#oda", "javascript:alert(1)"):
        assert made.click(url) == url
    assert made.click(made.unsubscribe_url) == made.unsubscribe_url


@pytest.mark.parametrize(
    "agent",
    [
        "", "Mozilla/5.0", "Googlebot/2.1", "python-requests/2.32", "curl/8.5",
        "Mozilla/5.0 (compatible; Barracuda Sentinel)", "GoogleImageProxy",
    ],
)  # fmt: skip
def test_programs_are_marked_and_make_no_event(message, agent):
    response = Client().get(click_path(message), headers={"User-Agent": agent})
    assert response.status_code == 302
    assert Receipt.objects.get().is_machine
    assert not Event.objects.exists()


def test_a_head_request_and_a_hit_right_after_sending_are_machines(message):
    Client().head(click_path(message), headers=PERSON)
    Message.objects.filter(pk=message.pk).update(settled_at=clock.now())
    Client().get(click_path(message), headers=PERSON)
    assert list(Receipt.objects.values_list("is_machine", flat=True)) == [True, True]
    assert queries.rates("campaign:1").n_clicked == 0


def test_a_pixel_fetched_for_ever_does_not_fill_the_disk(message, monkeypatch):
    monkeypatch.setattr(receipts, "MOST", 3)
    for _ in range(6):
        Client().get(open_path(message), headers=PERSON)
    assert Receipt.objects.count() == 3


def test_the_pixel_and_the_links_of_an_erased_person_still_answer(message):
    paths = open_path(message), click_path(message)
    message.delete()
    assert Client().get(paths[0], headers=PERSON).status_code == 200
    assert Client().get(paths[1], headers=PERSON)["Location"] == ON_THE_WIRE


def test_a_made_up_pixel_is_an_image_that_notes_nothing(message):
    assert Client().get("/o/nonsense.gif").status_code == 200
    assert not Receipt.objects.exists()


def test_rates_count_each_message_once(message):
    [other] = in_line(profiles(1))[-1:]
    Message.objects.filter(pk=other.pk).update(state="sent", settled_at=1)
    for _ in range(2):
        Client().get(open_path(message), headers=PERSON)
        Client().get(click_path(message), headers=PERSON)
    rates = queries.rates("campaign:1")
    assert (rates.n_messages, rates.n_sent, rates.n_opened, rates.n_clicked) == (2, 2, 1, 1)
    assert rates.share(rates.n_clicked) == 0.5
    [found] = queries.recent(message.profile_id)
    assert len(found.receipts.all()) == 4


def test_a_busy_database_keeps_nobody_from_their_page(message, monkeypatch):
    def busy(*_args, **_given):
        raise OperationalError("database is locked")

    monkeypatch.setattr(receipts, "note", busy)
    response = Client().get(click_path(message), headers=PERSON)
    assert response["Location"] == ON_THE_WIRE
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("pragma busy_timeout")
            assert cursor.fetchone()[0] > 10_000  # as before, for everybody else


def test_the_link_that_nobody_sees_leads_nowhere_and_marks_the_scanner_that_followed_it(message):
    with time_machine.travel(clock.to_datetime(clock.now()), tick=False) as moment:
        Client().get(open_path(message), headers=PERSON)
        moment.shift(3)
        trap = Client().get(click_path(message, TRAP), headers=PERSON)
        assert (trap.status_code, trap.content) == (204, b"")
        assert "Location" not in trap
        moment.shift(10)
        led = Client().get(click_path(message), headers=PERSON)
        assert led["Location"] == ON_THE_WIRE, "a person behind the same gateway is led on"
        assert set(Receipt.objects.values_list("is_machine", flat=True)) == {True}
        assert not Event.objects.filter(name="Email Clicked").exists()
        moment.shift(60)
        Client().get(click_path(message), headers=PERSON)
    assert Event.objects.filter(name="Email Clicked").count() == 1
    assert queries.rates("campaign:1").n_clicked == 1


def test_images_that_a_trapped_scanner_loads_afterwards_are_no_open_of_a_person(message):
    with time_machine.travel(clock.to_datetime(clock.now()), tick=False) as moment:
        Client().get(click_path(message, TRAP), headers=PERSON)
        moment.shift(4)
        Client().get(open_path(message), headers=PERSON)
        assert not Event.objects.filter(name="Email Opened").exists()
        moment.shift(60)
        Client().get(open_path(message), headers=PERSON)
    assert Event.objects.filter(name="Email Opened").count() == 1
    assert queries.rates("campaign:1").n_opened == 1


def test_the_trap_of_one_message_marks_nothing_of_another(message):
    [other] = in_line(profiles(1), origin="campaign:2")
    Client().get(click_path(other, TRAP), headers=PERSON)
    Client().get(click_path(message), headers=PERSON)
    assert not message.receipts.filter(is_machine=True).exists()


def test_each_mail_begins_with_a_link_that_no_eye_ear_or_keyboard_reaches(message):
    made = template.compiled("x", "", HTML)
    given = {"profile": {"first_name": "Ayşe", "last_name": "Y"}}
    written = template.render(made, given, links.MessageLinks(message.token))
    address = links.MessageLinks(message.token).click(TRAP)
    hidden = f'<a href="{address}" style="display:none" aria-hidden="true" tabindex="-1"></a>'
    assert written.html.count(hidden) == 1
    assert written.html.index(hidden) == written.html.index("<a ")
    assert "trap" not in written.text
    assert "trap" not in template.render(made, given, links.preview_links()).html
    assert not [one for one in check.check("x", "", HTML, frozenset()) if "trap" in str(one)]
