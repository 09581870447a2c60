"""Senders are killed with -9 at any moment: nobody is written to twice, and nobody is forgotten."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter

import pytest
from tests.channels.hop import Hop, hop
from tests.outbox.nursery import Nursery

N_MESSAGES = 2_000
N_ODD = 25  # of each kind that must not go out
N_KILLS = 100
NO_MAILBOX = b"550 5.1.1 no such user here\r\n"


def no_such_users(step: str, recipient: str) -> bytes | None:
    """Every hundredth address does not exist."""
    return NO_MAILBOX if step == "rcpt" and recipient.endswith("00@example.com") else None


class Killer:
    """Ends senders at the hop's steps: some before their first, some in the middle of many."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a test's dice
        self.pids: list[int] = []
        self.n_left = 0  # steps until the next kill; 0: no kill is planned
        self.steps: Counter[str] = Counter()  # at which steps kills happened

    def plan(self, pids: list[int]) -> None:
        self.pids = pids
        self.n_left = self.random.choice([1, 2, 5, self.random.randint(1, 220)])

    def witness(self, step: str, _recipient: str) -> None:
        if self.n_left:
            self.n_left -= 1
            if not self.n_left:
                self.steps[step] += 1
                os.kill(self.random.choice(self.pids), signal.SIGKILL)


def run_and_kill(senders: Nursery, server: Hop, n_at_once: int) -> Counter[str]:
    """Run senders over what is in line, killing one of them ``N_KILLS`` times."""
    killer = Killer(seed=20_260_914)
    server.witness = killer.witness
    n_kills, running, is_done = 0, [], False
    while running or not is_done:
        while len(running) < n_at_once and not is_done:
            running.append(senders.ask("start", url=server.url))
        if n_kills < N_KILLS:
            killer.plan(list(running))
        pid, end = senders.ask("wait")
        running.remove(pid)
        assert end in {0, -signal.SIGKILL}, "a sender failed by itself"
        n_kills += end == -signal.SIGKILL
        is_done = end == 0  # nothing was left in line; a kill after that may put some back
    server.settle()
    assert n_kills == N_KILLS
    return killer.steps


def assert_everybody_is_accounted_for(senders: Nursery, server: Hop, n_kills: int) -> None:
    """Compare what the hop has seen with what the database says."""
    standing = senders.ask("standing", origin="campaign:1")
    counts, states = standing["counts"], standing["states"]
    tokens = Counter(mail.token for mail in server.mails)
    arrived = {token for token in tokens if token in states}

    assert max(tokens.values()) == 1, "a message was sent twice"
    assert max(server.copies().values()) == 1, "an inbox got two copies"
    assert arrived == set(tokens), "something was sent that nobody reserved"

    assert sum(counts.values()) == N_MESSAGES + 4 * N_ODD, "the books do not add up"
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
    gone = len(arrived & doubtful)
    print(f"\n{n_kills} kills, {n_unknown} unknown (of which {gone} arrived): {dict(counts)}")


@pytest.mark.slow
def test_a_sender_killed_a_hundred_times_writes_to_nobody_twice_and_forgets_nobody(
    senders: Nursery,
) -> None:
    senders.ask("seed", origin="campaign:1", n=N_MESSAGES, n_odd=N_ODD)
    with hop(no_such_users) as server:
        steps = run_and_kill(senders, server, n_at_once=1)
        assert_everybody_is_accounted_for(senders, server, N_KILLS)
    assert {"connect", "mail", "rcpt", "data", "dot"} <= set(steps), "some steps were never hit"


@pytest.mark.slow
def test_two_senders_at_once_one_of_them_killed_again_and_again_share_the_work_safely(
    senders: Nursery,
) -> None:
    senders.ask("seed", origin="campaign:1", n=N_MESSAGES, n_odd=N_ODD)
    with hop(no_such_users) as server:
        run_and_kill(senders, server, n_at_once=2)
        assert_everybody_is_accounted_for(senders, server, N_KILLS)
