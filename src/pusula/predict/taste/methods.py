"""Three ways to say what somebody may like: what most have, what goes together, who is alike.

Each is a function of who had what that returns a scorer: from the rows of some people, a score of
each thing for each of them, the higher the better.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pusula.predict.taste.factors import Factors, factorise, folded
from pusula.predict.taste.lines import Owned

Scores = NDArray[np.float64]  # people by things
Scorer = Callable[[sparse.csr_matrix], Scores]

POPULARITY = "popularity"
TOGETHER = "together"
FACTORS = "factors"
METHODS = (POPULARITY, TOGETHER, FACTORS)  # the simplest first


@dataclass(frozen=True)
class Settings:
    """How the factorisation is made; the other two have nothing to set."""

    n_factors: int = 32
    weight: float = 2.0  # how much more a thing that somebody has counts than one they have not
    ridge: float = 5.0
    n_rounds: int = 10
    seed: int = 0


def scorer(method: str, seen: Owned, settings: Settings) -> Scorer:
    """Return the scorer that ``method`` learns from ``seen``."""
    if method == POPULARITY:
        return by_popularity(seen)
    if method == TOGETHER:
        return by_neighbours(cosine(seen))
    made = factorise(
        seen.matrix,
        n_factors=settings.n_factors,
        weight=settings.weight,
        ridge=settings.ridge,
        n_rounds=settings.n_rounds,
        seed=settings.seed,
    )
    return by_factors(made)


def by_popularity(seen: Owned) -> Scorer:
    """Score each thing by how many people have it, the same for everybody."""
    counts = seen.n_owners.astype(np.float64)
    return lambda rows: np.tile(counts, (rows.shape[0], 1))


def cosine(seen: Owned) -> sparse.csr_matrix:
    """Return how alike things are: people who have both, over the root of both counts; 0 to 1.

    A thing is not alike to itself.
    """
    both = sparse.csr_matrix(seen.matrix.T @ seen.matrix)
    both.setdiag(0)
    both.eliminate_zeros()
    counts = seen.n_owners
    rows = np.repeat(np.arange(both.shape[0]), np.diff(both.indptr))
    made = both.data / np.sqrt(counts[rows] * counts[both.indices])
    return sparse.csr_matrix((made, both.indices, both.indptr), shape=both.shape)


def by_neighbours(alike: sparse.csr_matrix) -> Scorer:
    """Score each thing by the sum of its likeness to what somebody has."""
    return lambda rows: np.asarray((rows @ alike).todense())


def by_factors(made: Factors) -> Scorer:
    """Score each thing by the product of its factors with those of what somebody has."""
    return lambda rows: folded(made, rows) @ made.things.T
