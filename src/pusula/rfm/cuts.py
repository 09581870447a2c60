"""Limits of a run made into ones that anybody can be held against at any later moment.

A run ranks frequencies: its limits are places in a line. Published, a limit is the count and tie
of whom the place stood behind, so that a customer is graded alone, ties stay where they were, and
everybody of the run gets what the run gave them. Of a key only as much is kept as parts it from the
next one.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from pusula.rfm.rules import Config
from pusula.rfm.scoring import Edges, Grades, Numbers, cut, group_table, in_pool, ranked

_LAST = "\U0010ffff"
_BEFORE_SURROGATES, _BEHIND_SURROGATES = 0xD7FF, 0xE000


class Limit(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whose frequency is up to it: below ``count``, or equal and with a tie up to ``tie``.

    Without a tie everybody with that count.
    """

    count: float
    tie: str | int | None = None


class Cuts(msgspec.Struct, frozen=True):
    """The limits between scores, as published; each class is closed on the right."""

    recency: tuple[float, ...] = ()
    frequency: tuple[Limit, ...] = ()
    monetary: tuple[float, ...] = ()


class Grading(msgspec.Struct, frozen=True):
    """How profiles are graded: scores are 0 and the group -1 for who is not in the pool."""

    r: Grades
    f: Grades
    m: Grades
    group: npt.NDArray[np.int16]  # position in the named groups of the rules


def published(
    edges: Edges, keys: npt.NDArray[Any], counts: npt.NDArray[np.int64], config: Config
) -> Cuts:
    """Return the limits of a run over profiles with these ``keys`` and ``counts`` of orders."""
    if not config.frequency.ranked:
        limits = tuple(Limit(edge) for edge in edges.frequency)
        return Cuts(edges.recency, limits, edges.monetary)
    order = ranked(counts, keys, config.ties)
    limits = tuple(_limit(int(edge), order, keys, counts) for edge in edges.frequency)
    return Cuts(edges.recency, limits, edges.monetary)


def _limit(
    place: int,
    order: npt.NDArray[np.intp],
    keys: npt.NDArray[Any],
    counts: npt.NDArray[np.int64],
) -> Limit:
    """Return the limit between the ``place``-th, counted from 1, and who comes next."""
    last = order[place - 1]
    if place >= len(order) or counts[order[place]] != counts[last]:
        return Limit(float(counts[last]))
    key, following = keys[last].item(), keys[order[place]].item()
    tie = key if isinstance(key, int) else between(key, following)
    return Limit(float(counts[last]), tie)


def between(key: str, following: str) -> str:
    """Return a text from ``key`` on and before ``following``, as short as can be, and neither."""
    size = next(n for n in range(1, len(following) + 1) if following[:n] > key)
    code = ord(following[size - 1]) - 1
    if code < 0:
        return following[: size - 1]
    if _BEFORE_SURROGATES < code < _BEHIND_SURROGATES:
        code = _BEFORE_SURROGATES
    return following[: size - 1] + chr(code) + _LAST


def grade(
    keys: npt.NDArray[Any],
    recency: npt.NDArray[np.int64],
    frequency: npt.NDArray[np.int64],
    monetary: Numbers,
    *,
    ever: npt.NDArray[np.int64],
    cuts: Cuts,
    config: Config,
) -> Grading:
    """Return how each profile is graded by published limits; arrays as in ``scoring.score``."""
    inside = in_pool(recency, frequency, monetary, ever, config)
    r = (config.recency.levels + 1 - cut(recency, cuts.recency)).astype(np.int8)
    f = np.ones(len(frequency), np.int8)
    for limit in cuts.frequency:
        f += _is_above(limit, frequency, keys)
    m = cut(monetary, cuts.monetary)
    group = np.where(inside, group_table(config)[r, f], -1).astype(np.int16)
    r, f, m = (np.where(inside, each, 0).astype(np.int8) for each in (r, f, m))
    return Grading(r, f, m, group)


def _is_above(
    limit: Limit, counts: npt.NDArray[np.int64], keys: npt.NDArray[Any]
) -> npt.NDArray[np.bool_]:
    above = counts > limit.count
    if limit.tie is not None:
        above |= (counts == limit.count) & (keys > limit.tie)
    return above


def read(plain: Any) -> Cuts:
    """Return limits out of what was stored."""
    return msgspec.convert(plain, Cuts)
