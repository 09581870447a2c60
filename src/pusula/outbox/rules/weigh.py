"""The limits applied to one message after the other: when it may go, or why it may not."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

from pusula.lib import ids
from pusula.outbox.candidates import SKIP, InQuietHours
from pusula.outbox.rules.budgets import Spending
from pusula.outbox.rules.ledger import Entry, Ledger
from pusula.outbox.rules.policy import Policy
from pusula.outbox.rules.quiet import opening

# Of ``outbox.reasons``, which the pages read.
HELD_OUT, EXPIRED, QUIET, BUDGET, CAPPED = (
    "holdout_global", "expired", "quiet", "budget", "capped",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the limits need to know of a message."""

    key: Hashable
    profile_id: int
    channel: str
    due_at: int
    not_after_at: int
    zone: str  # of the person's clock
    priority: int = 5
    is_commercial: bool = True
    in_quiet_hours: InQuietHours = "wait"


@dataclass(frozen=True, slots=True)
class Weighed:
    """When a message goes, or the reason why it does not."""

    due_at: int
    reason: str = ""
    open_until_at: int | None = None
    displaced: tuple[Entry, ...] = ()  # gave way to it, and is out of the ledger


class Scales:
    """Weighs messages one by one, in the order in which they come; what passes counts at once."""

    def __init__(
        self, policy: Policy, *, zone: str, with_budgets: bool = True, is_replay: bool = False
    ) -> None:
        """Start with nothing sent; ``zone`` is the company's.

        In a replay of history each message is asked for at its moment, and what was due before
        has left.
        """
        self.policy = policy
        self.ledger = Ledger()
        self.spending = Spending(zone)
        self._with_budgets = with_budgets
        self._is_replay = is_replay

    def weigh(self, asked: Asked) -> Weighed:
        """Return what is decided about one message.

        1. Who is held out from everything gets nothing commercial. 2. What is too late goes
        nowhere. 3. Quiet hours and budgets move it, not behind its last moment. 4. It must fit
        under the caps, if need be in place of a less important one that has not left.
        """
        if not asked.is_commercial:
            self._take(asked, asked.due_at)
            is_late = asked.due_at > asked.not_after_at
            return Weighed(asked.due_at, EXPIRED if is_late else "")
        if is_held_out(self.policy, asked.profile_id):
            return Weighed(asked.due_at, HELD_OUT)
        moved = self._moved(asked)
        if moved.reason:
            return moved
        displaced = self.ledger.room(
            asked.profile_id, self.policy.caps_of(asked.channel),
            at=moved.due_at, priority=asked.priority,
            left_by=asked.due_at if self._is_replay else None,
        )  # fmt: skip
        if displaced is None:
            return Weighed(moved.due_at, CAPPED)
        if displaced:
            self.ledger.remove(asked.profile_id, (entry.key for entry in displaced))
        self.count(asked, moved.due_at)
        return Weighed(moved.due_at, "", moved.open_until_at, displaced)

    def count(self, asked: Asked, at: int, *, is_pending: bool = True) -> None:
        """Note that a message goes at ``at``."""
        self._take(asked, at)
        if self.policy.caps and asked.is_commercial:
            entry = Entry(asked.key, at, asked.channel, asked.priority, is_pending)
            self.ledger.add(asked.profile_id, entry)

    def _take(self, asked: Asked, at: int) -> None:
        if self._with_budgets and self.policy.budgets:
            self.spending.take(self.policy.budgets_of(asked.channel), at)

    def _moved(self, asked: Asked) -> Weighed:
        """Return when it may leave, past quiet hours and into an hour that has room."""
        at, until_at = asked.due_at, None
        if at > asked.not_after_at:
            return Weighed(at, EXPIRED)
        quiet = self.policy.quiet_of(asked.channel) if self.policy.quiet else None
        budgets = self.policy.budgets_of(asked.channel) if self._with_budgets else ()
        while True:
            if quiet is not None:
                opened = opening(quiet, asked.zone, at)
                is_moved = opened.at > at
                if opened.at > asked.not_after_at or (is_moved and asked.in_quiet_hours == SKIP):
                    return Weighed(at, QUIET)
                at, until_at = opened.at, opened.until_at
            free_at = self.spending.free_at(budgets, at) if budgets else at
            if free_at == at:
                return Weighed(at, "", until_at)
            if free_at > asked.not_after_at:
                return Weighed(at, BUDGET)
            at = free_at


def is_held_out(policy: Policy, profile_id: int) -> bool:
    """Return whether the profile gets nothing commercial at all; the same for ever by the name."""
    holdout = policy.holdout
    if holdout is None:
        return False
    drawn = ids.bucket("holdout everything", holdout.name, str(profile_id))
    return drawn < holdout.share * ids.BUCKETS
