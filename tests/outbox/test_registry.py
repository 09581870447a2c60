"""Senders are mourned when they are dead, and only then."""

from __future__ import annotations

import pytest
from django.db import connection
from tests.outbox.people import consented, in_line, profiles

from pusula.lib import clock
from pusula.outbox import fence, machine, registry
from pusula.outbox.claims import claim
from pusula.outbox.models import Message, Sender
from pusula.outbox.registry import DeposedError, Registration

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def me(tmp_path):
    registration = Registration(tmp_path)
    yield registration
    registration.end()


def holding(owner: str) -> list[Message]:
    """Give ``owner`` two messages: one claimed, one let pass."""
    people = profiles(2)
    consented(people)
    in_line(people)
    letters = claim(owner, n=2, at=clock.now())
    Message.objects.filter(pk=letters[1].id).update(state=machine.SENDING)
    return [Message.objects.get(pk=letter.id) for letter in letters]


def standing(messages: list[Message]) -> list[tuple[str, str, str]]:
    found = Message.objects.filter(pk__in=[m.pk for m in messages]).order_by("pk")
    return list(found.values_list("state", "reason", "owner"))


RELEASED = [("pending", "", ""), ("unknown", "sender_died", "")]


def test_what_a_dead_sender_held_goes_back_in_line_and_what_it_let_pass_is_a_doubt(me, tmp_path):
    dead = Registration(tmp_path)
    messages = holding(dead.owner)
    assert me.recover() == 0
    assert {owner for _, _, owner in standing(messages)} == {dead.owner}
    registry.os.close(dead._lock)  # as the system does when a process ends
    assert me.recover() == 1
    assert standing(messages) == RELEASED
    assert not Sender.objects.filter(owner=dead.owner).exists()
    assert not (tmp_path / "run" / f"{dead.owner}.lock").exists()


def test_a_sender_that_signs_in_while_another_looks_for_the_dead_is_not_buried(me, tmp_path):
    n_looks = 0
    begun: list[Registration] = []
    messages: list[Message] = []

    def meanwhile(execute, *told):
        nonlocal n_looks
        n_looks += 1
        if n_looks == 2:
            begun.append(Registration(tmp_path))
            messages.extend(holding(begun[0].owner))
        return execute(*told)

    with connection.execute_wrapper(meanwhile):
        assert me.recover() == 0
    [other] = begun
    assert {owner for _, _, owner in standing(messages)} == {other.owner}
    other.end()


def test_a_sender_that_is_only_slow_keeps_what_it_holds(me, tmp_path):
    slow = Registration(tmp_path)
    messages = holding(slow.owner)
    Sender.objects.filter(owner=slow.owner).update(heartbeat_at=clock.now() - 30 * clock.DAY)
    assert me.recover() == 0
    assert {owner for _, _, owner in standing(messages)} == {slow.owner}
    slow.end()


def test_a_sender_elsewhere_lives_while_its_heart_beats(me, monkeypatch):
    Sender.objects.create(owner="far", host="elsewhere:x", started_at=1, heartbeat_at=1)
    messages = holding("far")
    now = [1_000.0]
    monkeypatch.setattr(registry.time, "monotonic", lambda: now[0])
    for beat in range(2, 6):
        assert me.recover() == 0
        now[0] += 59
        assert me.recover() == 0
        Sender.objects.filter(owner="far").update(heartbeat_at=beat)
    assert me.recover() == 0
    now[0] += 61
    assert me.recover() == 1
    assert standing(messages) == RELEASED


def test_messages_of_a_sender_nobody_knows_are_taken_back(me):
    messages = holding("ghost")
    assert me.recover() == 1
    assert standing(messages) == RELEASED


def test_a_sender_declared_dead_stops(me, monkeypatch):
    Sender.objects.filter(owner=me.owner).delete()
    monkeypatch.setattr(registry, "BEAT_S", 0)
    with pytest.raises(DeposedError):
        me.beat()


def test_two_homes_on_one_machine_do_not_look_at_each_others_locks(me, tmp_path):
    for name in ("other", "third"):
        fence.confirm(tmp_path / name / registry.RUN_FOLDER, at=clock.now())
    other = Registration(tmp_path / "other")
    assert other.host != me.host
    assert Registration(tmp_path / "third").host.split(":")[0] == me.host.split(":")[0]
    messages = holding(other.owner)
    assert me.recover() == 0
    assert {owner for _, _, owner in standing(messages)} == {other.owner}
    other.end()
