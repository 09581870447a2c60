"""Actors: the product's processes in one thread, each stopped wherever others could be faster.

An actor runs until it touches a database, waits, or ends. There it may be stopped for others to
act, and there it may be killed: what it wrote and did not commit is gone, nothing of it runs any
more. The product's code knows nothing of it.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.db import connections
from greenlet import getcurrent, greenlet
from psycopg.pq import TransactionStatus
from tests.simulation import stage
from tests.simulation.stage import dice, watch

from pusula.outbox import registry

_UNDONE = ("ROLLBACK", "RELEASE")


class Killed(BaseException):
    """The process of this actor is gone."""


class Actor:
    """A process; ``run`` is what it does. It ends by itself, by an error, or killed."""

    def __init__(self, troupe: Troupe, name: str, run: Callable[[], None]) -> None:
        self.troupe = troupe
        self.name = name
        self.wakes_at = 0  # on the clock that only runs on
        self.is_ready: Callable[[], bool] | None = None  # wakes it earlier
        self.is_waiting = False  # at a place where a process may be for long
        self.was_killed = False
        self.error: BaseException | None = None
        self.files: list[tuple[int, Path]] = []
        self._run = run
        self._thread = greenlet(self._act)
        self._thread.actor = self

    @property
    def is_over(self) -> bool:
        return self._thread.dead

    @property
    def may_run(self) -> bool:
        if self.wakes_at <= watch.running:
            return True
        return self.is_ready is not None and self.is_ready()

    def go_on(self) -> None:
        """Run to the next stop."""
        self._thread.switch()

    def kill(self) -> None:
        """End it where it stands."""
        self.was_killed = True
        if not self.is_over:
            self._thread.switch()

    def stop_here(self) -> None:
        """Let others act."""
        self._thread.parent.switch()
        if self.was_killed:
            raise Killed

    def _act(self) -> None:
        try:
            if not self.was_killed:
                self._run()
        except Killed:
            pass
        except Exception as error:  # noqa: BLE001 - the world looks at it
            self.error = error
        finally:
            for number, path in self.files:
                with suppress(OSError):
                    if Path(f"/proc/self/fd/{number}").readlink() == path:
                        os.close(number)


class Troupe:
    """All actors, and the checkpoints at which they are stopped and killed."""

    def __init__(self) -> None:
        self.actors: list[Actor] = []
        self.kill_chance = 0.0
        self.stop_chance = 0.0
        self.seen: Counter[str] = Counter()
        self.n_killed = 0

    def enter(self, name: str, run: Callable[[], None]) -> Actor:
        actor = Actor(self, name, run)
        self.actors.append(actor)
        return actor

    def named(self, name: str) -> list[Actor]:
        return [actor for actor in self.actors if actor.name == name]

    def on_stage(self) -> Actor | None:
        return getattr(getcurrent(), "actor", None)

    def checkpoint(self, where: str, *, may_stop: bool = True) -> None:
        """Be killed here, or let others act; or nothing."""
        actor = self.on_stage()
        if actor is None:
            return
        if actor.was_killed:
            raise Killed
        if self.kill_chance and dice.roll.random() < self.kill_chance:
            actor.was_killed = True
            self.n_killed += 1
            self.seen[f"killed {actor.name}"] += 1
            self.seen[f"killed at {where}"] += 1
            raise Killed
        if may_stop and not is_in_transaction() and dice.roll.random() < self.stop_chance:
            actor.is_waiting = False
            actor.stop_here()

    def wait(self, seconds: float, is_ready: Callable[[], bool] | None = None) -> None:
        """Wait as a process does: for a moment, or until something comes."""
        actor = self.on_stage()
        if actor is None:
            watch.pass_(round(seconds * stage.SECOND))
            return
        if actor.was_killed:
            raise Killed
        actor.wakes_at = watch.running + round(seconds * stage.SECOND)
        actor.is_ready = is_ready
        actor.is_waiting = True
        try:
            actor.stop_here()
        finally:
            actor.is_waiting, actor.is_ready, actor.wakes_at = False, None, 0

    def give_way(self) -> None:
        """Let others act: whoever holds the lock that is waited for."""
        actor = self.on_stage()
        assert actor is not None, "nobody else could give the lock back"
        if actor.was_killed:
            raise Killed
        actor.stop_here()

    def end(self) -> None:
        """Kill everybody: the machine is off."""
        for actor in list(self.actors):
            actor.kill()
        self.actors.clear()

    # What the product passes by

    def watch_databases(self) -> None:
        """Put the checkpoints around what is said to the databases."""
        for alias in stage.ALIASES:
            connection = connections[alias]
            connection.ensure_connection()
            connection.execute_wrappers[:] = [self._statement]
            connection._commit = lambda connection=connection: self._commit(connection)

    def _statement(
        self, execute: Callable[..., Any], sql: str, params: Any, many: Any, context: Any
    ) -> Any:
        if not sql.startswith(_UNDONE):
            self.checkpoint("a statement")
        return execute(sql, params, many, context)

    def _commit(self, connection: Any) -> None:
        raw = connection.connection
        try:
            self.checkpoint("a commit", may_stop=False)
        except Killed:
            raw.rollback()
            raise
        with connection.wrap_database_errors:
            raw.commit()
        self.checkpoint("an answer to a commit", may_stop=False)


def is_in_transaction() -> bool:
    return any(
        connections[alias].in_atomic_block or _has_begun(connections[alias].connection)
        for alias in stage.ALIASES
    )


def _has_begun(raw: Any) -> bool:
    if raw is None:
        return False
    if stage.IS_POSTGRES:
        return raw.info.transaction_status != TransactionStatus.IDLE
    return bool(raw.in_transaction)


def watch_locks() -> None:
    """Remember which files a sender has open, so that they are closed when it is killed."""
    lock = registry._lock

    def noted(path: Path) -> int:
        number = lock(path)
        actor = getattr(getcurrent(), "actor", None)
        if actor is not None:
            actor.files.append((number, path))
        return number

    registry._lock = noted
