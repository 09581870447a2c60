"""The other channels from the command line, and the way of a bounce from our mail back to us."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.channels.contract import CASES
from tests.channels.test_bounces import dsn
from tests.outbox import people as mails
from tests.outbox.test_posting import guests, in_line, states

from pusula.channels.port import ChannelError
from pusula.consent.models import Suppression
from pusula.ops import send as commands
from pusula.outbox import machine, providers
from pusula.outbox.letters import Desk, Letter
from pusula.outbox.models import Message, Receipt

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("english")]


@pytest.fixture
def home(settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    settings.PUSULA_HOME = tmp_path
    settings.PUSULA_CHANNELS = {}
    monkeypatch.setattr(commands.signal, "signal", lambda *_: None)
    return tmp_path


def run(command, *arguments: str, given: bytes | None = None) -> str:
    result = CliRunner().invoke(command, arguments, input=given, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_texts_are_sent_and_what_became_of_them_is_asked_for(home: Path, settings) -> None:
    in_line(guests(3))
    netgsm = next(case for case in CASES if case.name == "netgsm")
    with netgsm.staged() as stage:
        settings.PUSULA_CHANNELS = {
            "sms": {
                "provider": "netgsm", "user": stage.company.user, "sender": "DENIZOTEL",
                "url": stage.provider.url,
            }
        }  # fmt: skip
        (home / "secrets" / "sms").mkdir(parents=True)
        (home / "secrets" / "sms" / "password").write_text(stage.company.password)
        assert "sms: sent 3" in run(commands.send, "--channel", "sms", "--once")
        job = Message.objects.first().provider_id.partition("/")[0]
        stage.company.reports = [
            {"jobid": job, "number": one["to"], "status": 1} for one in stage.company.taken
        ]
        assert "3 new" in run(commands.ask, "sms")
        assert "0 new" in run(commands.ask, "sms")  # there is nothing left to ask
    assert states() == [(machine.SENT, "")] * 3
    assert set(Receipt.objects.values_list("kind", flat=True)) == {"delivered"}


def test_a_channel_that_is_not_set_up_says_how(home: Path) -> None:
    with pytest.raises(ChannelError, match=r"\[channels.whatsapp\]"):
        run(commands.send, "--channel", "whatsapp", "--once")


def test_the_key_of_web_push_is_made_once_and_shown_again(home: Path, settings) -> None:
    first, second = run(commands.webpush, "keys"), run(commands.webpush, "keys")
    assert "Keep it with the backups" in first
    assert first.splitlines()[-1] == second.strip()
    settings.PUSULA_CHANNELS = {"webpush": {"subject": "mailto:it@deniz.example"}}
    found = providers.needed("webpush")
    assert found.vapid.public_key == second.strip()
    assert "127.0.0.1" in found.outbound.own_hosts


def test_a_bounce_finds_its_mail_by_the_return_path_the_mail_left_with(
    home: Path, settings
) -> None:
    settings.PUSULA_CHANNELS = {"email": {"bounce_address": "b@b.deniz.example"}}
    people = mails.profiles(1)
    mails.consented(people)
    (message,) = mails.in_line(people)
    letter = Letter(
        message.pk, message.token, message.origin, message.profile_id, message.content_id,
        message.address, 0,
    )  # fmt: skip
    path = Desk().envelope(letter).sender
    assert path.startswith("b+")
    assert path.endswith("@b.deniz.example")
    raw = dsn(to="unknown@elsewhere.example", message_id="lost")
    assert "0 new" in run(commands.bounce, given=raw)
    assert "1 new" in run(commands.bounce, "--recipient", path, given=raw)
    assert Suppression.objects.get().address == message.address
    assert "1 known" in run(commands.bounce, "--recipient", path.upper(), given=raw)


def test_without_a_bounce_address_mails_come_back_to_their_sender(home: Path) -> None:
    (message,) = mails.in_line(mails.profiles(1))
    letter = Letter(
        message.pk, message.token, message.origin, message.profile_id, message.content_id,
        message.address, 0,
    )  # fmt: skip
    assert Desk().envelope(letter).sender == "otel@deniz.example"
