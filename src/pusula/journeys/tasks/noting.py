"""Noting what a call came to: the journey goes on, the call is tried again, or never made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext

from pusula.consent import actions as consent
from pusula.consent.models import Channel, Consent, Status
from pusula.consent.models import Reason as Closed
from pusula.journeys import actions, asking
from pusula.journeys.advance import ELSE
from pusula.journeys.errors import JourneyError, PausedError
from pusula.journeys.language import DefinitionError
from pusula.journeys.models import Attempt, Task
from pusula.journeys.tasks import taking
from pusula.journeys.tasks.results import (
    CALL_BACK,
    MOST_NOTE,
    MOST_TRIES,
    NO_ANSWER,
    NO_CALLS,
    REFUSALS,
    TRY_AGAIN,
    WRONG_NUMBER,
)
from pusula.lib.errors import PusulaError
from pusula.outbox import calls
from pusula.outbox.models import Message
from pusula.outbox.reasons import Reason
from pusula.segments import evaluate

SOURCE = "pusula"  # of refusals said on the phone
# Whoever answers a number that is not the person's must not get what is meant for them.
_CLOSED = (Channel.CALL, Channel.SMS, Channel.WHATSAPP)


class OutcomeError(PusulaError):
    """What was noted cannot be: no such outcome, or a moment that does not fit."""

    code = "outcome"
    status = 422


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody notes of a call: ``result`` is an outcome of the step or one of ``results``.

    ``again_at`` is when the person wants to be called (``CALL_BACK``); ``key`` makes a row of a
    list count once.
    """

    result: str
    note: str = ""
    again_at: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Noted:
    """What came of it: the call is over, or tried again at a moment (microseconds)."""

    again_at: int | None = None
    has_gone_on: bool = False  # the person had left the step while they were on the phone


def note(pk: int, holder: str, said: Said, *, at: int) -> Noted:
    """Note what the call that ``holder`` has in hand came to; all of it in one transaction.

    Raises ``NotInHandError`` if it is not in their hands, so a second click changes nothing;
    ``OutcomeError`` for a word the step does not know; ``JourneyError`` while this person cannot
    go on, which keeps no refusal from counting. On a paused journey it counts, and leads on later.
    """
    with evaluate.alone():
        task = taking.hand_in(pk, holder)
        ways = _ways(task, said)
        _check(task, said, ways, at)
        again_at = _again_at(task, said, at)
        _keep(task, said, holder, again_at, at)
        if task.message is not None:
            _settle(task.message, said, holder, again_at, at)
        if again_at is not None:
            back = holder if said.result == CALL_BACK and not _is_list(holder) else ""
            Task.objects.filter(pk=pk).update(reserved_for=back)
            return Noted(again_at)
        if task.closed_at is not None:
            return Noted(has_gone_on=True)
        _lead_on(task, said, "" if said.result in ways else ELSE, holder, at)
        return Noted()


def refuse_late(pk: int, said: Said, *, by: str, at: int) -> None:
    """Note a refusal that is told when the call is in other hands, in line or over.

    It counts however late: a call in line is stopped by it at the gate.
    """
    with evaluate.alone():
        task = Task.objects.select_related("message").filter(pk=pk).first()
        if task is None:
            return  # the person was erased meanwhile
        _keep(task, said, by, None, at)
        if task.message is not None:
            _refuse(task.message, said.result, by, at)


def _ways(task: Task, said: Said) -> Mapping[str, object]:
    try:
        return actions.outcomes(task)
    except DefinitionError:  # its version speaks of what is gone
        if said.result not in REFUSALS:
            raise
        return {}


def _keep(task: Task, said: Said, by: str, again_at: int | None, at: int) -> None:
    Attempt.objects.create(
        task=task, result=said.result, note=said.note[:MOST_NOTE], by=by, at=at,
        again_at=again_at, key=said.key,
    )  # fmt: skip


def _lead_on(task: Task, said: Said, way: str, by: str, at: int) -> None:
    """Let the person go on; on a paused journey, or after a refusal, later: the call was made."""
    note = said.note[:MOST_NOTE]
    try:
        with transaction.atomic():
            actions.answer(task, said.result, by=by, note=note, at=at, way=way)
    except JourneyError as error:
        is_paused = isinstance(error, PausedError)
        if not is_paused and said.result not in REFUSALS:
            raise
        mine = Task.objects.filter(pk=task.pk)
        mine.update(outcome=said.result, note=note, closed_by=by, closed_at=at)
        if not is_paused:  # else it is heard when the journey goes on
            asking.lead_on([task], at=at)


def _is_list(holder: str) -> bool:
    return holder.startswith(taking.LIST)


def _check(task: Task, said: Said, ways: Mapping[str, object], at: int) -> None:
    if said.result not in {*ways, NO_ANSWER, CALL_BACK, WRONG_NUMBER, NO_CALLS}:
        raise OutcomeError(gettext("This call has no such outcome: choose one of those shown."))
    if said.result == CALL_BACK:
        check_moment(task, said.again_at, at)


def check_moment(task: Task, again_at: int | None, at: int) -> None:
    """Raise ``OutcomeError`` if a call cannot be made again at a moment."""
    if again_at is None:
        raise OutcomeError(gettext("Say when to call back: a day and a time."))
    if again_at <= at:
        raise OutcomeError(gettext("The moment to call back is over."))
    if again_at >= task.until_at:
        raise OutcomeError(
            gettext("By then the call has no sense any more: choose a moment before.")
        )


def _again_at(task: Task, said: Said, at: int) -> int | None:
    """Return when the call is tried again, ``None`` if it is over."""
    if task.closed_at is not None:
        return None
    if said.result == CALL_BACK:
        return said.again_at
    if said.result != NO_ANSWER or at + TRY_AGAIN >= task.until_at:
        return None
    tried = Attempt.objects.filter(task=task, result=NO_ANSWER).count()
    return at + TRY_AGAIN if tried + 1 < MOST_TRIES else None


def _settle(message: Message, said: Said, by: str, again_at: int | None, at: int) -> None:
    if again_at is not None:
        calls.again(message.pk, detail=said.result, later_at=again_at, at=at)
        return
    match said.result:
        case "no_answer":
            calls.missed(message.pk, Reason.NO_ANSWER, at=at)
        case "wrong_number":
            calls.missed(message.pk, Reason.WRONG_NUMBER, at=at)
        case _:
            calls.spoken(message.pk, detail=said.result, at=at)
    if said.result in REFUSALS:
        _refuse(message, said.result, by, at)


def _refuse(message: Message, result: str, by: str, at: int) -> None:
    if result == WRONG_NUMBER:
        _close_number(message, by, at)
    else:
        _withdraw_consent(message, by, at)


def _close_number(message: Message, by: str, at: int) -> None:
    for channel in _CLOSED if message.address else ():
        consent.suppress(
            channel, message.address, reason=Closed.WRONG_NUMBER, detail=f"call, {by}", at=at
        )


def _withdraw_consent(message: Message, by: str, at: int) -> None:
    """Withdraw consent to calls, for whatever it was given: nobody means this journey alone."""
    given = Consent.objects.filter(
        profile_id=message.profile_id, channel=Channel.CALL, status=Status.GRANTED
    )
    for purpose in sorted({message.purpose, *given.values_list("purpose", flat=True)}):
        consent.refuse(
            [message.profile_id],
            channel=Channel.CALL,
            purpose=purpose,
            source=SOURCE,
            evidence=f"said on the phone to {by}, call {message.token}",
            at=at,
            addresses=[message.address] if message.address else [],
            proof={"iys_source": "HS_CAGRI_MERKEZI", "operator": by},
        )
