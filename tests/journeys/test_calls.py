"""Other programs are told what journeys ask for: signed, at least once, and never for ever."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.journeys.scene import hours, profile_of, publish, say, step
from tests.simulators.channel_http import Asked, Behaviour, Told, serving

from pusula.channels.outbound import Outbound
from pusula.journeys import actions, calls
from pusula.journeys.calls import Posted, Poster
from pusula.journeys.models import Call
from pusula.lib import clock
from pusula.ops.journeys import journeys
from pusula.outbox import actions as outbox
from pusula.outbox.brakes import STOP_FILE
from pusula.outbox.models import Anchor

pytestmark = pytest.mark.django_db(databases=["default", "log"])
TOLD, NOTHING = Posted(n_told=1), Posted()


class Program:
    """The program that is told, and the poster that tells it; ``now`` is ours to move."""

    def __init__(self, home: Path) -> None:
        self.statuses: list[int] = []
        self.now = hours(2)
        self.behaviour = Behaviour(self._answer)
        self.home = home
        self.ways_out: list[Outbound] = []

    def _answer(self, _asked: Asked) -> Told:
        return Told(self.statuses.pop(0) if self.statuses else 200, b"said")

    def poster(self) -> Poster:
        self.ways_out.append(Outbound(trusted={"127.0.0.1"}, total_s=5))
        return Poster(self.ways_out[-1], self.home, now=lambda: self.now)

    @property
    def heard(self) -> list[dict[str, object]]:
        return [json.loads(one.body) for one in self.behaviour.asked]


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    found = Program(tmp_path)
    with serving(found.behaviour) as url:
        publish(steps=[{"id": "tell", "webhook": {"url": "https://example.com/hook"}}])
        _come("elif@example.com")
        Call.objects.update(url=f"{url}/hook")
        yield found
        for out in found.ways_out:
            out.close()


def _come(*emails: str) -> None:
    for email in emails:
        say(email, at=hours(1))
    step(hours(1) + 1)


def _calls() -> Sequence[Call]:
    return list(Call.objects.order_by("pk"))


def test_a_program_is_told_once_and_can_check_who_tells_it(program: Program) -> None:
    poster = program.poster()
    assert [poster.post(), poster.post()] == [TOLD, NOTHING]
    (asked,) = program.behaviour.asked
    (call,) = _calls()
    said = json.loads(asked.body)
    assert (said["journey"], said["step"], said["id"]) == ("hello", "tell", call.dedupe_key)
    assert said["profile"] == profile_of("elif@example.com")
    assert b"elif@" not in asked.body
    assert asked.headers["pusula-id"] == call.dedupe_key
    told = dict(part.split("=") for part in asked.headers["pusula-signature"].split(","))
    mac = hmac.new(calls.key().encode(), told["t"].encode() + b"." + asked.body, "sha256")
    assert told == {"t": str(program.now // clock.SECOND), "v1": mac.hexdigest()}
    assert (call.settled_at, call.detail) == (program.now, "")


def test_what_is_not_taken_is_told_again_the_same_later_and_later(program: Program) -> None:
    program.statuses = [503, 429]
    poster = program.poster()
    assert poster.post() == Posted(n_later=1)
    assert _calls()[0].detail == "503 said"
    assert poster.post() == NOTHING
    program.now += clock.MINUTE
    assert poster.post() == Posted(n_later=1)
    program.now += clock.MINUTE
    assert poster.post() == NOTHING
    program.now += clock.MINUTE
    assert poster.post() == TOLD
    assert program.heard[0] == program.heard[1] == program.heard[2]


def test_a_no_is_final_and_so_is_a_program_that_never_answers(program: Program) -> None:
    program.statuses = [404]
    assert program.poster().post() == Posted(n_given_up=1)
    assert _calls()[0].detail == "404 said"
    Call.objects.update(settled_at=None, due_at=0, n_attempts=calls.MOST_TRIES - 1)
    program.behaviour.manner = "hangup"
    assert program.poster().post() == Posted(n_given_up=1)
    assert _calls()[0].settled_at == program.now


def test_our_own_network_is_never_told(program: Program) -> None:
    poster = program.poster()
    poster.out = Outbound()
    assert poster.post() == Posted(n_given_up=1)
    assert program.heard == []


def test_a_poster_that_dies_leaves_its_calls_to_the_next_and_two_never_share(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = program.poster()
    monkeypatch.setattr(dying, "_settle", lambda *_given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        dying.post()
    other = program.poster()
    assert other.post() == NOTHING
    program.now += calls.LEASE
    assert other.post() == TOLD
    assert len(program.heard) == 2
    assert program.heard[0] == program.heard[1]


def test_a_host_that_fails_is_left_alone_and_nobody_waits_for_it(program: Program) -> None:
    _come(*(f"g{n}@example.com" for n in range(40)))
    Call.objects.exclude(pk=_calls()[0].pk).update(url="https://dead.example/hook")
    Call.objects.filter(pk=_calls()[0].pk).update(due_at=program.now)
    poster = program.poster()
    poster.out.resolve = lambda _host, _port: []
    assert poster.post() == Posted(n_later=calls.BATCH)
    assert poster.post() == TOLD
    assert poster.post() == NOTHING
    assert sum(call.n_attempts for call in _calls()) == calls.BATCH + 1


@pytest.mark.parametrize("what", ["pause", "hold", "copy", "stop"])
def test_nothing_is_told_while_it_is_held(program: Program, what: str) -> None:
    match what:
        case "pause":
            actions.pause("hello")
        case "hold":
            outbox.hold(at=hours(2))
        case "copy":  # another home has sent from this database
            Anchor.objects.create(name="other", pulse=1, seen_at=hours(1))
        case _:
            (program.home / "run").mkdir()
            (program.home / "run" / STOP_FILE).touch()
    assert program.poster().post() == NOTHING
    assert program.heard == []
    if what == "pause":
        actions.resume("hello", at=hours(2))
        assert program.poster().post() == TOLD


def test_who_archives_a_journey_ends_its_calls(program: Program) -> None:
    actions.archive("hello", at=hours(2))
    actions.resume("hello", at=hours(2))
    assert program.poster().post() == NOTHING


def test_the_command_shows_the_key_and_ends_when_nothing_is_due(program: Program) -> None:
    assert CliRunner().invoke(journeys, ["post", "--key"]).output.strip() == calls.key()
    Call.objects.update(due_at=clock.now() + clock.DAY)
    assert CliRunner().invoke(journeys, ["post", "--once"]).exit_code == 0
