"""Who may be written to or called: grants and refusals by channel, with their evidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lodos.chance import Bools, Ints, Rng, happens, pick
from lodos.company import DAY_S, World
from lodos.guests import People

CHANNELS = ("email", "sms", "whatsapp", "call", "webpush")
EMAIL = 0
# Of the guests who can be reached on the channel: shares that granted and that refused.
GRANTED = (0.665, 0.48, 0.30, 0.38, 0.12)
REFUSED = (0.11, 0.12, 0.06, 0.12, 0.03)
REFUSED_LATER = 0.06  # of those who granted
SOURCES = ("Web formu", "Resepsiyon", "Çağrı merkezi", "İYS")
EVIDENCE = ("WF", "RES", "CM", "IYS")
IYS = 3
IYS_CHANNELS = (0, 1, 3)  # the national registry knows e-mails, messages and calls
NEVER_S = 2**62


@dataclass(frozen=True)
class Consents:
    """Decisions in the order in which they were made, one element each."""

    guest: Ints
    channel: Ints
    granted: Bools
    source: Ints
    decided_s: Ints
    email_from_s: Ints  # per guest: granted for e-mail from here ...
    email_until_s: Ints  # ... to here; NEVER_S where there is no such moment

    def email_granted(self, moment_s: Ints | int) -> Bools:
        """Return for each guest whether e-mail is granted at ``moment_s``."""
        return (self.email_from_s <= moment_s) & (moment_s < self.email_until_s)


def draw_consents(world: World, people: People, registered_s: Ints) -> Consents:
    """Return the decisions of all guests; none before the guest was known."""
    rng = world.stream("consents")
    reachable = {
        "email": np.array([bool(email) for email in people.email]),
        "webpush": np.ones(people.size, dtype=np.bool_),
    }
    has_phone = np.array([bool(phone) for phone in people.phone])
    parts = []
    for number, channel in enumerate(CHANNELS):
        can = reachable.get(channel, has_phone)
        parts.append(_decisions(rng, world, number, can, registered_s))
    guest, channel_of, granted, source, decided_s = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    order = np.lexsort((channel_of, guest, decided_s))
    email_from_s = np.full(people.size, NEVER_S, dtype=np.int64)
    email_until_s = email_from_s.copy()
    by_email = channel_of == EMAIL
    email_from_s[guest[by_email & granted]] = decided_s[by_email & granted]
    email_until_s[guest[by_email & ~granted]] = decided_s[by_email & ~granted]
    return Consents(
        guest=guest[order],
        channel=channel_of[order],
        granted=granted[order],
        source=source[order],
        decided_s=decided_s[order],
        email_from_s=email_from_s,
        email_until_s=email_until_s,
    )


def _decisions(
    rng: Rng, world: World, channel: int, can: Bools, registered_s: Ints
) -> tuple[Ints, Ints, Bools, Ints, Ints]:
    """Return guest, channel, granted, source and moment of the decisions for one channel."""
    drawn = rng.random(can.size)
    granted = can & (drawn < GRANTED[channel])
    decides = can & (drawn < GRANTED[channel] + REFUSED[channel])
    first_s = _decided_s(rng, world, registered_s)
    revokes = granted & happens(rng, REFUSED_LATER, can.size)
    span_s = world.export_s - first_s
    later_s = first_s + 1 + ((0.02 + 0.97 * rng.random(can.size)) * span_s).astype(np.int64)
    source = pick(rng, (45, 38, 17, 0), can.size)
    registry = happens(rng, 0.5, can.size) & (channel in IYS_CHANNELS)
    later_source = np.where(registry, IYS, np.where(source == 1, 2, 0))
    guest = np.concatenate([np.flatnonzero(decides), np.flatnonzero(revokes)])
    return (
        guest,
        np.full(guest.size, channel, dtype=np.int64),
        np.concatenate([granted[decides], np.zeros(int(revokes.sum()), dtype=np.bool_)]),
        np.concatenate([source[decides], later_source[revokes]]),
        np.concatenate([first_s[decides], later_s[revokes]]),
    )


def _decided_s(rng: Rng, world: World, registered_s: Ints) -> Ints:
    """Return when guests first decide: mostly on the day they become known."""
    at_once = registered_s + rng.integers(60, DAY_S // 4, registered_s.size)
    span_s = world.export_s - registered_s
    some_day = registered_s + (rng.random(registered_s.size) * span_s).astype(np.int64)
    moment = np.where(happens(rng, 0.75, registered_s.size), at_once, some_day)
    return np.minimum(moment, world.export_s - 1_800)
