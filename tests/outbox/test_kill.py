"""Senders are killed with -9 at any moment: nobody is written to twice, and nobody is forgotten."""

from __future__ import annotations

import pytest
from tests.outbox.killing import killed
from tests.outbox.nursery import Nursery


@pytest.mark.slow
def test_a_sender_killed_a_hundred_times_writes_to_nobody_twice_and_forgets_nobody(
    senders: Nursery,
) -> None:
    print(killed(senders, n_messages=2_000, n_kills=100))


@pytest.mark.slow
def test_two_senders_at_once_one_of_them_killed_again_and_again_share_the_work_safely(
    senders: Nursery,
) -> None:
    print(killed(senders, n_messages=2_000, n_kills=100, n_at_once=2))
