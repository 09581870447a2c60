"""A sign-up holds only when the owner of the address says so, and nobody can be bombed by it."""

from __future__ import annotations

import smtplib
import threading

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.outbox.people import profiles

from pusula.consent import actions, sign_ups
from pusula.consent.models import Consent, ConsentEntry, SignUp, SignUpTurn, Suppression
from pusula.lib import clock, ids
from pusula.outbox import confirmations
from pusula.pipeline import live
from pusula.pipeline.models import LogEntry
from pusula.profiles import contacts
from pusula.profiles.models import Profile

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "log"])
ASKED = {"email": "ayse@example.com"}


@pytest.fixture(autouse=True)
def form():
    return sign_ups.add_form("bulten", "Bülten", ["marketing"], at=clock.now())


def ask(**told):
    return Client().post("/forms/bulten/", {**ASKED, **told}, REMOTE_ADDR="203.0.113.5")


def link() -> str:
    return f"/s/{SignUp.objects.get(is_muted=False).token}/"


def test_nothing_holds_before_the_button_behind_the_link_is_pressed():
    assert ask().status_code == 200
    for _ in range(2):
        assert Client().get(link()).status_code == 200
        assert Client().head(link()).status_code == 200
    live.step()
    assert not ConsentEntry.objects.exists()
    assert not Profile.objects.exists(), "who only asked is nobody"

    assert Client().post(link(), REMOTE_ADDR="203.0.113.5").status_code == 200
    live.step()

    entry = ConsentEntry.objects.get()
    assert (entry.status, entry.channel, entry.purpose) == ("granted", "email", "marketing")
    assert entry.address == "ayse@example.com"
    assert entry.proof["form"] == "bulten"
    assert entry.proof["network"] == "203.0.113.0/24"
    assert entry.evidence


def test_a_link_works_once_and_for_a_week():
    ask()
    path = link()
    first = Client().post(path)
    again = Client().post(path)
    unknown = Client().post("/s/AAAAAAAAAAAAAAAAAAAAAA/")
    assert again.content == first.content != unknown.content, "who pressed twice sees the answer"
    assert LogEntry.objects.count() == 1
    assert SignUp.objects.get().address == ""
    SignUp.objects.update(confirmed_at=None, address="ayse@example.com", asked_at=0)
    assert Client().post(path).content == unknown.content
    assert sign_ups.forget_old(at=clock.now()) == 1


def test_the_answer_and_the_work_are_the_same_for_every_address():
    [known] = profiles(1)
    stranger = "stranger@example.com"
    answers = set()
    for address in (f"p{known.pk}@example.com", stranger, stranger):  # the last gets no mail
        with CaptureQueriesContext(connection) as asked:
            page = ask(email=address)
        answers.add((page.status_code, page.content, len(asked)))
    assert len(answers) == 1


def test_an_address_gets_one_mail_a_day_however_often_it_is_asked_for():
    for _ in range(5):
        ask()
    assert SignUp.objects.filter(is_muted=False).count() == 1
    for moved in (SignUp.objects.all(), SignUpTurn.objects.all()):
        field = "asked_at" if moved.model is SignUp else "taken_at"
        moved.update(**{field: clock.now() - clock.DAY - 1})
    ask()
    assert SignUp.objects.filter(is_muted=False).count() == 2


def test_a_network_and_a_form_have_their_limits(form):
    for number in range(sign_ups.MOST_OF_A_NETWORK):
        assert ask(email=f"g{number}@example.com").status_code == 200
    assert ask(email="one-more@example.com").status_code == 429
    elsewhere = Client().post("/forms/bulten/", ASKED, REMOTE_ADDR="198.51.100.1")
    assert elsewhere.status_code == 200
    type(form).objects.update(most_an_hour=21)
    limited = Client().post("/forms/bulten/", ASKED, REMOTE_ADDR="192.0.2.1")
    assert (limited.status_code, limited["Retry-After"]) == (429, "3600")


def test_a_robot_that_fills_in_everything_gets_the_same_answer_and_no_mail():
    assert ask(website="https://spam.example").content == ask(email="b@example.com").content
    assert SignUp.objects.filter(is_muted=True).count() == 1


def test_what_is_agreed_to_is_decided_by_the_form_and_not_by_the_request():
    ask(purpose="ads", status="granted", list="vip", channel="sms", first_name="Buy now")
    one = SignUp.objects.get()
    assert (one.purposes, one.is_muted) == ([], True)
    assert "Buy now" not in str(vars(one))


def test_several_purposes_are_several_decisions_none_of_them_ticked_beforehand(form):
    type(form).objects.update(purposes=["marketing", "surveys"])
    page = Client().get("/forms/bulten/").content.decode()
    assert "checked" not in page
    assert ask().status_code == 400, "nothing was ticked"
    ask(purpose=["marketing", "surveys"])
    assert "checked" not in Client().get(link()).content.decode()
    Client().post(link(), {"purpose": ["surveys"]})
    live.step()
    assert list(Consent.objects.values_list("purpose", "status")) == [("surveys", "granted")]


@pytest.mark.usefixtures("english")
def test_a_form_that_bundles_membership_with_consent_is_refused():
    with pytest.raises(Exception, match="apart from membership"):
        sign_ups.add_form("uye", "Üye", ["membership", "marketing"], at=0)
    with pytest.raises(Exception, match="surveyz"):
        sign_ups.add_form("x", "X", ["surveyz"], at=0)


def test_a_form_may_stand_on_the_pages_it_names_only(form):
    type(form).objects.update(origins=["https://otel.example"])
    post = {"path": "/forms/bulten/", "data": ASKED}
    assert Client().post(**post, headers={"Origin": "https://evil.example"}).status_code == 403
    assert Client().post(**post, headers={"Origin": "https://otel.example"}).status_code == 200
    type(form).objects.update(is_open=False)
    assert Client().post(**post).status_code == 404


class Hop:
    """Takes mails in place of a server."""

    def __init__(self, *, fails: bool = False) -> None:
        self.mails: list = []
        self.fails = fails

    def __call__(self, _server, message) -> None:
        if self.fails:
            raise smtplib.SMTPServerDisconnected
        self.mails.append(message)


def test_the_mail_goes_once_and_says_nothing_that_was_typed_in(monkeypatch):
    ask(first_name="Win a prize", email='"Buy now" <ayse@example.com>')
    hop = Hop()
    monkeypatch.setattr(confirmations, "_send", hop)
    assert confirmations.send_waiting(None) == 1
    assert confirmations.send_waiting(None) == 0
    [mail] = hop.mails
    assert mail["To"] == "ayse@example.com"
    assert link() in mail.get_content()
    assert "prize" not in mail.as_string()
    assert "Buy" not in mail.as_string()


def test_a_mail_that_failed_is_not_tried_again(monkeypatch):
    ask()
    monkeypatch.setattr(confirmations, "_send", Hop(fails=True))
    assert confirmations.send_waiting(None) == 0
    hop = Hop()
    monkeypatch.setattr(confirmations, "_send", hop)
    assert confirmations.send_waiting(None) == 0
    assert not hop.mails


def test_who_refused_and_signs_up_anew_may_be_written_to_again():
    [person] = profiles(1)
    address = f"p{person.pk}@example.com"
    actions.refuse(
        [person.pk], channel="email", purpose="marketing", source="web", evidence="", at=1,
        addresses=[address],
    )  # fmt: skip
    ask(email=address)
    Client().post(link())
    live.step()
    assert Consent.objects.get().status == "granted"


def test_who_was_erased_and_signs_up_anew_may_be_written_to_and_nobody_else():
    actions.forget("email", ["ayse@example.com"], at=1)
    actions.suppress("email", "bounced@example.com", reason="hard_bounce", at=1)
    for address in ("ayse@example.com", "bounced@example.com"):
        ask(email=address)
        found = SignUp.objects.get(address=address)
        Client().post(f"/s/{found.token}/")
    standing = Suppression.objects.filter(lifted_at=None)
    assert [one.address for one in standing] == ["bounced@example.com"]


def test_an_address_that_is_none_is_said_so():
    page = ask(email="ayse@")
    assert page.status_code == 400
    assert not SignUp.objects.exists()
    assert contacts.email("ayse@example.com")


def test_a_link_that_no_database_could_hold_is_an_unknown_link():
    unknown = Client().get("/s/AAAAAAAAAAAAAAAAAAAAAA/")
    assert Client().get("/s/%00/").content == unknown.content


def test_a_request_that_comes_between_looking_and_writing_brings_no_second_mail(form, monkeypatch):
    asked = sign_ups.Asked("ayse@example.com", "tr", ("marketing",), "")
    real, n = ids.random_id, 0

    def meanwhile() -> str:
        nonlocal n
        n += 1
        if n == 1:  # the first is about to be written: a second comes
            sign_ups.ask(form, asked, at=clock.now())
        return real()

    monkeypatch.setattr(ids, "random_id", meanwhile)
    sign_ups.ask(form, asked, at=clock.now())
    assert SignUp.objects.count() == 2
    assert SignUp.objects.filter(is_muted=False).count() == 1


@pytest.mark.skipif(connection.vendor == "sqlite", reason="the tests' SQLite takes one writer")
def test_of_many_requests_at_the_same_moment_one_brings_a_mail(form):
    n = 8
    start = threading.Barrier(n)

    def ask_at_once() -> None:
        asked = sign_ups.Asked("ayse@example.com", "tr", ("marketing",), "")
        start.wait()
        try:
            sign_ups.ask(form, asked, at=clock.now())
        finally:
            connection.close()

    threads = [threading.Thread(target=ask_at_once) for _ in range(n)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert SignUp.objects.count() == n
    assert SignUp.objects.filter(is_muted=False).count() == 1
