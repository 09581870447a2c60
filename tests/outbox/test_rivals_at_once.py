"""Decisions made at the same moment: the cap holds, the more important wins, nobody is lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, transaction
from tests.outbox.asking import NOW, asked, content, limits
from tests.outbox.people import consented, profiles

from pusula.lib import clock
from pusula.outbox import gate
from pusula.outbox.candidates import Way
from pusula.outbox.claims import claim
from pusula.outbox.decisions import decide
from pusula.outbox.models import Message

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _on_postgres() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")


def at_once(n: int, work: Callable[[int], object]) -> list[object]:
    """Do ``work`` of 0..n-1 in threads with connections of their own, begun together."""
    barrier = Barrier(n)

    def run(number: int) -> object:
        connection.ensure_connection()
        barrier.wait()
        try:
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(n) as threads:
        return list(threads.map(run, range(n)))


def test_twenty_campaigns_at_one_moment_never_exceed_the_cap():
    people = profiles(4)
    consented(people)
    limits("caps: [{most: 2, in: 7d}]")
    way = (Way("email", content().pk),)

    def start(number: int) -> None:
        with transaction.atomic():
            decide(
                [
                    asked(p.pk, origin=f"campaign:{number}", step="", ways=way)
                    for p in reversed(people)
                ],
                at=NOW,
            )

    at_once(20, start)
    assert Message.objects.count() == 80
    for person in people:
        mine = Message.objects.filter(profile=person)
        assert mine.filter(state="pending").count() == 2
        assert mine.filter(state="skipped", reason="capped").count() == 18


def test_one_journey_asked_for_by_twenty_at_one_moment_writes_once():
    [person] = profiles(1)
    consented([person])
    one = asked(person.pk)
    found = at_once(20, lambda _n: decide([one], at=NOW)[0].is_new)
    assert sorted(found) == [False] * 19 + [True]
    assert Message.objects.count() == 1


def test_of_rivals_at_one_moment_the_most_important_is_left():
    [person] = profiles(1)
    consented([person])
    limits("caps: [{most: 1, in: 7d}]")
    way = (Way("email", content().pk),)
    at_once(
        9,
        lambda n: decide([asked(person.pk, step=f"s{n}", priority=n + 1, ways=way)], at=NOW),
    )
    [left] = Message.objects.filter(state="pending")
    assert left.priority == 1
    assert set(Message.objects.exclude(pk=left.pk).values_list("reason", flat=True)) <= {
        "capped",
        "outranked",
    }


def test_an_hour_that_many_want_at_one_moment_is_not_overbooked():
    people = profiles(20)
    consented(people)
    limits("budgets: [{channel: email, most: 5, per: hour}]")
    way = (Way("email", content().pk),)
    late = NOW + 10 * clock.HOUR
    at_once(20, lambda n: decide([asked(people[n].pk, ways=way, not_after_at=late)], at=NOW))
    due = list(Message.objects.filter(state="pending").values_list("due_at", flat=True))
    hours = {moment // clock.HOUR for moment in due}
    assert len(due) == 20
    assert all(sum(m // clock.HOUR == hour for m in due) == 5 for hour in hours)


def test_two_senders_at_one_moment_let_one_message_of_a_person_pass():
    people = profiles(10)
    consented(people)
    limits("caps: [{most: 1, in: 1d}]")
    way = (Way("email", content().pk),)
    later = NOW + clock.DAY
    decide(
        [
            asked(p.pk, step=f"s{n}", due_at=NOW + n * clock.DAY, ways=way, not_after_at=later * 2)
            for p in people
            for n in range(2)
        ],
        at=NOW,
    )
    ids = {
        n: list(Message.objects.filter(step=f"s{n}").values_list("pk", flat=True)) for n in range(2)
    }
    claim("nobody", n=100, at=later)
    for n in range(2):
        Message.objects.filter(pk__in=ids[n]).update(owner=f"sender{n}")
    at_once(2, lambda n: gate.turn([], [], ids[n], owner=f"sender{n}", at=later))
    for person in people:
        assert Message.objects.filter(profile=person, state="sending").count() <= 1
    assert Message.objects.filter(state="pending").count() >= len(people)
