"""Test mails reach verified addresses of the team and nobody else, and count nowhere."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pusula.campaigns import team, trials
from pusula.campaigns.models import TeamAddress, Trial
from pusula.campaigns.team import TeamError
from pusula.campaigns.templates import Says
from pusula.campaigns.trials import TrialError
from pusula.channels.email import catcher
from pusula.channels.email.smtp import Server
from pusula.content.language import RenderError
from pusula.lib import clock
from pusula.lib.sayings import told
from pusula.outbox import actions as outbox
from pusula.outbox import fence
from pusula.outbox.brakes import STOP_FILE
from pusula.outbox.models import Message, channel_hold
from pusula.outbox.registry import RUN_FOLDER
from pusula.profiles.models import Profile

pytestmark = pytest.mark.django_db(transaction=True)

SAYS = Says(
    subject="Merhaba {{ profile.first_name }}",
    preheader="Sizi bekliyoruz",
    html='<p>Merhaba {{ profile.first_name }} <a href="{{ unsubscribe_url }}">Çıkın</a></p>',
)
LINK = re.compile(r"/team/([\w-]+)/")
COLLEAGUE = "deniz@ajans.example"


@pytest.fixture
def ayse(hotel):
    return hotel.guest("Ayse")


@pytest.fixture
def post(tmp_path):
    """A real server that keeps what it is given, and how to let everything leave."""
    with catcher.catching(tmp_path / "mail", "127.0.0.1", 0) as port:
        server = Server.of(f"smtp://127.0.0.1:{port}")

        def send() -> list[catcher.Caught]:
            trials.send_waiting(server, tmp_path)
            return catcher.mails(tmp_path / "mail")

        send.home = tmp_path
        yield send


def invite(address: str = COLLEAGUE, *, at: int | None = None) -> TeamAddress:
    return team.invite(address, by="deniz", at=at or clock.now())


def verified(address: str = COLLEAGUE) -> TeamAddress:
    at = clock.now()
    return TeamAddress.objects.create(
        address=address, asked_by="deniz", asked_at=at, mailed_at=at, verified_at=at
    )


def ask(to: TeamAddress, as_customer, *, says: Says = SAYS, by: str = "deniz") -> Trial:
    return trials.ask(says, to=to.pk, as_customer=as_customer.pk, by=by, at=clock.now())


def token_of(post) -> str:
    (mail,) = post()
    return LINK.search(catcher.mail(post.home / "mail", mail.key).text)[1]


def test_who_opens_their_link_and_presses_the_button_gets_test_mails(ayse, post):
    one = invite()
    token = token_of(post)
    assert team.verify(token, at=clock.now()) == one
    ask(one, ayse)
    mails = post()
    assert [mail.to for mail in mails] == [COLLEAGUE] * 2
    assert mails[0].subject == "[Test] Merhaba Ayse"
    trial = Trial.objects.get()
    assert trial.sent_at is not None
    assert trial.as_customer is None  # whose values filled it is not kept


def test_a_test_mail_is_no_message_and_its_links_change_nothing(ayse, post):
    ask(verified(), ayse)
    (mail,) = post()
    whole = catcher.mail(post.home / "mail", mail.key)
    assert "/u/preview/" in whole.html
    assert not Message.objects.exists()


@pytest.mark.parametrize("state", ["asked", "mailed", "revoked"])
def test_no_address_that_is_not_verified_gets_a_test_mail(ayse, post, state):
    one = invite()
    if state != "asked":
        token_of(post)
    if state == "revoked":
        TeamAddress.objects.update(verified_at=clock.now())
        team.revoke(one.pk, at=clock.now())
    before = len(post())
    with pytest.raises(TrialError):
        ask(one, ayse)
    with pytest.raises(TrialError):
        trials.ask(SAYS, to=0, as_customer=ayse.pk, by="deniz", at=clock.now())
    assert len(post()) == before
    assert not Trial.objects.exists()


def test_a_row_that_got_in_by_another_way_is_not_taken(ayse, post):
    one = verified()
    ask(one, ayse)
    TeamAddress.objects.update(verified_at=None)
    assert post() == []
    assert Trial.objects.get().taken_at is None


def test_a_test_mail_in_line_does_not_leave_once_its_address_is_revoked(ayse, post):
    one = verified()
    ask(one, ayse)
    assert team.revoke(one.pk, at=clock.now())
    assert post() == []
    assert told(Trial.objects.get().problem) == "its address was taken off the list meanwhile"


def test_an_address_revoked_while_the_server_waits_for_the_body_gets_none(ayse, post, monkeypatch):
    one = verified()
    ask(one, ayse)
    asked = trials.may_get

    def may_get(to: int) -> bool:
        team.revoke(to, at=clock.now())
        return asked(to)

    monkeypatch.setattr(trials, "may_get", may_get)
    assert post() == []
    assert told(Trial.objects.get().problem) == "it was called back at the last moment"


@pytest.fixture
def several_writers() -> None:
    """Skip where two connections cannot wait for each other."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer; the tests' database in memory cannot wait for it")


@pytest.mark.usefixtures("several_writers")
def test_of_two_senders_one_sends_it(ayse, tmp_path):
    one = verified()
    for _ in range(6):
        ask(one, ayse)
    with catcher.catching(tmp_path / "mail", "127.0.0.1", 0) as port:
        server = Server.of(f"smtp://127.0.0.1:{port}")
        together = threading.Barrier(2)

        def send() -> None:
            try:
                together.wait()
                trials.send_waiting(server, tmp_path)
            finally:
                connection.close()

        with ThreadPoolExecutor(2) as threads:
            for done in [threads.submit(send) for _ in range(2)]:
                done.result()
        assert len(catcher.mails(tmp_path / "mail")) == 6


@pytest.mark.usefixtures("several_writers")
def test_a_test_mail_that_another_sender_is_taking_just_now_is_not_taken(ayse):
    ask(verified(), ayse)

    def take() -> Trial | None:
        try:
            return trials.take(at=clock.now())
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            assert trials.take(at=clock.now()) is not None
            other = threads.submit(take)
            while not _is_somebody_waiting():
                assert not other.done()
        assert other.result() is None


def _is_somebody_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from pg_locks where not granted")
        return bool(cursor.fetchone()[0])


def test_a_link_works_once_for_a_day_and_only_as_it_was_sent(post):
    one = invite()
    token = token_of(post)
    late = clock.now() + clock.DAY
    assert team.verify(token, at=late) is None
    assert team.verify(token[:-1], at=clock.now()) is None
    assert team.verify("", at=clock.now()) is None
    assert team.verify(token, at=clock.now()) == one
    assert team.verify(token, at=clock.now()) is None
    assert token not in str(TeamAddress.objects.values())


@pytest.mark.usefixtures("several_writers")
def test_of_two_who_open_a_link_at_once_one_wins(post):
    invite()
    token = token_of(post)
    together = threading.Barrier(2)

    def press() -> bool:
        try:
            together.wait()
            return team.verify(token, at=clock.now()) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(lambda _: press(), range(2))) == [False, True]


def test_the_link_of_a_revoked_address_verifies_nothing(post):
    one = invite()
    token = token_of(post)
    team.revoke(one.pk, at=clock.now())
    assert team.verify(token, at=clock.now()) is None
    assert TeamAddress.objects.get().verified_at is None


def test_the_address_of_a_customer_is_refused(ayse):
    with pytest.raises(TeamError):
        invite("ayse@example.com")
    with pytest.raises(TeamError):
        invite(" Ayse@Example.com ")
    assert not TeamAddress.objects.exists()


INJECTED = (
    "a@ajans.example\r\nBcc: ayse@example.com",
    "a@ajans.example\nRCPT TO:<ayse@example.com>",
    "a@ajans.example, ayse@example.com",
    "a@ajans.example;ayse@example.com",
    "a@ajans.example ayse@example.com",
    '"a\r\nBcc: x"@ajans.example',
    "<a@ajans.example> <ayse@example.com>",
    "a@ajans.example\0",
    "a@ajans.example%0d%0aBcc:ayse@example.com",
    "a@[127.0.0.1]",
    "a@ajans.example>",
    "",
)


@pytest.mark.parametrize("text", INJECTED)
def test_nothing_but_one_plain_address_can_be_added(db, text):
    with pytest.raises(TeamError):
        invite(text)
    assert not TeamAddress.objects.exists()


@given(text=st.text(max_size=60).map(lambda text: f"a@ajans.example{text}"))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_stands_behind_an_address_it_is_one_or_none(db, text):
    try:
        found = team._address(text)
    except TeamError:
        return
    assert re.fullmatch(r"[^\s@,;<>]+@[^\s@,;<>]+", found)


def test_no_value_of_a_customer_becomes_a_header_or_another_recipient(hotel, post):
    evil = hotel.guest("x\r\nBcc: ayse@example.com\r\n\r\n.\r\nRCPT TO:<b@example.com>")
    says = Says(subject="{{ profile.first_name }}", text="{{ profile.first_name }}")
    ask(verified(), evil, says=says)
    (mail,) = post()
    whole = catcher.mail(post.home / "mail", mail.key)
    assert whole.caught.to == COLLEAGUE
    assert not [name for name, _ in whole.headers if name.lower() == "bcc"]


def test_what_cannot_be_filled_is_said_at_once_and_not_put_in_line(hotel):
    nobody = hotel.guest("")
    with pytest.raises(RenderError, match=r"profile\.first_name"):
        ask(verified(), nobody)
    assert not Trial.objects.exists()


def test_an_address_and_a_user_have_their_limits(ayse, monkeypatch):
    monkeypatch.setattr(trials, "MOST_AN_HOUR", 2)
    one, other = verified(), verified("b@ajans.example")
    ask(one, ayse, by="deniz")
    ask(one, ayse, by="ali")
    with pytest.raises(TrialError):
        ask(one, ayse, by="veli")
    ask(other, ayse, by="deniz")
    with pytest.raises(TrialError):
        ask(verified("c@ajans.example"), ayse, by="deniz")


def test_links_are_limited_for_an_address_and_for_a_day(post, monkeypatch):
    monkeypatch.setattr(team, "MOST_A_DAY", 2)
    one = invite()
    with pytest.raises(TeamError):
        invite()
    team.revoke(one.pk, at=clock.now())
    with pytest.raises(TeamError):
        invite()
    invite("b@ajans.example")
    with pytest.raises(TeamError):
        invite("c@ajans.example")
    later = clock.now() + clock.DAY + 1
    assert invite(at=later).pk == one.pk


def test_while_sending_is_held_or_stopped_no_test_mail_leaves(ayse, post):
    ask(verified(), ayse)
    outbox.hold(at=clock.now())
    assert post() == []
    outbox.lift()
    outbox.hold(channel_hold("email"), at=clock.now())
    assert post() == []
    outbox.lift(channel_hold("email"))
    (post.home / RUN_FOLDER).mkdir()
    (post.home / RUN_FOLDER / STOP_FILE).touch()
    assert post() == []
    (post.home / RUN_FOLDER / STOP_FILE).unlink()
    assert len(post()) == 1


def test_no_test_mail_leaves_a_home_that_may_be_a_copy(ayse, post, tmp_path_factory):
    invite("burak@ajans.example")
    ask(verified(), ayse)
    real = tmp_path_factory.mktemp("real")
    assert not fence.guard(real, at=clock.now())
    assert post() == []
    fence.confirm(post.home / RUN_FOLDER, at=clock.now())
    assert len(post()) == 2


def test_a_test_mail_that_waited_for_an_hour_is_not_wanted_any_more(ayse, post):
    ask(verified(), ayse)
    Trial.objects.update(asked_at=clock.now() - clock.HOUR - 1)
    assert post() == []


def test_a_customer_erased_meanwhile_is_shown_to_nobody(post, db):
    somebody = Profile.objects.create(first_name="Ece", created_at=0, recorded_at=0)
    ask(verified(), somebody)
    somebody.delete()
    assert post() == []
    kept = Trial.objects.get().problem
    assert told(kept, str.upper) == "THE CUSTOMER IS NOT THERE ANY MORE"
