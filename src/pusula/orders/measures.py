"""What hotels measure of bookings, defined once: length of stay, room nights, ADR, lead time.

*Length of stay*: days from arrival to departure; 0 is a room used by day.
*Room nights*: rooms times nights, over the parts of a booking; a shared room counts in the booking
that pays for it, complimentary rooms and house use not at all.
*ADR*: room revenue of those nights, net of VAT and board where the source parts them, per room
night; a day use has none.
*Lead time*: days from the day of booking, by the company's clock, to arrival; never less than 0, so
0 for who walks in after midnight. *Cancel window*: days from the cancellation to arrival; less than
0 if the guest should have been there already.
*Business day*: the day of the hotel's books; until the night audit the day before goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pusula.lib import clock
from pusula.orders.stays import Segment

_EPOCH = date(1970, 1, 1)


def nights(starts_on: date, ends_on: date) -> int:
    """Return the length of a stay."""
    return (ends_on - starts_on).days


def room_nights(stays: Iterable[Segment]) -> int:
    """Return the room nights of a booking's parts."""
    return sum(one.rooms * nights(one.starts_on, one.ends_on) for one in _paid(stays))


def adr_minor(stays: Iterable[Segment]) -> Fraction | None:
    """Return the average daily rate in minor units; ``None`` where no night is told or paid."""
    told = [one for one in _paid(stays) if one.nightly_minor]
    n = room_nights(told)
    return Fraction(sum(sum(one.nightly_minor) for one in told), n) if n else None


def cancel_window(cancelled_at: int, starts_on: date, tz: str) -> int:
    """Return how many days before arrival a booking was cancelled, in the hotel's zone."""
    return (starts_on - clock.day_of(cancelled_at, tz)).days


def business_day(moment: int, tz: str, rollover_minutes: int) -> date:
    """Return the day of the hotel's books on which ``moment`` falls."""
    local = clock.to_datetime(moment, tz).replace(tzinfo=None)
    return (local - timedelta(minutes=rollover_minutes)).date()


def audited_at(day: date, tz: str, rollover_minutes: int) -> int:
    """Return the moment at which the hotel's business ``day`` is closed by the night audit."""
    midnight = clock.to_datetime(clock.start_of(day + timedelta(days=1), tz), tz)
    wall = midnight.replace(tzinfo=None) + timedelta(minutes=rollover_minutes)
    return clock.from_datetime(wall, tz)


def lead_days(ordered_at: pa.ChunkedArray, starts_on: pa.ChunkedArray, tz: str) -> pa.ChunkedArray:
    """Return the lead times as float64; null where there is no arrival."""
    booked = _local_days(ordered_at.to_numpy(), tz)
    arrival = starts_on.cast(pa.int32()).to_numpy(zero_copy_only=False)
    days = np.maximum(arrival.astype(np.float64) - booked, 0.0)
    return pa.chunked_array([pa.array(days, pa.float64(), mask=np.isnan(days))])


def _paid(stays: Iterable[Segment]) -> list[Segment]:
    return [one for one in stays if not one.is_unpaid and one.ends_on > one.starts_on]


def _local_days(moments: npt.NDArray[np.int64], tz: str) -> npt.NDArray[np.int64]:
    """Return the days since 1970 on which ``moments`` fall in ``tz``.

    No zone is a whole day from UTC: a moment falls on its day in UTC or one beside it.
    """
    utc, of = np.unique(moments // clock.DAY, return_inverse=True)
    begins = np.array([_begin(day, tz) for day in utc.tolist()], np.int64)
    ends = np.array([_begin(day + 1, tz) for day in utc.tolist()], np.int64)
    found: npt.NDArray[np.int64] = utc[of] - (moments < begins[of]) + (moments >= ends[of])
    return found


@lru_cache(maxsize=20_000)
def _begin(day: int, tz: str) -> int:
    return clock.start_of(_EPOCH + timedelta(days=day), tz)
