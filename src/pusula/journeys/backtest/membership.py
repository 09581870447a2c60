"""Who entered and left segments while a backtest replays, and who was in them when it asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from pusula.journeys.backtest import moments
from pusula.journeys.backtest.setting import Setting
from pusula.profiles.relations import Ids
from pusula.segments.facts import History
from pusula.segments.kernel import Plan

_NEVER = np.iinfo(np.int64).max


class Crossed(NamedTuple):
    """A profile entered or left a segment."""

    profile_id: int
    key: str
    is_entry: bool
    at: int


def moves(plan: Plan, keys: Iterable[str], history: History, setting: Setting) -> Iterator[Crossed]:
    """Yield who entered and left the segments ``keys``, in the order of each profile's time.

    Who is in one when the time begins has not entered it. Each profile is looked at when it
    becomes known, when something told of it begins or ends, and at each next flip.
    """
    keys = sorted(keys)
    ids = history.facts.profile_ids
    at = np.maximum(history.since, setting.since_at)
    coming = _Coming(ids, *moments.changes(history))
    inside = {key: np.zeros(len(ids), np.bool_) for key in keys}
    left = np.flatnonzero(at <= setting.until_at)
    while len(left):
        now = at[left]
        found = plan.evaluate(moments.at_each(history, ids[left], now), now)
        is_first = (now == setting.since_at) & (history.since[left] <= setting.since_at)
        for key in keys:
            mask = found.members[key]
            for place in np.flatnonzero((mask != inside[key][left]) & ~is_first).tolist():
                yield Crossed(int(ids[left[place]]), key, bool(mask[place]), int(now[place]))
            inside[key][left] = mask
        at[left] = np.minimum(found.next_flip, coming.after(left, now))
        left = left[at[left] <= setting.until_at]


def members(plan: Plan, key: str, history: History, at: int) -> Ids:
    """Return who was in the segment ``key`` at a moment, ascending."""
    ids = history.facts.profile_ids[history.since <= at]
    if not len(ids):
        return ids
    block = moments.at_each(history, ids, np.full(len(ids), at))
    found: Ids = ids[plan.evaluate(block, at).members[key]]
    return found


class _Coming:
    """The moments at which something changes for each profile, passed once in order."""

    def __init__(self, ids: Ids, owners: Ids, at: Ids) -> None:
        places = np.searchsorted(ids, owners)
        order = np.lexsort((at, places))
        self._at = np.append(at[order], _NEVER)
        self._next = np.searchsorted(places[order], np.arange(len(ids)))
        self._end = np.searchsorted(places[order], np.arange(len(ids)), side="right")

    def after(self, places: Ids, now: Ids) -> Ids:
        """Return the first change behind ``now`` of those at ``places``."""
        while True:
            is_there = self._next[places] < self._end[places]
            is_past = is_there & (self._at[self._next[places]] <= now)
            if not is_past.any():
                found: Ids = np.where(is_there, self._at[self._next[places]], _NEVER)
                return found
            self._next[places[is_past]] += 1
