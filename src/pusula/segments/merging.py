"""Memberships and sets of a merged person: left by the one who is gone, found anew for the other.

Intervals pass on with the rest of the past. That two of them may cover the same moment is the price
of knowing what was shown then; who is in a segment now, and who was at a moment by history, is
always one person once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

import numpy as np

from pusula.profiles import moving
from pusula.profiles.moving import Once
from pusula.segments import actions
from pusula.segments.models import Due, Membership

CAUSE = "merge"
_SETS = Once(
    "segments_setmember",
    ("set_id", "arm", "since_at"),
    of=("set_id",),
    rank=lambda row: (row["since_at"], row["id"]),
    parent=("segments_profileset", "set_id"),
)


def move(loser: int, winner: int, *, at: int) -> None:
    """Have ``loser`` leave every segment ``at``, and give intervals and sets to ``winner``."""
    open_ = Membership.objects.filter(profile_id=loser, left_at=None)
    leaves = defaultdict(list)
    for segment_id, pk in open_.values_list("segment_id", "pk"):
        leaves[segment_id].append(pk)
    actions.record_moves(
        {segment_id: np.empty(0, np.int64) for segment_id in leaves},
        {segment_id: np.array(pks, np.int64) for segment_id, pks in leaves.items()},
        {},
        at=at,
        cause=CAUSE,
    )
    moving.move(actions.MEMBERSHIPS, loser, winner)
    _SETS.move(loser, winner)
    Due.objects.filter(profile_id=loser).delete()


def give_back(winner: int, origins: Collection[int], to: int) -> None:
    """Give the intervals and sets that came from ``origins`` to ``to``; nobody enters by that."""
    moving.give_back(actions.MEMBERSHIPS, winner, origins, to)
    _SETS.give_back(winner, origins, to)
