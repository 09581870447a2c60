"""Who travels when: loyalty, habits, lapses, and the day on which each trip is booked."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from lodos.chance import (
    Bools,
    Floats,
    Ints,
    Rng,
    happens,
    pick,
    pick_by_row,
    pick_days,
    seconds_of_day,
)
from lodos.company import (
    CALL_CENTRE,
    CHANNELS,
    CORPORATE,
    DAY_S,
    FUTURE_DAYS,
    HISTORY_DAYS,
    HOTELS,
    ISTANBUL,
    WALK_IN,
    WORK,
    World,
    demand,
)
from lodos.guests import TURKISH, People

NO_TRIP_SHARE = 0.04  # signed up on the web and never booked
NEWCOMER_SHARE = 0.026  # whose first stay is still ahead
UPCOMING_SHARE = 0.086  # who have booked ahead, before cancellations and clashes
ELSEWHERE_SHARE = 0.22  # of trips go to any of the hotels, the others to the guest's own
LONGEST_LEAD_DAYS = 330
IN_SIGHT_DAYS = 110  # after so many days ahead a third has been booked
BEGAN_BEFORE_SHARE = 0.45  # of the guests who come again: known before the export begins
LOYALTY_EXPONENT = 2.3
MOST_TRIPS = 30
LONG_KNOWN_SHARE = 0.15  # of those with an early first booking
NEVER_S = 2**62
FEWEST_FOR_WORK = 6  # trips of a guest who travels for work
HABIT_YEARS = 3
HABIT_DAYS = 18  # a guest who comes every year comes within these of the same day


@dataclass(frozen=True)
class Trips:
    """Bookings to be, one element each, in no order."""

    guest: Ints
    hotel: Ints
    channel: Ints
    arrival: Ints  # day number
    nights: Ints
    booked_s: Ints

    @property
    def departure(self) -> Ints:
        """Return the day numbers of departure."""
        return self.arrival + self.nights

    def take(self, which: Ints | Bools) -> Trips:
        """Return the trips at the positions, or under the mask, ``which``."""
        return Trips(**{f.name: getattr(self, f.name)[which] for f in fields(self)})

    def and_(self, other: Trips) -> Trips:
        """Return these trips and those of ``other``."""
        return Trips(
            **{
                f.name: np.concatenate([getattr(self, f.name), getattr(other, f.name)])
                for f in fields(self)
            }
        )


@dataclass(frozen=True)
class Ways:
    """What is typical of each guest: how often, where to, for work, still coming, out of habit."""

    n_trips: Ints
    newcomer: Bools
    home_curve: Ints  # a hotel, or WORK
    channel: Ints
    still_comes: Bools
    has_habit: Bools


def draw_trips(world: World, people: People) -> Trips:
    """Return all trips booked by the day of the export; no guest is in two places at once."""
    rng = world.stream("trips")
    ways = _ways(rng, people)
    curves = demand(world.first_day, HISTORY_DAYS + FUTURE_DAYS)
    past = _past(rng, world, people, ways, curves)
    ahead = _ahead(rng, world, people, ways, curves)
    return _without_clashes(past.and_(ahead))


def booking_times(rng: Rng, world: World, arrival: Ints, lead_days: Ints) -> Ints:
    """Return when trips are booked that many days ahead: before the guest stands at the desk."""
    booked = (arrival - lead_days) * DAY_S + seconds_of_day(rng, arrival.size)
    at_the_desk = arrival * DAY_S + rng.integers(8 * 3_600, 14 * 3_600, arrival.size)
    return np.minimum(np.where(lead_days > 0, booked, at_the_desk), world.export_s - 60)


def draw_nights(rng: Rng, people: People, guest: Ints, hotel: Ints) -> Ints:
    """Return how many nights each trip lasts."""
    tables = [t for h in HOTELS for t in (h.nights_domestic, h.nights_foreign)]
    return 1 + pick_by_row(rng, tables, hotel * 2 + (people.country[guest] != TURKISH))


def _ways(rng: Rng, people: People) -> Ways:
    n = people.size
    foreign = people.country != TURKISH
    counts = np.arange(1, MOST_TRIPS + 1)
    n_trips = 1 + pick(rng, counts**-LOYALTY_EXPONENT, n)
    kind = rng.random(n)
    newcomer = (kind >= NO_TRIP_SHARE) & (kind < NO_TRIP_SHARE + NEWCOMER_SHARE)
    n_trips[kind < NO_TRIP_SHARE + NEWCOMER_SHARE] = 0
    home = pick_by_row(rng, ((42, 22, 36), (58, 17, 25)), foreign.astype(np.int64))
    for_work = ~foreign & (n_trips >= FEWEST_FOR_WORK) & happens(rng, 0.5, n)
    channel = pick_by_row(
        rng,
        ([c.share_domestic for c in CHANNELS], [c.share_foreign for c in CHANNELS]),
        foreign.astype(np.int64),
    )
    return Ways(
        n_trips=n_trips,
        newcomer=newcomer,
        home_curve=np.where(for_work, WORK, home),
        channel=np.where(for_work, CORPORATE, channel),
        still_comes=happens(rng, 0.6, n),
        has_habit=happens(rng, 0.5, n) & ~for_work,
    )


def _past(rng: Rng, world: World, people: People, ways: Ways, curves: Floats) -> Trips:
    """Return the trips with arrival before today."""
    guest = np.repeat(np.arange(people.size), ways.n_trips)
    turn = np.arange(guest.size) - np.repeat(np.cumsum(ways.n_trips) - ways.n_trips, ways.n_trips)
    curve = _curve(rng, ways, guest)
    low, high = _spans(rng, ways)
    low, high = low[guest], high[guest]
    habitual = (ways.has_habit & (ways.n_trips > 1))[guest] & (turn < HABIT_YEARS)
    curve = np.where(habitual, ways.home_curve[guest], curve)
    years_ago = turn + ~ways.still_comes[guest]
    centre = _favourite_days(rng, ways, curves)[guest] - 365 * years_ago
    low = np.where(habitual, np.clip(centre - HABIT_DAYS, 0, HISTORY_DAYS - 1), low)
    high = np.where(habitual, np.clip(centre + HABIT_DAYS, 0, HISTORY_DAYS - 1), high)
    arrival = world.first_day + pick_days(rng, curves, curve, low, high)
    hotel = np.where(curve == WORK, ISTANBUL, curve)
    channel = _channel(rng, people, ways, guest)
    booked_s = booking_times(rng, world, arrival, _lead_days(rng, hotel, channel))
    nights = draw_nights(rng, people, guest, hotel)
    nights = np.where(curve == WORK, np.minimum(nights, 3), nights)
    return Trips(guest, hotel, channel, arrival, nights, booked_s)


def _ahead(rng: Rng, world: World, people: People, ways: Ways, curves: Floats) -> Trips:
    """Return the trips with arrival today or later, one for each guest who has one."""
    n_known = max(0, round(people.size * UPCOMING_SHARE) - int(ways.newcomer.sum()))
    known = np.flatnonzero(ways.n_trips > 0)
    weight = (ways.n_trips * np.where(ways.still_comes, 1.0, 0.3))[known]
    chosen = rng.choice(known, n_known, replace=False, p=weight / weight.sum())
    guest = np.concatenate([np.flatnonzero(ways.newcomer), chosen])
    # Fewer have booked the farther days yet, and who looks ahead from winter looks at less sea.
    in_sight = curves[:, HISTORY_DAYS:] * np.exp(-np.arange(FUTURE_DAYS) / IN_SIGHT_DAYS)
    elsewhere = np.where(np.arange(len(curves)) == WORK, 0, ELSEWHERE_SHARE / len(HOTELS))
    by_home = (elsewhere + (1 - ELSEWHERE_SHARE) * np.eye(len(curves))) * in_sight.sum(axis=1)
    curve = pick_by_row(rng, by_home.tolist(), ways.home_curve[guest])
    nobody = np.zeros(guest.size, dtype=np.int64)
    ahead = pick_days(rng, in_sight, curve, nobody, nobody + FUTURE_DAYS - 1)
    hotel = np.where(curve == WORK, ISTANBUL, curve)
    channel = _channel(rng, people, ways, guest)
    channel = np.where(channel == WALK_IN, CALL_CENTRE, channel)
    age_days = 1 + rng.exponential(38 + ahead / 3).astype(np.int64)
    age_days = np.minimum(age_days, LONGEST_LEAD_DAYS - ahead)
    arrival = world.today_day + ahead
    booked_s = booking_times(rng, world, arrival, ahead + age_days)
    return Trips(guest, hotel, channel, arrival, draw_nights(rng, people, guest, hotel), booked_s)


def _curve(rng: Rng, ways: Ways, guest: Ints) -> Ints:
    """Return where trips go: mostly to the guest's own hotel."""
    elsewhere = happens(rng, ELSEWHERE_SHARE, guest.size)
    other = rng.integers(0, len(HOTELS), guest.size)
    return np.where(elsewhere, other, ways.home_curve[guest])


def _channel(rng: Rng, people: People, ways: Ways, guest: Ints) -> Ints:
    """Return how trips are booked: mostly as the guest always does."""
    anew = pick_by_row(
        rng,
        ([c.share_domestic for c in CHANNELS], [c.share_foreign for c in CHANNELS]),
        (people.country[guest] != TURKISH).astype(np.int64),
    )
    as_always = happens(rng, 0.6, guest.size)
    return np.where(as_always, ways.channel[guest], anew)


def _lead_days(rng: Rng, hotel: Ints, channel: Ints) -> Ints:
    median = np.array([c.lead_days for c in CHANNELS])[channel]
    sigma = np.array([c.lead_sigma for c in CHANNELS])[channel]
    sooner = np.array([h.lead for h in HOTELS])[hotel]
    days = median * sooner * np.exp(sigma * rng.standard_normal(channel.size))
    return days.clip(0, LONGEST_LEAD_DAYS).astype(np.int64)


def _spans(rng: Rng, ways: Ways) -> tuple[Ints, Ints]:
    """Return the first and last day, from the start of the export, on which each guest may arrive.

    Who travels often began early; who no longer comes stopped somewhere on the way.
    """
    n = ways.n_trips.size
    last = HISTORY_DAYS - 1
    began = rng.beta(1.0, 1.0 + 0.15 * ways.n_trips) * last * ~happens(rng, BEGAN_BEFORE_SHARE, n)
    stopped = began + np.maximum(60, (last - began) * rng.uniform(0.3, 0.95, n))
    once = ways.n_trips <= 1
    low = np.where(once, 0, began)
    high = np.where(once | ways.still_comes, last, np.minimum(stopped, last))
    return low.astype(np.int64), high.astype(np.int64)


def _favourite_days(rng: Rng, ways: Ways, curves: Floats) -> Ints:
    """Return for each guest the day of the last year around which a habit would have them come."""
    first = np.full(ways.n_trips.size, HISTORY_DAYS - 365, dtype=np.int64)
    return pick_days(rng, curves, ways.home_curve, first, first + 364)


def _without_clashes(trips: Trips) -> Trips:
    """Return ``trips`` less those that begin before the same guest's stay before them has ended."""
    trips = trips.take(np.lexsort((trips.arrival, trips.guest)))
    while True:
        clash = np.zeros(trips.guest.size, dtype=np.bool_)
        clash[1:] = (trips.guest[1:] == trips.guest[:-1]) & (
            trips.arrival[1:] < trips.departure[:-1]
        )
        if not clash.any():
            return trips
        trips = trips.take(~clash)


def registered(world: World, people: People, trips: Trips) -> Ints:
    """Return the second at which each guest became known.

    That is with the first booking; for some in the years before the export begins; for those who
    only signed up on the web at any time.
    """
    rng = world.stream("registered")
    span_s = world.export_s - world.first_day * DAY_S
    signed_up_s = world.export_s - 3_600 - (rng.random(people.size) * (span_s - 3_600)).astype(int)
    first_s = np.full(people.size, NEVER_S, dtype=np.int64)
    np.minimum.at(first_s, trips.guest, trips.booked_s)
    since_s = np.where(first_s == NEVER_S, signed_up_s, first_s)
    long_known = happens(rng, LONG_KNOWN_SHARE, people.size) & (
        first_s < world.today_day * DAY_S - span_s // 2
    )
    return np.where(long_known, since_s - rng.integers(30, 5 * 365, people.size) * DAY_S, since_s)
