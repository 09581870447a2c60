"""Budgets where messages leave: after an outage no hour takes more than its budget."""

from __future__ import annotations

from pathlib import Path
from threading import Event, local

import pytest
from django.db import connection
from tests.channels.hop import hop
from tests.outbox.asking import NOW, asked, limits
from tests.outbox.people import consented, in_line, profiles
from tests.outbox.test_posting import Scripted, post
from tests.outbox.test_posting import guests as with_phones
from tests.outbox.test_posting import in_line as texts_in_line
from tests.outbox.test_rivals_at_once import at_once

from pusula.channels.email.smtp import Server
from pusula.channels.port import Outcome, Result
from pusula.lake import locks
from pusula.lib import clock
from pusula.outbox import gate, machine, moves, policies, room
from pusula.outbox.claims import claim
from pusula.outbox.decisions import decide
from pusula.outbox.gate import GO, HELD, Bounce
from pusula.outbox.models import Message, Spent
from pusula.outbox.moves import Move
from pusula.outbox.reasons import Reason
from pusula.outbox.rules import policy as rules
from pusula.outbox.sender import SendLoop

pytestmark = pytest.mark.django_db(transaction=True)
HOUR, DAY = clock.HOUR, clock.DAY
BUDGET = "budgets: [{channel: email, most: 3, per: hour}]"
TELLS = {"is_commercial": False, "purpose": "service"}


def late(n: int, *, is_commercial: bool = True, origin: str = "campaign:1") -> list[int]:
    """Put messages in line, each due a second after the other; return their ids."""
    people = profiles(n)
    consented(people)
    made = [one.pk for one in in_line(people, origin=origin)]
    for number, pk in enumerate(made):
        Message.objects.filter(pk=pk).update(
            due_at=NOW + number * clock.SECOND, not_after_at=NOW + 30 * DAY,
            is_commercial=is_commercial,
        )  # fmt: skip
    return made


def claimed(at: int, *, owner: str = "me", n: int = 500) -> list[int]:
    return [letter.id for letter in claim(owner, n=n, at=at)]


def leave(at: int, *, owner: str = "me") -> list[int]:
    """Let a sender work until there is nothing more for it to do; return who passed."""
    passed: list[int] = []
    while ids := claimed(at, owner=owner):
        verdicts = gate.turn([], [], ids, owner=owner, at=at)
        gone = [id_ for id_, verdict in verdicts.items() if verdict == GO]
        settled = [(machine.SENDING, Move(id_, machine.SENT)) for id_ in gone]
        gate.turn(settled, [], [], owner=owner, at=at)
        passed += gone
        moves.release(owner=owner)
    return passed


def test_after_an_outage_an_hour_takes_no_more_than_its_budget_in_the_order_of_the_line():
    ids = late(8)
    limits(BUDGET)
    at = NOW + 5 * HOUR
    assert leave(at) == ids[:3]
    assert leave(at + 1) == []
    assert set(Message.objects.filter(pk__in=ids[3:]).values_list("state", "owner")) == {
        (machine.PENDING, "")
    }
    assert leave(at + HOUR) == ids[3:6]
    assert leave(at + 2 * HOUR) == ids[6:]


def test_a_day_is_that_of_the_company():
    ids = late(5)
    limits("budgets: [{channel: email, most: 2, per: day}, {channel: email, most: 9, per: hour}]")
    evening = NOW + 6 * HOUR  # 23:13 in Istanbul
    assert leave(evening) == ids[:2]
    assert leave(evening + HOUR // 2) == []
    assert leave(evening + HOUR) == ids[2:4]


def test_whoever_waited_too_long_for_room_is_refused():
    ids = late(4)
    limits(BUDGET)
    Message.objects.filter(pk=ids[3]).update(not_after_at=NOW + HOUR // 2)
    leave(NOW + HOUR // 4)
    assert leave(NOW + HOUR) == []
    last = Message.objects.get(pk=ids[3])
    assert (last.state, last.reason) == (machine.SKIPPED, Reason.EXPIRED)


def test_what_was_claimed_in_one_hour_and_leaves_in_the_next_takes_its_place_there():
    ids = late(6)
    limits(BUDGET)
    end = NOW - NOW % HOUR + HOUR
    assert claimed(end - 1) == ids[:3]
    assert claimed(end, owner="other") == [], "the next hour has room for those claimed, or others"
    gate.turn([], [], ids[:3], owner="me", at=end)
    assert leave(end, owner="other") == []
    assert leave(end + HOUR, owner="other") == ids[3:]


def test_what_only_informs_is_not_behind_those_who_wait_for_room_and_takes_a_place():
    waiting = late(4)
    telling = late(3, is_commercial=False, origin="journey:1")
    limits(BUDGET)
    assert leave(NOW + HOUR) == telling
    assert leave(NOW + HOUR) == []
    more = late(2, is_commercial=False, origin="journey:2")
    assert leave(NOW + HOUR) == more, "it needs no place"
    assert leave(NOW + 2 * HOUR) == waiting[:3]


def test_a_place_that_is_taken_between_claim_and_gate_is_not_given_twice():
    ids = late(3)
    limits(BUDGET)
    assert claimed(NOW + HOUR) == ids
    telling = late(2, is_commercial=False, origin="journey:1")
    assert leave(NOW + HOUR, owner="other") == telling
    verdicts = gate.turn([], [], ids, owner="me", at=NOW + HOUR)
    assert verdicts == {ids[0]: GO, ids[1]: HELD, ids[2]: HELD}


def test_who_waits_for_room_takes_nobodys_place_under_a_cap():
    [person] = profiles(1)
    consented([person])
    first, second = (
        decide([asked(person.pk, step=step, not_after_at=NOW + DAY)], at=NOW)[0] for step in "ab"
    )
    ids = [Message.objects.get(dedupe_key=one.dedupe_key).pk for one in (first, second)]
    limits("caps: [{most: 1, in: 1d}]\nbudgets: [{channel: email, most: 1, per: hour}]")
    telling = late(1, is_commercial=False, origin="journey:2")
    claimed(NOW)
    Message.objects.filter(pk__in=[*ids, *telling]).update(owner="me")
    gate.turn([], [], telling, owner="me", at=NOW)
    assert gate.turn([], [], ids, owner="me", at=NOW) == dict.fromkeys(ids, HELD)
    assert set(Message.objects.filter(pk__in=ids).values_list("due_at", flat=True)) == {NOW}


def test_who_did_not_leave_after_all_gives_the_place_back():
    ids = late(5)
    limits(BUDGET)
    first = claimed(NOW + HOUR)
    gate.turn([], [], first, owner="me", at=NOW + HOUR)
    later = Move(ids[0], machine.PENDING, later_at=NOW + HOUR + 1)
    never = Move(ids[1], machine.FAILED, Reason.REJECTED)
    doubt = Move(ids[2], machine.UNKNOWN, Reason.CONNECTION_LOST)
    settled = [(machine.SENDING, move) for move in (later, never, doubt)]
    gate.turn(settled, [], [], owner="me", at=NOW + HOUR)
    assert leave(NOW + HOUR) == ids[3:]
    assert leave(NOW + 2 * HOUR) == ids[:1]


def test_a_turn_that_is_undone_has_spent_nothing():
    ids = late(2)
    limits(BUDGET)
    claimed(NOW + HOUR)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moves, "let_pass", lambda *_ids, **_more: False)
        with pytest.raises(gate.FencedError):
            gate.turn([], [], ids, owner="me", at=NOW + HOUR)
    assert not Spent.objects.filter(n__gt=0).exists()


def test_without_a_budget_nothing_is_kept_and_other_channels_are_free():
    ids = late(5)
    limits("budgets: [{channel: sms, most: 1, per: hour}]")
    assert leave(NOW + HOUR) == ids
    assert not Spent.objects.exists()


def test_a_budget_made_smaller_holds_at_once():
    ids = late(6)
    number = limits(BUDGET)
    at = NOW + HOUR
    assert claimed(at) == ids[:3]
    policies.apply(rules.read(BUDGET.replace("3", "1"), "test"), by="test", at=at)
    assert policies.current().number > number
    assert list(gate.turn([], [], ids[:3], owner="me", at=at).values()) == [GO, HELD, HELD]


def test_a_budget_that_is_set_holds_for_what_is_claimed_already():
    ids = late(5)
    limits("budgets: [{channel: sms, most: 1, per: hour}]")
    at = NOW + HOUR
    assert claimed(at) == ids
    limits(BUDGET)
    verdicts = gate.turn([], [], ids, owner="me", at=at)
    assert verdicts == dict.fromkeys(ids[:3], GO) | dict.fromkeys(ids[3:], HELD)


def test_what_is_spent_is_locked_in_one_order_however_the_budgets_are_written():
    text = "budgets: [{channel: sms, most: 2, per: hour}, {channel: sms, most: 9, per: day}]"
    found = room.budgets_of(rules.read(text, "test"), "sms")
    assert [budget.per for budget in found] == ["day", "hour"]


def test_hours_long_past_are_forgotten():
    late(3)
    limits(BUDGET)
    for n in range(3):
        leave(NOW + n * 8 * DAY)
    assert [one.start_at for one in Spent.objects.all()] == [NOW + 16 * DAY - NOW % HOUR]


def test_a_turn_that_frees_places_does_not_wait_for_one_that_holds_what_goes_wrong(monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    first, refused, bounced, other = ids = late(4)
    limits(BUDGET)
    at = NOW + HOUR
    claimed(at, n=1)
    Message.objects.filter(pk__in=ids[:2]).update(owner="frees")
    Message.objects.filter(pk__in=ids[2:]).update(owner="asks")
    gate.turn([], [], [first], owner="frees", at=at)
    frees_is_there, asks_goes_on = Event(), Event()
    take = locks.take
    me = local()

    def meet(*lock) -> None:
        """Let both come to the lock, and the one that has freed nothing get it."""
        if me.name == "frees":
            frees_is_there.set()
            asks_goes_on.wait()
            take(*lock)
        else:
            frees_is_there.wait()
            take(*lock)
            asks_goes_on.set()

    def turn(number: int) -> None:
        me.name = ("frees", "asks")[number]
        gone = (refused, bounced)[number]
        settled = [(machine.PENDING, Move(gone, machine.FAILED, Reason.HARD_BOUNCE))]
        if me.name == "frees":
            settled.append((machine.SENDING, Move(first, machine.FAILED, Reason.REJECTED)))
        address = f"{me.name}@example.com"
        ready = [] if me.name == "frees" else [other]
        gate.turn(settled, [Bounce(gone, address, "550")], ready, owner=me.name, at=at)

    monkeypatch.setattr(locks, "take", meet)
    at_once(2, turn)
    assert Message.objects.get(pk=other).state == machine.SENDING
    assert [one.n for one in Spent.objects.all()] == [1]


def test_of_calls_the_agents_are_the_limit():
    budget = rules.read("budgets: [{channel: call, most: 1, per: day}]", "test")
    going = [room.Going(n, "call", NOW, is_commercial=True) for n in range(3)]
    assert room.without(going, budget, at=NOW) == set()


def test_senders_at_one_moment_do_not_exceed_it():
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    ids = late(40)
    limits("budgets: [{channel: email, most: 10, per: hour}]")
    at = NOW + HOUR
    claimed(at, n=1)
    for n in range(4):  # as if all had claimed before anybody came to the gate
        Message.objects.filter(pk__in=ids[n::4]).update(owner=f"sender{n}")
    at_once(
        4,
        lambda n: [
            gate.turn([], [], ids[n::4][k : k + 2], owner=f"sender{n}", at=at)
            for k in range(0, 10, 2)
        ],
    )
    assert Message.objects.filter(state=machine.SENDING).count() == 10
    assert [one.n for one in Spent.objects.all()] == [10]


def test_what_informs_is_found_without_walking_along_all_that_waits():
    if connection.vendor != "sqlite":
        pytest.skip("of few rows PostgreSQL walks along all")
    late(1)
    limits(BUDGET)
    seen: list[str] = []

    def watch(execute, sql, params, many, context):
        if "update outbox_message set owner" in sql:
            with connection.cursor() as cursor:
                cursor.cursor.execute(f"explain query plan {sql.replace('%s', '?')}", params)
                seen.append(str(cursor.fetchall()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        claimed(NOW + HOUR)
    assert "message_informing" in seen[0]


def test_the_loops_stop_at_the_budget_and_go_on_in_the_next_hour(tmp_path: Path, monkeypatch):
    at = clock.now()
    monkeypatch.setattr(clock, "now", lambda: at)
    people = profiles(5)
    consented(people)
    in_line(people)
    texts_in_line(with_phones(5), origin="campaign:2")
    limits(f"{BUDGET[:-1]}, {{channel: sms, most: 2, per: day}}]")
    provider = Scripted({"+905320000000": Outcome(0, Result.LATER)})
    with hop() as server:
        SendLoop(Server.of(server.url), tmp_path).run(once=True)
        post(provider, tmp_path)
        assert len(server.mails) == 3
        sent = Message.objects.filter(state=machine.SENT, channel="sms")
        assert sent.count() == 2, "who was told to come later takes no place"
        at += DAY
        Message.objects.update(not_after_at=at + DAY)
        SendLoop(Server.of(server.url), tmp_path).run(once=True)
        post(provider, tmp_path)
        assert len(server.mails) == 5
        assert sent.count() == 4
    assert not Message.objects.filter(owner__gt="").exists()
