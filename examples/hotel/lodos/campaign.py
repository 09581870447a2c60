"""A campaign that has ended, with a true effect: the planted truth to measure against."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from lodos.chance import Bools, Ints, pick, pick_days
from lodos.company import BODRUM, CALL_CENTRE, DAY_S, WEB, World, day_of, demand
from lodos.consents import Consents
from lodos.guests import People
from lodos.trips import Trips, draw_nights

NAME = "Yaz bitmeden Bodrum"
ENDED_DAYS_AGO = 20
WINDOW_DAYS = 14
SENT_HOUR_S = 10 * 3_600
GUESTS_SHARE = 0.4  # of all guests: 10,000 of 25,000
HOLDOUT_SHARE = 0.15
TRUE_EFFECT = 0.02  # of the treated book who would not have
SOONEST_DAYS, FARTHEST_DAYS = 3, 120  # from the booking to the arrival


@dataclass(frozen=True)
class Assignment:
    """Who was written to and who was held out, and when that was decided."""

    guest: Ints
    treated: Bools
    assigned_s: int

    @property
    def assigned_on(self) -> date:
        """Return the day on which the campaign went out."""
        return day_of(self.assigned_s // DAY_S)

    @property
    def until_s(self) -> int:
        """Return the end of the window in which bookings count, itself outside."""
        return self.assigned_s + WINDOW_DAYS * DAY_S


def assign(world: World, consents: Consents, registered_s: Ints) -> Assignment:
    """Return a random draw of the guests known and granted for e-mail on that day, in two arms."""
    rng = world.stream("campaign")
    assigned_s = (world.today_day - ENDED_DAYS_AGO - WINDOW_DAYS) * DAY_S + SENT_HOUR_S
    eligible = np.flatnonzero(consents.email_granted(assigned_s) & (registered_s < assigned_s))
    n = min(eligible.size, round(world.guests * GUESTS_SHARE))
    guest = rng.permutation(eligible)[:n]
    treated = np.arange(n) >= round(n * HOLDOUT_SHARE)
    order = np.argsort(guest)
    return Assignment(guest[order], treated[order], assigned_s)


def planted_trips(world: World, people: People, assignment: Assignment, trips: Trips) -> Trips:
    """Return the trips to Bodrum that the campaign caused.

    ``TRUE_EFFECT`` of the treated, drawn from those with neither a booking in the window nor a stay
    after it, book once within the window. Nobody else's bookings change.
    """
    rng = world.stream("planted")
    busy = np.zeros(people.size, dtype=np.bool_)
    busy[trips.guest[trips.booked_s >= assignment.assigned_s]] = True
    busy[trips.guest[trips.departure * DAY_S >= assignment.assigned_s]] = True
    treated = assignment.guest[assignment.treated]
    quiet = treated[~busy[treated]]
    n = min(round(treated.size * TRUE_EFFECT), quiet.size)
    guest = np.sort(rng.permutation(quiet)[:n])
    # Most answer within days; a message read twice is forgotten.
    after_s = rng.exponential(4 * DAY_S, n) % (WINDOW_DAYS * DAY_S - 3_600)
    booked_s = assignment.assigned_s + 600 + after_s.astype(np.int64)
    sent_day = assignment.assigned_s // DAY_S
    day_after = booked_s // DAY_S - sent_day
    hotel = np.full(n, BODRUM, dtype=np.int64)
    arrival = sent_day + pick_days(
        rng,
        demand(sent_day, WINDOW_DAYS + FARTHEST_DAYS + 1),
        hotel,
        day_after + SOONEST_DAYS,
        day_after + FARTHEST_DAYS,
    )
    return Trips(
        guest=guest,
        hotel=hotel,
        channel=np.where(pick(rng, (75, 25), n) == 0, WEB, CALL_CENTRE),
        arrival=arrival,
        nights=draw_nights(rng, people, guest, hotel),
        booked_s=booked_s,
    )
