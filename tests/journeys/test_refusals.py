"""Refusals said on the phone: they count whatever becomes of the journey and the list."""

from __future__ import annotations

import pytest
from django.utils import translation
from tests.journeys.calling import CAN, ELIF, PHONES, allow_calls, asked, come_in, journey, task_of
from tests.journeys.scene import hours, passed, profile_of, say, step
from tests.journeys.test_call_lists import filled, rows_of

from pusula.consent import queries as consents
from pusula.consent.models import Consent, Suppression
from pusula.journeys import actions
from pusula.journeys.models import Attempt
from pusula.journeys.tasks import lists, noting, taking
from pusula.journeys.tasks.noting import Said
from pusula.outbox.models import Message

pytestmark = pytest.mark.django_db(databases=["default", "log"])


@pytest.fixture(autouse=True)
def _in_english():
    with translation.override("en"):
        yield


def refuses_calls(email: str) -> bool:
    pk = profile_of(email)
    return consents.decided([pk], "call", "marketing").get(pk) == "refused"


@pytest.mark.parametrize("result", ["no_calls", "wrong_number"])
def test_a_refusal_counts_while_the_journey_is_paused_and_leads_on_when_it_goes_on(
    tmp_path, result
):
    asked(ELIF)
    task = taking.take("ayse", tmp_path, at=hours(2))
    actions.pause("hello")
    noting.note(task.pk, "ayse", Said(result, "Aramayın"), at=hours(2.1))
    assert refuses_calls(ELIF) == (result == "no_calls")
    assert Suppression.objects.filter(address=PHONES[ELIF]).exists() == (result == "wrong_number")
    task.refresh_from_db()
    assert (task.outcome, task.closed_by, task.holder) == (result, "ayse", "")
    assert passed(task.enrollment)[1:] == []
    actions.resume("hello", at=hours(3))
    assert taking.take("burak", tmp_path, at=hours(3)) is None
    step(hours(3.1))
    assert passed(task.enrollment)[1:] == [("call", "else"), ("missed", "goal")]


def test_who_wants_no_calls_gets_none_of_any_purpose(tmp_path):
    journey(purpose="service")
    say(ELIF, at=hours(0.5), phone=PHONES[ELIF])
    step(hours(0.6))
    allow_calls(ELIF, at=hours(0.7))
    come_in(ELIF, at=hours(1))
    task = taking.take("ayse", tmp_path, at=hours(2))
    assert task.message.purpose == "service"
    noting.note(task.pk, "ayse", Said("no_calls"), at=hours(2.1))
    refused = Consent.objects.filter(profile_id=profile_of(ELIF), channel="call", status="refused")
    assert set(refused.values_list("purpose", flat=True)) == {"marketing", "service"}


@pytest.mark.parametrize("is_over", [False, True])
def test_a_refusal_that_a_list_brings_back_late_counts_once(tmp_path, is_over):
    asked(ELIF)
    _made, text = lists.export(tmp_path, by="deniz", hours=1, at=hours(2))
    [row] = rows_of(text)
    agents = taking.take("ayse", tmp_path, at=hours(3.1))
    assert agents == task_of(ELIF)
    if is_over:
        noting.note(agents.pk, "ayse", Said("sold"), at=hours(3.2))
    given = lists.read(filled([{**row, "outcome": "no_calls"}]))
    trial = lists.take_over(given, tmp_path, at=hours(3.3), is_trial=True)
    assert (trial.n_new, refuses_calls(ELIF)) == (1, False)
    taken = lists.take_over(given, tmp_path, at=hours(3.3))
    assert (taken.n_new, taken.wrong) == (1, [])
    assert refuses_calls(ELIF)
    assert lists.take_over(given, tmp_path, at=hours(3.4)).n_known == 1
    assert Attempt.objects.filter(result="no_calls").count() == 1
    if not is_over:
        taking.put_back(agents.pk, "ayse", at=hours(3.5))
        assert taking.take("burak", tmp_path, at=hours(3.5)) is None
        assert Message.objects.get().reason == "refused"


def test_no_list_speaks_for_a_call_that_was_handed_to_nobody(tmp_path):
    asked(ELIF, CAN)
    made, text = lists.export(tmp_path, by="deniz", most=1, at=hours(2))
    [row] = rows_of(text)
    other = next(t for t in map(task_of, (ELIF, CAN)) if not t.holder)
    forged = [
        {**row, "reference": f"L{made.pk}-{other.pk}", "outcome": said}
        for said in ("sold", "no_calls")
    ]
    taken = lists.take_over(lists.read(filled(forged)), tmp_path, at=hours(3))
    assert [(wrong.row, wrong.column) for wrong in taken.wrong] == [
        (2, "reference"), (3, "reference"),
    ]  # fmt: skip
    assert not Attempt.objects.exists()
    assert not refuses_calls(ELIF)
    assert not refuses_calls(CAN)


def test_a_moment_no_calendar_has_is_told_and_holds_up_nobody(tmp_path):
    asked(ELIF)
    _made, text = lists.export(tmp_path, by="deniz", at=hours(2))
    [row] = rows_of(text)
    again = {**row, "outcome": "call back later", "call_back_at": "0001-01-01 00:00"}
    taken = lists.take_over(lists.read(filled([again])), tmp_path, at=hours(3))
    assert [wrong.column for wrong in taken.wrong] == ["call_back_at"]
