"""RFM scores out of recency, frequency and money: the arithmetic.

Arrays are parallel, one entry per profile. Scores count from 1 (worst); quantile limits are
linear-interpolated and every class is closed on the right, as in ``pandas.qcut``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from pusula.rfm import cautions
from pusula.rfm.cautions import Caution
from pusula.rfm.rules import MOST_SCORES, Config, Ties

Numbers = npt.NDArray[np.int64] | npt.NDArray[np.int32] | npt.NDArray[np.float64]
Grades = npt.NDArray[np.int8]
Positions = npt.NDArray[np.intp]
_SMALL = 2**15 - 1


class Edges(msgspec.Struct, frozen=True):
    """The limits between scores; those of a ranked frequency are ranks."""

    recency: tuple[float, ...]
    frequency: tuple[float, ...]
    monetary: tuple[float, ...]


class Scores(msgspec.Struct, frozen=True):
    """Scores of those who are in the pool; ``kept`` are their positions in the input arrays."""

    kept: Positions
    r: Grades
    f: Grades
    m: Grades
    group: npt.NDArray[np.int16]  # position in ``groups``
    groups: tuple[str, ...]
    edges: Edges
    warnings: tuple[Caution, ...] = ()

    def group_sizes(self) -> dict[str, int]:
        """Return how many profiles each group has, those with none included."""
        sizes = np.bincount(self.group, minlength=len(self.groups))
        return dict(zip(self.groups, sizes.tolist(), strict=True))


def score(
    keys: npt.NDArray[Any],
    recency: npt.NDArray[np.int64],
    frequency: npt.NDArray[np.int64],
    monetary: Numbers,
    config: Config,
    *,
    orders_ever: npt.NDArray[np.int64] | None = None,
) -> Scores:
    """Return the scores of the profiles that the pool rule lets in.

    ``keys`` break ties of frequency when the rule says so; ``recency`` is in days, ``frequency``
    counts orders inside the look-back window and ``orders_ever`` all of them.
    """
    ever = frequency if orders_ever is None else orders_ever
    kept = np.flatnonzero(in_pool(recency, frequency, monetary, ever, config))
    days, counts, sums, ties = (taken(each, kept) for each in (recency, frequency, monetary, keys))
    measured = _ranks(counts, ties, config.ties) if config.frequency.ranked else counts
    edges = Edges(
        recency=config.recency.cuts or quantile_edges(days, config.recency.quantiles),
        frequency=quantile_edges(measured, config.frequency.quantiles),
        monetary=quantile_edges(sums, config.monetary.quantiles),
    )
    r = (config.recency.levels + 1 - cut(days, edges.recency)).astype(np.int8)
    f = cut(measured, edges.frequency)
    m = cut(sums, edges.monetary)
    names = tuple(config.named_groups)
    group = group_table(config)[r, f]
    scores = Scores(kept, r, f, m, group, names, edges)
    measures = (
        ("recency", edges.recency, r, config.recency.levels),
        ("frequency", edges.frequency, f, config.frequency.quantiles),
        ("monetary", edges.monetary, m, config.monetary.quantiles),
    )
    found = cautions.findings(config, measures, scores.group_sizes())
    return msgspec.structs.replace(scores, warnings=found)


def quantile_edges(values: Numbers, n: int) -> tuple[float, ...]:
    """Return the n - 1 inner limits of n quantiles; none when there are no values."""
    if not len(values):
        return ()
    steps = np.arange(1, n) / n
    return tuple(float(edge) for edge in np.quantile(values, steps))


def cut(values: Numbers, edges: Sequence[float]) -> Grades:
    """Return 1 + the number of edges below each value: a value on an edge is in the lower class."""
    return (1 + np.searchsorted(np.asarray(edges, float), values, side="left")).astype(np.int8)


def in_pool(
    recency: npt.NDArray[np.int64],
    frequency: npt.NDArray[np.int64],
    monetary: Numbers,
    ever: npt.NDArray[np.int64],
    config: Config,
) -> npt.NDArray[np.bool_]:
    """Return who is let in; ``ever`` counts orders of all time, ``frequency`` of the window."""
    pool = config.pool
    counted = ever if pool.min_orders_in == "ever" else frequency
    inside = (counted >= pool.min_orders) & (frequency > 0)
    if pool.ordered_within_days is not None:
        inside &= recency <= pool.ordered_within_days
    if config.monetary.above_zero:
        inside &= monetary > 0
    return inside


def ranked(
    counts: npt.NDArray[np.int64], keys: npt.NDArray[Any], ties: Ties
) -> npt.NDArray[np.intp]:
    """Return the positions by count; among equals the order of keys, or of the arrays, decides."""
    if ties is Ties.PROFILE_KEY:
        return np.lexsort((keys, counts))
    return np.argsort(_small(counts), kind="stable")


def _small(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.integer[Any]]:
    """Return the same numbers in 16 bits where they fit: those are sorted in one pass."""
    if len(counts) and counts.min() >= 0 and counts.max() <= _SMALL:
        return counts.astype(np.int16)
    return counts


def taken(values: npt.NDArray[Any], kept: Positions) -> npt.NDArray[Any]:
    """Return the values at ``kept``; no copy of millions where that is all of them."""
    return values if len(kept) == len(values) else values[kept]


def _ranks(
    counts: npt.NDArray[np.int64], keys: npt.NDArray[Any], ties: Ties
) -> npt.NDArray[np.int32]:
    """Return ranks 1..n in the order of ``ranked``."""
    order = ranked(counts, keys, ties)
    ranks = np.empty(len(counts), np.int32)
    ranks[order] = np.arange(1, len(counts) + 1, dtype=np.int32)
    return ranks


def group_table(config: Config) -> npt.NDArray[np.int16]:
    """Return a table that leads from [r, f] to the position of the group."""
    table = np.zeros((MOST_SCORES + 1, MOST_SCORES + 1), np.int16)
    for position, codes in enumerate(config.named_groups.values()):
        for code in codes:
            table[int(code[0]), int(code[1])] = position
    return table
