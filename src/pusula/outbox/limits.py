"""Caps and quiet hours looked at again, for messages that leave later than was decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import connection

from pusula.lib import clock
from pusula.outbox import known, policies, zones
from pusula.outbox.reasons import Reason
from pusula.outbox.rules.ledger import Entry, Ledger
from pusula.outbox.rules.policy import Policy
from pusula.outbox.rules.quiet import Open, opening
from pusula.profiles.models import Profile

BUSY = 5 * clock.SECOND  # until somebody else has decided about the person


@dataclass(frozen=True, slots=True)
class Late:
    """A commercial message at the gate."""

    id: int
    profile_id: int
    channel: str
    not_after_at: int
    has_others: bool  # messages to the person that may count under a cap


@dataclass(slots=True)
class Again:
    """What the limits say now: who must not go and why, and who has to wait until when."""

    refused: dict[int, str] = field(default_factory=dict)
    put_off: dict[int, Open] = field(default_factory=dict)

    def wait(self, message: Late, opened: Open, reason: Reason) -> None:
        """Let a message wait, or refuse it for ``reason`` if it is worthless by then."""
        if opened.at > message.not_after_at:
            self.refused[message.id] = reason.value
        else:
            self.put_off[message.id] = opened


def look_again(messages: Sequence[Late], *, policy: int, at: int, is_binding: bool) -> Again:
    """Return what quiet hours and caps say of ``messages`` at ``at``; within a transaction.

    Under a cap counts what has passed the gate, not what is planned. If it is binding, those that
    may go do so now: of two to one person the first counts for the second.
    """
    limits = policies.of_number(policy).policy
    found = Again()
    _quiet(messages, limits, at, found)
    crowded = [m for m in messages if m.has_others and m.id not in found.put_off | found.refused]
    if crowded and limits.caps:
        _capped(crowded, limits, at, found, is_binding=is_binding)
    return found


def _quiet(messages: Sequence[Late], limits: Policy, at: int, found: Again) -> None:
    asked = [message for message in messages if limits.quiet_of(message.channel)]
    if not asked:
        return
    clocks = zones.of({message.profile_id for message in asked})
    for message in asked:
        quiet = limits.quiet_of(message.channel)
        if quiet is None:
            continue
        opened = opening(quiet, clocks[message.profile_id], at)
        if opened.at > at:
            found.wait(message, opened, Reason.QUIET)


def _capped(
    messages: Sequence[Late], limits: Policy, at: int, found: Again, *, is_binding: bool
) -> None:
    people = {message.profile_id for message in messages}
    free = _locked(people) if is_binding else people
    ledger = Ledger()
    for profile_id, entry in known.counting(people, memory=limits.memory, at=at):
        if not entry.is_pending:
            ledger.add(profile_id, entry)
    for message in messages:
        if message.profile_id not in free:
            found.put_off[message.id] = _again(at + BUSY)
            continue
        caps = limits.caps_of(message.channel)
        room_at = ledger.room_from(message.profile_id, caps, at=at)
        if room_at > at:
            found.wait(message, _again(room_at), Reason.CAPPED)
        elif is_binding:
            ledger.add(message.profile_id, Entry(message.id, at, message.channel))


def _again(at: int) -> Open:
    """Return an opening at ``at`` of which nothing else is known: everything is asked again."""
    return Open(at, at)


def _locked(profile_ids: set[int]) -> set[int]:
    """Return whom nobody else is deciding about now, and see to it that nobody begins."""
    if not connection.features.has_select_for_update_skip_locked:
        return profile_ids
    people = Profile.objects.select_for_update(no_key=True, skip_locked=True).order_by("pk")
    return set(people.filter(pk__in=profile_ids).values_list("pk", flat=True))
