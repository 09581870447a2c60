"""Examples of the past: what was known of customers on a day, and whether they then stayed away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from pusula.predict.learning.behaviour import Behaviour, behaviour
from pusula.predict.training import History, day_number

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MOST_PERIODS = 3  # to learn from
MOST_EXAMPLES = 200_000


@dataclass(frozen=True)
class Examples:
    """Customers as they were known, and whether each stayed away (no order in the horizon)."""

    features: dict[str, Floats]
    stayed_away: Bools

    def only(self, names: Sequence[str]) -> dict[str, Floats]:
        """Return some of the features."""
        return {name: self.features[name] for name in names}

    def is_known(self, name: str) -> bool:
        """Say whether anybody's feature is known."""
        return not np.isnan(self.features[name]).all()


def known_on(history: History, day: date, horizon: int) -> Behaviour:
    """Return everybody who had bought before ``day``, as they and their orders stood then."""
    return behaviour(history.orders(day), day_number(day), horizon)


def of_period(history: History, start: date, days: int) -> Examples:
    """Return what was known at ``start``, and who ordered nothing in the ``days`` after.

    Orders as they stood at ``start`` for what is known, as at the end for what came.
    """
    known = known_on(history, start, days)
    after = history.orders(start + timedelta(days=days)).bought()
    came = after.profile_ids[after.days >= day_number(start)]
    return Examples(known.features, ~np.isin(known.customers, came))


def earlier_periods(history: History, days: int) -> list[date]:
    """Return starts of periods before the newest one, newest first, at most ``MOST_PERIODS``.

    Each lasts ``days`` and has at least as long a history before it.
    """
    earliest = int(history.orders().bought().days.min())
    starts = [history.as_of_on - timedelta(days=n * days) for n in range(2, 2 + MOST_PERIODS)]
    return [start for start in starts if day_number(start) - days >= earliest]


def together(parts: Sequence[Examples]) -> Examples:
    """Return the examples of several periods; of very many, every so-and-so-many-th.

    What nobody could know in one of them (a season before the history begins) is left out of all:
    else its being missing would tell the periods apart, and not the customers.
    """
    n = sum(len(part.stayed_away) for part in parts)
    every = slice(None, None, max(-(-n // MOST_EXAMPLES), 1))
    known = [
        name
        for name in parts[0].features
        if all(name in part.features and part.is_known(name) for part in parts)
    ]
    return Examples(
        {name: np.concatenate([part.features[name] for part in parts])[every] for name in known},
        np.concatenate([part.stayed_away for part in parts])[every],
    )
