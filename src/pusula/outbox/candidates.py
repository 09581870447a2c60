"""A message that somebody asks for, and what was decided about it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Literal

InQuietHours = Literal["wait", "skip"]
WAIT: InQuietHours = "wait"
SKIP: InQuietHours = "skip"
URGENT, USUAL, LAST = 1, 5, 9  # priorities


@dataclass(frozen=True, slots=True)
class Way:
    """One way to say it: a channel, and the frozen content for it."""

    channel: str
    content_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A message for one profile that has not been decided about."""

    dedupe_key: str  # campaign or journey version + step, profile, entry: makes it happen once
    origin: str  # who asks: "campaign:12", "journey:7"
    step: str = ""  # of a journey; a mailing has none, and each inbox gets one copy of it
    profile_id: int
    order_id: int | None = None
    ways: tuple[Way, ...]  # in the order of preference: the first that may be used is used
    purpose: str
    is_commercial: bool = True
    priority: int = USUAL  # 1 is served first, 9 last
    due_at: int
    not_after_at: int
    in_quiet_hours: InQuietHours = WAIT
    variables: Mapping[str, str] = field(default_factory=dict)  # beyond what the profile says


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What became of a candidate: a message in line, or one that is skipped and why."""

    dedupe_key: str
    profile_id: int
    state: str  # of the message: see ``machine``
    reason: str = ""
    channel: str = ""
    content_id: int = 0
    address: str = ""
    due_at: int = 0  # when it is sent; later than asked for where it has to wait
    open_until_at: int | None = None  # from then on quiet hours hold it back
    # Less important messages that gave way: ids, or keys of those decided in the same call.
    displaced: tuple[Hashable, ...] = ()
    is_new: bool = True  # no: it was decided earlier, and nothing was written now
