"""Backtests: what would have become of a journey, told from stored history alone."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from tests.journeys.scene import book, document, hours, mail, profile_of, publish, say, step, wait

from pusula.consent import actions as consent
from pusula.journeys import backtest
from pusula.journeys.backtest import BacktestError
from pusula.journeys.models import Enrollment, Journey
from pusula.lib import clock
from pusula.measurement.planning import foresight
from pusula.ops.main import cli
from pusula.outbox.models import Message
from pusula.outbox.rules import policy as rules

pytestmark = pytest.mark.django_db(databases=["default", "log"])
ELIF, CAN = "elif@example.com", "can@example.com"


def replay(until=48, since=0, policy=None, **parts):
    limits = rules.read(policy, "test") if policy else None
    told = document(**parts)
    return backtest.run(told, since=hours(since), until=hours(until), policy=limits)


def decide(email, status, at):
    consent.record(
        [
            consent.Decision(
                profile_id=profile_of(email), channel="email", purpose="marketing",
                status=status, source="test", decided_at=at, evidence="form",
            )
        ],
        at=at,
    )  # fmt: skip


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
    found = replay(steps=[wait("pause", "2 hours"), mail()], until=2.99)
    assert (found.n_waiting, found.messages.n_asked) == (1, 0)
    found = replay(steps=[wait("pause", "2 hours"), mail()], until=3)
    assert (found.n_waiting, found.messages.n_asked) == (0, 1)


def test_consents_count_as_they_were_at_each_moment():
    for hour in (1, 10, 20):
        say(ELIF, at=hours(hour))
        step(hours(hour) + 1)
    decide(ELIF, "granted", hours(5))
    decide(ELIF, "refused", hours(15))
    found = replay(**{"class": "commercial"}, reentry="always").messages
    assert (found.n_asked, found.n_sent, found.n_consent_lost) == (3, 1, 2)
    assert found.skipped == {"no_consent": 1, "refused": 1}


def test_caps_and_quiet_hours_are_those_that_decide_live():
    say(ELIF, at=hours(1))
    step(hours(1) + 1)
    decide(ELIF, "granted", hours(1.1))
    for hour in (2, 6, 30):
        say(ELIF, at=hours(hour))
        step(hours(hour) + 1)
    parts = {"class": "commercial", "reentry": "always", "since": 1.5}
    found = replay(policy="caps: [{most: 1, in: 24h}]", **parts).messages
    assert (found.n_sent, found.skipped, found.n_capped) == (2, {"capped": 1}, 1)
    night = "quiet: [{from: '17:00', to: '18:30', channels: [email]}]"  # 17:00 is two hours on
    found = replay(policy=night, **parts).messages
    assert (found.n_sent, found.n_put_off) == (3, 1)
    assert (found.most_per_person, found.people) == (3, {"3": 1})


def test_budgets_are_shared_by_everybody():
    for guest in (ELIF, CAN):
        say(guest, at=hours(1))
    step(hours(1) + 1)
    for guest in (ELIF, CAN):
        decide(guest, "granted", hours(1.1))
    for minutes, guest in enumerate((ELIF, CAN)):
        say(guest, at=hours(2) + minutes * clock.MINUTE)
        step(hours(2) + minutes * clock.MINUTE + 1)
    one = "budgets: [{channel: email, most: 1, per: hour}]"
    found = replay(policy=one, since=1.5, **{"class": "commercial"}).messages
    assert (found.n_sent, found.n_put_off) == (2, 1)


def test_messages_of_others_count_under_caps_and_are_told():
    publish("rival", **{"class": "service"})
    say(ELIF, at=hours(1))
    step(hours(1) + 1)
    decide(ELIF, "granted", hours(0.5))
    Message.objects.update(state="sent", gated_at=hours(1), is_commercial=True)
    parts = {"key": "mine", "class": "commercial"}
    found = replay(policy="caps: [{most: 1, in: 24h}]", **parts)
    assert found.messages.skipped == {"capped": 1}
    found = replay(**parts)
    (overlap,) = found.overlaps
    assert (overlap.n_messages, overlap.n_people) == (1, 1)
    assert overlap.origin == Message.objects.get().origin


def test_who_comes_to_the_goal_with_nothing_sent_says_how_many_must_be_held_out():
    for n in range(40):
        say(f"g{n}@example.com", at=hours(1))
    step(hours(1) + 1)
    for n in range(10):
        say(f"g{n}@example.com", "Order Completed", at=hours(5))
    step(hours(5) + 1)
    told = document(goal={"event": {"name": "Order Completed"}})
    found = backtest.run(told, since=hours(0), until=hours(48), window_days=1)
    assert (found.goal.n_watched, found.goal.n_reached, found.goal.share) == (40, 10, 0.25)
    needed = foresight.holdout(found, 0.1)
    assert needed.share is None, "forty people show no lift of a tenth"
    # 10 % on 25 %: 4,860 in each arm by the usual formula.
    assert needed.n_at_halves == pytest.approx(2 * 4_860, rel=0.01)
    enough = foresight.needed(0.25, 0.1, 100_000)
    assert 0 < enough.n_control < 4_860


def test_a_stay_that_moved_moved_the_wait_and_a_cancelled_one_ended_it():
    stay = {"starts_on": "2026-06-04", "ends_on": "2026-06-06"}
    book(1, ELIF, at=hours(1), **stay)
    book(2, CAN, at=hours(1), **stay)
    step(hours(1) + 1)
    moved = stay | {"starts_on": "2026-06-05", "ordered_at": hours(1), "status_at": hours(3)}
    book(1, ELIF, at=hours(3), **moved)
    book(2, CAN, at=hours(3), **moved, status="cancelled")
    step(hours(3) + 1)
    eve = {"id": "eve", "wait": {"date": {"of": "starts_on", "offset": "1 day before"}}}
    found = replay(
        keyed_by="order", entry=[{"order": {}}], steps=[eve, mail()], since=0, until=24 * 6
    )
    assert found.outcomes == {"cancelled": 1, "done": 1}
    assert list(found.messages.by_day) == ["2026-06-04"]


@pytest.mark.parametrize(
    ("parts", "until", "said"),
    [
        ({}, 24 * 8, "end it now or earlier"),
        ({}, -1, "swap the two moments"),
        ({"entry": [{"api": True}]}, 48, "put the event or segment it goes by under 'entry'"),
        ({"entry": [{"event": {"name": "Never Seen"}}]}, 48, "import it"),
        ({"entry": [{"order": {}}]}, 48, "no order was ever recorded"),
        ({}, 0.5, "replay a time behind that day"),
    ],
)
def test_what_cannot_be_replayed_is_refused_with_the_way_out(parts, until, said):
    say(ELIF, at=hours(1))
    step(hours(1) + 1)
    with pytest.raises(BacktestError, match=said):
        replay(until=until, **parts)


def test_the_command_takes_files_and_keys_and_says_the_same_twice(tmp_path, english):
    publish("live-one")
    say(ELIF, at=hours(1))
    step(hours(1) + 1)
    file = tmp_path / "trip.json"
    file.write_text(json.dumps(document("trip")))
    n_messages = Message.objects.count()
    asked = ["journeys", "backtest", str(file), "live-one", "--from", "2026-06-01",
             "--to", "2026-06-03"]  # fmt: skip
    first, again = (CliRunner().invoke(cli, [*asked, "--json"]) for _ in range(2))
    assert first.stdout == again.stdout
    assert [one["n_entered"] for one in json.loads(first.stdout)] == [1, 1]
    shown = CliRunner().invoke(cli, asked)
    assert "Came in: 1" in shown.stdout, shown.output
    assert "Merhaba (mail)" in shown.stdout
    assert "Asked for 1" in shown.stdout
    assert Message.objects.count() == n_messages
    gift = [{"id": "code", "coupon": {"pool": "welcome"}}, mail()]
    file.write_text(json.dumps(document("trip", steps=gift)))
    assert "Code reserved 1" in CliRunner().invoke(cli, [*asked[:3], *asked[4:]]).stdout
    gone = CliRunner().invoke(cli, ["journeys", "backtest", "nobody", *asked[4:]])
    assert "there is no journey nobody" in gone.output
