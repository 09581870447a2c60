"""What campaigns decided about a merged person: the first decision counts.

Somebody who was two people may have been treated as one and held out as the other. The first draw
stays, as for everybody: it was made by lot, so it favours no side. What the other draw brought
(a message that had left) stays in the numbers of the arm that is kept; ``docs/identity.md`` says
what that does to a measurement.
"""

from __future__ import annotations

from collections.abc import Collection

from pusula.profiles.moving import Once

_ASSIGNMENTS = Once(
    "campaigns_assignment",
    ("campaign_id", "arm", "variant", "reason", "assigned_at"),
    of=("campaign_id",),
    rank=lambda row: (row["assigned_at"], row["id"]),
    parent=("campaigns_campaign", "campaign_id"),
)


def move(loser: int, winner: int) -> None:
    """Give the assignments of ``loser`` to ``winner``."""
    _ASSIGNMENTS.move(loser, winner)


def give_back(winner: int, origins: Collection[int], to: int) -> None:
    """Give the assignments that came from ``origins`` to ``to``."""
    _ASSIGNMENTS.give_back(winner, origins, to)
