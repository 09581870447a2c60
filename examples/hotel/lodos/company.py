"""What is known of the company: its hotels, channels and prices, the bayrams, and the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from lodos.chance import Bools, Floats, Ints, Rng, stream

DAY_S = 86_400
HISTORY_DAYS = 3 * 365
FUTURE_DAYS = 270
# The files are exported in the morning: today's arrivals are still expected.
EXPORT_HOUR_S = 6 * 3_600

PENDING, CONFIRMED, IN_HOUSE, COMPLETED, CANCELLED, NO_SHOW = range(6)
STATUS_WORDS = ("Opsiyon", "Onaylı", "Otelde", "Ayrıldı", "İptal", "Gelmedi")


@dataclass(frozen=True)
class World:
    """One run of the generator: how many guests, which seed, the company's present day."""

    guests: int
    seed: int
    today: date

    @property
    def today_day(self) -> int:
        """Return ``today`` as a day number."""
        return day_number(self.today)

    @property
    def first_day(self) -> int:
        """Return the first day of arrival that the export holds."""
        return self.today_day - HISTORY_DAYS

    @property
    def export_s(self) -> int:
        """Return the moment of the export; nothing in the files has happened later."""
        return self.today_day * DAY_S + EXPORT_HOUR_S

    def stream(self, part: str) -> Rng:
        """Return the random stream of ``part``."""
        return stream(self.seed, part)


@dataclass(frozen=True)
class Choice:
    """One thing a guest may choose: its name, its share of bookings, its factor on the price."""

    name: str
    share: float
    price: float


@dataclass(frozen=True)
class Hotel:
    """A hotel: what it offers, when guests come (Jan..Dec, Mon..Sun), how long they stay."""

    name: str
    region: str
    rooms: tuple[Choice, ...]
    boards: tuple[Choice, ...]
    night_try: int  # one night for two in the standard room, January 2023
    months: tuple[float, ...]
    weekdays: tuple[float, ...]
    bayram: float  # how many times as many arrivals on a bayram
    lead: float  # how much earlier than elsewhere guests book
    nights_domestic: tuple[float, ...]  # weights of 1, 2, 3 ... nights
    nights_foreign: tuple[float, ...]


@dataclass(frozen=True)
class Channel:
    """A way to book: days ahead (log-normal), chance of cancelling, commission, its shares."""

    name: str
    lead_days: float
    lead_sigma: float
    cancels: float
    commission: float
    share_domestic: float
    share_foreign: float


HOTELS = (
    Hotel(
        name="Lodos Mavi Koy",
        region="Bodrum",
        rooms=(
            Choice("Standart Oda", 0.50, 1.0),
            Choice("Deniz Manzaralı Oda", 0.25, 1.25),
            Choice("Aile Odası", 0.17, 1.45),
            Choice("Süit", 0.08, 1.9),
        ),
        boards=(
            Choice("Her Şey Dahil", 0.60, 1.0),
            Choice("Ultra Her Şey Dahil", 0.25, 1.2),
            Choice("Yarım Pansiyon", 0.15, 0.75),
        ),
        night_try=2_900,
        months=(0.04, 0.04, 0.06, 0.35, 0.90, 1.50, 2.00, 2.10, 1.40, 0.70, 0.08, 0.04),
        weekdays=(0.90, 0.80, 0.80, 0.90, 1.15, 1.40, 1.15),
        bayram=3.2,
        lead=1.5,
        nights_domestic=(3, 6, 13, 17, 18, 14, 17, 5, 2, 3, 1, 0.5, 0.2, 0.5),
        nights_foreign=(1, 2, 3, 5, 8, 8, 33, 8, 5, 13, 5, 3, 1, 5),
    ),
    Hotel(
        name="Lodos Peri Konağı",
        region="Kapadokya",
        rooms=(
            Choice("Mağara Oda", 0.45, 1.0),
            Choice("Kemerli Oda", 0.30, 1.2),
            Choice("Aile Odası", 0.12, 1.4),
            Choice("Teraslı Süit", 0.13, 1.9),
        ),
        boards=(Choice("Oda Kahvaltı", 0.80, 1.0), Choice("Yarım Pansiyon", 0.20, 1.25)),
        night_try=1_900,
        months=(0.55, 0.55, 0.70, 1.25, 1.35, 1.00, 0.85, 0.95, 1.30, 1.40, 0.90, 0.65),
        weekdays=(0.80, 0.75, 0.80, 1.10, 1.60, 1.30, 0.80),
        bayram=2.8,
        lead=1.0,
        nights_domestic=(25, 42, 24, 6, 3),
        nights_foreign=(15, 40, 30, 10, 5),
    ),
    Hotel(
        name="Lodos Tünel",
        region="İstanbul",
        rooms=(
            Choice("Standart Oda", 0.55, 1.0),
            Choice("Boğaz Manzaralı Oda", 0.25, 1.35),
            Choice("Aile Odası", 0.12, 1.4),
            Choice("Köşe Süit", 0.08, 2.0),
        ),
        boards=(Choice("Oda Kahvaltı", 0.70, 1.0), Choice("Sadece Oda", 0.30, 0.88)),
        night_try=1_700,
        months=(0.65, 0.65, 0.85, 1.25, 1.30, 1.05, 0.90, 0.95, 1.25, 1.25, 0.95, 1.05),
        weekdays=(0.80, 0.80, 0.85, 1.10, 1.70, 1.30, 0.70),
        bayram=1.9,
        lead=0.7,
        nights_domestic=(38, 33, 18, 6, 3, 1, 1),
        nights_foreign=(8, 18, 27, 22, 13, 7, 5),
    ),
)
BODRUM, KAPADOKYA, ISTANBUL = range(3)
# Demand has a row per hotel and one more: people who come to İstanbul for work.
WORK = 3
WORK_WEEKDAYS = (1.6, 1.5, 1.4, 1.0, 0.3, 0.1, 0.6)

CHANNELS = (
    Channel("Web Sitesi", 26, 1.1, 0.19, 0.00, 0.34, 0.14),
    Channel("Çağrı Merkezi", 20, 1.1, 0.15, 0.00, 0.22, 0.03),
    Channel("OTA", 24, 1.1, 0.30, 0.17, 0.20, 0.36),
    Channel("Acente", 40, 0.9, 0.18, 0.12, 0.15, 0.14),
    Channel("Tur Operatörü", 85, 0.6, 0.12, 0.20, 0.02, 0.29),
    Channel("Kurumsal", 6, 0.9, 0.12, 0.00, 0.03, 0.01),
    Channel("Kapıdan", 0, 0.0, 0.00, 0.00, 0.04, 0.03),
)
WEB, CALL_CENTRE, OTA, AGENCY, OPERATOR, CORPORATE, WALK_IN = range(7)

# First days and lengths, as the Diyanet's calendar has them.
BAYRAMS = (
    (date(2022, 5, 2), 3), (date(2022, 7, 9), 4),
    (date(2023, 4, 21), 3), (date(2023, 6, 28), 4),
    (date(2024, 4, 10), 3), (date(2024, 6, 16), 4),
    (date(2025, 3, 30), 3), (date(2025, 6, 6), 4),
    (date(2026, 3, 20), 3), (date(2026, 5, 27), 4),
    (date(2027, 3, 9), 3), (date(2027, 5, 16), 4),
    (date(2028, 2, 26), 3), (date(2028, 5, 5), 4),
)  # fmt: skip

# What a night of January 2023 costs at the start of each year, and liras for a euro at the start
# of each half year: near the true ones up to 2026, assumed from there on.
PRICE_INDEX = {2022: 0.61, 2023: 1.0, 2024: 1.65, 2025: 2.38, 2026: 3.12, 2027: 3.85, 2028: 4.55}
EURO_TRY = {
    date(2022, 1, 1): 15.1, date(2022, 7, 1): 17.5, date(2023, 1, 1): 20.0,
    date(2023, 7, 1): 28.5, date(2024, 1, 1): 32.7, date(2024, 7, 1): 35.2,
    date(2025, 1, 1): 36.7, date(2025, 7, 1): 46.8, date(2026, 1, 1): 50.4,
    date(2026, 7, 1): 54.5, date(2027, 1, 1): 58.5, date(2027, 7, 1): 62.5,
    date(2028, 1, 1): 66.5,
}  # fmt: skip


def day_number(day: date) -> int:
    """Return the days from 1970-01-01 to ``day``."""
    return (day - date(1970, 1, 1)).days


def day_of(number: int) -> date:
    """Return the day that is ``number`` days after 1970-01-01."""
    return date(1970, 1, 1) + timedelta(days=number)


def season(hotel: Hotel, days: Ints) -> Floats:
    """Return how busy ``hotel`` is at the time of year of ``days``; about 1 on average."""
    year = days.astype("datetime64[D]").astype("datetime64[Y]")
    day_of_year = days - year.astype("datetime64[D]").astype(np.int64)
    middles = (np.arange(12) + 0.5) * (365.25 / 12)
    return np.interp(day_of_year, middles, hotel.months, period=365.25)


def is_bayram(days: Ints) -> Bools:
    """Return for each day whether people leave home for a bayram on it.

    That is from the day before its eve to its last day but one.
    """
    found = np.zeros(days.shape, dtype=np.bool_)
    for first, length in BAYRAMS:
        start = day_number(first)
        found |= (days >= start - 2) & (days < start + length - 1)
    return found


def demand(first_day: int, n_days: int) -> Floats:
    """Return arrivals per day up to a factor: a row per hotel, then İstanbul for work."""
    days = np.arange(first_day, first_day + n_days, dtype=np.int64)
    weekday = (days + 3) % 7  # 1970-01-01 was a Thursday
    growth = 1 + 0.08 * (days - first_day) / 365
    rows = [
        season(hotel, days)
        * np.asarray(hotel.weekdays)[weekday]
        * np.where(is_bayram(days), hotel.bayram, 1.0)
        for hotel in HOTELS
    ]
    work = np.asarray(WORK_WEEKDAYS)[weekday] * np.where(is_bayram(days), 0.1, 1.0)
    return np.stack([*rows, work]) * growth


def price_index(days: Ints) -> Floats:
    """Return the price level of ``days`` against January 2023."""
    knots = [day_number(date(year, 1, 1)) for year in PRICE_INDEX]
    return np.exp(np.interp(days, knots, np.log(list(PRICE_INDEX.values()))))


def euro_rate(days: Ints) -> Floats:
    """Return liras for a euro on ``days``, before the daily wobble."""
    return np.interp(days, [day_number(day) for day in EURO_TRY], list(EURO_TRY.values()))
