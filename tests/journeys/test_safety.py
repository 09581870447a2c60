"""Nobody is lost, doubled or held up: kills, merges, versions, poison, and lives at random."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.db import connection, connections, transaction
from tests.journeys.scene import (
    book,
    conserved,
    document,
    hours,
    mail,
    messages,
    only,
    passed,
    profile_of,
    publish,
    say,
    step,
    wait,
    where,
)
from tests.pipeline.test_kill import Killed, Killer, reset_sequences, settled_sequences

from pusula.journeys import actions, engine, queries, versions
from pusula.journeys.errors import JourneyError
from pusula.journeys.models import Enrollment, Journey, JourneyVersion, Passage
from pusula.lib import clock
from pusula.outbox.models import Message
from pusula.pipeline import identity, live
from pusula.pipeline.live import Live
from pusula.profiles.models import Merge

pytestmark = pytest.mark.django_db(databases=["default", "log"])
ELIF, CAN = "elif@example.com", "can@example.com"
STATE = (
    "select profile_id, entry_key, state, node, due_at, outcome from journeys_enrollment",
    "select step, at, result, reason, is_exit from journeys_passage",
    "select profile_id, step, state, due_at from outbox_message",
    "select profile_id, entry, due_at, key from journeys_planned",
    "select name, value from journeys_cursor",
    "select code, taken_at from journeys_coupon",
    "select step, until_at, outcome from journeys_task",
)


def state() -> list[list[str]]:
    found = []
    with connection.cursor() as cursor:
        for sql in STATE:
            cursor.execute(sql)
            found.append(sorted(map(repr, cursor.fetchall())))
    return found


def test_a_step_killed_after_each_statement_and_run_again_moves_everybody_once():
    actions.add_codes("summer", ["A1", "B2"])
    publish(
        goal={"event": {"name": "Order Completed"}},
        steps=[
            wait("pause", "1 hour"),
            {"id": "code", "coupon": {"pool": "summer"}},
            mail(),
            {"id": "ask", "approval": {"title": {"tr": "a", "en": "b"}, "at_most": "1 day"}},
        ],
    )
    publish(
        "arrival",
        keyed_by="order",
        entry=[{"date": {"of": "starts_on", "offset": "1 day before", "at": "10:00"}}],
    )
    say(ELIF, at=hours(1))
    say(CAN, at=hours(1))
    step(hours(1) + 1)
    say(CAN, "Order Completed", at=hours(1.5))
    say("naz@example.com", at=hours(1.9))
    book(1, ELIF, at=hours(1.9), starts_on="2026-06-20")
    before, at, ids = state(), hours(2), settled_sequences()
    with transaction.atomic():
        watch = Killer(10**6)
        with connection.execute_wrapper(watch), connections["log"].execute_wrapper(watch):
            live.step(at=at)
        undisturbed = state()
        transaction.set_rollback(True)
    assert "'asked'" in str(undisturbed)
    assert "goal" in str(undisturbed)
    for n in range(watch.n_seen - 1):
        killer = Killer(n)
        with transaction.atomic():
            reset_sequences(ids)
            with (
                pytest.raises(Killed),
                connection.execute_wrapper(killer),
                connections["log"].execute_wrapper(killer),
            ):
                live.step(at=at)
            assert state() == before, f"killed after {n + 1}"
            if n % 7 == 0:
                reset_sequences(ids)
                live.step(at=at)
                assert state() == undisturbed, f"run again after {n + 1}"
            transaction.set_rollback(True)


def test_two_who_turn_out_to_be_one_go_on_once_and_are_two_again_when_it_is_undone():
    publish(steps=[wait("pause", "1 day"), mail()])
    publish("other", reentry="always", steps=[wait("pause", "2 days"), mail()])
    say(ELIF, at=hours(1))
    say(CAN, at=hours(2))
    step(hours(2) + 1)
    winner, loser = profile_of(ELIF), profile_of(CAN)
    identity.merge(winner, loser)
    step(hours(3))
    assert sorted(where()) == [("merged", "finished"), ("pause", "waiting")]
    assert where("other") == [("pause", "waiting")] * 2
    assert set(Enrollment.objects.values_list("profile_id", flat=True)) == {winner}
    assert conserved() == {"waiting": 3, "merged": 1}
    identity.unmerge(Merge.objects.get().pk)
    step(hours(4))
    assert Enrollment.objects.filter(profile_id=loser).count() == 2
    step(hours(80))
    assert len(messages()) == 1
    assert {m.profile_id for m in messages("other")} == {winner, loser}


def test_two_brought_in_at_the_same_moment_become_one_without_a_clash():
    publish(reentry="always", steps=[wait("pause", "1 day"), mail()])
    say(ELIF, at=hours(1))
    say(CAN, at=hours(1))
    step(hours(1) + 1)
    identity.merge(profile_of(ELIF), profile_of(CAN))
    step(hours(3))
    assert conserved() == {"waiting": 2}


def test_who_is_under_way_stays_on_their_version_until_somebody_moves_them():
    publish(steps=[wait("pause", "1 day"), mail("old")])
    say(ELIF, at=hours(1))
    step(hours(1) + 1)
    publish(at=hours(2), steps=[wait("pause", "1 day"), mail("new")])
    say(CAN, at=hours(3))
    step(hours(3) + 1)
    step(hours(30))
    assert [m.step for m in messages()] == ["old", "new"]
    say("naz@example.com", at=hours(40))
    step(hours(40) + 1)
    publish(at=hours(41), steps=[wait("rest", "3 days"), mail("newest")])
    with pytest.raises(JourneyError, match="people wait at 'pause'"):
        versions.migrate("hello", to=3, at=hours(42))
    assert versions.migrate("hello", to=3, steps={"pause": "rest"}, at=hours(42)) == 1
    step(hours(64))
    assert messages()[-1].step == "newest"
    assert Passage.objects.get(result="migrated").reason == "2 → 3"
    assert conserved() == {"done": 3}


def test_many_are_put_on_another_version_with_few_statements(django_assert_max_num_queries):
    publish(steps=[wait("pause", "5 days"), mail()])
    for number in range(30):
        say(f"guest-{number}@example.com", at=hours(1))
    step(hours(1) + 1)
    publish(at=hours(2), priority=2, steps=[wait("pause", "5 days"), mail()])
    with django_assert_max_num_queries(30):
        assert versions.migrate("hello", to=2, at=hours(3)) == 30
    moved = Passage.objects.filter(result="migrated", reason="1 → 2", version__number=2)
    assert moved.count() == 30
    assert Enrollment.objects.filter(version__number=2, node="pause").count() == 30


def test_one_who_cannot_move_is_put_off_and_shown_and_blocks_nobody(monkeypatch):
    publish(steps=[wait("pause", "1 hour"), mail()])
    say(ELIF, at=hours(1))
    say(CAN, at=hours(1))
    step(hours(1) + 1)
    poison = profile_of(CAN)
    true_candidate = engine.writing._candidate

    def candidate(one: Any, facts: Any) -> Any:
        if one.course.profile_id == poison:
            raise ValueError("a bad row")
        return true_candidate(one, facts)

    monkeypatch.setattr(engine.writing, "_candidate", candidate)
    say(CAN, "Hotel Searched", at=hours(1.5))
    step(hours(2))
    assert only(messages()).profile_id == profile_of(ELIF)
    bad = only(queries.put_off())
    assert (bad.profile_id, bad.error) == (poison, "ValueError: a bad row")
    step(hours(2.5))
    monkeypatch.undo()
    step(hours(3.2))
    assert conserved() == {"done": 2}
    assert not Enrollment.objects.exclude(error="").exists()
    assert not queries.put_off().exists()


def test_who_could_not_come_in_because_something_failed_begins_later(monkeypatch):
    publish()
    monkeypatch.setattr(engine.writing, "_candidate", lambda *_given: 1 / 0)
    say(ELIF, at=hours(1))
    step(hours(1) + 1)
    assert where() == [("", "waiting")]
    monkeypatch.undo()
    step(hours(2) + 2)
    assert where() == [("done", "finished")]
    assert len(messages()) == 1
    assert passed(Enrollment.objects.get()) == [("", "entered"), ("mail", "asked")]


def test_an_archived_journey_lets_everybody_go():
    publish(steps=[wait("pause", "1 hour"), mail()])
    say(ELIF, at=hours(1))
    step(hours(1) + 1)
    assert actions.archive("hello", at=hours(1.5)) == 1
    step(hours(3))
    assert where() == [("archived", "finished")]
    found = queries.by_step(Journey.objects.get())["pause"]
    assert (found.n_in, found.n_left) == (1, 1)


def test_publishing_again_what_is_published_makes_no_version():
    publish()
    (applied,) = versions.apply([("a.yaml", document())])
    assert (applied.number, applied.is_changed) == (1, False)
    assert JourneyVersion.objects.count() == 1


@pytest.mark.parametrize("seed", range(3))
def test_lives_at_random_are_conserved_and_no_step_asks_twice(seed):
    rng = random.Random(seed)  # noqa: S311 - the same every time
    guests = [f"g{n}@example.com" for n in range(6)]
    publish(
        reentry=rng.choice(["always", "restart", "one_at_a_time"]),
        goal={"event": {"name": "Order Completed"}},
        steps=[
            wait("pause", "2 hours"),
            {"id": "lot", "split": [
                {"name": "a", "share": "50 %", "steps": [mail("a"), wait("more", "3 hours")]},
                {"name": "b", "share": "50 %", "steps": [
                    {"id": "look", "wait": {
                        "first": [{"event": {"name": "Offer Opened"}}], "at_most": "4 hours",
                        "then": [mail("then")], "else": [mail("else"), {"id": "x", "exit": True}]}}
                ]},
            ]},
            mail("last"),
        ],
    )  # fmt: skip
    publish("orders", keyed_by="order", entry=[{"order": {}}], steps=[wait("w", "5 hours"), mail()])
    runner, now = Live(), hours(0)
    for _n in range(40):
        now += rng.randrange(1, clock.HOUR)
        for _k in range(rng.randrange(3)):
            names = ["Hotel Searched", "Hotel Searched", "Offer Opened", "Order Completed"]
            say(rng.choice(guests), rng.choice(names), at=now - rng.randrange(clock.MINUTE))
        if rng.random() < 0.2:
            status = rng.choice(["confirmed", "cancelled"])
            book(rng.randrange(5), rng.choice(guests), at=now, status=status)
        if rng.random() < 0.05:
            actions.pause("hello")
        if rng.random() < 0.1 and Journey.objects.get(key="hello").state == "paused":
            actions.resume("hello", at=now)
        if rng.random() < 0.2:
            continue  # a machine that sleeps
        step(now, runner)
        conserved()
    if Journey.objects.get(key="hello").state == "paused":
        actions.resume("hello", at=now)
    step(now + 2 * clock.DAY, runner)
    assert "waiting" not in conserved()
    asked = Passage.objects.filter(result="asked").count()
    assert asked == Message.objects.count()
    for journey in Journey.objects.all():
        found = queries.counts(journey)
        assert found.n_entered == found.n_waiting + sum(found.outcomes.values())
        for count in queries.by_step(journey).values():
            assert count.n_in == count.n_waiting + count.n_on + count.n_left
