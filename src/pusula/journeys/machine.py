"""The states of journeys and of those on them, and the moves between, as data."""

from __future__ import annotations

# Journeys.
DRAFT = "draft"  # nobody has come in; its versions are being written
LIVE = "live"  # people come in and move
PAUSED = "paused"  # nobody comes in and nobody moves; time passes
ARCHIVED = "archived"  # over; those who were on it have left
STATES = (DRAFT, LIVE, PAUSED, ARCHIVED)
RUNNING = (LIVE, PAUSED)
MOVES = {
    DRAFT: frozenset({LIVE, ARCHIVED}),
    LIVE: frozenset({PAUSED, ARCHIVED}),
    PAUSED: frozenset({LIVE, ARCHIVED}),
    ARCHIVED: frozenset({LIVE}),
}

# What a passage says of somebody who was put on another version.
MIGRATED = "migrated"

# Enrollments: everybody who came in is in exactly one of the two.
WAITING = "waiting"
FINISHED = "finished"
ENROLLMENT_STATES = (WAITING, FINISHED)
ENROLLMENT_MOVES = {WAITING: frozenset({FINISHED}), FINISHED: frozenset[str]()}

# Why somebody left: each finished enrollment has one.
DONE = "done"  # came to the end
GOAL = "goal"
EXITED = "exited"  # by a step or by exit_when
CANCELLED = "cancelled"  # the order was
RESTARTED = "restarted"  # came in anew
HELD_OUT = "holdout"  # never began: measured against
MERGED = "merged"  # the person was on it twice
STOPPED = "archived"  # the journey was archived
NO_COUPON = "no_coupon"
OUTCOMES = (
    DONE, GOAL, EXITED, CANCELLED, RESTARTED, HELD_OUT, MERGED, STOPPED, NO_COUPON,
)  # fmt: skip

# What an enrollment waits for besides time.
NOTHING = ""
A_TRIGGER = "trigger"
A_PERSON = "person"  # an outcome of a call, or an approval
