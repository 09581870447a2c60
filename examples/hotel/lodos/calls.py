"""Calls to the call centre: to book, to cancel, and for all the rest."""

from __future__ import annotations

import numpy as np

from lodos.bookings import Bookings
from lodos.chance import Ints, happens, pick
from lodos.company import CALL_CENTRE, CANCELLED, DAY_S, OTA, World
from lodos.events import CALLED, PAST_DAYS, Events, events_of
from lodos.guests import People

OTHERS_PER_GUEST = 0.16  # a year
REASONS = ("rezervasyon", "iptal", "fiyat bilgisi", "değişiklik", "fatura", "transfer", "şikayet")
TO_BOOK, TO_CANCEL = 0, 1
OTHER_SHARES = (0, 0, 40, 22, 14, 14, 10)


def draw_calls(world: World, people: People, registered_s: Ints, bookings: Bookings) -> Events:
    """Return the calls: each booking by telephone is one, a third of cancellations are."""
    rng = world.stream("calls")
    trips = bookings.trips
    booked = np.flatnonzero(trips.channel == CALL_CENTRE)
    cancelled = np.flatnonzero((bookings.status == CANCELLED) & (trips.channel != OTA))
    cancelled = cancelled[happens(rng, 0.35, cancelled.size)]
    n_others = round(people.size * OTHERS_PER_GUEST)
    caller = rng.integers(0, people.size, n_others)
    since_s = np.maximum(registered_s[caller], world.export_s - PAST_DAYS * DAY_S)
    day = (since_s + rng.random(n_others) * (world.export_s - since_s)).astype(np.int64) // DAY_S
    other_s = np.maximum(day * DAY_S + rng.integers(9 * 3_600, 22 * 3_600, n_others), since_s)
    talk_s = rng.integers(120, 900, booked.size)
    return events_of(
        np.full(booked.size + cancelled.size + n_others, CALLED),
        guest=np.concatenate([trips.guest[booked], trips.guest[cancelled], caller]),
        at_s=np.concatenate(
            [trips.booked_s[booked] - talk_s, bookings.status_s[cancelled] - 240, other_s]
        ),
        hotel=np.concatenate(
            [trips.hotel[booked], trips.hotel[cancelled], pick(rng, (45, 21, 34), n_others)]
        ),
        reason=np.concatenate(
            [
                np.full(booked.size, TO_BOOK),
                np.full(cancelled.size, TO_CANCEL),
                pick(rng, OTHER_SHARES, n_others),
            ]
        ),
        duration_s=np.concatenate([talk_s, rng.integers(40, 600, cancelled.size + n_others)]),
    )
