"""Messages that reached people, and what was known of a person the moment one left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from pusula.predict.training import Orders

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SECOND = 1_000_000
DAY = 86_400
NEVER = -1  # in ``Touches.reacted_at``
_SPAN = 2**34  # seconds: longer than any history
_TRUSTED = 10.0  # messages that everybody's rate counts for in a person's own
_LEAST = 1e-6


@dataclass(frozen=True)
class Touches:
    """The messages of one channel that reached people: parallel arrays in any order.

    ``reacted_at``: when the person first reacted (clicked, answered), ``NEVER`` if not yet.
    """

    people: Ints
    sent_at: Ints
    reacted_at: Ints

    def __len__(self) -> int:
        """How many messages."""
        return len(self.people)


def no_touches() -> Touches:
    """Return no message."""
    nothing = np.empty(0, np.int64)
    return Touches(nothing, nothing, nothing)


def features(
    people: Ints, at: Ints, past: Touches, orders: Orders, common: float
) -> dict[str, Floats]:
    """Return what was known of ``people``, each at a moment of their own: only what was before.

    ``common``: the rate of everybody, which stands in where little is known of a person.
    """
    everybody = np.unique(np.concatenate([people, past.people, orders.profile_ids]))
    asked = _Clock(everybody, people, at)
    n_sent, since_sent = asked.before(past.people, past.sent_at)
    reacted = past.reacted_at != NEVER
    n_reacted, since_reacted = asked.before(past.people[reacted], past.reacted_at[reacted])
    n_orders, since_order = asked.before(orders.profile_ids, orders.ordered_at)
    rate = (n_reacted + _TRUSTED * common) / (n_sent + _TRUSTED)
    return {
        "rate": special.logit(np.clip(rate, _LEAST, 1 - _LEAST)),
        "messages": np.log1p(n_sent),
        "reactions": np.log1p(n_reacted),
        "since_message": since_sent,
        "since_reaction": since_reacted,
        "orders": np.log1p(n_orders),
        "since_order": since_order,
    }


class _Clock:
    """People each at a moment, to be asked what of theirs came before it."""

    def __init__(self, everybody: Ints, people: Ints, at: Ints) -> None:
        self._everybody = everybody
        self._who = np.searchsorted(everybody, people)
        self._at = at // SECOND
        self._base = int(self._at.min()) if len(at) else 0

    def before(self, people: Ints, at: Ints) -> tuple[Floats, Floats]:
        """Return how many of these rows came before, and how many days ago the last of them.

        The days are missing (NaN) where none came. Of the same second, none came before.
        """
        who, when = np.searchsorted(self._everybody, people), at // SECOND
        base = min(self._base, int(when.min())) if len(when) else self._base
        keys = np.sort(_key(who, when - base))
        until = np.searchsorted(keys, _key(self._who, self._at - base), side="left")
        first = np.searchsorted(keys, _key(self._who, np.zeros_like(self._who)), side="left")
        n = until - first
        last = keys[np.maximum(until - 1, 0)] % _SPAN + base if len(keys) else self._at
        days = np.where(n > 0, (self._at - last) / DAY, np.nan)
        return n.astype(np.float64), days


def _key(who: Ints, seconds: Ints) -> Ints:
    """Return one number that sorts by person, then time."""
    key: Ints = who * _SPAN + seconds
    return key
