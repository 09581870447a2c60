"""People on journeys, moved by the live step: what happens and what time does."""

from __future__ import annotations

import datetime as dt

import pytest
from tests.journeys.scene import (
    book,
    conserved,
    hours,
    mail,
    messages,
    only,
    passed,
    publish,
    say,
    step,
    wait,
    where,
)
from tests.pipeline.company import NOW

from pusula.journeys import actions
from pusula.journeys.models import Enrollment, Planned
from pusula.lib import clock

pytestmark = pytest.mark.django_db(databases=["default", "log"])
ELIF = "elif@example.com"
LONG = {"name": "Offer Opened", "where": {"nights": {"at_least": 3}}}


def test_an_event_brings_somebody_in_and_a_message_is_asked_for_once():
    publish()
    say(ELIF, at=hours(1))
    step(hours(1) + 1)
    message = only(messages())
    assert (message.state, message.step, message.due_at) == ("pending", "mail", hours(1) + 1)
    assert message.not_after_at == hours(7)
    assert where() == [("done", "finished")]
    assert passed(Enrollment.objects.get()) == [("", "entered"), ("mail", "asked")]
    step(hours(2))
    assert len(messages()) == 1


def test_a_wait_ends_when_it_is_over_and_not_before():
    publish(steps=[wait("pause", "2 hours"), mail()])
    say(ELIF, at=hours(1))
    step(hours(1) + 1)
    step(hours(3) - 1)
    assert where() == [("pause", "waiting")]
    assert not messages()
    step(hours(3))
    assert where() == [("done", "finished")]
    assert only(messages()).due_at == hours(3)
    assert conserved() == {"done": 1}


def test_who_does_what_the_journey_is_for_gets_no_message():
    publish(
        steps=[wait("pause", "1 hour"), mail()],
        goal={"event": {"name": "Order Completed"}},
    )
    say(ELIF, at=hours(1))
    say("can@example.com", at=hours(1))
    step(hours(1) + 1)
    say(ELIF, "Order Completed", at=hours(2))  # at the very moment the wait is over
    step(hours(2) + 1)
    assert sorted(where()) == [("done", "finished"), ("goal", "finished")]
    assert len(messages()) == 1


def test_a_wait_for_an_event_goes_one_way_and_silence_the_other():
    publish(
        steps=[
            {"id": "opened", "wait": {
                "first": [{"event": LONG}],
                "at_most": "1 day",
                "then": [mail("thanks")], "else": [mail("again")],
            }},
        ]
    )  # fmt: skip
    for guest in (ELIF, "can@example.com"):
        say(guest, at=hours(1))
    step(hours(1) + 1)
    say(ELIF, "Offer Opened", at=hours(2), properties={"nights": 3})
    say("can@example.com", "Offer Opened", at=hours(2), properties={"nights": 2})
    step(hours(2) + 1)
    assert [m.step for m in messages()] == ["thanks"]
    step(hours(25))
    assert [m.step for m in messages()] == ["thanks", "again"]
    assert conserved() == {"done": 2}


def test_a_cart_that_is_filled_again_starts_the_timer_anew():
    publish(
        reentry="restart",
        exit_when=[{"event": {"name": "Order Completed"}}],
        steps=[wait("hour", "60 minutes"), mail()],
    )
    say(ELIF, at=hours(1))
    say(ELIF, at=hours(1.5))
    step(hours(1.5) + 1)
    step(hours(2.2))
    assert sorted(where()) == [("hour", "waiting"), ("restarted", "finished")]
    step(hours(2.5))
    assert only(messages()).due_at == hours(2.5)
    assert conserved() == {"restarted": 1, "done": 1}


def test_a_stay_that_moves_moves_what_is_planned_and_a_cancelled_one_stops_it():
    publish(
        "arrival",
        keyed_by="order",
        entry=[{"date": {"of": "starts_on", "offset": "7 days before", "at": "10:00"}}],
        steps=[
            {"id": "eve", "wait": {"date": {"of": "starts_on", "offset": "1 day before"}}},
            mail(),
        ],
    )
    book(1, ELIF, at=hours(1), starts_on="2026-06-20", ends_on="2026-06-25")
    book(2, ELIF, at=hours(1), starts_on="2026-06-20", ends_on="2026-06-25")
    step(hours(1) + 1)
    planned = Planned.objects.order_by("order")
    ten = clock.from_datetime(dt.datetime(2026, 6, 13, 10), "Europe/Istanbul")
    assert [one.due_at for one in planned] == [ten, ten]
    book(1, ELIF, at=hours(2), starts_on="2026-06-21", ends_on="2026-06-25")
    step(hours(2) + 1)
    assert sorted(one.due_at for one in planned.all()) == [ten, ten + clock.DAY]
    step(ten + clock.DAY)
    assert where("arrival") == [("eve", "waiting")] * 2
    assert not Planned.objects.exists()
    book(1, ELIF, at=ten + clock.DAY + 5, starts_on="2026-06-23", ends_on="2026-06-25")
    book(2, ELIF, at=ten + clock.DAY + 5, status="cancelled", starts_on="2026-06-20")
    step(ten + clock.DAY + 10)
    assert sorted(where("arrival")) == [("cancelled", "finished"), ("eve", "waiting")]
    waiting = Enrollment.objects.get(state="waiting")
    assert waiting.due_at == ten + 9 * clock.DAY
    step(waiting.due_at)
    assert only(messages("arrival")).order_id == waiting.order_id


def test_what_happened_while_a_journey_was_paused_brings_nobody_in_and_nobody_moves():
    publish(steps=[wait("pause", "1 hour"), mail()])
    say(ELIF, at=hours(1))
    step(hours(1) + 1)
    actions.pause("hello")
    say("can@example.com", at=hours(1.5))
    step(hours(3))
    assert where() == [("pause", "waiting")]
    actions.resume("hello", at=hours(20))
    step(hours(20) + 1)
    assert where() == [("done", "finished")]
    message = only(messages())
    assert (message.due_at, message.state, message.reason) == (hours(2), "skipped", "expired")
    assert NOW < message.not_after_at < hours(20)
