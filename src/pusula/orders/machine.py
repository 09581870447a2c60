"""The states of an order as data."""

from __future__ import annotations

PENDING = "pending"
CONFIRMED = "confirmed"
IN_HOUSE = "in_house"
COMPLETED = "completed"
CANCELLED = "cancelled"
NO_SHOW = "no_show"

STATES = (PENDING, CONFIRMED, IN_HOUSE, COMPLETED, CANCELLED, NO_SHOW)
# States in which the order is, or still can be, worth its money.
ALIVE = frozenset({PENDING, CONFIRMED, IN_HOUSE, COMPLETED})
DEAD = frozenset({CANCELLED, NO_SHOW})
# States an order reaches after it was confirmed.
OUTCOMES = frozenset({IN_HOUSE, COMPLETED, CANCELLED, NO_SHOW})
