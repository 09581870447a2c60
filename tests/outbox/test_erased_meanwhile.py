"""People who are erased while a message to them is on its way."""

from __future__ import annotations

import pytest
from tests.outbox.people import consented, in_line, profiles

from pusula.consent.models import Suppression
from pusula.lib import clock
from pusula.outbox import gate, machine
from pusula.outbox.claims import claim
from pusula.outbox.gate import GO, Bounce
from pusula.outbox.models import Message, Receipt
from pusula.outbox.moves import Move

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
