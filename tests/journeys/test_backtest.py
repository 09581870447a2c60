"""Backtests: what would have become of a journey, told from stored history alone."""

from __future__ import annotations

import pytest
from tests.journeys.scene import document, hours, mail, say, step, wait

from pusula.journeys import backtest
from pusula.journeys.models import Enrollment, Journey
from pusula.lib import clock
from pusula.outbox.models import Message

pytestmark = pytest.mark.django_db(databases=["default", "log"])
ELIF, CAN = "elif@example.com", "can@example.com"


def replay(until=hours(48), since=hours(0), **parts):
    return backtest.run(document(**parts), since=since, until=until)


@pytest.fixture(autouse=True)
def _later(monkeypatch):
    """It is a week later: all that the tests tell is history."""
    monkeypatch.setattr(clock, "now", lambda: hours(24 * 7))


def test_an_event_of_the_past_brings_somebody_in_and_nothing_is_written():
    say(ELIF, at=hours(1))
    step(hours(1) + 1)
    found = replay()
    assert (found.n_entered, found.n_people, found.outcomes) == (1, 1, {"done": 1})
    assert (found.messages.n_asked, found.messages.n_sent) == (1, 1)
    assert found.messages.by_step[0].by_month == {"2026-06": 1}
    assert not Message.objects.exists()
    assert not Enrollment.objects.exists()
    assert not Journey.objects.exists()


def test_a_wait_whose_end_lies_behind_the_time_is_under_way():
    say(ELIF, at=hours(1))
    step(hours(1) + 1)
    found = replay(steps=[wait("pause", "2 hours"), mail()], until=hours(3) - 1)
    assert (found.n_waiting, found.messages.n_asked) == (1, 0)
    found = replay(steps=[wait("pause", "2 hours"), mail()], until=hours(3))
    assert (found.n_waiting, found.messages.n_asked) == (0, 1)
