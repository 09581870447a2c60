"""Whoever was told "you are unsubscribed" before a message passed the gate does not get it."""

from __future__ import annotations

import threading

import pytest
from django.db import connection
from tests.channels.hop import hop
from tests.outbox.nursery import Nursery
from tests.outbox.people import consented, profiles

from pusula.consent import actions as consent
from pusula.consent.models import Consent
from pusula.lib import clock

N_MESSAGES = 400


@pytest.mark.parametrize("n_senders", [1, 2])
def test_an_opt_out_answered_before_the_gate_is_never_followed_by_the_mail(
    senders: Nursery, web: Nursery, n_senders: int
):
    senders.ask("seed", origin="campaign:1", n=N_MESSAGES)
    unsubscribed: set[str] = set()

    def press_the_button(step: str, recipient: str) -> None:
        # The envelope is open, the body not yet asked for: the latest moment before the gate.
        if step == "rcpt" and recipient.endswith("7@example.com"):
            assert web.ask("unsubscribe", address=recipient) == 200
            unsubscribed.add(recipient)

    with hop() as server:
        server.witness = press_the_button
        running = [senders.ask("start", url=server.url) for _ in range(n_senders)]
        assert {senders.ask("wait")[1] for _ in running} == {0}
        server.settle()
        arrived = set(server.copies())
    standing = senders.ask("standing", origin="campaign:1")
    assert len(unsubscribed) == N_MESSAGES // 10
    assert not arrived & unsubscribed
    assert standing["counts"] == {
        "sent:": N_MESSAGES - len(unsubscribed),
        "skipped:refused": len(unsubscribed),
    }
    assert {standing["reasons"][address] for address in unsubscribed} == {"refused"}


def test_two_senders_at_once_share_the_work_and_nobody_gets_two(senders: Nursery):
    senders.ask("seed", origin="campaign:1", n=1_500, n_odd=20)
    with hop() as server:
        running = [senders.ask("start", url=server.url) for _ in range(2)]
        assert {senders.ask("wait")[1] for _ in running} == {0}
        server.settle()
        assert set(server.copies().values()) == {1}
        assert len(server.mails) == 1_500
    counts = senders.ask("standing", origin="campaign:1")["counts"]
    assert counts == {
        "sent:": 1_500, "skipped:no_consent": 20, "skipped:suppressed": 20,
        "skipped:no_address": 20, "skipped:duplicate_address": 20,
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_an_import_under_way_cannot_turn_an_opt_out_back_on(monkeypatch):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time; PostgreSQL has many")
    [person] = profiles(1)
    consented([person])
    decided, has_read, may_write = consent._decided, threading.Event(), threading.Event()

    def decided_slowly(*given):
        found = decided(*given)
        if threading.current_thread().name == "import":
            has_read.set()
            may_write.wait(10)
        return found

    def run(work, name):
        def and_close():
            try:
                work()
            finally:
                connection.close()

        thread = threading.Thread(target=and_close, name=name)
        thread.start()
        return thread

    def grant_again():
        now = clock.now()
        again = consent.Decision(
            profile_id=person.pk, channel="email", purpose="marketing", status="granted",
            source="import", evidence="an old list", decided_at=now - clock.HOUR,
        )  # fmt: skip
        consent.record([again], at=now)

    def refuse():
        consent.refuse(
            [person.pk], channel="email", purpose="marketing", source="test", evidence="click",
            at=clock.now(),
        )  # fmt: skip

    monkeypatch.setattr(consent, "_decided", decided_slowly)
    importing = run(grant_again, "import")
    assert has_read.wait(10)
    refusing = run(refuse, "click")
    refusing.join(1)  # it waits for the import, or has answered already
    may_write.set()
    importing.join()
    refusing.join()
    assert Consent.objects.get().status == "refused"
