"""Senders of texts are killed with -9 around their provider's answer: nobody gets a second copy."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter

import pytest
from tests.outbox.nursery import Nursery
from tests.simulators.channel_http import Asked, Behaviour, Told, serving
from tests.simulators.sms import Verimor

N_MESSAGES = 300
BATCH = 10
N_KILLS = 15


class Gateway:
    """Takes texts, and kills a sender before it takes, after, or not at all."""

    def __init__(self) -> None:
        self.company = Verimor()
        self.random = random.Random(41)  # noqa: S311 - a test's dice
        self.pids: list[int] = []
        self.n_kills = 0
        self.moments: Counter[str] = Counter()

    def __call__(self, asked: Asked) -> Told:
        self._witness("before")
        told = self.company(asked)
        self._witness("after")
        return told

    def _witness(self, moment: str) -> None:
        if self.n_kills < N_KILLS and self.pids and self.random.random() < 0.3:
            self.n_kills += 1
            self.moments[moment] += 1
            os.kill(self.pids.pop(self.random.randrange(len(self.pids))), signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize("n_at_once", [1, 2])
def test_texts_reach_everybody_at_most_once_whatever_is_killed(
    senders: Nursery, n_at_once: int
) -> None:
    gateway = Gateway()
    senders.ask("start_posting", url="http://127.0.0.1:1", batch=BATCH)
    assert senders.ask("wait")[1] == 0  # the home is known to the database from now on
    senders.ask("seed_texts", origin="campaign:1", n=N_MESSAGES)
    n_ended, is_done = 0, False
    with serving(Behaviour(gateway)) as url:
        running: list[int] = []
        while running or not is_done:
            while len(running) < n_at_once and not is_done:
                running.append(senders.ask("start_posting", url=url, batch=BATCH))
            gateway.pids = list(running)
            pid, end = senders.ask("wait")
            running.remove(pid)
            assert end in {0, -signal.SIGKILL}, "a sender failed by itself"
            n_ended += end == -signal.SIGKILL
            is_done = end == 0
    assert {"before", "after"} <= set(gateway.moments)
    standing = senders.ask("standing", origin="campaign:1")
    states = standing["states"]
    copies = Counter(one["id"] for one in gateway.company.taken)
    assert max(copies.values()) == 1, "a message was sent twice"
    sent = {token for token, state in states.items() if state == "sent"}
    doubtful = {token for token, state in states.items() if state == "unknown"}
    assert sent | doubtful == set(states), "somebody was forgotten"
    assert sent <= set(copies), "called sent, but the gateway never had it"
    assert set(copies) <= sent | doubtful, "the gateway has it, but it is called unsent"
    assert len(doubtful) <= n_ended * BATCH, "more doubt than batches under way"
    assert standing["n_claimed"] == standing["n_senders"] == 0
    print(f"\n{n_ended} kills, {len(doubtful)} unknown, {len(doubtful & set(copies))} arrived")
