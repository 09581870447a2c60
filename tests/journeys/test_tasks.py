"""Calls in hand: each in one pair of hands, noted once, tried again, followed by the journey."""

from __future__ import annotations

import pytest
from tests.journeys.calling import (
    CAN,
    ELIF,
    NAZ,
    PHONES,
    allow_calls,
    asked,
    call,
    come_in,
    journey,
    task_of,
)
from tests.journeys.scene import conserved, hours, passed, profile_of, publish, say, step, where
from tests.outbox.asking import limits

from pusula.consent import queries as consents
from pusula.consent.models import Suppression
from pusula.journeys import actions
from pusula.journeys.language import DefinitionError
from pusula.journeys.models import Attempt, Task
from pusula.journeys.tasks import noting, taking
from pusula.journeys.tasks.noting import OutcomeError, Said
from pusula.journeys.tasks.taking import NotInHandError
from pusula.lib import clock
from pusula.outbox import actions as outbox
from pusula.outbox.models import Content, Message

pytestmark = pytest.mark.django_db(databases=["default", "log"])


@pytest.fixture
def take(tmp_path):
    """Return what takes the next call of an agent."""
    return lambda agent, at: taking.take(agent, tmp_path, at=at)


def whose(task: Task | None) -> int | None:
    return task.enrollment.profile_id if task else None


def test_two_agents_never_have_the_same_call_and_each_keeps_their_own(take):
    asked(ELIF, CAN)
    first, second = take("ayse", hours(2)), take("burak", hours(2))
    assert {whose(first), whose(second)} == {profile_of(ELIF), profile_of(CAN)}
    assert take("cem", hours(2)) is None
    assert take("ayse", hours(2.1)) == first
    assert Message.objects.filter(channel="call", state="sending").count() == 2


def test_a_call_that_was_left_is_free_again_and_its_first_holder_cannot_note_it(take):
    asked(ELIF)
    task = take("ayse", hours(2))
    assert take("burak", hours(2.2)) is None
    assert taking.keep(task.pk, "ayse", at=hours(2.2))
    assert take("burak", hours(2.4)) is None
    assert take("burak", hours(2.46)) == task
    with pytest.raises(NotInHandError):
        noting.note(task.pk, "ayse", Said("sold"), at=hours(2.5))
    assert not taking.keep(task.pk, "ayse", at=hours(2.5))
    assert Attempt.objects.count() == 0


def test_an_outcome_leads_the_journey_on_and_a_second_click_changes_nothing(take):
    asked(ELIF)
    task = take("ayse", hours(2))
    assert noting.note(task.pk, "ayse", Said("sold", "Deniz tarafı"), at=hours(2)).again_at is None
    with pytest.raises(NotInHandError):
        noting.note(task.pk, "ayse", Said("sold"), at=hours(2))
    task.refresh_from_db()
    assert (task.outcome, task.note, task.closed_by) == ("sold", "Deniz tarafı", "ayse")
    assert passed(task.enrollment)[1:] == [("call", "sold"), ("won", "goal")]
    assert Message.objects.get().state == "sent"
    assert Attempt.objects.count() == 1
    assert conserved() == {"done": 1}


def test_nobody_answers_three_times_and_the_journey_goes_on_without(take):
    asked(ELIF)
    for n, at in enumerate((2, 4.5, 7)):
        task = take("ayse", hours(at))
        assert task is not None, n
        noted = noting.note(task.pk, "ayse", Said("no_answer"), at=hours(at))
        assert (noted.again_at is None) == (n == 2)
        assert take("ayse", hours(at) + clock.MINUTE) is None
    message = Message.objects.get()
    assert (message.state, message.reason) == ("failed", "no_answer")
    assert passed(task_of(ELIF).enrollment)[1:] == [("call", "else"), ("missed", "goal")]
    assert task_of(ELIF).outcome == "no_answer"


def test_a_step_may_have_steps_of_its_own_for_no_answer(take):
    own = [{"outcome": "no_answer", "title": {"tr": "Yok", "en": "None"},
            "steps": [{"id": "write", "goal": True}]}]  # fmt: skip
    publish(steps=[call(outcomes=own, at_most="3 hours")])
    come_in(ELIF, at=hours(1))
    task = take("ayse", hours(2.5))
    noting.note(task.pk, "ayse", Said("no_answer"), at=hours(2.5))
    assert passed(task.enrollment)[1:] == [("call", "no_answer"), ("write", "goal")]


def test_a_call_back_waits_for_its_moment_and_for_the_one_who_promised_it(take):
    asked(ELIF)
    task = take("ayse", hours(2))
    for wrong in (None, hours(1), hours(100)):
        with pytest.raises(OutcomeError):
            noting.note(task.pk, "ayse", Said("call_back", again_at=wrong), at=hours(2))
    noting.note(task.pk, "ayse", Said("call_back", again_at=hours(5)), at=hours(2))
    come_in(CAN, at=hours(3))
    other = take("burak", hours(4))
    assert whose(other) == profile_of(CAN)
    noting.note(other.pk, "burak", Said("sold"), at=hours(4))
    assert take("cem", hours(5.1)) is None
    assert take("ayse", hours(5.1)) == task
    taking.put_back(task.pk, "ayse", at=hours(5.2))
    assert take("cem", hours(5.75)) == task


def test_a_wrong_number_is_closed_for_calls_and_messages(take):
    asked(ELIF)
    task = take("ayse", hours(2))
    noting.note(task.pk, "ayse", Said("wrong_number"), at=hours(2))
    closed = Suppression.objects.filter(address=PHONES[ELIF]).values_list("channel", flat=True)
    assert set(closed) == {"call", "sms", "whatsapp"}
    assert Message.objects.get().reason == "wrong_number"
    assert passed(task.enrollment)[1:] == [("call", "else"), ("missed", "goal")]


def test_who_does_not_want_calls_has_refused_and_no_other_call_of_theirs_is_made(take):
    asked(ELIF)
    publish("again", steps=[call()])
    say(ELIF, at=hours(1.5))
    step(hours(1.5) + 1)
    task = take("ayse", hours(2))
    noting.note(task.pk, "ayse", Said("no_calls"), at=hours(2))
    held = consents.present(profile_of(ELIF), "marketing")["call"]
    assert held.status == "refused"
    assert held.entry.evidence.startswith("said on the phone to ayse")
    assert take("ayse", hours(2.1)) is None
    assert sorted(Message.objects.values_list("state", "reason")) == [
        ("sent", ""), ("skipped", "refused"),
    ]  # fmt: skip
    step(hours(2.2))
    assert set(where("again")) == {("done", "finished")}


def test_a_call_without_consent_or_number_is_not_made_and_the_journey_goes_on():
    journey(**{"class": "commercial"})
    say(CAN, "Hotel Viewed", at=hours(0.5), phone=PHONES[CAN])
    step(hours(0.6))
    allow_calls(CAN, at=hours(0.7))
    come_in(ELIF, CAN, at=hours(1))
    say(NAZ, at=hours(1.1))
    step(hours(1.2))
    step(hours(1.3))
    found = dict(Message.objects.values_list("profile_id", "reason"))
    assert found == {
        profile_of(ELIF): "no_consent", profile_of(CAN): "", profile_of(NAZ): "no_consent",
    }  # fmt: skip
    assert task_of(ELIF).closed_at is not None
    assert sorted(where()) == [("call", "waiting"), ("done", "finished"), ("done", "finished")]


def test_consent_is_asked_again_when_the_number_is_about_to_be_shown(take):
    journey(**{"class": "commercial"})
    say(ELIF, "Hotel Viewed", at=hours(0.5), phone=PHONES[ELIF])
    step(hours(0.6))
    allow_calls(ELIF, at=hours(0.7))
    come_in(ELIF, at=hours(1))
    noting.consent.refuse(
        [profile_of(ELIF)], channel="call", purpose="marketing", source="web", evidence="link",
        at=hours(1.5),
    )  # fmt: skip
    assert take("ayse", hours(2)) is None
    assert Message.objects.get().reason == "refused"
    step(hours(2.1))
    assert where() == [("done", "finished")]


def test_seats_of_a_day_are_kept_and_the_others_are_called_tomorrow(take):
    limits("budgets: [{channel: call, most: 1, per: day}]")
    journey(**{"class": "commercial"})
    for email in (ELIF, CAN):
        say(email, "Hotel Viewed", at=hours(0.5), phone=PHONES[email])
    step(hours(0.6))
    allow_calls(ELIF, CAN, at=hours(0.7))
    come_in(ELIF, CAN, at=hours(1))
    assert take("ayse", hours(2)) is not None
    assert take("burak", hours(2)) is None
    assert take("burak", hours(24)) is not None


def test_nothing_is_taken_while_calls_are_held_or_the_journey_is_paused(take):
    asked(ELIF)
    outbox.hold("channel:call", at=hours(1.5))
    assert take("ayse", hours(2)) is None
    outbox.lift("channel:call")
    actions.pause("hello")
    assert take("ayse", hours(2)) is None
    actions.resume("hello", at=hours(2))
    assert take("ayse", hours(2.1)) is not None


def test_what_a_call_came_to_while_its_journey_is_paused_leads_on_when_it_goes_on(take):
    asked(ELIF, CAN)
    mine, other = take("ayse", hours(2)), take("burak", hours(2))
    actions.pause("hello")
    noting.note(mine.pk, "ayse", Said("sold", "Evet"), at=hours(2.1))
    noting.note(other.pk, "burak", Said("no_answer"), at=hours(2.1))
    with pytest.raises(NotInHandError):
        noting.note(mine.pk, "ayse", Said("sold"), at=hours(2.2))
    assert {message.state for message in Message.objects.all()} == {"sent", "pending"}
    step(hours(30))
    assert passed(mine.enrollment)[1:] == []
    actions.resume("hello", at=hours(30.5))
    assert passed(mine.enrollment)[1:] == [("call", "sold"), ("won", "goal")]
    mine.refresh_from_db()
    assert (mine.outcome, mine.note, mine.closed_by) == ("sold", "Evet", "ayse")


def test_who_leaves_while_on_the_phone_is_noted_and_not_moved_again(take):
    journey(exit_when=[{"event": {"name": "Booking Completed"}}])
    come_in(ELIF, CAN, at=hours(1))
    task = take("ayse", hours(2))
    email = ELIF if whose(task) == profile_of(ELIF) else CAN
    say(email, "Booking Completed", at=hours(2.1))
    step(hours(2.1) + 1)
    assert noting.note(task.pk, "ayse", Said("sold"), at=hours(2.2)).has_gone_on
    assert task.message.__class__.objects.get(pk=task.message_id).state == "sent"
    assert passed(task.enrollment)[1:] == [("call", "exited")]
    other = take("ayse", hours(2.3))
    say(CAN if email == ELIF else ELIF, "Booking Completed", at=hours(2.4))
    step(hours(2.4) + 1)
    taking.put_back(other.pk, "ayse", at=hours(2.5))
    assert Message.objects.get(pk=other.message_id).reason == "left"
    assert take("ayse", hours(3)) is None


def test_a_call_in_line_of_somebody_who_leaves_is_not_made(take):
    journey(exit_when=[{"event": {"name": "Booking Completed"}}])
    come_in(ELIF, at=hours(1))
    say(ELIF, "Booking Completed", at=hours(1.1))
    step(hours(1.1) + 1)
    assert take("ayse", hours(2)) is None
    assert Message.objects.get().reason == "left"


def test_a_script_that_is_no_template_is_refused_when_the_journey_is_published():
    script = {"tr": "{% if %}", "en": "Hello"}
    with pytest.raises(DefinitionError, match=r"call\.script\.tr"):
        publish(steps=[call(script=script)])
    assert not Content.objects.filter(channel="call").exists()
