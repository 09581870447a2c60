"""Seeded chance: a stream of its own for each part, and draws by weight."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Rng = np.random.Generator

BY_HOUR = (3, 1.5, 1, 0.5, 0.5, 1, 2, 3, 5, 7, 8, 8, 8, 8, 8, 8, 8, 8, 8, 9, 11, 12, 10, 6)


def stream(seed: int, part: str) -> Rng:
    """Return the random stream of ``part``: drawing more in one part changes no other part."""
    return np.random.default_rng([seed, zlib.crc32(part.encode())])


def happens(rng: Rng, share: float, size: int) -> Bools:
    """Return ``size`` outcomes, each true with the chance ``share``."""
    return rng.random(size) < share


def pick(rng: Rng, weights: ArrayLike, size: int) -> Ints:
    """Return ``size`` indices into ``weights``, each drawn with a chance in proportion to it."""
    edges = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.searchsorted(edges, rng.random(size) * edges[-1], side="right").astype(np.int64)


def pick_by_row(rng: Rng, tables: Sequence[Sequence[float]], row: Ints) -> Ints:
    """Return for each element of ``row`` an index into ``tables[row]``, drawn by its weights."""
    drawn = np.zeros(row.size, dtype=np.int64)
    for number, weights in enumerate(tables):
        here = np.flatnonzero(row == number)
        drawn[here] = pick(rng, weights, here.size)
    return drawn


def pick_days(rng: Rng, demand: Floats, curve: Ints, low: Ints, high: Ints) -> Ints:
    """Return a position in ``low..high`` (both ends in) of each ``curve``, drawn by its demand.

    ``demand`` has a row per curve and a column per day; all its values are above zero.
    """
    edges = np.concatenate([np.zeros((len(demand), 1)), np.cumsum(demand, axis=1)], axis=1)
    start, end = edges[curve, low], edges[curve, high + 1]
    aim = start + rng.random(curve.size) * (end - start)
    day = np.zeros(curve.size, dtype=np.int64)
    for number in range(len(demand)):
        here = np.flatnonzero(curve == number)
        day[here] = np.searchsorted(edges[number], aim[here], side="right") - 1
    return np.clip(day, low, high)


def seconds_of_day(rng: Rng, size: int) -> Ints:
    """Return times of day in seconds: few at night, most in the evening."""
    return pick(rng, BY_HOUR, size) * 3_600 + rng.integers(0, 3_600, size)
