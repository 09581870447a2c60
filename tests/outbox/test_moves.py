"""Moves of messages: one statement for many, each with its own words; found without a walk."""

from __future__ import annotations

import pytest
from django.db import connection
from tests.outbox.people import consented, in_line, profiles

from pusula.lib import clock
from pusula.measurement.attribution.touches import Span
from pusula.measurement.reports import rates
from pusula.outbox import machine, moves, queries
from pusula.outbox.claims import claim
from pusula.outbox.models import Message
from pusula.outbox.moves import Move

pytestmark = pytest.mark.django_db
ME, OTHER = "me", "other"


def let_pass(n: int) -> list[int]:
    """Return the ids of ``n`` messages that ``ME`` has let pass the gate."""
    people = profiles(n)
    consented(people)
    in_line(people)
    ids = [letter.id for letter in claim(ME, n=n, at=clock.now())]
    assert moves.let_pass(ids, owner=ME, at=clock.now())
    return ids


@pytest.mark.parametrize("most", [2, 1_000], ids=["in several statements", "in one"])
def test_of_many_moves_each_message_gets_its_own_words(monkeypatch, most):
    monkeypatch.setattr(moves, "_MOST", most)
    sent, named, failed, later, untried = let_pass(5)
    due_at = Message.objects.get(pk=sent).due_at
    Message.objects.filter(pk=sent).update(provider_id="known before")
    at = clock.now()
    done = [
        Move(sent, machine.SENT, detail="250 2.0.0 queued as 4B1"),
        Move(named, machine.SENT, detail="250 100 % 'ok'; %s", provider_id="p-7"),
        Move(failed, machine.FAILED, "rejected", "554 5.7.1 no"),
        Move(later, machine.PENDING, detail="451 busy", later_at=at + clock.HOUR),
        Move(untried, machine.PENDING, later_at=at + clock.MINUTE, was_tried=False),
    ]
    assert moves.apply(done, state=machine.SENDING, owner=ME, at=at) == 5
    columns = (
        "state", "reason", "detail", "provider_id", "due_at", "n_attempts", "settled_at", "owner",
    )  # fmt: skip
    assert list(Message.objects.order_by("pk").values_list(*columns)) == [
        ("sent", "", "250 2.0.0 queued as 4B1", "known before", due_at, 0, at, ""),
        ("sent", "", "250 100 % 'ok'; %s", "p-7", due_at, 0, at, ""),
        ("failed", "rejected", "554 5.7.1 no", "", due_at, 0, at, ""),
        ("pending", "", "451 busy", "", at + clock.HOUR, 1, None, ""),
        ("pending", "", "", "", at + clock.MINUTE, 0, None, ""),
    ]


def test_what_is_no_longer_ours_is_neither_moved_nor_counted():
    mine, taken, settled = let_pass(3)
    Message.objects.filter(pk=taken).update(owner=OTHER)
    Message.objects.filter(pk=settled).update(state=machine.UNKNOWN)
    done = [Move(one, machine.SENT) for one in (mine, taken, settled)]
    assert moves.apply(done, state=machine.SENDING, owner=ME, at=clock.now()) == 1
    states = Message.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["sent", "sending", "unknown"]


def plan(of) -> str:
    """Return how the database finds the messages that the statements of ``of()`` speak of."""
    ran = []

    def note(execute, sql, params, many, context):
        ran.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        of()
    found = []
    with connection.cursor() as cursor:
        for sql, params in ran:
            if "outbox_message" in sql:
                cursor.execute(f"explain query plan {sql}", params)
                found += [str(row[-1]) for row in cursor.fetchall()]
    return " | ".join(found)


def test_each_question_about_messages_has_an_index_that_moves_leave_alone():
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL reads tables of a few rows from end to end")
    ids = let_pass(3)
    now = clock.now()
    span = (now - clock.DAY, now + clock.DAY)
    done = [Move(one, machine.SENT) for one in ids]
    moved = plan(lambda: moves.apply(done, state=machine.SENDING, owner=ME, at=now))
    assert "SEARCH outbox_message USING INTEGER PRIMARY KEY" in moved
    assert "SEARCH outbox_message USING INDEX message_in_line (due_at<?)" in plan(
        lambda: claim(ME, n=1, at=now)
    )
    assert "message_in_line" in plan(lambda: queries.n_waiting(now))
    assert "message_not_sent (state=?)" in plan(queries.n_doubtful)
    found = plan(lambda: queries.tallies(queries.between(*span, {"state": machine.FAILED})))
    assert "message_not_sent (state=? AND due_at>? AND due_at<?)" in found
    for equal in ({}, {"state": machine.SENT}):
        rows = queries.between(*span, equal)
        found = plan(lambda rows=rows: list(rows[:5]))
        assert "message_by_due" in found
        assert "ORDER BY" not in found
    told = plan(lambda: rates.rates(rates.Asked(Span(*span)), ("origin",)))
    assert "message_by_due" in told
    assert "message_by_origin" not in told, "all messages are read for those of a week"


def test_the_few_messages_of_an_origin_are_not_found_by_a_walk_along_the_due_moments():
    rows = queries.between(0, clock.now(), {"origin": "campaign:1"})
    order = str(rows.query).partition("ORDER BY")[2]
    assert '"due_at" + 0' in order, "an index has the bare column in order"
