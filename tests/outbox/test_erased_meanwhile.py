"""People who are erased while a message to them is on its way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from tests.outbox.people import consented, erased, in_line, profiles

from pusula.channels.port import Report, ReportKind
from pusula.consent.models import ConsentEntry, Suppression
from pusula.events.models import Event
from pusula.lib import clock
from pusula.outbox import gate, machine, receipts, reports
from pusula.outbox.claims import claim
from pusula.outbox.gate import GO, Bounce
from pusula.outbox.models import Message, Receipt
from pusula.outbox.moves import Move
from pusula.profiles.models import Profile

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_bounce_of_somebody_who_was_erased_meanwhile_brings_nothing_back() -> None:
    people = profiles(2)
    consented(people)
    in_line(people)
    gone, other = (letter.id for letter in claim("me", n=100, at=clock.now()))
    assert set(gate.turn([], [], [gone, other], owner="me", at=clock.now()).values()) == {GO}
    address = Message.objects.get(pk=gone).address
    Message.objects.filter(pk=gone).delete()

    bounce = Bounce(gone, address, "550 5.1.1 no such user")
    moves = [
        (machine.SENDING, Move(gone, machine.FAILED, "hard_bounce")),
        (machine.SENDING, Move(other, machine.SENT)),
    ]
    gate.turn(moves, [bounce], [], owner="me", at=clock.now())

    assert Message.objects.get(pk=other).state == machine.SENT, "its answer was lost with it"
    assert not Suppression.objects.exists(), "the address came back"
    assert not Receipt.objects.exists()


def unsubscribe(message: Message) -> None:
    receipts.unsubscribe(message, at=clock.now())


def complain(message: Message) -> None:
    told = Report(kind=ReportKind.COMPLAINED, key="c1", token=message.token)
    reports.apply([told], channel=message.channel, at=clock.now())


def opt_out(message: Message) -> None:
    reports.opt_out(message.pk, evidence="STOP", at=clock.now())


def nothing_came_back() -> bool:
    left = (Profile, ConsentEntry, Receipt, Event, Message)
    has_rows = any(kind.objects.exists() for kind in left)
    return not has_rows and not Suppression.objects.exclude(address="").exists()


@pytest.mark.parametrize("say", [unsubscribe, complain, opt_out])
def test_a_no_of_somebody_who_was_erased_meanwhile_is_no_error(
    say: Callable[[Message], None],
) -> None:
    [person] = profiles(1)
    consented([person])
    [message] = in_line([person])
    erased(person.pk)
    say(message)
    assert nothing_came_back()


@pytest.mark.parametrize("say", [unsubscribe, complain, opt_out])
def test_a_no_that_commits_while_the_erasure_commits_is_no_error(
    say: Callable[[Message], None],
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    [person] = profiles(1)
    consented([person])
    [message] = in_line([person])
    begun: list[str] = []

    def elsewhere() -> None:
        try:
            erased(person.pk)
        finally:
            connection.close()

    def and_then_gone(execute: Callable[..., Any], sql: str, *given: Any) -> Any:
        result = execute(sql, *given)
        if 'FROM "outbox_message"' in sql and not begun:  # the message was read: its person goes
            begun.append(sql)
            with ThreadPoolExecutor(1) as thread:
                thread.submit(elsewhere).result()
        return result

    with connection.execute_wrapper(and_then_gone):
        say(message)
    assert begun
    assert nothing_came_back()
