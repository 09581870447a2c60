"""What is told of a person while they are being erased."""

from __future__ import annotations

import json
from contextlib import nullcontext

import pytest
from tests.privacy.conftest import AT, person

from pusula.lib import clock
from pusula.orders.models import Order
from pusula.pipeline import erasure as log
from pusula.pipeline import identity, live
from pusula.pipeline.appender import Entry, append
from pusula.pipeline.loop import Loop
from pusula.pipeline.models import LogEntry, Quarantine
from pusula.pipeline.queries import TOMBSTONE
from pusula.privacy import erasure, stores
from pusula.profiles.models import Identifier, Profile

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "log"])


def tell(number: int, email: str) -> None:
    body = json.dumps({"email": email, "name": "Page Viewed"})
    append([Entry("event", "web", f"web:{number}", body, AT)])


@pytest.mark.parametrize("is_taken_over", [True, False])
def test_what_is_told_between_the_search_of_the_log_and_the_end_of_the_rows_is_blank_too(
    monkeypatch, is_taken_over
):
    elif_ = person("Elif", "1", "elif@example.com", "+905321112233")
    files = stores.STORES["files"]

    def meanwhile(work, step):
        tell(1, "elif@example.com")
        tell(2, "somebody@example.com")
        if is_taken_over:  # as long as the person holds the address it is theirs
            live.step(at=clock.now())
        return files(work, step)

    monkeypatch.setitem(stores.STORES, "files", meanwhile)
    assert erasure.run(erasure.begin(elif_.pk, actor="dpo"))
    live.step(at=clock.now())

    *_before, hers, others = LogEntry.objects.order_by("id").values_list("body", flat=True)
    assert hers == TOMBSTONE
    assert others != TOMBSTONE
    assert Profile.objects.count() == 1, "the other one, and nobody else"


@pytest.mark.parametrize("is_winner", [False, True], ids=["goes", "stays"])
@pytest.mark.parametrize("behind", ["", "ledger", "files"])
def test_who_is_being_erased_is_merged_with_nobody(monkeypatch, behind, is_winner):
    elif_ = person("Elif", "1", "elif@example.com", "+905321112233")
    can = person("Can", "2", "can@example.com", "+905321112244")
    winner, loser = (elif_, can) if is_winner else (can, elif_)

    def merge():
        identity.merge(winner.pk, loser.pk)
        live.step(at=clock.now())

    made = erasure.begin(elif_.pk, actor="dpo")
    if behind:
        do = stores.STORES[behind]
        both = lambda work, step: (do(work, step), merge())[0]  # noqa: E731
        monkeypatch.setitem(stores.STORES, behind, both)
    else:
        merge()
    assert erasure.run(made)

    assert list(Profile.objects.values_list("pk", flat=True)) == [can.pk]
    assert set(Identifier.objects.values_list("value", flat=True)) == {
        "pms:2", "can@example.com", "+905321112244",
    }  # fmt: skip
    assert Order.objects.get().source_id == "r2"
    assert Quarantine.objects.count() == 1


def test_who_dies_between_blanking_the_log_and_saying_so_stops_no_step():
    tell(1, "elif@example.com")
    live.step(at=clock.now())
    LogEntry.objects.update(body=TOMBSTONE, message_id="~blank:1")
    tell(2, "somebody@example.com")
    assert live.step(at=clock.now()).n_entries == 1


@pytest.mark.parametrize("dies", [False, True], ids=["lives", "dies"])
def test_the_booking_of_somebody_else_with_an_erased_guest_on_it_is_taken_over_and_blank(
    monkeypatch, dies
):
    def killed(_ids):
        raise SystemExit

    elif_ = person("Elif", "1", "elif@example.com", "+905321112233")
    person("Can", "2", "can@example.com", "+905321112244")
    assert erasure.run(erasure.begin(elif_.pk, actor="dpo"))
    guests = [{"guest_no": 1, "key": "2"}, {"guest_no": 2, "key": "1"}]
    body = {
        "key": "2", "source_id": "r9", "status": "confirmed", "ordered_at": clock.now(),
        "net_minor": 1, "guests": guests,
    }  # fmt: skip
    append([Entry("order", "pms", "pms:r9", json.dumps(body))])
    with monkeypatch.context() as patched:
        if dies:
            patched.setattr(log, "blank", killed)
        with pytest.raises(SystemExit) if dies else nullcontext():
            live.step(at=clock.now())
    Loop().run(once=True)
    assert Order.objects.get(source_id="r9").guests.count() == 2
    assert LogEntry.objects.latest("id").body == TOMBSTONE
    assert not Quarantine.objects.exists()


def test_what_a_step_refused_and_died_before_blanking_is_blank_when_the_next_process_begins(
    monkeypatch,
):
    class Killed(BaseException):
        """Stands for kill -9."""

    def killed(_ids):
        raise Killed

    elif_ = person("Elif", "1", "elif@example.com", "+905321112233")
    assert erasure.run(erasure.begin(elif_.pk, actor="dpo"))
    tell(1, "elif@example.com")
    with monkeypatch.context() as patched:
        patched.setattr(log, "blank", killed)
        with pytest.raises(Killed):
            live.step(at=clock.now())
    assert LogEntry.objects.latest("id").body != TOMBSTONE

    Loop().run(once=True)
    assert LogEntry.objects.latest("id").body == TOMBSTONE
