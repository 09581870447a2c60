"""The live loop: a step when the log has grown or somebody is due, and rest between."""

from __future__ import annotations

import logging
import os
import select
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import InterfaceError, OperationalError, connections

from pusula.journeys import engine as journeys
from pusula.lib import clock
from pusula.pipeline import due, erasure, queries
from pusula.pipeline.live import Live, Stepped
from pusula.profiles import unheard
from pusula.segments.actions import Moves

_log = logging.getLogger(__name__)

# How often the log is looked at when it is quiet, and how often whoever else made somebody due.
POLL_S = 0.02
DUE_POLL_S = 1.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0


@dataclass
class Pace:
    """How many entries a step takes: as many as it can in the time it aims at.

    A longer step makes everybody in it wait, a shorter one pays more for its commit and for what
    any evaluation costs. So whoever waits long is served by longer steps: they bring more about.
    """

    aim_s: float = 0.1
    longest_s: float = 1.0
    least: int = 25
    most: int = 5_000
    limit: int = 250

    def learn(self, n: int, seconds: float, waited_s: float = 0.0) -> None:
        """Take note of a step that took ``n`` entries in ``seconds``; one had waited so long."""
        aim_s = self.aim_s if waited_s < 3 * self.aim_s else self.longest_s
        if seconds > aim_s:
            self.limit = max(self.least, min(self.limit, round(n * aim_s / seconds)))
        elif n >= self.limit and seconds < aim_s / 2:
            self.limit = min(self.most, 2 * self.limit)


@dataclass
class Tally:
    """What was done since somebody asked last."""

    n_steps: int = 0
    n_entries: int = 0
    n_due: int = 0
    n_quarantined: int = 0
    n_put_off: int = 0
    moves: Moves = field(default_factory=Moves)
    longest_wait: int = 0  # microseconds an entry waited from the log to its membership

    def add(self, stepped: Stepped) -> None:
        """Count a step."""
        self.n_steps += 1
        self.n_entries += stepped.n_entries
        self.n_due += stepped.n_due
        self.n_quarantined += stepped.n_quarantined
        self.n_put_off += stepped.n_put_off
        self.moves += stepped.moves
        if stepped.oldest_at is not None:
            self.longest_wait = max(self.longest_wait, clock.now() - stepped.oldest_at)


class Loop:
    """Steps until it is stopped; from a signal handler or another thread, by ``stop``."""

    def __init__(
        self,
        live: Live | None = None,
        *,
        on_step: Callable[[Stepped], None] = lambda _stepped: None,
    ) -> None:
        self.live = live or Live()
        self.pace = Pace()
        self._on_step = on_step
        # A pipe wakes the wait without a lock that a signal handler could find taken.
        self._ear, self._bell = os.pipe()
        self._is_stopping = False
        self._seen = -1  # the newest entry of the log that was looked at
        self._due_at: int | None = None
        self._looked_s = 0.0  # when it was last asked who is due, on the monotonic clock

    def stop(self) -> None:
        """End after the step that is under way."""
        self._is_stopping = True
        os.write(self._bell, b"x")

    def run(self, *, once: bool = False) -> None:
        """Step until stopped; with ``once``, until nothing is waiting."""
        pause_s = FIRST_PAUSE_S
        while not self._is_stopping:
            try:
                if self._is_work():
                    self._step()
                elif once:
                    return
                else:
                    self._wait(POLL_S)
                pause_s = FIRST_PAUSE_S
            except (OperationalError, InterfaceError) as error:
                if once:
                    raise
                _log.warning("the database does not answer, next try in %g s: %s", pause_s, error)
                connections.close_all()
                self._seen = -1
                self._wait(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _is_work(self) -> bool:
        if self._seen < 0:
            erasure.clear_up()
            self._seen = queries.offset().entry_id
        if queries.head() != self._seen:
            return True
        if time.monotonic() - self._looked_s > DUE_POLL_S:
            self._look_for_due()
        return self._due_at is not None and self._due_at <= clock.now()

    def _look_for_due(self) -> None:
        found = (0 if unheard.is_any() else None, due.next_at(), journeys.next_due_at())
        self._due_at = min((due_at for due_at in found if due_at is not None), default=None)
        self._looked_s = time.monotonic()

    def _step(self) -> None:
        began = time.monotonic()
        stepped = self.live.step(self.pace.limit)
        waited = clock.now() - (stepped.oldest_at or clock.now())
        seconds = time.monotonic() - began - stepped.due_s
        self.pace.learn(stepped.n_entries, seconds, waited / clock.SECOND)
        self._seen = stepped.offset
        self._look_for_due()
        self._on_step(stepped)

    def _wait(self, seconds: float) -> None:
        if self._due_at is not None:
            until_due = max(0, self._due_at - clock.now()) / clock.SECOND
            seconds = min(seconds, until_due)
        select.select([self._ear], [], [], seconds)
