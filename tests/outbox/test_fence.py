"""A restored or copied database, or a clock that jumped, sends nothing until a person confirms."""

from __future__ import annotations

import json
import shutil

import pytest
from tests.outbox.people import consented, in_line, profiles

from pusula.lib import clock
from pusula.outbox import fence, gate, registry
from pusula.outbox.claims import claim
from pusula.outbox.fence import StrangeHomeError
from pusula.outbox.gate import GO, HELD
from pusula.outbox.models import FENCE, Anchor, Hold
from pusula.outbox.registry import RUN_FOLDER, registered

pytestmark = pytest.mark.django_db(transaction=True)


def reason() -> str:
    return Hold.objects.get(origin=FENCE).reason


def sends(home) -> bool:
    """Let a sender begin in ``home``; return whether it may claim anything."""
    people = profiles(1)
    consented(people)
    in_line(people, origin=f"campaign:{people[0].pk}")
    with registered(home) as me:
        return bool(claim(me.owner, n=9, at=clock.now()))


def test_the_first_home_of_a_database_sends_and_goes_on(tmp_path):
    assert sends(tmp_path)
    assert sends(tmp_path)
    assert Anchor.objects.get().pulse > 2


def test_a_database_that_is_older_than_what_was_sent_sends_nothing(tmp_path):
    sends(tmp_path)
    before = Anchor.objects.values().get()
    assert sends(tmp_path)
    Anchor.objects.filter(pk=before["id"]).update(**before)  # the backup is put back
    assert not sends(tmp_path)
    assert reason() == "restored"
    assert fence.confirm(tmp_path / RUN_FOLDER, at=clock.now())
    assert sends(tmp_path)
    assert not Hold.objects.exists()


def test_a_running_sender_notices_that_the_database_was_put_back(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "BEAT_S", 0)
    with registered(tmp_path) as me:
        me.beat()
        Anchor.objects.update(pulse=1)
        me.beat()
    assert reason() == "restored"


def test_a_database_put_on_another_machine_sends_nothing_and_the_real_one_goes_on(tmp_path):
    real, other = tmp_path / "real", tmp_path / "other"
    assert sends(real)
    with pytest.raises(StrangeHomeError, match="pusula sender confirm"):
        sends(other)
    assert sends(real)
    fence.confirm(other / RUN_FOLDER, at=clock.now())
    assert sends(other)
    assert sends(real)


def test_a_copy_of_the_whole_home_sends_nothing(tmp_path):
    real, copy = tmp_path / "real", tmp_path / "copy"
    assert sends(real)
    shutil.copytree(real, copy)
    with pytest.raises(StrangeHomeError):
        sends(copy)
    fence.confirm(copy / RUN_FOLDER, at=clock.now())
    assert sends(copy)
    names = {
        json.loads((h / RUN_FOLDER / fence.MARK_FILE).read_text())["name"] for h in (real, copy)
    }
    assert len(names) == 2
    assert sends(real)


@pytest.mark.parametrize("dies_before", [1, 2, 3])
def test_a_first_sender_killed_while_it_signs_in_leaves_nothing_strange(
    tmp_path, monkeypatch, dies_before
):
    """It dies before it writes the promise, the database, or the mark."""
    n_writes = 0

    def dying(real):
        def write(*told, **more):
            nonlocal n_writes
            n_writes += 1
            if n_writes == dies_before:
                raise KeyboardInterrupt
            return real(*told, **more)

        return write

    monkeypatch.setattr(fence, "_write", dying(fence._write))
    monkeypatch.setattr(fence, "_drop_anchor", dying(fence._drop_anchor))
    with pytest.raises(KeyboardInterrupt):
        sends(tmp_path)
    monkeypatch.undo()
    assert sends(tmp_path)
    assert sends(tmp_path)
    assert Anchor.objects.count() == 1
    assert not Hold.objects.exists()


def test_a_promise_of_a_first_sender_is_no_way_into_the_database_of_another(tmp_path):
    new, real = tmp_path / "new", tmp_path / "real"
    (new / RUN_FOLDER).mkdir(parents=True)
    fence._promised(new / RUN_FOLDER)
    assert sends(real)
    with pytest.raises(StrangeHomeError):
        sends(new)


def test_a_mark_that_cannot_be_read_is_none(tmp_path):
    sends(tmp_path)
    (tmp_path / RUN_FOLDER / fence.MARK_FILE).write_text("{", encoding="utf-8")
    with pytest.raises(StrangeHomeError):
        sends(tmp_path)


@pytest.mark.parametrize("jump", [3 * clock.DAY, -2 * clock.DAY, 6 * clock.MINUTE])
def test_a_clock_that_jumps_stops_sending(tmp_path, monkeypatch, jump):
    people = profiles(1)
    consented(people)
    in_line(people)
    now = clock.now
    with registered(tmp_path) as me:
        [letter] = claim(me.owner, n=1, at=clock.now())
        monkeypatch.setattr(clock, "now", lambda: now() + jump)
        me.beat()
        assert reason() == "clock"
        verdicts = gate.turn([], [], [letter.id], owner=me.owner, at=clock.now())
        assert verdicts == {letter.id: HELD}
        monkeypatch.setattr(clock, "now", now)
        me.beat()
        assert reason() == "clock"  # a person decides, not the next jump
        fence.confirm(tmp_path / RUN_FOLDER, at=clock.now())
        assert claim(me.owner, n=1, at=clock.now()) == []  # still ours
        assert gate.look([letter.id], owner=me.owner, at=clock.now()) == {letter.id: GO}


def test_small_corrections_of_the_clock_stop_nothing(tmp_path, monkeypatch):
    now = clock.now
    with registered(tmp_path) as me:
        for minutes in (1, -3, 1):
            monkeypatch.setattr(clock, "now", lambda m=minutes: now() + m * clock.MINUTE)
            me.beat()
    assert not Hold.objects.exists()


def test_a_clock_that_was_set_back_while_nobody_was_sending_is_noticed(tmp_path, monkeypatch):
    sends(tmp_path)
    now = clock.now
    monkeypatch.setattr(clock, "now", lambda: now() - clock.DAY)
    assert not sends(tmp_path)
    assert reason() == "clock"


def test_resuming_does_not_lift_the_fence(tmp_path):
    sends(tmp_path)
    Anchor.objects.update(pulse=0)
    assert not sends(tmp_path)
    from pusula.outbox import actions  # noqa: PLC0415 - named where it is needed

    actions.hold(at=clock.now())
    actions.lift()
    assert not sends(tmp_path)
