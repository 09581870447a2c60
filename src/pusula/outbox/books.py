"""What a sender has to write down at its next turn of the gate, and what it has done so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import IntegrityError, OperationalError

from pusula.lib import clock
from pusula.outbox import gate, machine
from pusula.outbox.gate import Bounce, FencedError, Verdicts
from pusula.outbox.moves import Move
from pusula.outbox.spikes import Watch

_TRIES = 5


@dataclass
class Tally:
    """What a sender has done since it began."""

    n_sent: int = 0
    n_skipped: int = 0
    n_failed: int = 0
    n_later: int = 0
    n_unknown: int = 0

    def count(self, state: str) -> None:
        """Count a message that was moved to ``state``."""
        if state == machine.SENT:
            self.n_sent += 1
        elif state == machine.SKIPPED:
            self.n_skipped += 1
        elif state == machine.FAILED:
            self.n_failed += 1
        elif state == machine.UNKNOWN:
            self.n_unknown += 1
        else:
            self.n_later += 1


@dataclass
class Books:
    """Moves and bounces that wait for the next commit."""

    tally: Tally = field(default_factory=Tally)
    settled: list[tuple[str, Move]] = field(default_factory=list)  # state it starts from, move
    bounced: list[Bounce] = field(default_factory=list)
    watch: Watch = field(default_factory=Watch)

    def settle(self, state: str, move: Move) -> None:
        """Write down that a message in ``state`` is moved."""
        self.settled.append((state, move))
        self.tally.count(move.to)

    def commit(self, ready: Sequence[int], *, owner: str) -> Verdicts:
        """Do one turn of the gate; look again when another sender was faster.

        Returns the verdict on each of ``ready``; see ``gate.turn``.
        """
        for n_try in range(1, _TRIES + 1):
            try:
                verdicts = gate.turn(
                    self.settled, self.bounced, ready,
                    owner=owner, at=clock.now(), watch=self.watch,
                )  # fmt: skip
            except (FencedError, IntegrityError, OperationalError):
                self.watch.undo()
                if n_try == _TRIES:
                    raise
            else:
                break
        self.settled.clear()
        self.bounced.clear()
        return verdicts
