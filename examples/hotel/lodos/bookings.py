"""What became of each trip by the day of the export, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from lodos.chance import Bools, Floats, Ints, Rng, happens, pick_by_row
from lodos.company import (
    AGENCY,
    CALL_CENTRE,
    CANCELLED,
    CHANNELS,
    COMPLETED,
    CONFIRMED,
    CORPORATE,
    DAY_S,
    HOTELS,
    IN_HOUSE,
    NO_SHOW,
    OPERATOR,
    OTA,
    PENDING,
    WALK_IN,
    World,
    euro_rate,
    is_bayram,
    price_index,
    season,
)
from lodos.guests import TURKISH, People
from lodos.trips import Trips

CANCELLED_SHARE = 0.22  # of all trips, before those whose day of cancelling is still ahead
NO_SHOW_CHANCE = 0.027
OPTION_DAYS = 7  # an option is held this long
VAT_AND_CITY_TAX = 1.12
MEMBERS_SHARE = 0.55
TIERS = ((1, "Mavi"), (3, "Gümüş"), (6, "Altın"), (10, "Platin"))  # from so many stays on


@dataclass(frozen=True)
class Bookings:
    """Bookings as the export knows them, one element each."""

    trips: Trips
    room: Ints
    board: Ints
    adults: Ints
    children: Ints
    status: Ints
    status_s: Ints
    in_euro: Bools
    rate: Floats  # liras for one unit of the currency
    gross_minor: Ints
    net_minor: Ints

    def and_(self, other: Bookings) -> Bookings:
        """Return these and ``other``, in the order in which they were booked."""
        trips = self.trips.and_(other.trips)
        order = np.lexsort((trips.guest, trips.booked_s))
        columns = {
            f.name: np.concatenate([getattr(self, f.name), getattr(other, f.name)])[order]
            for f in fields(self)
            if f.name != "trips"
        }
        return Bookings(trips=trips.take(order), **columns)


def settle(world: World, people: People, trips: Trips, part: str, *, firm: bool) -> Bookings:
    """Return ``trips`` as bookings, drawn from the stream ``part``; nobody drops ``firm`` ones."""
    rng = world.stream(part)
    status, status_s = _outcomes(rng, world, trips, firm=firm)
    foreign = people.country[trips.guest] != TURKISH
    room = pick_by_row(rng, [[r.share for r in h.rooms] for h in HOTELS], trips.hotel)
    board = pick_by_row(rng, [[b.share for b in h.boards] for h in HOTELS], trips.hotel)
    adults, children = _parties(rng, trips)
    through_agent = np.isin(trips.channel, (OTA, AGENCY, OPERATOR))
    in_euro = foreign & through_agent & happens(rng, 0.65, foreign.size)
    booked_day = trips.booked_s // DAY_S
    wobble = 1 + 0.004 * rng.standard_normal(foreign.size)
    rate = np.where(in_euro, (euro_rate(booked_day) * wobble).round(4), 1.0)
    liras = _liras(rng, trips, room, board, adults + 0.5 * children)
    # Prices end in tens of liras, or in whole euros.
    step = np.where(in_euro, 1, 10)
    gross_minor = ((liras / rate / step).round() * step).astype(np.int64) * 100
    kept = 1 - np.array([c.commission for c in CHANNELS])[trips.channel]
    return Bookings(
        trips=trips,
        room=room,
        board=board,
        adults=adults,
        children=children,
        status=status,
        status_s=status_s,
        in_euro=in_euro,
        rate=rate,
        gross_minor=gross_minor,
        net_minor=(gross_minor * kept / VAT_AND_CITY_TAX).round().astype(np.int64),
    )


def _outcomes(rng: Rng, world: World, trips: Trips, *, firm: bool) -> tuple[Ints, Ints]:
    """Return each booking's status at the export and the moment since which it has it."""
    n = trips.guest.size
    arrival_s, departure_s = trips.arrival * DAY_S, trips.departure * DAY_S
    arrived = trips.arrival < world.today_day
    left = trips.departure < world.today_day
    status = np.where(left, COMPLETED, np.where(arrived, IN_HOUSE, CONFIRMED))
    checked_in_s = np.maximum(arrival_s + rng.integers(14, 23, n) * 3_600, trips.booked_s + 300)
    checked_out_s = departure_s + rng.integers(7 * 60, 12 * 60, n) * 60
    status_s = np.where(left, checked_out_s, np.where(arrived, checked_in_s, trips.booked_s))
    optional = np.isin(trips.channel, (CALL_CENTRE, AGENCY, OPERATOR)) & (
        world.export_s - trips.booked_s < OPTION_DAYS * DAY_S
    )
    status[(status == CONFIRMED) & optional & happens(rng, 0.5, n)] = PENDING
    if firm:
        return status, status_s
    stays_away = happens(rng, NO_SHOW_CHANCE, n) & (trips.channel != WALK_IN) & arrived
    cancels, cancelled_s = _cancellations(rng, trips, arrival_s)
    cancels &= cancelled_s < world.export_s
    status[stays_away] = NO_SHOW
    # Decided by the night audit: at three in the morning after the day of arrival.
    status_s[stays_away] = arrival_s[stays_away] + 27 * 3_600
    status[cancels] = CANCELLED
    status_s[cancels] = cancelled_s[cancels]
    return status, status_s


def _cancellations(rng: Rng, trips: Trips, arrival_s: Ints) -> tuple[Bools, Ints]:
    """Return who cancels sooner or later, and when: the longer ahead, the likelier."""
    lead_s = np.maximum(arrival_s - trips.booked_s, 0)
    chance = np.array([c.cancels for c in CHANNELS])[trips.channel]
    chance = chance * np.clip(0.5 + lead_s / (60 * DAY_S), 0.5, 1.8) * (lead_s > 0)
    chance *= CANCELLED_SHARE / chance.mean()
    moment = trips.booked_s + (rng.beta(1.1, 1.3, lead_s.size) * lead_s).astype(np.int64)
    return rng.random(lead_s.size) < chance, moment // 60 * 60 + 60


def _parties(rng: Rng, trips: Trips) -> tuple[Ints, Ints]:
    """Return adults and children: families by the sea, people alone for work."""
    by_hotel = ((8, 78, 8, 6), (15, 75, 5, 5), (38, 54, 5, 3), (85, 15, 0, 0))
    row = np.where(trips.channel == CORPORATE, len(HOTELS), trips.hotel)
    adults = 1 + pick_by_row(rng, by_hotel, row)
    children = pick_by_row(rng, ((55, 22, 18, 5), (85, 9, 5, 1), (90, 6, 3, 1)), trips.hotel)
    return adults, np.where((adults > 1) & (trips.channel != CORPORATE), children, 0)


def _liras(rng: Rng, trips: Trips, room: Ints, board: Ints, persons: Floats) -> Floats:
    """Return the gross price of each trip in liras of the day it was booked."""
    per_night = np.zeros(room.size)
    for number, hotel in enumerate(HOTELS):
        here = np.flatnonzero(trips.hotel == number)
        busy = season(hotel, trips.arrival[here]) / max(hotel.months)
        per_night[here] = (
            hotel.night_try
            * np.array([r.price for r in hotel.rooms])[room[here]]
            * np.array([b.price for b in hotel.boards])[board[here]]
            * (0.65 + 0.6 * busy)
        )
    per_night *= 0.5 + 0.25 * persons
    per_night *= np.where(is_bayram(trips.arrival), 1.25, 1.0)
    per_night *= np.exp(0.12 * rng.standard_normal(room.size))
    return per_night * trips.nights * price_index(trips.booked_s // DAY_S)


def tiers(world: World, people: People, bookings: Bookings) -> list[str]:
    """Return each guest's level in the loyalty programme, by completed stays; "" for none."""
    joined = happens(world.stream("tiers"), MEMBERS_SHARE, people.size)
    completed = bookings.trips.guest[bookings.status == COMPLETED]
    stays = np.bincount(completed, minlength=people.size)
    level = np.searchsorted([stays_needed for stays_needed, _ in TIERS], stays, side="right")
    words = ["", *(word for _, word in TIERS)]
    return [words[i] if member else "" for i, member in zip(level, joined, strict=True)]
