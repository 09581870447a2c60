"""What a journey may refuse to do."""

from __future__ import annotations

from pusula.lib.errors import PusulaError


class JourneyError(PusulaError):
    """Something cannot be done with a journey as it is."""

    code = "journey"
    status = 409


class PausedError(JourneyError):
    """Nobody moves on a journey as long as it is paused."""
