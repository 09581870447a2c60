"""The states of a campaign and the moves between them, as data."""

from __future__ import annotations

DRAFT = "draft"
SCHEDULED = "scheduled"  # begins by itself at its moment
SENDING = "sending"  # people are assigned; messages are on their way
RUNNING = "running"  # all messages settled; the window is open
FINISHED = "finished"  # the window is over; the verdict stands
STATES = (DRAFT, SCHEDULED, SENDING, RUNNING, FINISHED)
MOVES = {
    DRAFT: frozenset({SCHEDULED, SENDING}),
    SCHEDULED: frozenset({DRAFT, SENDING}),
    SENDING: frozenset({RUNNING}),
    RUNNING: frozenset({FINISHED}),
    FINISHED: frozenset(),
}
