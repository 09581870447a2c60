"""Senders over a full line, one of them killed again and again, and what must be true afterwards.

``python -m tests.outbox.killing [--messages 4000] [--kills 200] [--senders 1]`` does
more of it than a test run has time for, on SQLite, or on PostgreSQL behind ``with_postgres.py``.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.channels.hop import Hop, hop
from tests.outbox.nursery import Nursery, nursery_of_its_own

N_ODD = 25  # of each kind that must not go out
NO_MAILBOX = b"550 5.1.1 no such user here\r\n"


def no_such_users(step: str, recipient: str) -> bytes | None:
    """Every hundredth address does not exist."""
    return NO_MAILBOX if step == "rcpt" and recipient.endswith("00@example.com") else None


@dataclass(frozen=True)
class Outcome:
    """What a run has come to."""

    n_kills: int
    n_unknown: int
    n_unknown_arrived: int
    counts: dict[str, int]
    steps: Counter[str]  # at which steps kills happened


class Killer:
    """Ends senders at the hop's steps: some before their first, some in the middle of many.

    Between a kill and the next plan the hop says nothing: however slow the machine is, those that
    are left and those that are new get no further meanwhile.
    """

    def __init__(self, seed: int, furthest: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a test's dice
        self.furthest = furthest
        self.pids: list[int] = []
        self.n_left = 0  # steps until the next kill; 0: no kill is planned
        self.steps: Counter[str] = Counter()
        self._lock = threading.Lock()  # each connection of the hop has a thread
        self._may_speak = threading.Event()

    def plan(self, pids: list[int]) -> None:
        """Let the next kill be of one of ``pids``; one that is planned is as far as it was."""
        with self._lock:
            self.pids = pids
            if not self.n_left:
                self.n_left = self.random.choice([1, 2, 5, self.random.randint(1, self.furthest)])
        self._may_speak.set()

    def rest(self) -> None:
        """Plan no more."""
        with self._lock:
            self.n_left = 0
        self._may_speak.set()

    def witness(self, step: str, _recipient: str) -> None:
        self._may_speak.wait()
        with self._lock:
            if not self.n_left:
                return
            self.n_left -= 1
            if self.n_left:
                return
            self._may_speak.clear()
            self.steps[step] += 1
            with suppress(ProcessLookupError):  # it has just ended by itself
                os.kill(self.random.choice(self.pids), signal.SIGKILL)


def killed(senders: Nursery, *, n_messages: int, n_kills: int, n_at_once: int = 1) -> Outcome:
    """Send ``n_messages``, killing a sender ``n_kills`` times; raise if a promise is broken."""
    senders.ask("seed", origin="campaign:1", n=n_messages, n_odd=N_ODD)
    # Few enough steps between two kills that there is something in line until the last one.
    killer = Killer(seed=20_260_914, furthest=11 * n_messages // n_kills)
    n_done, running, is_done = 0, [], False
    with hop(no_such_users) as server:
        server.witness = killer.witness
        while running or not is_done:
            while len(running) < n_at_once and not is_done:
                running.append(senders.ask("start", url=server.url))
            if n_done < n_kills and running:
                killer.plan(list(running))
            else:
                killer.rest()
            pid, end = senders.ask("wait")
            running.remove(pid)
            assert end in {0, -signal.SIGKILL}, "a sender failed by itself"
            n_done += end == -signal.SIGKILL
            # What one finds empty the other may have claimed, and give back when it is killed.
            is_done = end == 0 and not _n_in_line(senders)
        killer.rest()
        server.settle()
        assert n_done == n_kills, "the line was empty too early"
        return _judged(senders, server, killer, n_messages=n_messages, n_kills=n_kills)


def _n_in_line(senders: Nursery) -> int:
    counts: dict[str, int] = senders.ask("standing", origin="campaign:1")["counts"]
    return sum(n for key, n in counts.items() if key.startswith("pending:"))


def _judged(
    senders: Nursery, server: Hop, killer: Killer, *, n_messages: int, n_kills: int
) -> Outcome:
    """Compare what the hop has seen with what the database says."""
    standing = senders.ask("standing", origin="campaign:1")
    counts, states = standing["counts"], standing["states"]
    tokens = Counter(mail.token for mail in server.mails)
    arrived = {token for token in tokens if token in states}

    assert max(tokens.values()) == 1, "a message was sent twice"
    assert max(server.copies().values()) == 1, "an inbox got two copies"
    assert arrived == set(tokens), "something was sent that nobody reserved"

    assert sum(counts.values()) == n_messages + 4 * N_ODD, "the books do not add up"
    n_unknown = sum(n for key, n in counts.items() if key.startswith("unknown:"))
    assert set(counts) <= {
        "sent:", "unknown:sender_died", "failed:hard_bounce", "skipped:no_consent",
        "skipped:suppressed", "skipped:no_address", "skipped:duplicate_address",
    }  # fmt: skip
    assert counts["skipped:no_consent"] == N_ODD
    assert counts["skipped:suppressed"] == N_ODD
    assert counts["skipped:no_address"] == N_ODD
    # A second person with an address gets a copy only where the first one's mailbox is no more.
    assert counts["skipped:duplicate_address"] <= N_ODD
    sent = {token for token, state in states.items() if state == "sent"}
    doubtful = {token for token, state in states.items() if state == "unknown"}
    assert sent <= arrived, "called sent, but the hop never had it"
    assert arrived <= sent | doubtful, "the hop has it, but it is called unsent"
    assert n_unknown <= n_kills * 8, "more doubt than open connections"
    assert standing["n_claimed"] == 0
    assert standing["n_senders"] == 0
    assert {"connect", "mail", "rcpt", "data", "dot"} <= set(killer.steps), "steps were never hit"
    return Outcome(n_kills, n_unknown, len(arrived & doubtful), counts, killer.steps)


def main() -> None:
    """Run it as the arguments say, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=4_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--senders", type=int, default=1)
    given = parser.parse_args()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as home, nursery_of_its_own(Path(home)) as senders:
        outcome = killed(
            senders, n_messages=given.messages, n_kills=given.kills, n_at_once=given.senders
        )
    took = time.perf_counter() - began
    print(f"{outcome.n_kills} kills, {given.senders} at once, {took:.0f} s: 0 twice, 0 unlisted")
    print(f"{outcome.n_unknown} unknown, of which {outcome.n_unknown_arrived} had arrived")
    print(f"{dict(outcome.counts)}, killed at {dict(outcome.steps)}")


if __name__ == "__main__":
    main()
