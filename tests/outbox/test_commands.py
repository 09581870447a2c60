"""The sender from the command line: it sends, waits, goes on, and says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.outbox.people import consented, in_line, profiles

from pusula.channels.email.catcher import catching, mails
from pusula.lib.errors import PusulaError
from pusula.ops import sender as command
from pusula.outbox import queries

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("english")]


@pytest.fixture
def home(settings, tmp_path: Path, monkeypatch) -> Path:
    settings.PUSULA_HOME = tmp_path
    monkeypatch.setattr(command.signal, "signal", lambda *_: None)
    return tmp_path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(command.sender, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_what_is_in_line_ends_up_in_the_mailbox(home, settings):
    people = profiles(3)
    consented(people[:2])
    in_line(people)
    with catching(home / "mailbox", "127.0.0.1", 0) as port:
        settings.PUSULA_SMTP_URL = f"smtp://127.0.0.1:{port}?name=test.example"
        assert "Due now: 3" in run("status")
        assert "sent 2  skipped 1" in run("run", "--once")
    caught = mails(home / "mailbox")
    assert {mail.to for mail in caught} == {f"p{p.pk}@example.com" for p in people[:2]}
    assert queries.is_settled("campaign:1")
    assert queries.n_waiting(10**18) == 0


def test_a_pause_holds_everything_until_it_is_lifted(home, settings):
    people = profiles(2)
    consented(people)
    in_line(people)
    run("pause")
    assert "Held: all sending" in run("status")
    with catching(home / "mailbox", "127.0.0.1", 0) as port:
        settings.PUSULA_SMTP_URL = f"smtp://127.0.0.1:{port}?name=test.example"
        with pytest.raises(PusulaError, match="sending is held"):
            run("run", "--once")
        assert mails(home / "mailbox") == []
        run("resume")
        assert "sent 2" in run("run", "--once")


def test_one_mailing_can_be_held_alone(home):
    run("pause", "campaign:7")
    assert "Held: campaign:7" in run("status")
    run("resume", "campaign:7")
    assert "Held" not in run("status")


def test_without_a_mail_server_the_way_out_is_named(home, settings):
    settings.PUSULA_SMTP_URL = ""
    with pytest.raises(PusulaError, match="pusula mailbox"):
        run("run", "--once")


def test_the_books_name_the_people_of_whom_nobody_can_tell(home):
    [message] = in_line(profiles(1))
    type(message).objects.update(state="unknown", reason="sender_died")
    assert [found.pk for found in queries.doubtful("campaign:1")] == [message.pk]
