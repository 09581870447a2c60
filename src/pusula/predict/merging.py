"""What was recommended to a merged person, and what agents answered: one person has one list."""

from __future__ import annotations

from collections.abc import Collection

from pusula.predict.models import LifeDue
from pusula.profiles import moving
from pusula.profiles.moving import Once

_ANSWERS = "predict_answer"
_LISTS = Once(
    "predict_recommendation",
    ("version_id", "rank", "code", "name", "reason_code", "reason_name", "score"),
    of=("version_id", "rank"),
    rank=lambda row: (row["id"],),
    parent=("predict_modelversion", "version_id"),
)


def move(loser: int, winner: int) -> None:
    """Give what is said to ``loser`` to ``winner``; the next run learns from both as one."""
    _LISTS.move(loser, winner)
    moving.move(_ANSWERS, loser, winner)
    LifeDue.objects.filter(profile_id=loser).delete()  # who stays is looked at by the same step


def give_back(winner: int, origins: Collection[int], to: int) -> None:
    """Give what came from ``origins`` to ``to``."""
    _LISTS.give_back(winner, origins, to)
    moving.give_back(_ANSWERS, winner, origins, to)
