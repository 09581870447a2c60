"""Events as columns: what guests do on the web, with e-mails and on the telephone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np

from lodos.chance import Bools, Ints
from lodos.company import DAY_S, World

PAST_DAYS = 365

SEARCHED, VIEWED, STARTED, ABANDONED, OPENED, CLICKED, CALLED = range(7)
NAMES = (
    "Hotel Searched",
    "Hotel Viewed",
    "Booking Started",
    "Booking Abandoned",
    "Email Opened",
    "Email Clicked",
    "Call Received",
)
DEVICES = ("mobile", "desktop", "tablet")
DEVICE_SHARES = (62, 32, 6)


@dataclass(frozen=True)
class Events:
    """Events, one element each; a column that a kind does not use is 0 there."""

    guest: Ints
    kind: Ints
    at_s: Ints
    by_email: Bools  # names its guest by address, not by number
    hotel: Ints
    check_in: Ints  # day number
    nights: Ints
    adults: Ints
    children: Ints
    device: Ints
    source: Ints  # of a visit
    step: Ints  # at which a booking was abandoned
    mail: Ints  # number of the newsletter
    reason: Ints  # of a call
    duration_s: Ints  # of a call

    def take(self, which: Ints | Bools) -> Events:
        """Return the events at the positions, or under the mask, ``which``."""
        return Events(**{f.name: getattr(self, f.name)[which] for f in fields(self)})


def events_of(kind: Ints, **columns: Ints | Bools) -> Events:
    """Return events with the given columns and zeros in all others."""
    empty = {
        f.name: np.zeros(kind.size, dtype=np.bool_ if f.name == "by_email" else np.int64)
        for f in fields(Events)
    }
    return Events(**{**empty, "kind": kind, **columns})


def from_day(world: World) -> int:
    """Return the first day of which events are told."""
    return world.today_day - PAST_DAYS


def in_order(world: World, parts: Iterable[Events]) -> Events:
    """Return all events between the first day and the export, in the order of time."""
    together = list(parts)
    events = Events(
        **{f.name: np.concatenate([getattr(p, f.name) for p in together]) for f in fields(Events)}
    )
    told = (events.at_s >= from_day(world) * DAY_S) & (events.at_s < world.export_s)
    events = events.take(told)
    return events.take(np.lexsort((events.kind, events.guest, events.at_s)))
