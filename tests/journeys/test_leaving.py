"""Nothing is said to those who were led out; nobody is lost by a pause, a file or a new version."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from tests.journeys.scene import (
    book,
    conserved,
    hours,
    mail,
    messages,
    only,
    profile_of,
    publish,
    say,
    step,
    wait,
    where,
)
from tests.orders.test_record import version
from tests.pipeline.company import define

from pusula.journeys import actions, engine, versions
from pusula.journeys.engine import Engine
from pusula.journeys.errors import JourneyError
from pusula.journeys.models import Enrollment, Journey, Planned, Task
from pusula.lib import clock
from pusula.orders.actions import record
from pusula.outbox.models import Message
from pusula.segments import evaluate
from pusula.segments.everybody import rebuild

pytestmark = pytest.mark.django_db(databases=["default", "log"])
ELIF, CAN = "elif@example.com", "can@example.com"
ISTANBUL = "Europe/Istanbul"
SEARCHED = {"events": {"name": "Hotel Searched", "count": {"at_least": 1}}}
DAY_BEFORE = {"date": {"of": "starts_on", "offset": "1 day before", "at": "10:00"}}
ASK = {"id": "ask", "approval": {
    "title": {"tr": "a", "en": "b"}, "at_most": "1 day",
    "then": [mail("yes")], "else": [mail("no")]}}  # fmt: skip


def import_file(number: str, status: str, *, at: int) -> None:
    """Let a file say what became of an order: nothing of it stands in the log."""
    told = version(
        profile_of(ELIF), status, source_id=number, ordered_at=hours(1), status_at=at,
        starts_on=dt.date(2026, 6, 20),
    )  # fmt: skip
    record([told], source="pms", at=at, tz=ISTANBUL)


def replan(profile_ids: list[int] | None, *, at: int) -> None:
    with evaluate.alone():
        Engine().replan(profile_ids, at=at)


def waiting_in_line() -> None:
    """Keep the messages where they are: quiet hours would."""
    Message.objects.update(due_at=hours(10), not_after_at=hours(20))


@pytest.mark.parametrize("is_everybody", [False, True])
def test_an_order_that_a_file_cancels_leads_out_and_stops_what_is_in_line(is_everybody):
    publish(
        keyed_by="order", entry=[{"order": {}}], steps=[mail("now"), wait("w", "1 day"), mail()]
    )
    book(1, ELIF, at=hours(1), starts_on="2026-06-20")
    book(2, ELIF, at=hours(1), starts_on="2026-06-20")
    step(hours(1) + 1)
    waiting_in_line()
    import_file("1", "cancelled", at=hours(2))
    replan(None if is_everybody else [profile_of(ELIF)], at=hours(2) + 1)
    assert sorted(where()) == [("cancelled", "finished"), ("w", "waiting")]
    assert sorted((m.state, m.reason) for m in messages()) == [("pending", ""), ("skipped", "left")]
    step(hours(30))
    assert [m.step for m in messages()] == ["now", "now", "mail"]
    assert conserved() == {"cancelled": 1, "done": 1}


def test_an_order_that_is_no_more_when_its_wait_ends_says_nothing_whoever_cancelled_it():
    publish(keyed_by="order", entry=[{"order": {}}], steps=[wait("w", "1 day"), mail()])
    book(1, ELIF, at=hours(1))
    step(hours(1) + 1)
    import_file("1", "cancelled", at=hours(2))
    step(hours(30))
    assert where() == [("cancelled", "finished")]
    assert not messages()
    assert Enrollment.objects.get().finished_at == hours(2)


def test_who_came_in_because_an_order_was_cancelled_stays():
    publish(
        keyed_by="order",
        entry=[{"order": {"becomes": "cancelled"}}],
        steps=[wait("w", "1 day"), mail()],
    )
    book(1, ELIF, at=hours(1))
    book(1, ELIF, at=hours(2), status="cancelled")
    step(hours(2) + 1)
    replan(None, at=hours(3))
    assert where() == [("w", "waiting")]
    step(hours(30))
    assert len(messages()) == 1


def test_a_journey_that_no_order_began_goes_on_when_one_is_cancelled_and_so_does_a_win_back():
    publish(steps=[wait("w", "1 day"), mail()])
    publish("booked", entry=[{"order": {}}], steps=[wait("w", "1 day"), mail()])
    publish(
        "back", reentry="never", entry=[{"order": {"becomes": "cancelled"}}],
        steps=[wait("w", "1 day"), mail()],
    )  # fmt: skip
    say(ELIF, at=hours(1))
    book(1, ELIF, at=hours(1))
    step(hours(1) + 1)
    book(1, ELIF, at=hours(2), status="cancelled")
    step(hours(2) + 1)
    book(2, ELIF, at=hours(3))
    book(2, ELIF, at=hours(4), status="cancelled")
    step(hours(4) + 1)
    assert where() == where("back") == [("w", "waiting")]
    assert set(where("booked")) == {("cancelled", "finished")}


def test_who_reaches_the_goal_while_a_message_waits_in_line_does_not_get_it():
    publish(
        goal={"event": {"name": "Order Completed"}},
        steps=[mail("first"), wait("w", "1 day"), mail("second"), {"id": "out", "exit": True}],
    )
    say(ELIF, at=hours(1))
    say(CAN, at=hours(1))
    step(hours(1) + 1)
    waiting_in_line()
    say(ELIF, "Order Completed", at=hours(2))
    step(hours(2) + 1)
    state = {m.profile_id: (m.state, m.reason) for m in messages()}
    assert state == {profile_of(ELIF): ("skipped", "left"), profile_of(CAN): ("pending", "")}
    step(hours(26))  # who leaves by a step gets what was asked for before it
    assert [m.state for m in messages() if m.step == "second"] == ["pending"]


def test_who_begins_anew_gets_the_message_of_the_new_run_only():
    publish(reentry="restart", steps=[mail(), wait("w", "1 day")])
    say(ELIF, at=hours(1))
    step(hours(1) + 1)
    waiting_in_line()
    say(ELIF, at=hours(2))
    step(hours(2) + 1)
    assert sorted((m.state, m.reason) for m in messages()) == [("pending", ""), ("skipped", "left")]


def test_an_archived_journey_that_is_taken_up_again_sends_nothing_of_before():
    publish(steps=[mail()])
    say(ELIF, at=hours(1))
    step(hours(1) + 1)
    waiting_in_line()
    actions.archive("hello", at=hours(2))
    actions.resume("hello", at=hours(3))
    assert only(messages()).reason == "left"


def test_a_stay_that_is_booked_while_a_journey_is_paused_brings_in_after_it():
    publish(keyed_by="order", entry=[DAY_BEFORE])
    say(ELIF, at=hours(1))
    step(hours(1) + 1)
    actions.pause("hello")
    book(1, ELIF, at=hours(2), starts_on="2026-06-20")
    step(hours(2) + 1)
    import_file("2", "confirmed", at=hours(3))
    replan([profile_of(ELIF)], at=hours(3) + 1)
    actions.resume("hello", at=hours(4))
    eve = clock.from_datetime(dt.datetime(2026, 6, 19, 10), ISTANBUL)
    step(eve)
    assert len(messages()) == 2


@pytest.mark.parametrize("is_paused", [False, True])
def test_a_new_version_forgets_no_date_that_came_and_was_not_heard_yet(is_paused):
    publish(keyed_by="order", entry=[DAY_BEFORE])
    book(1, ELIF, at=hours(2), starts_on="2026-06-20")
    step(hours(2) + 1)
    eve = clock.from_datetime(dt.datetime(2026, 6, 19, 10), ISTANBUL)
    if is_paused:
        actions.pause("hello")
    publish(at=eve + 5, keyed_by="order", entry=[DAY_BEFORE], steps=[mail("other")])
    if is_paused:
        actions.resume("hello", at=eve + 6)
    step(eve + 10)
    assert [m.step for m in messages()] == ["other"]
    publish(
        at=eve + 20, keyed_by="order",
        entry=[{"date": {"of": "ends_on", "offset": "1 day before", "at": "10:00"}}],
    )  # fmt: skip
    assert not Planned.objects.filter(due_at__lte=eve + 20).exists()


def test_a_new_version_lets_a_schedule_go_on_through_its_members(monkeypatch):
    define("searched", SEARCHED)
    rebuild.everybody(at=hours(0) - clock.DAY)
    for n in range(5):
        say(f"g{n}@example.com", at=hours(1))
    step(hours(1) + 1)
    every = [{"schedule": {"segment": "searched", "at": "09:00", "weekdays": ["tuesday"]}}]
    publish(at=hours(2), entry=every)
    tuesday = clock.from_datetime(dt.datetime(2026, 6, 2, 9), ISTANBUL)
    monkeypatch.setattr(engine, "LIMIT", 2)
    Engine().step([], at=tuesday)
    assert len(messages()) == 2
    publish(at=tuesday + 1, entry=every, steps=[mail("other")])
    step(tuesday + 2)
    assert sorted(m.step for m in messages()) == ["mail", "mail", "other", "other", "other"]
    assert Planned.objects.get().due_at == tuesday + 7 * clock.DAY


def test_a_segment_that_is_shown_for_the_first_time_brings_nobody_in_nor_does_a_changed_one():
    say(ELIF, at=hours(0))
    say(CAN, at=hours(0))
    step(hours(0) + 1)
    define("searched", SEARCHED)
    publish(at=hours(1), entry=[{"enters": "searched"}])
    rebuild.everybody(at=hours(2))
    step(hours(2) + 1)
    assert not Enrollment.objects.exists()
    define("searched", {"events": {"name": "Hotel Searched", "count": {"at_least": 3}}})
    rebuild.everybody(at=hours(3))
    define("searched", SEARCHED)
    rebuild.everybody(at=hours(4))
    step(hours(4) + 1)
    assert not Enrollment.objects.exists()
    say("naz@example.com", at=hours(5))
    step(hours(5) + 1)
    assert where() == [("done", "finished")]


def test_an_answer_waits_until_a_paused_journey_goes_on_and_is_not_lost():
    publish(steps=[ASK])
    say(ELIF, at=hours(1))
    step(hours(1) + 1)
    actions.pause("hello")
    task = Task.objects.get()
    with pytest.raises(JourneyError, match="hello is paused"):
        actions.answer(task, "then", by="ayse", at=hours(2))
    actions.resume("hello", at=hours(3))
    actions.answer(task, "then", by="ayse", at=hours(4))
    assert [m.step for m in messages()] == ["yes"]


def test_an_answer_that_cannot_be_followed_leaves_the_task_open(monkeypatch):
    publish(steps=[ASK])
    say(ELIF, at=hours(1))
    step(hours(1) + 1)
    task = Task.objects.get()
    with monkeypatch.context() as broken:
        broken.setattr(engine.writing, "_candidate", lambda *_given: 1 / 0)
        with pytest.raises(JourneyError, match="try again"):
            actions.answer(task, "then", by="ayse", at=hours(2))
    actions.answer(task, "then", by="ayse", at=hours(3))
    assert [m.step for m in messages()] == ["yes"]


def test_people_are_moved_to_steps_of_the_same_kind_only_and_their_tasks_go_with_them():
    steps: list[dict[str, Any]] = [ASK, mail("end")]
    publish(steps=steps)
    say(ELIF, at=hours(1))
    step(hours(1) + 1)
    publish(at=hours(2), steps=[mail("ask")])
    with pytest.raises(JourneyError, match="another kind of step"):
        versions.migrate("hello", to=2, at=hours(2))
    publish(at=hours(3), steps=[{**ASK, "id": "approve"}])
    assert versions.migrate("hello", to=3, steps={"ask": "approve"}, at=hours(3)) == 1
    actions.answer(Task.objects.get(), "then", by="ayse", at=hours(4))
    assert [m.step for m in messages()] == ["yes"]
    assert Journey.objects.get().state == "live"


def test_who_cannot_move_leaves_all_the_same_when_the_goal_is_reached(monkeypatch):
    look = {"when": {"orders": {"count": {"at_least": 1}}}, "steps": [mail("booked")]}
    publish(
        goal={"event": {"name": "Order Completed"}},
        steps=[wait("w", "1 hour"), {"id": "look", "branch": {"ways": [look]}}, mail()],
    )
    say(ELIF, at=hours(1))
    say(CAN, at=hours(1))
    step(hours(1) + 1)
    say(ELIF, "Order Completed", at=hours(2.5))
    with monkeypatch.context() as broken:
        broken.setattr(engine.Facts, "holds", lambda *_given: 1 / 0)
        step(hours(3))
    assert sorted(where()) == [("goal", "finished"), ("w", "waiting")]
    step(hours(5))
    assert only(messages()).profile_id == profile_of(CAN)
