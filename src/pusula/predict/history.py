"""What was known on a day, read from the database for those who learn from it."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
from django.conf import settings
from django.db import connection

from pusula.lake import arrow
from pusula.lib import clock, money
from pusula.orders import history, machine
from pusula.predict.training import Ints, Orders, day_number

_LONG_AGO = -(2**62)  # before every moment a column can hold

_ORDERS = pa.schema(
    [("profile_id", pa.int64()), ("ordered_at", pa.int64()), ("net_base_minor", pa.int64())]
)
_ALIVE = tuple(sorted(machine.ALIVE))
_SQL = f"""
SELECT profile_id, ordered_at, net_base_minor FROM ({history.AS_OF}) known
WHERE status IN ({", ".join(["%s"] * len(_ALIVE))})
ORDER BY profile_id, ordered_at, id
"""


class Past:
    """What was known at 00:00 of ``as_of_on``; each question is asked of the database once."""

    def __init__(self, as_of_on: date) -> None:
        self.as_of_on = as_of_on
        self._orders: dict[date, Orders] = {}

    def orders(self, as_of_on: date | None = None) -> Orders:
        """Return the orders before 00:00 of a day (else of ``as_of_on``), as they stood then.

        Also those without value; not those that were cancelled by then.
        """
        day = as_of_on or self.as_of_on
        if day not in self._orders:
            self._orders[day] = _orders(day)
        return self._orders[day]


def _orders(as_of_on: date) -> Orders:
    zone, currency = settings.PUSULA.time_zone, settings.PUSULA.currency
    as_of_at = clock.start_of(as_of_on, zone)
    with connection.cursor() as cursor:
        table = arrow.fetch(cursor, _SQL, [as_of_at, _LONG_AGO, as_of_at, *_ALIVE], _ORDERS)
    ordered_at = table["ordered_at"].to_numpy()
    return Orders(
        profile_ids=table["profile_id"].to_numpy(),
        ordered_at=ordered_at,
        days=local_days(ordered_at, zone),
        net_minor=table["net_base_minor"].to_numpy(),
        major=float(money.from_minor(1, currency)),
    )


def local_days(moments: Ints, zone: str) -> Ints:
    """Return the days since 1970 on which ``moments`` fall in the time zone ``zone``."""
    if not len(moments):
        return moments
    first_on = clock.day_of(int(moments.min()), zone)
    n_days = (clock.day_of(int(moments.max()), zone) - first_on).days + 1
    starts = [clock.start_of(first_on + timedelta(days=n), zone) for n in range(n_days)]
    passed = np.searchsorted(np.array(starts, np.int64), moments, side="right") - 1
    return passed.astype(np.int64) + day_number(first_on)
