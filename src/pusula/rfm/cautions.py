"""What a person should know about rules of RFM before and after they are used.

Contradictions need the rules alone; findings need what the rules came to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from pusula.orders import machine
from pusula.rfm.rules import Config

_MONTH_DAYS = 31  # the longest: a warning should be certain

Code = Literal[
    "nobody",
    "empty_scores",
    "pool_contradicts_cuts",
    "same_edges",
    "empty_groups",
    "cuts_beyond_look_back",
    "pool_beyond_look_back",
    "booked_counts_late",
    "future_stays",
    "cancelled_net",
]


class Caution(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something about the rules or the data that a person should know; the run stands."""

    code: Code
    measure: str = ""
    scores: tuple[int, ...] = ()
    groups: tuple[str, ...] = ()
    days: int = 0


def contradictions(config: Config) -> tuple[Caution, ...]:
    """Return what in the rules cannot be together or does not do what it seems to do."""
    found = []
    by_pool = _scores_beyond(config, config.pool.ordered_within_days)
    if by_pool:
        found.append(Caution("pool_contradicts_cuts", "recency", by_pool))
    longest = _longest_look_back(config)
    by_window = tuple(score for score in _scores_beyond(config, longest) if score not in by_pool)
    if by_window:
        found.append(Caution("cuts_beyond_look_back", "recency", by_window))
    pool = config.pool.ordered_within_days
    if longest is not None and pool is not None and pool >= longest:
        found.append(Caution("pool_beyond_look_back", days=pool))
    found += _about_orders(config)
    return tuple(found)


def _about_orders(config: Config) -> list[Caution]:
    orders = config.orders
    found = []
    is_late = set(orders.statuses) == {machine.COMPLETED} and orders.dated_by == "booking"
    if is_late and orders.count == "stays":
        found.append(Caution("booked_counts_late"))
    if orders.dated_by == "stay" and machine.COMPLETED not in (orders.statuses or machine.ALIVE):
        found.append(Caution("future_stays"))
    if orders.amount == "net" and machine.DEAD.intersection(orders.statuses):
        found.append(Caution("cancelled_net"))
    return found


def _longest_look_back(config: Config) -> int | None:
    """Return how many days at the most lie in the look-back window."""
    months = config.look_back_months
    if months is None:
        return None
    years, rest = divmod(months, 12)
    return years * 366 + rest * _MONTH_DAYS


def _scores_beyond(config: Config, limit: int | None) -> tuple[int, ...]:
    """Return the recency scores whose days begin beyond ``limit`` days."""
    if limit is None:
        return ()
    levels = config.recency.levels
    out = [levels - 1 - i for i, days in enumerate(config.recency.cuts) if days >= limit]
    return tuple(sorted(out))


def findings(
    config: Config,
    measures: Sequence[tuple[str, Sequence[float], npt.NDArray[np.int8], int]],
    sizes: dict[str, int],
) -> tuple[Caution, ...]:
    """Return what to know of a run: of its rules first, then of each measure and of the groups.

    A measure is its name, its limits, the scores of everybody, and how many scores there are.
    """
    if not sum(sizes.values()):
        return (Caution("nobody"), *contradictions(config))
    found = list(contradictions(config))
    impossible = {score for caution in found for score in caution.scores}
    for name, limits, grades, levels in measures:
        if len(set(limits)) < len(limits):
            found.append(Caution("same_edges", name))
        absent = set(range(1, levels + 1)) - set(np.unique(grades).tolist())
        if name == "recency":
            absent -= impossible
        if absent:
            found.append(Caution("empty_scores", name, tuple(sorted(absent))))
    if empty := tuple(name for name, n in sizes.items() if n == 0):
        found.append(Caution("empty_groups", groups=empty))
    return tuple(found)
