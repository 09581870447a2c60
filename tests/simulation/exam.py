"""The exam: the product with one bug at a time; a simulation that misses one is worth nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.simulation import running
from tests.simulation.bugs import MUTANTS, Change, Mutant
from tests.simulation.running import Ran

MOST = 40  # worlds in which a mutant has to be caught


@contextmanager
def put_in(changes: Sequence[Change]) -> Iterator[None]:
    """Make these changes for the time of the block."""
    before = [(where, name, getattr(where, name)) for where, name, _what in changes]
    for where, name, what in changes:
        setattr(where, name, what)
    try:
        yield
    finally:
        for where, name, what in before:
            setattr(where, name, what)


def examined(mutant: Mutant, *, most: int = MOST) -> Ran:
    """Let a mutant live in one world after another until it is caught."""
    with put_in(mutant.changes()):
        return running.run(range(1, most + 1), needs=mutant.needs)


def is_caught(mutant: Mutant, ran: Ran) -> bool:
    """Say whether it was caught by a promise that it breaks."""
    return any(wrong.startswith(mutant.promises) for wrong in ran.wrong)


def sit() -> int:
    """Examine all mutants and print how soon each was caught; return how many were not."""
    n_missed = 0
    for mutant in MUTANTS:
        ran = examined(mutant)
        caught = is_caught(mutant, ran)
        n_missed += not caught
        said = "caught" if caught else "MISSED"
        how = (ran.wrong or ["-"])[0]
        print(f"{said} in {ran.n_worlds} worlds, {ran.n_steps} steps: {mutant.name}: {how}")
    return n_missed
