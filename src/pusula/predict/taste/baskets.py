"""What is often bought together: support, confidence and lift of pairs of things in one basket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from pusula.predict.taste.lines import Lines

LEAST_BASKETS = 5  # of a pair: below that it is chance
MOST = 6  # companions of a thing


@dataclass(frozen=True)
class Pair:
    """Two things and in how many baskets they are; ``a`` stands before ``b`` by its code."""

    a: str
    b: str
    together: int
    n_a: int
    n_b: int
    n_baskets: int

    @property
    def support(self) -> float:
        """The share of all baskets that have both."""
        return self.together / self.n_baskets

    @property
    def confidence_a_to_b(self) -> float:
        """The share of the baskets with ``a`` that have ``b`` too."""
        return self.together / self.n_a

    @property
    def confidence_b_to_a(self) -> float:
        """The share of the baskets with ``b`` that have ``a`` too."""
        return self.together / self.n_b

    @property
    def lift(self) -> float:
        """How many times as often they are together as chance alone would bring them."""
        return self.together * self.n_baskets / (self.n_a * self.n_b)


@dataclass(frozen=True)
class Counted:
    """How often things are in baskets, alone and in pairs."""

    codes: tuple[str, ...]
    n_baskets: int
    n_of: np.ndarray[tuple[int], np.dtype[np.int64]]
    both: sparse.csr_matrix  # above the diagonal: in how many baskets both are


def counted(lines: Lines, *, least_baskets: int = 1) -> Counted:
    """Return the counts of things and pairs; only things in ``least_baskets`` baskets make pairs.

    ``n_baskets`` are all baskets of ``lines``, whatever is in them.
    """
    baskets, rows = np.unique(lines.baskets, return_inverse=True)
    pairs = np.unique(rows.astype(np.int64) * max(len(lines.codes), 1) + lines.things)
    rows, things = np.divmod(pairs, max(len(lines.codes), 1))
    n_of = np.bincount(things, minlength=len(lines.codes))
    kept = np.flatnonzero(n_of >= max(least_baskets, 1))
    shape = (len(baskets), len(lines.codes))
    within = sparse.csr_matrix((np.ones(len(rows)), (rows, things)), shape=shape)[:, kept]
    both = sparse.triu(within.T @ within, k=1, format="csr")
    codes = tuple(lines.codes[i] for i in kept)
    return Counted(codes, len(baskets), n_of[kept].astype(np.int64), both)


def top_pairs(found: Counted, n: int) -> list[Pair]:
    """Return the ``n`` pairs that are together most often, ties by their codes."""
    table = found.both.tocoo()
    order = np.lexsort((table.col, table.row, -table.data))[:n]
    return [_pair(found, int(table.row[i]), int(table.col[i]), table.data[i]) for i in order]


@dataclass(frozen=True)
class Companion:
    """A thing that is bought with another: of the baskets with that one, how many have it too."""

    code: str
    with_code: str
    together: int
    support: float
    confidence: float
    lift: float


def companions(
    found: Counted, *, least_together: int = LEAST_BASKETS, most: int = MOST
) -> list[Companion]:
    """Return up to ``most`` companions of each thing, those most often with it first.

    Only pairs in ``least_together`` baskets, and more often together than chance would have it.
    """
    whole = sparse.csr_matrix(found.both + found.both.T)
    made: list[Companion] = []
    for thing in range(len(found.codes)):
        row = slice(whole.indptr[thing], whole.indptr[thing + 1])
        others, together = whole.indices[row], whole.data[row]
        expected = found.n_of[thing] * found.n_of[others] / found.n_baskets
        good = (together >= least_together) & (together > expected)
        others, together = others[good], together[good]
        for i in np.lexsort((others, -together))[:most]:
            pair = _pair(found, thing, int(others[i]), together[i])
            made.append(
                Companion(
                    code=pair.b,
                    with_code=pair.a,
                    together=pair.together,
                    support=pair.support,
                    confidence=pair.confidence_a_to_b,
                    lift=pair.lift,
                )
            )
    return made


def as_rows(pairs: Sequence[Pair]) -> list[dict[str, str | int | float]]:
    """Return pairs as rows for a program."""
    return [
        {
            "a": pair.a,
            "b": pair.b,
            "together": pair.together,
            "support": pair.support,
            "confidence_a_to_b": pair.confidence_a_to_b,
            "confidence_b_to_a": pair.confidence_b_to_a,
            "lift": pair.lift,
        }
        for pair in pairs
    ]


def _pair(found: Counted, a: int, b: int, together: float) -> Pair:
    return Pair(
        found.codes[a],
        found.codes[b],
        round(float(together)),
        int(found.n_of[a]),
        int(found.n_of[b]),
        found.n_baskets,
    )
