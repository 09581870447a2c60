"""Agents at the same moment: a call is in one pair of hands, and noted once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections
from tests.journeys.calling import come_in, journey
from tests.journeys.scene import hours

from pusula.journeys.models import Attempt, Task
from pusula.journeys.tasks import noting, taking
from pusula.journeys.tasks.taking import NotInHandError
from pusula.outbox.models import Message

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "log"])


@pytest.fixture(autouse=True)
def _on_postgres() -> None:
    if connections["default"].vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")


def at_once(n: int, work: Callable[[int], object]) -> list[object]:
    """Do ``work`` of 0..n-1 in threads with connections of their own, begun together."""
    barrier = Barrier(n)

    def run(number: int) -> object:
        connections["default"].ensure_connection()
        barrier.wait()
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(n) as threads:
        return list(threads.map(run, range(n)))


def test_eight_agents_at_one_moment_have_eight_calls_and_three_share_none(tmp_path):
    journey()
    come_in(*(f"g{n}@example.com" for n in range(3)), at=hours(1))
    n_calls = Task.objects.count()
    assert n_calls == 3
    taken = at_once(
        8, lambda n: getattr(taking.take(f"agent{n}", tmp_path, at=hours(2)), "pk", None)
    )
    had = [pk for pk in taken if pk is not None]
    assert len(had) == len(set(had)) == n_calls
    assert Message.objects.filter(state="sending").count() == n_calls
    assert Task.objects.filter(holder__gt="").count() == n_calls


def test_one_agent_in_two_windows_has_one_call_and_two_clicks_note_it_once(tmp_path):
    journey()
    come_in(*(f"g{n}@example.com" for n in range(3)), at=hours(1))
    taken = at_once(4, lambda _n: taking.take("ayse", tmp_path, at=hours(2)))
    assert len({task.pk for task in taken if task is not None}) == 1
    assert Task.objects.filter(holder="ayse").count() == 1
    task = Task.objects.get(holder="ayse")

    def note(_number: int) -> bool:
        try:
            noting.note(task.pk, "ayse", noting.Said("sold"), at=hours(2))
        except NotInHandError:
            return False
        return True

    assert sorted(at_once(4, note)) == [False, False, False, True]
    assert Attempt.objects.count() == 1
