"""Visits to the web site, before bookings and without: searches, views, starts, abandonments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lodos.bookings import Bookings
from lodos.chance import Bools, Ints, Rng, happens, pick, pick_days, seconds_of_day
from lodos.company import CALL_CENTRE, DAY_S, WEB, World, demand
from lodos.events import (
    ABANDONED,
    DEVICE_SHARES,
    SEARCHED,
    STARTED,
    VIEWED,
    Events,
    events_of,
    from_day,
)
from lodos.guests import People
from lodos.trips import draw_nights

VISITS_PER_GUEST = 1.9  # a year, besides those that lead to a booking
STARTS_SHARE = 0.13  # of those visits; all but a few are abandoned
LOGS_IN_SHARE = 0.7  # the others are known by their e-mail address
ABANDONED_AFTER_S = 1_800
FARTHEST_DAYS = 180
SOURCES = ("google", "direct", "instagram", "newsletter", "metasearch", "facebook")
SOURCE_SHARES = (38, 24, 12, 11, 9, 6)
STEPS = ("misafir bilgileri", "ödeme", "oda seçimi")
STEP_SHARES = (40, 42, 18)


@dataclass(frozen=True)
class Visits:
    """Visits, one element each: for which stay, how far they got, and when."""

    guest: Ints
    hotel: Ints
    check_in: Ints
    nights: Ints
    starts: Bools
    books: Bools
    moment_s: Ints  # its end where it ends in a booking, else its beginning


def draw_visits(
    world: World, people: People, registered_s: Ints, bookings: Bookings
) -> tuple[Events, Events]:
    """Return the clicks of visits that come before a booking, and of all others."""
    rng = world.stream("visits")
    return (
        _clicks(rng, people, _before_bookings(rng, world, bookings)),
        _clicks(rng, people, _others(rng, world, people, registered_s)),
    )


def _before_bookings(rng: Rng, world: World, bookings: Bookings) -> Visits:
    """Return the visit in which each web booking was made, and earlier ones for the same stay.

    Six in ten had been there before, half of those had got as far as to abandon the booking; of
    those who book by telephone a third have looked on the web first.
    """
    trips = bookings.trips
    recent = trips.booked_s >= from_day(world) * DAY_S
    on_web = np.flatnonzero(recent & (trips.channel == WEB))
    by_phone = np.flatnonzero(recent & (trips.channel == CALL_CENTRE))
    again = on_web[happens(rng, 0.6, on_web.size)]
    looked = by_phone[happens(rng, 0.35, by_phone.size)]
    earlier = np.concatenate([again, looked])
    which = np.concatenate([on_web, earlier])
    books = np.arange(which.size) < on_web.size
    got_far = np.arange(which.size) < on_web.size + again.size
    before_s = np.where(books, 60, 2 * 3_600 + rng.exponential(2.2 * DAY_S, which.size))
    return Visits(
        guest=trips.guest[which],
        hotel=trips.hotel[which],
        check_in=trips.arrival[which],
        nights=trips.nights[which],
        starts=books | (got_far & happens(rng, 0.5, which.size)),
        books=books,
        moment_s=trips.booked_s[which] - before_s.astype(np.int64),
    )


def _others(rng: Rng, world: World, people: People, registered_s: Ints) -> Visits:
    """Return visits that lead to nothing; a third of the guests never come."""
    interest = np.exp(0.9 * rng.standard_normal(people.size)) * happens(rng, 0.67, people.size)
    since_s = np.maximum(registered_s, from_day(world) * DAY_S)
    interest *= world.export_s - since_s
    guest = pick(rng, interest, round(people.size * VISITS_PER_GUEST))
    span_s = world.export_s - since_s[guest]
    any_time = since_s[guest] + (rng.random(guest.size) * span_s).astype(np.int64)
    moment_s = any_time // DAY_S * DAY_S + seconds_of_day(rng, guest.size)
    moment_s = np.where(moment_s < since_s[guest], any_time, moment_s)
    hotel = pick(rng, (45, 21, 34), guest.size)
    day = moment_s // DAY_S - from_day(world)
    curves = demand(from_day(world), int(day.max(initial=0)) + FARTHEST_DAYS + 1)
    return Visits(
        guest=guest,
        hotel=hotel,
        check_in=from_day(world) + pick_days(rng, curves, hotel, day + 1, day + FARTHEST_DAYS),
        nights=draw_nights(rng, people, guest, hotel),
        starts=happens(rng, STARTS_SHARE, guest.size),
        books=np.zeros(guest.size, dtype=np.bool_),
        moment_s=moment_s,
    )


def _clicks(rng: Rng, people: People, visits: Visits) -> Events:
    """Return the events of ``visits``: searches, views, a start; half an hour later, abandoned."""
    n = visits.guest.size
    searches = 1 + rng.poisson(0.9, n)
    views = 1 + rng.poisson(1.1, n)
    abandons = visits.starts & ~visits.books
    steps = searches + views + visits.starts + abandons
    pace_s = rng.integers(25, 150, n)
    start_s = visits.moment_s - np.where(visits.books, steps * pace_s, 0)
    known = happens(rng, LOGS_IN_SHARE, n) | ~people.has_own_email[visits.guest]
    device, source = pick(rng, DEVICE_SHARES, n), pick(rng, SOURCE_SHARES, n)
    visit = np.repeat(np.arange(n), steps)
    step = np.arange(visit.size) - np.repeat(np.cumsum(steps) - steps, steps)
    ends_at = np.stack([searches, searches + views, searches + views + visits.starts])
    kind = (step >= ends_at[:, visit]).sum(axis=0)
    kind = np.array([SEARCHED, VIEWED, STARTED, ABANDONED])[kind]
    at_s = start_s[visit] + step * pace_s[visit] + rng.integers(0, 20, visit.size)
    undecided = (kind <= VIEWED) & happens(rng, 0.15, visit.size)
    other = pick(rng, (1, 1, 1), visit.size)
    return events_of(
        kind,
        guest=visits.guest[visit],
        at_s=at_s + np.where(kind == ABANDONED, ABANDONED_AFTER_S, 0),
        by_email=~known[visit],
        hotel=np.where(undecided, other, visits.hotel[visit]),
        check_in=visits.check_in[visit],
        nights=visits.nights[visit],
        adults=(1 + pick(rng, (15, 72, 8, 5), n))[visit],
        children=pick(rng, (70, 16, 11, 3), n)[visit],
        device=device[visit],
        source=source[visit],
        step=pick(rng, STEP_SHARES, visit.size),
    )
