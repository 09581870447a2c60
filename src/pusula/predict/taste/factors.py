"""Implicit feedback as factors: alternating least squares with weighted confidence.

Hu, Koren, Volinsky: Collaborative Filtering for Implicit Feedback Datasets (2008). Everybody and
every thing get ``n_factors`` numbers whose product is near 1 where somebody has it and near 0 where
they have not; that they have it counts ``1 + weight`` times as much. Each half round solves its
least squares by a few steps of conjugate gradients (Takács, Pilászy, Tikk: Applications of the
Conjugate Gradient Method for Implicit Feedback Collaborative Filtering, 2011), for all rows at
once, so that its cost grows with the number of ones and not with the size of the matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Numbers = NDArray[np.float64]
_STEPS = 3  # of conjugate gradients in each half round
_STEPS_ALONE = 20  # for people who come later: from nothing to (nearly) the exact answer
_SPREAD = 0.01  # of the random numbers it begins with


@dataclass(frozen=True)
class Factors:
    """The factors of things, and what is needed to find those of a person."""

    things: Numbers  # things by factors
    weight: float
    ridge: float


def factorise(
    matrix: sparse.csr_matrix,
    *,
    n_factors: int,
    weight: float,
    ridge: float,
    n_rounds: int,
    seed: int,
) -> Factors:
    """Return the factors of the things of ``matrix`` (people by things, 1 or nothing).

    The same matrix and seed give the same numbers.
    """
    n_people, n_things = matrix.shape
    rng = np.random.default_rng(seed)
    people = rng.normal(0.0, _SPREAD, (n_people, n_factors))
    things = rng.normal(0.0, _SPREAD, (n_things, n_factors))
    turned = sparse.csr_matrix(matrix.T)
    for _ in range(n_rounds):
        people = _solved(matrix, Factors(things, weight, ridge), people, _STEPS)
        things = _solved(turned, Factors(people, weight, ridge), things, _STEPS)
    return Factors(things, weight, ridge)


def folded(made: Factors, rows: sparse.csr_matrix) -> Numbers:
    """Return the factors of people by what they have, whether they were learned from or not."""
    start = np.zeros((rows.shape[0], made.things.shape[1]))
    return _solved(sparse.csr_matrix(rows), made, start, _STEPS_ALONE)


def _solved(matrix: sparse.csr_matrix, known: Factors, start: Numbers, n_steps: int) -> Numbers:
    """Return the rows x that solve (F'F + weight F'DF + ridge) x = (1 + weight) F'd.

    F are the factors ``known`` of the other side, d a row of ``matrix``, D its diagonal; all rows
    at once, from ``start`` on.
    """
    fixed, weight, ridge = known.things, known.weight, known.ridge
    gram = fixed.T @ fixed + ridge * np.eye(fixed.shape[1])
    of_row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))

    def product(x: Numbers) -> Numbers:
        seen = np.einsum("ij,ij->i", x[of_row], fixed[matrix.indices])
        picked = sparse.csr_matrix((weight * seen, matrix.indices, matrix.indptr), matrix.shape)
        return np.asarray(x @ gram + picked @ fixed)

    x = start.copy()
    rest = np.asarray((1.0 + weight) * (matrix @ fixed)) - product(x)
    step = rest.copy()
    size = np.einsum("ij,ij->i", rest, rest)
    for _ in range(n_steps):
        along = product(step)
        down = np.einsum("ij,ij->i", step, along)
        share = np.divide(size, down, out=np.zeros_like(size), where=down > 0)
        x += share[:, None] * step
        rest -= share[:, None] * along
        after = np.einsum("ij,ij->i", rest, rest)
        grown = np.divide(after, size, out=np.zeros_like(size), where=size > 0)
        step = rest + grown[:, None] * step
        size = after
    return x
