"""Made-up experiments, ten thousand at a time, as arrays of (experiment, person) or (…, look)."""

from __future__ import annotations

import math

import numpy as np

RUNS = 10_000
SEED = 20_260_914


def random(salt: int) -> np.random.Generator:
    """Return a source of chance that is the same in every run of the tests."""
    return np.random.default_rng([SEED, salt])


def spending(
    source: np.random.Generator, runs: int, n: int, *, rate: float, spread: float = 0.8
) -> np.ndarray:
    """Return amounts as shops have them: mostly 0, else log-normal; mean: ``mean_spending``."""
    buys = source.random((runs, n)) < rate
    return buys * source.lognormal(0, spread, (runs, n))


def mean_spending(rate: float, spread: float = 0.8) -> float:
    """Return what ``spending`` comes to per person."""
    return rate * math.exp(spread**2 / 2)


def error(share: float, runs: int) -> float:
    """Return how far the count of a true share may be off by chance: once in some 1,000 tests."""
    return 3.3 * math.sqrt(share * (1 - share) / runs)
