"""Quiet hours on a person's own clock, whatever that clock does in spring and autumn.

A period begins when the clock first shows its start and ends when it first shows its end; where
the clock skips that minute, at the first one it does show.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from pusula.lib import clock
from pusula.outbox.rules.policy import Quiet


@dataclass(frozen=True, slots=True)
class Open:
    """When a message may go: from ``at``, before ``until_at``."""

    at: int
    until_at: int | None  # none: there are no quiet hours


@lru_cache(maxsize=65_536)
def opening(quiet: Quiet, zone: str, at: int) -> Open:
    """Return the first time that is not quiet from ``at`` on, and when it is quiet again."""
    periods = _around(quiet, zone, at)
    while True:
        moved = next((ends for starts, ends in periods if starts <= at < ends), at)
        if moved == at:
            return Open(at, min(starts for starts, _ends in periods if starts > at))
        at = moved


def _around(quiet: Quiet, zone: str, at: int) -> list[tuple[int, int]]:
    """Return the periods of the days around ``at`` as moments, half-open."""
    today = clock.day_of(at, zone)
    starts, ends = quiet.starts.time, quiet.ends.time
    nights = timedelta(days=1 if ends < starts else 0)
    days = [today + timedelta(days=n) for n in range(-2, 4)]
    return [
        (clock.first_at(day, starts, zone), clock.first_at(day + nights, ends, zone))
        for day in days
    ]
