"""A campaign or journey whose first messages come to nothing too often is held by itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from threading import Barrier

import pytest
from django.db import OperationalError, connection
from tests.channels.hop import hop
from tests.outbox.people import consented, in_line, profiles
from tests.outbox.test_posting import Scripted, phone, post
from tests.outbox.test_posting import guests as with_phones
from tests.outbox.test_posting import in_line as texts_in_line
from tests.outbox.test_rivals_at_once import at_once

from pusula.channels.email.smtp import Server
from pusula.channels.port import Outcome, Report, ReportKind, Result
from pusula.consent import actions as consent
from pusula.lake import locks
from pusula.lib import clock
from pusula.lib.sayings import told
from pusula.outbox import actions, machine, reports, spikes, stillness
from pusula.outbox.books import Books
from pusula.outbox.gate import Bounce
from pusula.outbox.models import Hold, Message, Receipt
from pusula.outbox.moves import Move
from pusula.outbox.sender import SendLoop

pytestmark = pytest.mark.django_db(transaction=True)


def sent(n: int, **columns: object) -> list[Message]:
    made = in_line(profiles(n), origin="campaign:7")
    told_ = {"state": machine.SENT, "gated_at": clock.now(), **columns}
    Message.objects.filter(pk__in=[one.pk for one in made]).update(**told_)
    return made


def tell(messages: Sequence[Message], kind: ReportKind = ReportKind.BOUNCED) -> None:
    told_ = [Report(kind=kind, key=f"{kind}{one.pk}", token=one.token) for one in messages]
    reports.apply(told_, channel="email", at=clock.now())


def held() -> list[str]:
    return [told(one.detail) for one in Hold.objects.filter(origin="campaign:7")]


def test_a_campaign_whose_addresses_are_gone_is_held_with_the_reason():
    messages = sent(300)
    tell(messages[:20])
    assert held() == [], "so few are everyday"
    tell(messages[20:21])
    assert held() == ["of 300 messages 21 came to nothing: there is nobody at the address"]
    assert Hold.objects.get().reason == spikes.ORIGIN_HOLD


def test_a_large_share_is_asked_of_a_large_campaign():
    messages = sent(500)
    tell(messages[:25])
    assert held() == [], "5 in 100, not more"
    tell(messages[25:26])
    assert len(held()) == 1


def test_far_fewer_complaints_hold_it():
    messages = sent(300)
    tell(messages[:5], ReportKind.COMPLAINED)
    assert held() == []
    tell(messages[5:6], ReportKind.COMPLAINED)
    assert held() == ["of 300 messages 6 came to nothing: it was called spam"]


def test_what_a_person_has_let_go_on_is_not_held_again_for_what_was_known_then():
    messages = sent(300)
    tell(messages[:30])
    actions.lift("campaign:7")
    tell(messages[:30])
    tell(messages[30:40])
    assert held() == []


def test_of_two_who_are_told_at_the_same_moment_one_holds_it(monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    messages = sent(300)
    tell(messages[:19])
    both = Barrier(2)
    take = locks.take

    def meet(*lock) -> None:
        both.wait()  # both have written down what they were told, and neither has committed
        take(*lock)

    with monkeypatch.context() as at_one_moment:
        at_one_moment.setattr(locks, "take", meet)
        at_once(2, lambda n: tell(messages[19 + n : 20 + n]))
    assert len(held()) == 1


def test_what_is_told_and_the_hold_it_asks_for_are_both_there_or_neither(monkeypatch):
    messages = sent(300)
    tell(messages[:20])

    def die(*_hold) -> None:
        raise RuntimeError

    with monkeypatch.context() as in_between:
        in_between.setattr(spikes, "_hold", die)
        with pytest.raises(RuntimeError):
            tell(messages[20:21])
    assert Receipt.objects.count() == 20
    tell(messages[20:21])
    assert (Receipt.objects.count(), len(held())) == (21, 1)


def test_a_bounce_told_before_the_answer_to_the_message_counts():
    messages = sent(300)
    tell(messages[:20])
    Message.objects.filter(pk=messages[20].pk).update(state=machine.SENDING)
    tell(messages[20:21])
    assert len(held()) == 1


def test_what_only_informs_and_what_has_long_been_under_way_goes_on(monkeypatch):
    tell(sent(100, is_commercial=False))
    assert held() == []
    monkeypatch.setattr(spikes, "FIRST", 99)
    Message.objects.update(is_commercial=True)
    tell(list(Message.objects.all()), ReportKind.COMPLAINED)
    assert held() == []


def test_numbers_that_do_not_exist_hold_it_while_it_is_sent(tmp_path: Path):
    texts_in_line(with_phones(60), origin="campaign:7")
    provider = Scripted({phone(i): Outcome(0, Result.BAD_ADDRESS) for i in range(60)})
    post(provider, tmp_path)
    assert len(held()) == 1
    assert len(provider.taken) < 30, "the rest stays in line"
    assert Message.objects.filter(state=machine.PENDING).exists()


def test_a_database_that_fails_at_the_hold_costs_no_message(tmp_path: Path, monkeypatch):
    texts_in_line(with_phones(40), origin="campaign:7")
    hold, fails = spikes._hold, iter([True, True])

    def fail(*told_) -> None:
        if next(fails, False):
            raise OperationalError
        hold(*told_)

    monkeypatch.setattr(spikes, "_hold", fail)
    post(Scripted({phone(i): Outcome(0, Result.BAD_ADDRESS) for i in range(40)}), tmp_path)
    assert next(fails, None) is None
    assert len(held()) == 1
    states = set(Message.objects.values_list("state", flat=True))
    assert states == {machine.FAILED, machine.PENDING}
    assert Receipt.objects.count() == Message.objects.filter(state=machine.FAILED).count()


def test_what_waits_in_line_is_not_read_to_count_what_came_back():
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL reads tables of a few rows from end to end")
    messages = sent(300)
    seen: list[str] = []

    def watch(execute, sql, params, many, context):
        if "outbox_receipt" in sql and "origin" in sql and sql.startswith("SELECT COUNT"):
            with connection.cursor() as cursor:
                cursor.cursor.execute(f"explain query plan {sql.replace('%s', '?')}", params)
                seen.append(str(cursor.fetchall()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        tell(messages[:21])
    assert seen
    assert all("message_by_origin (origin=? AND state=?)" in plan for plan in seen)


def test_a_channel_is_held_although_the_turn_that_looked_was_undone(monkeypatch):
    messages = sent(100)
    at = clock.now()
    for message in messages[:50]:
        consent.suppress("email", message.address, reason="hard_bounce", at=at)
    Message.objects.filter(pk=messages[50].pk).update(state=machine.PENDING, owner="me")
    books = Books()
    books.watch.closed["email"] = spikes.LEAST // 5 - 1
    books.settle(machine.PENDING, Move(messages[50].pk, machine.FAILED, "hard_bounce"))
    books.bounced.append(Bounce(messages[50].pk, messages[50].address, "550 5.1.1"))
    mark, fails = stillness.mark, iter([True])

    def fail():
        if next(fails, False):
            raise OperationalError
        return mark()

    monkeypatch.setattr(stillness, "mark", fail)
    books.commit([], owner="me")
    assert [one.origin for one in Hold.objects.all()] == ["channel:email"]


def test_a_channel_is_held_for_what_the_mail_server_refuses(tmp_path: Path):
    people = profiles(80)
    consented(people)
    for n in range(8):  # too few of each to hold one of them
        in_line(people[n * 10 : n * 10 + 10], origin=f"campaign:{n}")
    with hop() as server:
        server.answer = lambda step, _who: b"550 5.1.1 no such user\r\n" if step == "rcpt" else None
        SendLoop(Server.of(server.url), tmp_path).run(once=True)
    assert [(one.origin, one.reason) for one in Hold.objects.all()] == [
        ("channel:email", spikes.SPIKE_HOLD)
    ]
    assert Message.objects.filter(state=machine.PENDING).exists()


@pytest.mark.django_db(transaction=False)
def test_a_hold_is_one_statement_so_that_nobody_lets_go_in_the_middle(django_assert_num_queries):
    for reason in ("returns", "paused"):
        with django_assert_num_queries(1):
            actions.hold("campaign:1", reason=reason, at=clock.now())
    assert Hold.objects.get().reason == "returns"
