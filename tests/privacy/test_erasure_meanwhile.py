"""What is told of a person while they are being erased."""

from __future__ import annotations

import json

import pytest
from tests.privacy.conftest import AT, person

from pusula.lib import clock
from pusula.pipeline import erasure as log
from pusula.pipeline import live
from pusula.pipeline.appender import Entry, append
from pusula.pipeline.loop import Loop
from pusula.pipeline.models import LogEntry
from pusula.pipeline.queries import TOMBSTONE
from pusula.privacy import erasure, stores
from pusula.profiles.models import Profile

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


def test_who_dies_between_blanking_the_log_and_saying_so_stops_no_step():
    tell(1, "elif@example.com")
    live.step(at=clock.now())
    LogEntry.objects.update(body=TOMBSTONE, message_id="~blank:1")
    tell(2, "somebody@example.com")
    assert live.step(at=clock.now()).n_entries == 1


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
