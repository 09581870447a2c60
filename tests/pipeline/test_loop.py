"""The loop: it steps when there is work, rests when there is none, and stops when it is told to."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from click.testing import CliRunner
from django.db import OperationalError, connection, connections
from django.utils import translation
from tests.pipeline.company import NOW, define, event, members, order, told

from pusula.lib import clock
from pusula.ops.events import events
from pusula.pipeline import live, loop, queries, upkeep
from pusula.pipeline.live import Live
from pusula.pipeline.loop import Loop, Pace, Tally
from pusula.profiles.models import Identifier, Profile
from pusula.segments import actions, evaluate
from pusula.segments import queries as segments
from pusula.segments.everybody import rebuild
from pusula.segments.models import Due, Membership, Segment

pytestmark = pytest.mark.django_db(databases=["default", "log"])
WITH_COMMITS = pytest.mark.django_db(databases=["default", "log"], transaction=True)


def test_a_loop_that_runs_once_ends_when_nothing_is_waiting(company):
    told(*(event(n, f"g{n % 5}@example.com") for n in range(40)))
    tally = Tally()
    running = Loop(on_step=tally.add)
    running.pace.limit = 7
    running.run(once=True)
    assert (tally.n_entries, queries.lag().n_entries) == (40, 0)
    assert tally.n_steps >= 3
    assert len(company("searched")) == 5


def test_a_loop_wakes_for_somebody_who_falls_due_with_nothing_arriving(company):
    """The moment is a few hundredths of a second ahead when the loop begins to wait."""
    bought_at = clock.now() - 30 * clock.DAY + 300_000
    told(order(1, "elif@example.com", 10_00, bought_at))
    live.step()
    assert company("idle") == []
    running = Loop()
    running._on_step = lambda stepped: running.stop() if stepped.n_due else None
    running.run()
    assert len(company("idle")) == 1
    flipped_at = Membership.objects.get(segment__key="idle").entered_at
    assert flipped_at == bought_at + 30 * clock.DAY + 1
    assert clock.now() - flipped_at < 5 * clock.SECOND


def test_a_loop_stops_at_once_though_it_waits():
    running = Loop()
    began = time.monotonic()
    timer = threading.Timer(0.05, running.stop)
    timer.start()
    running._wait(30)
    assert time.monotonic() - began < 10
    timer.join()


def test_a_loop_outlives_a_database_that_does_not_answer(company, monkeypatch):
    told(event(1, "elif@example.com"))
    running, failed = Loop(), []
    monkeypatch.setattr(loop, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(connections, "close_all", lambda: None)

    def step(limit):
        if len(failed) < 2:
            failed.append(limit)
            raise OperationalError("database is locked")
        running.stop()
        return Live().step(limit)

    monkeypatch.setattr(running.live, "step", step)
    running.run()
    assert queries.lag().n_entries == 0
    assert len(failed) == 2


def test_a_step_takes_as_many_entries_as_it_can_in_its_time():
    pace = Pace(aim_s=0.1, least=25, most=1_000, limit=200)
    pace.learn(200, 0.02)
    assert pace.limit == 400
    pace.learn(30, 0.01)  # a step that was not full says nothing
    assert pace.limit == 400
    pace.learn(400, 0.4)
    assert pace.limit == 100
    pace.learn(100, 10.0)
    assert pace.limit == 25
    for _more in range(9):
        pace.learn(pace.limit, 0.001)
    assert pace.limit == 1_000


def test_when_entries_wait_long_steps_become_longer_so_that_more_are_done():
    pace = Pace(limit=50)
    pace.learn(50, 0.2, waited_s=5)  # too long a step for those who wait a moment
    assert pace.limit == 100
    pace.learn(100, 0.4, waited_s=5)
    pace.learn(200, 0.8, waited_s=4)
    assert pace.limit == 200
    pace.learn(200, 2.0, waited_s=4)
    assert pace.limit == 100
    pace.learn(100, 0.4, waited_s=0.2)
    assert pace.limit == 25


def test_due_profiles_are_served_though_entries_never_cease(company):
    told(*(order(n, f"g{n}@example.com", 1_00, NOW - 40 * clock.DAY + n) for n in range(9)))
    live.step(at=NOW - 11 * clock.DAY)
    told(*(event(n, f"x{n}@example.com") for n in range(100)))
    worker = Live()
    for n in range(3):
        stepped = worker.step(3, at=NOW + n, due_limit=3)
        assert (stepped.n_entries, stepped.n_due, stepped.is_full) == (3, 3, True)
    assert len(company("idle")) == 9


def test_a_profile_with_a_huge_history_rests_and_is_true_after_its_rest(company, monkeypatch):
    """A robot's thousands of events shall not make everybody else wait, again and again."""
    monkeypatch.setattr(upkeep, "HEAVY", 5)
    worker = Live()
    told(*(event(n, "robot@example.com", "Page Viewed", at=NOW - n) for n in range(9)))
    told(*(event(10 + n, "robot@example.com", at=NOW - 10 * clock.DAY) for n in range(9)))
    worker.step(at=NOW)
    assert company("searched") == []
    rested_at = Due.objects.get().due_at
    assert rested_at >= NOW + clock.SECOND
    told(*(event(30 + n, "robot@example.com", at=NOW - 1) for n in range(2)))
    told(*(event(40 + n, "elif@example.com", at=NOW - 1) for n in range(2)))
    worker.step(at=NOW + 1)
    assert len(company("searched")) == 1  # not the robot, not yet
    worker.step(at=rested_at)
    assert len(company("searched")) == 2
    assert Due.objects.filter(due_at__gt=rested_at).count() == 2


def test_an_evaluation_of_many_says_for_everybody_when_they_are_due(company):
    """What an import brings is due like what the log brings."""
    elif_ = Profile.objects.create(created_at=0, recorded_at=0)
    ali = Profile.objects.create(created_at=0, recorded_at=0)
    told(order(1, "x@example.com", 1, NOW - clock.DAY))
    live.step(at=NOW)
    live.refresh(np.array([ali.pk, elif_.pk]), cause="import")
    due = {row.profile_id: row for row in Due.objects.all()}
    assert due[ali.pk].due_at is None
    assert due[elif_.pk].evaluated_at >= NOW
    assert len(due) == 3
    rebuild.everybody(at=clock.now())
    assert Due.objects.count() == 3


def test_a_definition_that_breaks_is_stale_and_keeps_its_members_while_others_go_on(company):
    told(order(1, "elif@example.com", 2000_00, NOW - clock.DAY))
    worker = Live()
    worker.step(at=NOW)
    segment = Segment.objects.get(key="big-basket")
    document = segment.version.definition | {"where": {"trait": {"nothing": {"is": "x"}}}}
    broken = segment.versions.create(number=2, definition=document, created_at=NOW)
    Segment.objects.filter(pk=segment.pk).update(version=broken)
    told(event(1, "elif@example.com", at=NOW - 1), event(2, "elif@example.com", at=NOW - 1))
    stepped = worker.step(at=NOW + clock.SECOND)
    assert stepped.moves.n_entered == 1
    assert len(company("big-basket")) == len(company("searched")) == 1
    segment.refresh_from_db()
    assert segment.stale_since_at == stepped.at
    assert "nothing" in segment.error


@WITH_COMMITS
def test_whoever_follows_the_moves_hears_of_each_once_while_many_evaluate(company):
    """Evaluations take turns to the commit, so an id is never seen before a smaller one."""
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer; the tests' database in memory cannot wait for it")
    profiles = [Profile.objects.create(created_at=0, recorded_at=0).pk for _n in range(40)]
    segment = Segment.objects.get(key="searched")
    heard, n_threads, n_rounds = [], 6, 10
    done = threading.Event()

    def follow():
        cursor = 0
        try:
            while True:
                was_done = done.is_set()
                moves = segments.moves_since(cursor, 7)
                heard.extend(move.id for move in moves)
                if moves:
                    cursor = moves[-1].id
                elif was_done:
                    return
        finally:
            connections.close_all()

    def work(k):
        rng = np.random.default_rng(k)
        try:
            for number in range(n_rounds):
                ids = np.sort(rng.choice(profiles, 9, replace=False)).astype(np.int64)
                found = ids[rng.random(9) < 0.5]
                with evaluate.alone():
                    actions.record_members(
                        ids, {segment.pk: found}, {segment.pk: segment.version},
                        at=NOW + number, cause="live",
                    )  # fmt: skip
        finally:
            connections.close_all()

    follower = threading.Thread(target=follow)
    follower.start()
    with ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(work, range(n_threads)))
    done.set()
    follower.join()
    assert heard == sorted(set(heard))
    moves = segments.moves_since(0, 10**6)
    assert heard == [move.id for move in moves]
    n_in = sum(1 if move.is_entry else -1 for move in moves)
    assert n_in == len(members("searched")) == Segment.objects.get(pk=segment.pk).n_members


@pytest.mark.parametrize(
    "line",
    [
        '{"id": 1, "name": "A", "properties": {"x": ' + "[" * 99_999 + "]" * 99_999 + "}}",
        '{"id": 1, "name": "A", "at": "9999-12-31T23:59:59-12:00"}',
        '{"id": 1, "name": "A", "at": "0001-01-01T00:00:00+12:00"}',
        '{"id": 1, "name": "\\ud800"}',
        '{"id": 1, "name": "A", "at": "soon"}',
        "[1]",
        "{",
    ],
)
def test_a_line_that_makes_no_sense_is_left_out_of_the_log_and_named(tmp_path, line, english):
    file = tmp_path / "told.jsonl"
    good = '{"id": 2, "name": "A", "email": "elif@example.com"}'
    file.write_text(f"{line}\n{good}\n", encoding="utf-8")
    done = CliRunner().invoke(events, ["append", str(file), "--source", "web"])
    assert done.exit_code == 1
    assert "1 new in the log" in done.output
    assert "line 1: " in done.output
    assert "Lines left out: 1" in done.output


def test_a_line_left_out_is_named_in_the_language_of_the_company(tmp_path):
    file = tmp_path / "told.jsonl"
    file.write_text("[1]\n", encoding="utf-8")
    with translation.override("tr"):
        done = CliRunner().invoke(events, ["append", str(file), "--source", "web"])
    assert "satır 1: JSON nesnesi değil\n" in done.output


def test_an_amount_that_no_amount_can_be_is_none(company):
    """A rate of another currency makes of a line more than 64 bits hold: it counts as unknown."""
    define("lines", {"items": {"sum": "amount", "is": {"at_least": "1 TRY"}}})
    rebuild.everybody(at=clock.now())
    most = 10**15
    told(
        order(
            1, "elif@example.com", 1, NOW, currency="EUR", gross_minor=1, net_base_minor=most,
            gross_base_minor=most, items=[{"line_no": 1, "amount_minor": most}],
        ),
        order(2, "ali@example.com", 500, NOW, items=[{"line_no": 1, "amount_minor": 500}]),
    )  # fmt: skip
    stepped = live.step()
    assert (stepped.n_quarantined, stepped.n_put_off) == (0, 0)
    ali = Identifier.objects.get(value="ali@example.com").profile_id
    assert members("lines") == [ali]
