"""RFM rules brought into force block by block: exact beside live steps, after kills, in turn."""

from __future__ import annotations

import threading
from datetime import date

import pytest
import time_machine
from django.db import connection
from django.utils import translation
from tests.pipeline.company import NOW, define, members, order
from tests.pipeline.test_rfm_live import (
    BY_NUMBERS,
    BY_PLACES,
    SIMPLE,
    World,
    catch_up,
    expected,
    graded,
    tell,
)

from pusula.lake import locks
from pusula.lake.turns import is_taken, turn
from pusula.lib import clock
from pusula.pipeline import live, project
from pusula.profiles.models import Identifier, Profile
from pusula.rfm import actions, config, figures, moves, queries, versions
from pusula.rfm import live as rfm
from pusula.rfm.models import RfmDue, RfmRun, RfmScore, RfmVersion, RfmWays
from pusula.rfm.rules import Config
from pusula.rfm.versions import VersionError
from pusula.segments.everybody import rebuild

pytestmark = pytest.mark.django_db(databases=["default", "log"])
AT = NOW + clock.HOUR


@pytest.fixture
def small(monkeypatch):
    """Grade three customers at a time, without a rest."""
    monkeypatch.setattr(project, "_FIRST", 3)
    monkeypatch.setattr(project, "_MOST", 3)
    monkeypatch.setattr(locks, "REST_S", 0.0)


@pytest.fixture
def shop(company, small):
    """Ten people who bought once to ten times; those who bought in the last days are a segment."""
    define("recent", {"trait": {"rfm_r": {"at_least": 4}}})
    rebuild.everybody(at=NOW - clock.HOUR)
    tell(NOW, *(
        order(f"{n}-{k}", f"g{n}@example.com", 100_00 * n, NOW - 20 * clock.DAY + k)
        for n in range(1, 11) for k in range(n)
    ))  # fmt: skip
    live.step(at=NOW + 1)


def asked(at: int = AT, **rules) -> RfmVersion:
    return versions.ask(config.parse_project(rules), at=at)


def bring(at: int, on_progress=project.silent, **rules) -> RfmVersion:
    with time_machine.travel(clock.to_datetime(at), tick=False):
        return project.publish(asked(at, **rules), on_progress=on_progress)


class Killed(BaseException):
    """The process is gone."""


def killed_after(n: int):
    """Return what hears of progress and is gone at the ``n``-th time."""
    heard = []

    def hear(_version: RfmVersion) -> None:
        heard.append(1)
        if len(heard) == n:
            raise Killed

    return hear


def who(n: int) -> int:
    return Identifier.objects.get(kind="email", value=f"g{n}@example.com").profile_id


@pytest.mark.parametrize("seed", [1, 2])
def test_other_rules_leave_grades_and_due_moments_as_if_they_had_always_held(company, small, seed):
    world = World(seed)
    tell(NOW, *(world.entry(NOW) for _ in range(50)))
    live.step(at=NOW + 1)
    at = AT
    for rules in (BY_PLACES, BY_NUMBERS, BY_PLACES):
        at += 2 * clock.DAY
        tell(at, *(world.entry(at) for _ in range(10)))
        catch_up(live.Live(), at)
        held = bring(at + 1, **rules)
        assert graded() == expected(at + 1, held)
        due = dict(RfmDue.objects.values_list("profile_id", "due_at"))
        RfmDue.objects.all().delete()
        ids = next(project.profiles.blocks(100))
        assert rfm.grade(ids, held.published_at, rfm.in_force()) == set()
        assert dict(RfmDue.objects.values_list("profile_id", "due_at")) == due


def test_who_orders_meanwhile_is_graded_by_the_new_rules_in_the_same_step(shop):
    bring(AT, **SIMPLE)
    later, seen = AT + clock.HOUR, []

    def hear(version: RfmVersion) -> None:
        if seen:
            return
        tell(later, order("new", "g10@example.com", 90_00, later - 5 * clock.DAY))
        assert version.graded_to < who(10)
        live.step(at=later + 2)
        seen.append(graded()[who(10)])
        assert versions.current().number == 1  # not everybody is graded yet
        assert (version.n_done, version.n_all) == (3, 10)

    other = SIMPLE | {"recency": {"measure": "calendar_days", "cuts": [6, 11, 31]}}
    held = bring(later, hear, **other)
    assert seen[0][1] == 4  # five days are the best of the new limits, not of the old
    assert versions.current() == held
    assert graded() == expected(later + 2, held)
    assert held.n_graded == 10


def test_whoever_comes_meanwhile_is_graded_too(shop):
    later, done = AT + clock.HOUR, []

    def hear(_version: RfmVersion) -> None:
        if not done:
            done.append(1)
            tell(later, order("x", "new@example.com", 90_00, later - clock.DAY))
            live.step(at=later + 2)

    held = bring(later, hear, **SIMPLE)
    assert len(graded()) == 11
    assert graded() == expected(later + 2, held)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_stopped_on_its_way_it_is_not_in_force_and_goes_on_where_it_was(shop, n):
    first = bring(AT, **SIMPLE)
    other = {**SIMPLE, "pool": {"min_orders": 3}}
    with pytest.raises(Killed):
        bring(AT + 1, killed_after(n), **other)
    assert versions.current() == first
    assert versions.under_way().n_done == min(3 * n, 10)
    with time_machine.travel(clock.to_datetime(AT + 2), tick=False):
        (held,) = project.take_up()
    assert (held.number, held.n_done, versions.current()) == (2, 10, held)
    assert graded() == expected(AT + 2, held)
    assert len(graded()) == 8
    assert versions.under_way() is None
    assert list(project.take_up()) == []


def test_rules_asked_for_after_a_stop_take_its_place(shop):
    with pytest.raises(Killed):
        bring(AT, killed_after(2), **SIMPLE)
    held = bring(AT + 1, **SIMPLE, pool={"min_orders": 5})
    assert graded() == expected(AT + 1, held)
    assert [one.number for one in RfmVersion.objects.all()] == [2]


def test_segments_follow_in_the_transaction_that_grades(shop):
    """No reader finds a customer in a group and not in the segments that ask for it."""

    def hear(_version: RfmVersion) -> None:
        assert members("recent") == sorted(pk for pk, found in graded().items() if found[1] >= 4)

    bring(AT, hear, **SIMPLE)
    other = {"recency": {"measure": "calendar_days", "cuts": [25, 30, 31]}}
    bring(AT + 1, hear, **other)
    assert len(members("recent")) == 10


def test_limits_alike_write_nobody_anew(shop, monkeypatch):
    bring(AT, **SIMPLE)
    written = []
    plain = rfm.computed.write
    monkeypatch.setattr(rfm.computed, "write", lambda some, **how: written.extend(some) or plain(
        some, **how))  # fmt: skip
    bring(AT + 1, **SIMPLE)
    assert written == []
    assert len(graded()) == 10


def test_what_is_begun_is_not_taken_back(shop):
    with pytest.raises(Killed):
        bring(AT, killed_after(1), **SIMPLE)
    with translation.override("en"), pytest.raises(VersionError, match="is being brought into"):
        versions.discard(versions.waiting())


def test_a_turn_that_somebody_has_is_waited_for_and_told_of(tmp_path):
    if connection.vendor != "sqlite":
        pytest.skip("one connection of PostgreSQL never waits for itself")
    has, goes, heard = threading.Event(), threading.Event(), []

    def first() -> None:
        with turn(connection, "x", tmp_path):
            has.set()
            goes.wait(30)

    thread = threading.Thread(target=first)
    thread.start()
    assert has.wait(30)
    assert is_taken(connection, "x", tmp_path)

    def hear() -> None:
        heard.append(1)
        goes.set()

    with turn(connection, "x", tmp_path, hear):
        assert heard == [1]
    thread.join(30)
    assert not is_taken(connection, "x", tmp_path)


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_come_one_after_another():
    if connection.vendor == "sqlite":
        pytest.skip("SQLite lets one writer in at a time; the race is PostgreSQL's")
    start, errors = threading.Barrier(6), []

    def ask() -> None:
        try:
            start.wait(30)
            asked(NOW)
        except Exception as error:  # noqa: BLE001 - it is what the test is about
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert RfmVersion.objects.count() == 1


# Runs.


def run(at: int = AT, **rules) -> RfmRun:
    with time_machine.travel(clock.to_datetime(at), tick=False):
        day = clock.day_of(at, "Europe/Istanbul")
        return actions.run(day, config.parse(rules, "test") if rules else Config())


@pytest.fixture
def few(monkeypatch):
    """Write three scores in a transaction."""
    monkeypatch.setattr(actions, "_WRITTEN", 3)


def test_a_run_is_seen_when_all_its_scores_are_there(shop, few, monkeypatch):
    seen = []
    plain = actions.figures.keep

    def keep(kept: RfmRun) -> None:
        seen.append((queries.latest(), RfmScore.objects.filter(run=kept).count()))
        plain(kept)

    monkeypatch.setattr(actions.figures, "keep", keep)
    first = run()
    second = run(AT + 1)
    assert seen == [(None, 10), (first, 10)]
    assert list(RfmRun.objects.all()) == [second]
    assert RfmScore.objects.count() == 10


def test_a_run_that_was_stopped_is_not_seen_and_the_next_one_clears_it_away(shop, few, monkeypatch):
    first = run()
    with monkeypatch.context() as patched:
        patched.setattr(actions.figures, "keep", lambda _run: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            run(AT + clock.DAY)
    assert queries.latest() == first
    assert RfmRun.objects.count() == 2
    second = run(AT + 2 * clock.DAY)
    assert set(RfmRun.objects.all()) == {first, second}
    assert RfmScore.objects.count() == 20


def test_figures_are_kept_and_say_what_the_scores_say(shop):
    kept = run()
    stored = queries.groups(kept), queries.grid(kept), queries.cube(kept), [
        queries.classes(kept, measure) for measure in "rfm"
    ]  # fmt: skip
    assert sum(group.n for group in stored[0]) == sum(queries.cube(kept).values()) == 10
    RfmRun.objects.update(figures=None)
    bare = queries.latest()
    assert bare.figures is None
    counted = queries.groups(bare), queries.grid(bare), queries.cube(bare), [
        queries.classes(bare, measure) for measure in "rfm"
    ]  # fmt: skip
    assert stored == counted
    project.complete()
    assert not RfmRun.objects.filter(figures__isnull=True).exists()
    assert figures.bins(queries.latest()) == figures.bins(kept)


def test_moves_are_kept_with_all_runs_alike_and_forgotten_with_a_run(shop, monkeypatch):
    runs = []
    for n in range(5):
        at = AT + 30 * n * clock.DAY
        tell(at - 1, order(f"m{n}", f"g{n + 1}@example.com", 500_00, at - clock.HOUR))
        live.step(at=at)
        runs.append(run(at))
    pairs = [(a, b) for n, a in enumerate(runs) for b in runs[n + 1 :]]
    counted = {(a, b): sorted(moves._walked([a, b]), key=repr) for a, b in pairs}
    ways = {first: sorted(moves._walked(runs[first : first + 4]), key=repr) for first in (0, 1)}
    monkeypatch.setattr(moves, "_walked", lambda *_: pytest.fail("it was not kept"))
    for (a, b), found in counted.items():
        assert sorted(moves.paths([a, b]), key=repr) == found
    for first, found in ways.items():
        assert sorted(moves.paths(runs[first : first + 4]), key=repr) == found
    monkeypatch.undo()
    again = run(AT + 60 * clock.DAY)
    named = {number for runs_ in RfmWays.objects.values_list("runs", flat=True)
             for number in runs_.split(",")}  # fmt: skip
    assert str(runs[2].pk) not in named
    assert str(again.pk) in named


def test_lists_are_read_page_by_page_in_the_order_of_revenue(shop):
    kept = run()
    everybody = list(
        RfmScore.objects.filter(run=kept).order_by("-monetary_minor", "profile_id")
    )  # fmt: skip
    for wanted in ({}, {"group": everybody[0].group}, {"r": everybody[0].r, "f": 1}):
        right = [one for one in everybody if all(getattr(one, k) == v for k, v in wanted.items())]
        seen, after = [], None
        while True:
            found = queries.people(kept, **wanted, after=after, n=2)
            seen += found.page
            if not found.is_more:
                break
            after = found.page[-1].pk
        assert seen == right
        assert found.n == len(right)


def test_whoever_is_merged_while_scores_are_written_is_scored_once(shop, few, monkeypatch):
    plain, n = actions.rows.insert, []

    def insert(*given) -> None:
        plain(*given)
        n.append(1)
        if len(n) == 1:  # the first is merged into the last, whose score is not written yet
            RfmScore.objects.filter(profile_id=who(1)).update(profile_id=who(10))

    monkeypatch.setattr(actions.rows, "insert", insert)
    kept = run()
    assert sorted(kept.scores.values_list("profile_id", flat=True)) == sorted(
        Profile.objects.exclude(pk=who(1)).values_list("pk", flat=True)
    )


def test_the_day_of_a_run_is_checked_before_anything_is_owed(shop):
    with pytest.raises(actions.DayError):
        actions.check_day(date(2999, 1, 1))
    assert figures.sizes(run())
