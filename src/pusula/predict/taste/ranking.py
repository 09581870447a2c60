"""The best few of many scores, block by block, and how often they were right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pusula.predict.taste.methods import Scorer

Places = NDArray[np.int64]
AT = 10  # how many of a list are looked at
_CELLS = 8_000_000  # scores at once: 64 MB


@dataclass(frozen=True)
class Quality:
    """How well lists of ten foresaw what people bought later, of the people who bought something.

    ``recall``: the share of what they bought that stood in their list, of at most ten; ``ndcg`` the
    same with more weight to the top; ``hit_rate`` the share of people with at least one right,
    ``first`` of those whose list begins with one.
    """

    n_people: int
    recall: float
    ndcg: float
    hit_rate: float
    first: float


def best(
    rows: sparse.csr_matrix,
    score: Scorer,
    n: int,
    *,
    allowed: NDArray[np.bool_] | None = None,
) -> Iterator[tuple[int, Places, NDArray[np.float64]]]:
    """Yield for each row its number, the ``n`` best things it does not have, and their scores.

    Things with the same score stand in their own order; those without any score above zero, and
    those that are not ``allowed``, are left out.
    """
    block = max(1, _CELLS // max(rows.shape[1], 1))
    for first in range(0, rows.shape[0], block):
        part = sparse.csr_matrix(rows[first : first + block])
        scores = score(part)
        if allowed is not None:
            scores[:, ~allowed] = -np.inf
        scores[part.nonzero()] = -np.inf
        for number, row in enumerate(scores):
            places = _top(row, n)
            yield first + number, places, row[places]


def _top(row: NDArray[np.float64], n: int) -> Places:
    if len(row) > n:
        lowest = -np.partition(-row, n - 1)[n - 1]
        among = np.flatnonzero(row >= lowest)
    else:
        among = np.arange(len(row))
    among = among[row[among] > 0]
    return among[np.argsort(-row[among], kind="stable")[:n]]


@dataclass(frozen=True)
class Qualities:
    """How well lists foresaw what each of some people bought later; parallel columns."""

    recall: NDArray[np.float64]
    ndcg: NDArray[np.float64]
    hit: NDArray[np.float64]
    first: NDArray[np.float64]

    def of(self, some: NDArray[np.bool_] | None = None) -> Quality:
        """Return the means of the people whom ``some`` marks; of everybody without it."""
        whole = (self.recall, self.ndcg, self.hit, self.first)
        columns = [each if some is None else each[some] for each in whole]
        n = len(columns[0])
        return Quality(n, *(float(column.mean()) if n else 0.0 for column in columns))


def qualities(score: Scorer, before: sparse.csr_matrix, later: sparse.csr_matrix) -> Qualities:
    """Return how well ``score`` of what people had ``before`` foresees what they had ``later``.

    Both are people by things, each of whom has something in both; ``later`` has only what is new
    to them.
    """
    before, later = sparse.csr_matrix(before), sparse.csr_matrix(later)
    gains = 1.0 / np.log2(np.arange(2, AT + 2))
    ideal = np.concatenate([[0.0], np.cumsum(gains)])
    recall, ndcg, hit, first = np.zeros((4, before.shape[0]))
    for number, places, _scores in best(before, score, AT):
        wanted = later.indices[later.indptr[number] : later.indptr[number + 1]]
        right = np.isin(places, wanted)
        most = min(AT, len(wanted))
        recall[number] = right.sum() / most
        ndcg[number] = gains[: len(places)][right].sum() / ideal[most]
        hit[number] = right.any()
        first[number] = right[:1].any()
    return Qualities(recall, ndcg, hit, first)
