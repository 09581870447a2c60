"""The scores of a merged person: of two in one run the first stays, the other waits."""

from __future__ import annotations

from collections.abc import Collection

from pusula.profiles.moving import Once
from pusula.rfm.models import RfmDue

_SCORES = Once(
    "rfm_rfmscore",
    ("run_id", "recency_days", "frequency", "monetary_minor", "r", "f", "m", "group"),
    of=("run_id",),
    rank=lambda row: (row["id"],),
    parent=("rfm_rfmrun", "run_id"),
)


def move(loser: int, winner: int) -> None:
    """Give the scores of ``loser`` to ``winner``; the next run scores both as one."""
    _SCORES.move(loser, winner)
    RfmDue.objects.filter(profile_id=loser).delete()  # who stays is graded by the same step


def give_back(winner: int, origins: Collection[int], to: int) -> None:
    """Give the scores that came from ``origins`` to ``to``."""
    _SCORES.give_back(winner, origins, to)
