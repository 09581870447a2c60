"""The sender against a real SMTP server: every message ends in a state that is true."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from email import message_from_bytes
from email.policy import default

import pytest
from django.db import connection
from tests.channels.hop import DROP, hop
from tests.outbox.people import HTML, consented, in_line, mailing, profiles

from pusula.channels.email.smtp import Pool, Server, TransportError
from pusula.consent import actions as consent
from pusula.lib import clock
from pusula.outbox import actions, gate, machine, queries, sender
from pusula.outbox.books import Tally
from pusula.outbox.brakes import STOP_FILE
from pusula.outbox.letters import Desk
from pusula.outbox.models import Hold, Message, Sender
from pusula.outbox.registry import RUN_FOLDER
from pusula.outbox.sender import SendLoop

pytestmark = pytest.mark.django_db(transaction=True)


def waiting(n: int, **given):
    people = profiles(n)
    consented(people)
    return in_line(people, **given)


@pytest.fixture
def server():
    with hop() as running:
        yield running


def send(server, home, *, n_connections: int = 4, progress=None) -> Tally:
    where = replace(Server.of(server.url), n_connections=n_connections)
    return SendLoop(where, home, progress=progress).run(once=True)


def standing(origin: str = "campaign:1") -> dict[str, int]:
    return {f"{one.state}:{one.reason}": one.n for one in queries.counts(origin)}


@pytest.fixture
def transitions():
    """Let the database itself write down every change of a message's state."""
    sqlite = connection.vendor == "sqlite"
    body = "insert into seen_moves values (old.state, new.state)"
    with connection.cursor() as cursor:
        cursor.execute("create table seen_moves (was text, becomes text)")
        if sqlite:
            cursor.execute(
                "create trigger watch_moves after update of state on outbox_message"
                f" when old.state <> new.state begin {body}; end"
            )
        else:
            cursor.execute(
                "create function watch_moves() returns trigger language plpgsql as"
                f" $$ begin {body}; return new; end $$"
            )
            cursor.execute(
                "create trigger watch_moves after update on outbox_message for each row"
                " when (old.state <> new.state) execute function watch_moves()"
            )

    def seen() -> set[tuple[str, str]]:
        with connection.cursor() as cursor:
            cursor.execute("select distinct was, becomes from seen_moves")
            return set(cursor.fetchall())

    yield seen
    with connection.cursor() as cursor:
        if sqlite:
            cursor.execute("drop trigger watch_moves")
        else:
            cursor.execute("drop trigger watch_moves on outbox_message")
            cursor.execute("drop function watch_moves")
        cursor.execute("drop table seen_moves")


@pytest.mark.parametrize("can_pipeline", [True, False])
@pytest.mark.parametrize("n_connections", [1, 4])
def test_everybody_who_may_be_written_to_gets_one_mail_of_their_own(
    tmp_path, can_pipeline, n_connections
):
    messages = waiting(40)
    with hop(can_pipeline=can_pipeline) as server:
        tally = send(server, tmp_path, n_connections=n_connections)
        server.settle()
        assert server.copies() == Counter(message.address for message in messages)
        for mail in server.mails:
            [mine] = [m for m in messages if m.address == mail.recipient]
            others = {m.token for m in messages} - {mine.token}
            assert mail.token == mine.token
            assert not any(token.encode() in mail.raw for token in others)
    assert tally == Tally(n_sent=40)
    assert standing() == {"sent:": 40}
    assert Sender.objects.count() == 0
    assert list((tmp_path / RUN_FOLDER).glob("*.lock")) == []


def test_what_the_hop_says_decides_what_becomes_of_each(server, tmp_path):
    gone, refused, later, _good = waiting(4)
    answers = {
        ("rcpt", gone.address): b"550 5.1.1 no such user\r\n",
        ("dot", refused.address): b"554 5.6.0 not like this\r\n",
        ("rcpt", later.address): b"451 4.7.1 greylisted\r\n",
    }
    server.answer = lambda step, who: answers.get((step, who))
    now = clock.now()
    send(server, tmp_path)
    assert standing() == {
        "pending:": 1, "sent:": 1, "failed:hard_bounce": 1, "failed:rejected": 1,
    }  # fmt: skip
    put_off = Message.objects.get(pk=later.pk)
    assert put_off.due_at >= now + 15 * clock.MINUTE
    assert (put_off.owner, put_off.n_attempts, put_off.detail) == ("", 1, "451 4.7.1 greylisted")
    assert Message.objects.get(pk=refused.pk).detail == "554 5.6.0 not like this"


def test_a_message_put_off_goes_when_its_time_has_come_unless_it_is_too_late(server, tmp_path):
    first, second = waiting(2)
    server.answer = lambda step, _: b"451 4.3.0 busy\r\n" if step == "dot" else None
    send(server, tmp_path)
    assert standing() == {"pending:": 2}
    server.answer = lambda _step, _who: None
    Message.objects.update(due_at=clock.now())
    Message.objects.filter(pk=second.pk).update(not_after_at=clock.now() - 1)
    send(server, tmp_path)
    assert standing() == {"sent:": 1, "skipped:expired": 1}
    assert server.copies() == {first.address: 1}


def test_a_refusal_of_us_stops_all_sending_and_says_why(server, tmp_path, caplog):
    waiting(50)
    server.answer = lambda step, _: b"550 5.7.1 you are on a list\r\n" if step == "dot" else None
    send(server, tmp_path, n_connections=2)
    counts = standing()
    assert counts["failed:policy"] <= 2
    assert counts["pending:"] == 50 - counts["failed:policy"]
    hold = Hold.objects.get()
    assert (hold.origin, hold.reason, hold.detail) == ("", "policy", "550 5.7.1 you are on a list")
    assert "refuses us" in caplog.text
    assert not Message.objects.filter(owner__gt="").exists()
    server.answer = lambda _step, _who: None
    actions.lift("")
    send(server, tmp_path)
    assert standing()["sent:"] == counts["pending:"]


def test_a_reply_that_never_comes_is_a_doubt_and_the_others_go_on(server, tmp_path):
    messages = waiting(30)
    lost = {messages[4].address, messages[20].address}
    server.answer = lambda step, who: DROP if step == "dot" and who in lost else None
    tally = send(server, tmp_path)
    assert standing() == {"sent:": 28, "unknown:connection_lost": 2}
    assert tally.n_unknown == 2
    assert max(server.copies().values()) == 1


def test_a_connection_lost_before_the_body_costs_nobody_their_mail(server, tmp_path):
    waiting(20)
    drops = iter([True, False] * 3)
    server.answer = lambda step, _: DROP if step == "data" and next(drops, False) else None
    send(server, tmp_path, n_connections=1)
    assert standing() == {"sent:": 20}
    assert max(server.copies().values()) == 1


def test_a_mail_tried_again_after_others_were_claimed_is_still_the_persons_own(
    server, tmp_path, monkeypatch
):
    monkeypatch.setattr(sender, "CLAIM", 1)
    messages = waiting(4)
    drops = iter([True, False, True])
    server.answer = lambda step, _: DROP if step == "data" and next(drops, False) else None
    send(server, tmp_path, n_connections=2)
    assert standing() == {"sent:": 4}
    names = {message.address: message.profile.last_name for message in messages}
    for mail in server.mails:
        subject = message_from_bytes(mail.raw, policy=default)["Subject"]
        assert subject == f"Merhaba {names[mail.recipient]}"


def test_a_message_that_breaks_every_connection_waits_and_lets_the_others_pass(server, tmp_path):
    messages = waiting(5)
    poison = messages[0].address
    server.answer = lambda step, who: DROP if step == "rcpt" and who == poison else None
    send(server, tmp_path, n_connections=1)
    assert standing() == {"pending:": 1, "sent:": 4}
    assert Message.objects.get(address=poison).n_attempts == 1


def test_a_pause_takes_effect_between_envelope_and_body(server, tmp_path):
    messages = waiting(40)
    n_before = 5

    def pause(step: str, _who: str) -> None:
        if step == "dot" and len(server.mails) == n_before:
            folder = tmp_path / RUN_FOLDER
            (folder / STOP_FILE).touch()

    server.witness = pause
    send(server, tmp_path, n_connections=3)
    server.settle()
    assert n_before <= len(server.mails) <= n_before + 3  # at most one for each open connection
    assert standing() == {"pending:": 40 - len(server.mails), "sent:": len(server.mails)}
    assert not Message.objects.filter(owner__gt="").exists()
    (tmp_path / RUN_FOLDER / STOP_FILE).unlink()
    send(server, tmp_path)
    assert server.copies() == Counter(message.address for message in messages)


def test_nothing_is_filled_between_the_gate_and_the_wire(server, tmp_path, monkeypatch):
    waiting(40)
    is_between = False
    filled: list[bool] = []
    mail, turn, let_go = Desk.mail, gate.turn, Pool.let_go

    def turning(*given, **named):
        nonlocal is_between
        verdicts = turn(*given, **named)
        is_between = gate.GO in verdicts.values()
        return verdicts

    def letting_go(pool):
        nonlocal is_between
        is_between = False
        let_go(pool)

    def filling(desk, *given):
        filled.append(is_between)
        return mail(desk, *given)

    monkeypatch.setattr(Desk, "mail", filling)
    monkeypatch.setattr(gate, "turn", turning)
    monkeypatch.setattr(Pool, "let_go", letting_go)
    send(server, tmp_path)
    assert filled == [False] * 40


def test_holding_one_mailing_lets_the_others_go(server, tmp_path):
    waiting(5, origin="campaign:1")
    waiting(5, origin="campaign:2")
    actions.hold("campaign:1", at=clock.now())
    send(server, tmp_path)
    assert standing("campaign:1") == {"pending:": 5}
    assert standing("campaign:2") == {"sent:": 5}


def test_of_a_household_with_one_address_one_gets_the_mail(server, tmp_path):
    first, second, third = waiting(3)
    Message.objects.filter(pk__in=[second.pk, third.pk]).update(address=first.address)
    send(server, tmp_path)
    assert standing() == {"sent:": 1, "skipped:duplicate_address": 2}


def test_the_second_of_a_household_gets_it_if_the_first_could_not(server, tmp_path):
    first, second = waiting(2)
    Message.objects.filter(pk=second.pk).update(address=first.address)
    said = iter([b"554 5.6.0 not this one\r\n"])
    server.answer = lambda step, _: next(said, None) if step == "dot" else None
    send(server, tmp_path)
    assert standing() == {"sent:": 1, "failed:rejected": 1}


def test_a_template_that_fails_for_one_person_fails_for_nobody_else(server, tmp_path):
    html = HTML.replace("<p>", "<p>{{ profile.first_name | date_tr }}", 1)
    messages = waiting(3, content=mailing(html=html))
    for message, name in zip(messages, ["2026-11-09", "yarın", "2026-11-09"], strict=True):
        message.profile.first_name = name
        message.profile.save(update_fields=["first_name"])
    send(server, tmp_path)
    assert standing() == {"sent:": 2, "skipped:render_error": 1}
    assert "not a date" in Message.objects.get(reason="render_error").detail


def test_an_address_the_wire_cannot_carry_is_skipped_with_its_reason(server, tmp_path):
    bad, _good = waiting(2)
    Message.objects.filter(pk=bad.pk).update(address="x@y.example\r\nRCPT TO:<z@y.example>")
    send(server, tmp_path)
    assert standing() == {"sent:": 1, "skipped:bad_address": 1}
    assert not any(b"z@y.example" in command for command in server.commands)


def test_a_hop_that_is_not_there_is_an_error_and_gives_everything_back(server, tmp_path):
    waiting(3)
    url = server.url
    server.close()
    loop = SendLoop(Server.of(url), tmp_path)
    loop._back_off = lambda _what: setattr(  # no waiting in tests
        loop, "_n_connect_failures", loop._n_connect_failures + 1
    )
    with pytest.raises(TransportError):
        loop.run(once=True)
    assert standing() == {"pending:": 3}
    assert not Message.objects.filter(owner__gt="").exists()
    assert Sender.objects.count() == 0


def test_a_sender_told_to_stop_waits_for_its_answers_and_leaves_nothing_behind(server, tmp_path):
    waiting(60)
    loop = SendLoop(replace(Server.of(server.url), n_connections=3), tmp_path)
    server.witness = lambda step, _: loop.stop() if step == "dot" else None
    loop.run()
    counts = standing()
    assert counts["sent:"] == len(server.mails) < 60
    assert set(counts) == {"sent:", "pending:"}
    assert not Message.objects.filter(owner__gt="").exists()


def test_messages_move_along_the_machine_and_no_other_way(tmp_path, transitions):
    messages = waiting(60)
    odd = {message.address: i % 6 for i, message in enumerate(messages)}
    answers = {
        (1, "rcpt"): b"550 5.1.1 no\r\n", (2, "dot"): b"554 no\r\n", (3, "dot"): b"451 wait\r\n",
        (4, "dot"): DROP, (5, "rcpt"): b"451 wait\r\n",
    }  # fmt: skip
    Message.objects.filter(pk__in=[m.pk for m in messages[-6:]]).update(address="")
    with hop(lambda step, who: answers.get((odd.get(who, 0), step))) as server:
        send(server, tmp_path)
    seen = transitions()
    assert all(becomes in machine.MOVES[was] for was, becomes in seen)
    assert seen == {
        ("pending", "sending"), ("pending", "skipped"), ("pending", "failed"),
        ("sending", "sent"), ("sending", "failed"), ("sending", "pending"),
        ("sending", "unknown"),
    }  # fmt: skip


def test_every_state_can_be_reached_and_final_ones_are_final():
    reached, edge = set(), {machine.PENDING}
    while edge:
        reached |= edge
        edge = {to for state in edge for to in machine.MOVES[state]} - reached
    assert reached == set(machine.STATES) == set(machine.MOVES)
    final = {state for state, moves in machine.MOVES.items() if moves <= machine.FINAL}
    assert final == machine.FINAL
    assert set(machine.TAKEN) <= reached


@pytest.mark.parametrize("which", [2, -1])
def test_a_no_that_comes_after_the_pass_still_stops_the_body(server, tmp_path, monkeypatch, which):
    messages = waiting(6)
    turn = gate.turn
    late = messages[which]

    def turn_and_refuse(settled, bounced, ready, **given):
        verdicts = turn(settled, bounced, ready, **given)
        if verdicts.get(late.pk) == gate.GO:
            consent.refuse(
                [late.profile_id], channel="email", purpose="marketing", source="test",
                evidence="at the last moment", at=clock.now(),
            )  # fmt: skip
        return verdicts

    monkeypatch.setattr(gate, "turn", turn_and_refuse)
    send(server, tmp_path)
    server.settle()
    assert late.address not in server.copies()
    assert standing() == {"sent:": 5, "skipped:refused": 1}
