"""What was bought: one line for each thing in each basket, as columns; and who had what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Lines:
    """Lines of baskets; all columns are as long, ``things`` are places in ``codes``.

    ``codes`` are sorted: their order breaks ties wherever two things stand alike.
    """

    people: Ids
    baskets: Ids
    things: Ids
    at: Ids  # moments
    codes: tuple[str, ...]

    def where(self, mask: Mask) -> Lines:
        """Return the lines that ``mask`` marks; places in ``codes`` stay what they are."""
        return Lines(
            self.people[mask], self.baskets[mask], self.things[mask], self.at[mask], self.codes
        )

    def between(self, start_at: int | None, end_at: int) -> Lines:
        """Return the lines from ``start_at`` (none: since ever) to before ``end_at``."""
        mask = self.at < end_at
        return self.where(mask if start_at is None else mask & (self.at >= start_at))

    def __len__(self) -> int:
        return len(self.people)


def lines_of(
    people: Sequence[int] | Ids,
    baskets: Sequence[int] | Ids,
    codes: Sequence[str],
    at: Sequence[int] | Ids,
) -> Lines:
    """Return lines whose things are named by ``codes``, one for each line."""
    known = sorted(set(codes))
    place = {code: i for i, code in enumerate(known)}
    things = np.fromiter((place[code] for code in codes), np.int64, len(codes))
    return Lines(
        np.asarray(people, np.int64),
        np.asarray(baskets, np.int64),
        things,
        np.asarray(at, np.int64),
        tuple(known),
    )


@dataclass(frozen=True)
class Owned:
    """Who had what, each pair once: ``matrix`` is people by things, 1 where somebody has it."""

    people: Ids  # ascending
    codes: tuple[str, ...]
    matrix: sparse.csr_matrix

    @property
    def n_owners(self) -> Ids:
        """How many people have each thing."""
        return np.asarray(self.matrix.sum(axis=0)).ravel().astype(np.int64)


def owned(lines: Lines, *, least_owners: int = 1, most_things: int | None = None) -> Owned:
    """Return who had what, of the things that at least ``least_owners`` people have.

    Of more than ``most_things`` the most owned are taken. People who have none of them stay, with
    an empty row: they are customers all the same.
    """
    people, rows = np.unique(lines.people, return_inverse=True)
    pairs = np.unique(rows.astype(np.int64) * len(lines.codes) + lines.things)
    rows, things = np.divmod(pairs, max(len(lines.codes), 1))
    counts = np.bincount(things, minlength=len(lines.codes))
    kept = np.flatnonzero(counts >= max(least_owners, 1))
    if most_things is not None and len(kept) > most_things:
        best = np.argsort(-counts[kept], kind="stable")[:most_things]
        kept = np.sort(kept[best])
    return Owned(
        people,
        tuple(lines.codes[i] for i in kept),
        _matrix(rows, things, kept, (len(people), len(lines.codes))),
    )


def targets(lines: Lines, seen: Owned) -> sparse.csr_matrix:
    """Return what the people of ``seen`` had in ``lines`` and had not before, as a matrix alike."""
    place = {code: i for i, code in enumerate(lines.codes)}
    kept = np.array([place.get(code, -1) for code in seen.codes], np.int64)
    rows = np.searchsorted(seen.people, lines.people)
    rows[rows == len(seen.people)] = 0
    known = seen.people[rows] == lines.people if len(seen.people) else np.zeros(0, bool)
    column = np.full(len(lines.codes), -1, np.int64)
    column[kept[kept >= 0]] = np.flatnonzero(kept >= 0)
    known &= column[lines.things] >= 0
    shape = seen.matrix.shape
    made = sparse.csr_matrix(
        (np.ones(known.sum()), (rows[known], column[lines.things[known]])), shape=shape
    )
    made.data[:] = 1.0
    fresh = made - made.multiply(seen.matrix)
    fresh = sparse.csr_matrix(fresh)
    fresh.eliminate_zeros()
    return fresh


def _matrix(rows: Ids, things: Ids, kept: Ids, shape: tuple[int, int]) -> sparse.csr_matrix:
    whole = sparse.csr_matrix((np.ones(len(rows)), (rows, things)), shape=shape)
    return sparse.csr_matrix(whole[:, kept])
