"""The events of a merged person: they pass to the profile that stays, and back."""

from __future__ import annotations

from collections.abc import Collection

from pusula.events.actions import EVENTS
from pusula.profiles import moving


def move(loser: int, winner: int) -> None:
    """Give the events of ``loser`` to ``winner``."""
    moving.move(EVENTS, loser, winner)


def give_back(winner: int, origins: Collection[int], to: int) -> None:
    """Give the events that came from ``origins`` to ``to``."""
    moving.give_back(EVENTS, winner, origins, to)
