"""What was said to an address while two people were one goes with the address when they part."""

from __future__ import annotations

import pytest
from tests.pipeline.test_identity import Log, holder

from pusula.consent.models import Consent, ConsentEntry
from pusula.lib import clock
from pusula.outbox import gate, receipts
from pusula.outbox.models import Content, Message
from pusula.pipeline import identity
from pusula.privacy import erasure
from pusula.profiles.models import Merge

pytestmark = pytest.mark.django_db(databases=["default", "log"])
GRANT = {"channel": "email", "purpose": "marketing", "status": "granted", "evidence": "form"}
AYSE, BORA, BOTH = "ayse@x.tr", "bora@x.tr", "family@x.tr"


@pytest.fixture
def log(company) -> Log:
    return Log()


@pytest.fixture
def one(log) -> int:
    """Return the number of Ayşe, with whom Bora is one; they share a third address."""
    for key, own in (("1", AYSE), ("2", BORA)):
        for address in (own, BOTH):
            log.tell("trait", {"key": key, "email": address})
        log.tell("consent", {"key": key, **GRANT})
    winner = holder("pms:1")
    identity.merge(winner, holder("pms:2"))
    log.step()
    return winner


def send(profile_id: int, address: str) -> Message:
    content = Content.objects.create(
        channel="email", sender="a@x.tr", subject="s", text="t", html="h", created_at=1
    )
    return Message.objects.create(
        dedupe_key=address, origin="journey:1", step="hello", profile_id=profile_id,
        content=content, channel="email", purpose="marketing", address=address, token=address,
        state="sent", due_at=1, not_after_at=9, created_at=clock.now(), gated_at=clock.now(),
    )  # fmt: skip


def part(log: Log) -> None:
    identity.unmerge(Merge.objects.get().pk)
    log.step()


def test_messages_of_the_time_together_go_where_their_address_goes(log, one):
    for address in (AYSE, BORA, BOTH):
        send(one, address)
    part(log)
    found = dict(Message.objects.values_list("address", "profile_id"))
    assert found == {AYSE: one, BORA: holder("pms:2"), BOTH: one}


def test_a_mail_that_was_filled_for_both_when_they_part_is_filled_anew(log, one):
    bora, ayse = send(one, BORA), send(one, AYSE)
    waiting = Message.objects.filter(pk__in=[bora.pk, ayse.pk])
    waiting.update(state="pending", owner="a sender", due_at=1, not_after_at=clock.now() * 2)
    part(log)
    owners = dict(Message.objects.values_list("address", "owner"))
    assert owners == {BORA: "", AYSE: "a sender"}
    verdicts = gate.judge([bora.pk], owner="a sender", state="pending", at=clock.now())
    assert verdicts == {bora.pk: gate.NOT_OURS}


def test_a_refusal_of_the_time_together_is_that_of_the_address(log, one):
    receipts.unsubscribe(send(one, BORA), at=clock.now())
    assert set(Consent.objects.values_list("status", flat=True)) == {"refused"}
    part(log)
    status = dict(Consent.objects.values_list("profile_id", "status"))
    assert status == {one: "granted", holder("pms:2"): "refused"}


@pytest.mark.django_db(transaction=True, databases=["default", "log"])  # databases are rewritten
def test_whoever_is_erased_after_parting_is_not_named_by_what_the_other_keeps(log, one):
    receipts.unsubscribe(send(one, BORA), at=clock.now())
    part(log)
    erasure.run(erasure.begin(holder("pms:2"), actor="dpo"))
    assert not Message.objects.filter(address=BORA).exists()
    assert not ConsentEntry.objects.filter(address=BORA).exists()
