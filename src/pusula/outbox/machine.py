"""The states of a message and the moves between them, as data."""

from __future__ import annotations

PENDING = "pending"  # waits for its turn
SENDING = "sending"  # passed the gate; the wire may or may not have it
SENT = "sent"  # the next hop said yes
SKIPPED = "skipped"  # decided against at the gate, with a reason
FAILED = "failed"  # the next hop said no, for good
UNKNOWN = "unknown"  # the sender died between the gate and the answer; never sent again by itself

STATES = (PENDING, SENDING, SENT, SKIPPED, FAILED, UNKNOWN)
FINAL = frozenset({SENT, SKIPPED, FAILED, UNKNOWN})  # no sender does anything with it any more
TAKEN = (SENDING, SENT, UNKNOWN)  # the inbox has it, or may have it
COUNTED = (PENDING, *TAKEN)  # the person has it, may have it, or is to get it: for caps and budgets
MOVES = {
    PENDING: frozenset({SENDING, SKIPPED, FAILED}),
    SENDING: frozenset({SENT, FAILED, UNKNOWN, PENDING}),  # pending: the hop said "later"
    SENT: frozenset(),
    SKIPPED: frozenset(),
    FAILED: frozenset(),
    UNKNOWN: frozenset({SENT, FAILED}),  # by what the provider says, or when a person sends it anew
}
