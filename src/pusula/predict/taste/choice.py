"""Which way of recommending suits a company: measured on days it has not seen, then learned anew.

People are split in two by lot: one half chooses the method, the other says how good it is,
so that the figure is not the luckiest of three.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pusula.lib import clock
from pusula.predict.taste import methods, ranking
from pusula.predict.taste.lines import Ids, Lines, Owned, owned, targets
from pusula.predict.taste.methods import Settings
from pusula.predict.taste.ranking import Qualities, Quality

Past = Callable[[int], Lines]  # the lines before a moment, as they were known then
DEFAULT = Settings()

LEAST_PEOPLE = 100  # who bought something new in the days that are compared
LEAST_THINGS = 3
LEAST_OWNERS = 5
MOST_THINGS = 5_000
LISTED = 6
_FOR_FACTORS = 20  # things: below that there is nothing to factorise
_HALVES = 2


@dataclass(frozen=True)
class Scope:
    """How a kind of thing is sold.

    ``horizon_days``: how far ahead a list is meant to foresee. ``sold_within_days``: a thing that
    nobody bought for longer is not recommended, it may not be for sale any more.
    """

    horizon_days: int
    sold_within_days: int
    least_owners: int = LEAST_OWNERS


@dataclass(frozen=True)
class Trial:
    """How well each method foresaw the days from ``from_at`` to ``until_at`` (both may be unsaid).

    ``held``: by the half of the people that had no say in the choice; ``whole``: by all of them.
    """

    chosen: str
    held: dict[str, Quality]
    whole: dict[str, Quality]
    n_people: int  # who bought something new in those days
    n_known: int  # who had anything before
    n_things: int
    from_at: int = 0
    until_at: int = 0


@dataclass(frozen=True)
class Lists:
    """What is recommended to whom; parallel columns, people ascending, the best first.

    ``things`` and ``reasons`` are places in ``codes``; a reason is what somebody has that goes best
    with the thing, -1 where nothing does.
    """

    codes: tuple[str, ...]
    people: Ids
    ranks: Ids  # from 1
    things: Ids
    reasons: Ids
    scores: NDArray[np.float64]


def trial(past: Past, as_of_at: int, scope: Scope, settings: Settings = DEFAULT) -> Trial | None:
    """Return how well each method does; ``None`` where too few people say anything about it.

    The compared days are the last ``horizon_days``; where too few bought something new in them,
    twice as many and so on, up to half of the past.
    """
    known = past(as_of_at)
    if not len(known):
        return None
    span = as_of_at - int(known.at.min())
    length = scope.horizon_days * clock.DAY
    while length <= span // 2:
        from_at = as_of_at - length
        later = known.between(from_at, as_of_at)
        found = measure(past(from_at), later, scope.least_owners, settings)
        if found is not None and found.n_people >= LEAST_PEOPLE:
            return replace(found, from_at=from_at, until_at=as_of_at)
        length *= 2
    return None


def measure(
    before: Lines, later: Lines, least_owners: int = LEAST_OWNERS, settings: Settings = DEFAULT
) -> Trial | None:
    """Return how well lists made of what was bought ``before`` foresee what was new ``later``."""
    seen = owned(before, least_owners=least_owners, most_things=MOST_THINGS)
    fresh = targets(later, seen)
    asked = np.flatnonzero((np.diff(fresh.indptr) > 0) & (np.diff(seen.matrix.indptr) > 0))
    if len(asked) < _HALVES or len(seen.codes) < LEAST_THINGS:
        return None
    had, got = seen.matrix[asked], fresh[asked]
    found = {
        method: ranking.qualities(methods.scorer(method, seen, settings), had, got)
        for method in fitting(seen)
    }
    drawn = np.random.default_rng(settings.seed).permutation(len(asked))
    choosing = drawn % _HALVES == 0
    return Trial(
        chosen=max(found, key=lambda method: found[method].of(choosing).ndcg),
        held=found_of(found, ~choosing),
        whole=found_of(found, None),
        n_people=len(asked),
        n_known=int((np.diff(seen.matrix.indptr) > 0).sum()),
        n_things=len(seen.codes),
    )


def found_of(found: Mapping[str, Qualities], some: NDArray[np.bool_] | None) -> dict[str, Quality]:
    """Return how well each method did for ``some`` people; for everybody without it."""
    return {method: each.of(some) for method, each in found.items()}


def fitting(seen: Owned) -> tuple[str, ...]:
    """Return the methods that there are enough things for, the simplest first."""
    if len(seen.codes) >= _FOR_FACTORS:
        return methods.METHODS
    return (methods.POPULARITY, methods.TOGETHER)


def lists(
    lines: Lines, as_of_at: int, method: str, scope: Scope, settings: Settings = DEFAULT
) -> Lists:
    """Return what ``method``, learned from all ``lines`` before ``as_of_at``, recommends.

    Nobody gets what they have, nor what was not sold for ``sold_within_days``.
    """
    before = lines.between(None, as_of_at)
    seen = owned(before, least_owners=scope.least_owners, most_things=MOST_THINGS)
    sold = before.between(as_of_at - scope.sold_within_days * clock.DAY, as_of_at)
    on_sale = {before.codes[i] for i in np.unique(sold.things)}
    allowed = np.array([code in on_sale for code in seen.codes], bool)
    score = methods.scorer(method, seen, settings)
    alike = np.asarray(methods.cosine(seen).todense(), np.float32)
    matrix = seen.matrix
    found: list[tuple[int, int, int, int, float]] = []
    for row, places, scores in ranking.best(matrix, score, LISTED, allowed=allowed):
        had = matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]
        if not len(had):
            continue
        near = alike[np.ix_(had, places)]
        why = np.where(near.max(axis=0) > 0, had[near.argmax(axis=0)], -1)
        found += [
            (row, rank, place, reason, value)
            for rank, (place, reason, value) in enumerate(
                zip(places.tolist(), why.tolist(), scores.tolist(), strict=True), 1
            )
        ]
    columns = list(zip(*found, strict=True)) if found else [()] * 5
    people, ranks, things, reasons = (np.array(each, np.int64) for each in columns[:4])
    return Lists(
        codes=seen.codes,
        people=seen.people[people],
        ranks=ranks,
        things=things,
        reasons=reasons,
        scores=np.array(columns[4], np.float64),
    )
