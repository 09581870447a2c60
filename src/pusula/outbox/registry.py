"""Who is sending: each sender signs in, shows that it lives, and is mourned when it does not.

A sender on this machine lives as long as it holds the lock of its file in ``HOME/run``; the
system drops the lock when the process ends, however it ends. A sender elsewhere lives as long as
its heartbeat moves while we watch. Age alone says nothing: a slow sender is not a dead one.
"""

from __future__ import annotations

import fcntl
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.db import transaction

from pusula.lib import clock, ids
from pusula.lib.sayings import Saying
from pusula.outbox import fence, moves
from pusula.outbox.models import Message, Sender
from pusula.outbox.reasons import Reason

RUN_FOLDER = "run"
BEAT_S = 5.0
SILENCE_S = 60.0  # of a sender elsewhere, while we watch


class DeposedError(Exception):
    """Another sender has declared us dead; whatever we still hold is no longer ours."""


class Registration:
    """This sender's place among the others."""

    def __init__(self, home: Path) -> None:
        """Take a name of our own and its lock, then sign in."""
        self.folder = home / RUN_FOLDER
        self.folder.mkdir(parents=True, exist_ok=True)
        self._clock = fence.SteadyClock()
        self._guard()
        self.host = _host(self.folder)
        self.owner = ids.random_id()
        self._lock = _lock(self.folder / f"{self.owner}.lock")
        now = clock.now()
        Sender.objects.create(owner=self.owner, host=self.host, started_at=now, heartbeat_at=now)
        self._beaten = time.monotonic()
        self._watched: dict[str, tuple[int, float]] = {}  # owner: heartbeat, since when

    def beat(self) -> None:
        """Show that we live, if it is time again; raise ``DeposedError`` if we do not count.

        Each time the clock is looked at: nothing is claimed after it jumped.
        """
        self._clock.check()
        if time.monotonic() - self._beaten < BEAT_S:
            return
        self._beaten = time.monotonic()
        if not Sender.objects.filter(owner=self.owner).update(heartbeat_at=clock.now()):
            raise DeposedError
        self._guard()
        self.recover()

    def _guard(self) -> None:
        """Raise ``StrangeHomeError`` if this home may not send from this database."""
        at = clock.now()
        if fence.guard(self.folder, at=at) == fence.CLONED:
            raise fence.StrangeHomeError(
                Saying(
                    "this home has not sent from this database before: if it is no copy of another "
                    "one that sends, confirm it with `pusula sender confirm`"
                )
            )
        fence.pulse(self.folder, at=at)

    def recover(self) -> int:
        """Take back what dead senders have left: claims go back in line, the rest is unknown.

        Returns how many messages are in line again.
        """
        n_released = 0
        held = Message.objects.filter(owner__gt="").exclude(owner=self.owner)
        holding = set(held.values_list("owner", flat=True).distinct())
        # In this order: who claims something just now has signed in before.
        known = {sender.owner: sender for sender in Sender.objects.exclude(owner=self.owner)}
        for owner in holding | set(known):
            if not self._lives(owner, known.get(owner)):
                n_released += bury(owner)
                (self.folder / f"{owner}.lock").unlink(missing_ok=True)
        return n_released

    def end(self) -> None:
        """Give everything back and sign out."""
        try:
            bury(self.owner)
            fence.pulse(self.folder, at=clock.now())
            (self.folder / f"{self.owner}.lock").unlink(missing_ok=True)
        finally:
            os.close(self._lock)

    def _lives(self, owner: str, sender: Sender | None) -> bool:
        if sender is None:
            return False
        if sender.host == self.host:
            return _is_locked(self.folder / f"{owner}.lock")
        now = time.monotonic()
        heartbeat, since = self._watched.get(owner, (None, now))
        if heartbeat != sender.heartbeat_at:
            self._watched[owner] = (sender.heartbeat_at, now)
            return True
        return now - since < SILENCE_S


@contextmanager
def registered(home: Path) -> Iterator[Registration]:
    """Sign a sender in for the time of the block."""
    registration = Registration(home)
    try:
        registration.recover()
        yield registration
    finally:
        registration.end()


def bury(owner: str) -> int:
    """Settle what a sender that is gone has left behind, and forget it; one commit.

    Claims first: where its last commit is still under way we wait for it here, and see then what
    it let pass. Returns how many messages went back in line.
    """
    with transaction.atomic():
        n_released = moves.release(owner=owner)
        moves.give_up(owner=owner, reason=Reason.SENDER_DIED, at=clock.now())
        Sender.objects.filter(owner=owner).delete()
    return n_released


def _host(folder: Path) -> str:
    """Return the name of this machine and home: senders that share it can see each other's locks.

    Two machines may be called alike, and copies of a home have the same path; so the folder has a
    name of its own, made once.
    """
    file = folder / "name"
    if not file.exists():
        draft = folder / f"name.{ids.random_id()}"
        draft.write_text(ids.random_id(), encoding="ascii")
        with suppress(FileExistsError):
            os.link(draft, file)
        draft.unlink()
    return f"{platform.node()[:80]}:{file.read_text(encoding='ascii')}"


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _is_locked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
