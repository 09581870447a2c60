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

# Why a booking was cancelled, in one set of words for all systems.
REPLACED = "replaced"  # cancelled only to be booked anew: nobody was lost
CANCEL_REASONS = (
    "guest", "elsewhere", "price", "complaint", "force_majeure", "unconfirmed", "abandoned",
    "hotel", "no_show", REPLACED, "other",
)  # fmt: skip
