"""Campaigns that nobody watches: the sender itself moves them on when their messages are out."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from pusula.campaigns import actions, machine
from pusula.campaigns.models import Campaign
from pusula.channels.email import catcher
from pusula.lib import clock
from pusula.ops import sender
from pusula.ops.campaigns import campaigns
from pusula.outbox.books import Tally
from pusula.outbox.models import Message


@pytest.fixture
def started(hotel):
    hotel.segment("lapsing", hotel.guest("Ayse"), hotel.guest("Mehmet"))
    return actions.start(hotel.campaign(), clock.now())


def test_a_campaign_started_on_a_page_is_measured_once_the_sender_has_sent_it(
    started, settings, tmp_path
):
    with catcher.catching(tmp_path / "mail", "127.0.0.1", 0) as port:
        settings.PUSULA_SMTP_URL = f"smtp://127.0.0.1:{port}"
        told = CliRunner().invoke(sender.sender, ["run", "--once"], catch_exceptions=False)
    assert told.exit_code == 0
    assert len(catcher.mails(tmp_path / "mail")) == 2
    assert Campaign.objects.get().state == machine.RUNNING


def test_a_sender_that_goes_on_settles_every_second(started, monkeypatch):
    monkeypatch.setattr(sender, "SETTLE_S", 0.0)
    tell = sender._Progress()
    tell(Tally())
    assert Campaign.objects.get().state == machine.SENDING
    Message.objects.update(state="sent")
    tell(Tally())
    assert Campaign.objects.get().state == machine.RUNNING


def test_a_database_that_is_busy_does_not_stop_the_sender(started, monkeypatch, caplog):
    def busy(at):
        raise sender.OperationalError("database is locked")

    monkeypatch.setattr(sender.campaigns, "settle_all", busy)
    sender._Progress()(Tally())
    assert "not settled yet: database is locked" in caplog.text


def test_the_list_for_programs_says_what_is_written_and_where_a_campaign_stands(started):
    Message.objects.update(state="sent")
    told = CliRunner().invoke(campaigns, ["list", "--json"], catch_exceptions=False)
    [row] = json.loads(told.output)
    assert (row["state"], row["standing"]) == ("sending", "running")
    assert row["arms"] == {"treated": 2, "holdout": 0, "excluded": 0}
