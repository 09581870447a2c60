"""What each profile bought before a day, as the rules of a run count it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from django.conf import settings
from django.db import connection

from pusula.lake import arrow
from pusula.lib import clock, text
from pusula.orders import history, machine
from pusula.profiles.models import Identifier, IdentifierKind
from pusula.rfm.scoring import Config, Exclude, Ties

_LONG_AGO = -(2**62)  # before every moment a column can hold
_NO_KEY = "\U0010ffff"  # profiles without a key sort behind all others

_SCHEMA = pa.schema(
    [
        ("profile_id", pa.int64()),
        ("ever", pa.int64()),
        ("frequency", pa.int64()),
        ("last_at", pa.int64()),
        ("monetary_minor", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Purchases:
    """Parallel arrays, one entry per profile that ordered at all, ascending by profile id."""

    profile_ids: npt.NDArray[np.int64]
    keys: npt.NDArray[Any]  # what breaks ties of frequency
    recency_days: npt.NDArray[np.int64]
    frequency: npt.NDArray[np.int64]  # orders inside the look-back window
    ever: npt.NDArray[np.int64]
    monetary_minor: npt.NDArray[np.int64]  # in the company's currency, inside the window


def purchases(as_of_on: date, config: Config) -> Purchases:
    """Return what counts before 00:00 of ``as_of_on``, with orders as they stood then."""
    sql, params = _sql(as_of_on, config)
    with connection.cursor() as cursor:
        table = arrow.fetch(cursor, sql, params, _SCHEMA)
    columns = {name: table[name].to_numpy() for name in _SCHEMA.names}
    profile_ids = columns["profile_id"]
    measure = _calendar_days if config.recency.measure == "calendar_days" else _floor_days
    return Purchases(
        profile_ids=profile_ids,
        keys=_keys(profile_ids) if config.ties is Ties.PROFILE_KEY else profile_ids,
        recency_days=measure(columns["last_at"], as_of_on),
        frequency=columns["frequency"],
        ever=columns["ever"],
        monetary_minor=columns["monetary_minor"],
    )


def _sql(as_of_on: date, config: Config) -> tuple[str, list[Any]]:
    zone = settings.PUSULA.time_zone
    as_of_at = clock.start_of(as_of_on, zone)
    since_at = _LONG_AGO
    if config.look_back_months is not None:
        since_at = clock.start_of(clock.add_months(as_of_on, -config.look_back_months), zone)
    statuses = config.orders.statuses or tuple(sorted(machine.ALIVE))
    where = [f"status IN ({_marks(statuses)})"]
    where_params: list[Any] = [*statuses]
    for exclude in config.pool.exclude:
        clause, given = _excluded(exclude)
        where.append(clause)
        where_params += given
    if config.orders.returns == "drop":
        where.append("net_base_minor >= 0")
    is_order = "1 = 1" if config.orders.returns == "count" else "net_base_minor >= 0"
    sql = f"""
    SELECT profile_id, ever, frequency, last_at, monetary_minor FROM (
      SELECT profile_id,
             sum(CASE WHEN {is_order} THEN 1 ELSE 0 END) AS ever,
             sum(CASE WHEN {is_order} AND ordered_at >= %s THEN 1 ELSE 0 END) AS frequency,
             max(CASE WHEN {is_order} AND ordered_at >= %s THEN ordered_at END) AS last_at,
             CAST(sum(CASE WHEN ordered_at >= %s THEN net_base_minor ELSE 0 END) AS bigint)
               AS monetary_minor
      FROM ({history.AS_OF}) orders
      WHERE {" AND ".join(where)}
      GROUP BY profile_id
    ) bought
    WHERE frequency > 0
    ORDER BY profile_id
    """
    return sql, [since_at, since_at, since_at, as_of_at, _LONG_AGO, as_of_at, *where_params]


def _excluded(exclude: Exclude) -> tuple[str, list[Any]]:
    values = [text.fold(value) for value in exclude.is_]
    clause = (
        "profile_id NOT IN (SELECT profile_id FROM profiles_trait "
        f"WHERE name = %s AND text_fold IN ({_marks(values)}))"
    )
    return clause, [exclude.trait, *values]


def _marks(values: Any) -> str:
    return ", ".join(["%s"] * len(values)) or "NULL"


def _keys(profile_ids: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Return the first key of each profile, sorted as text; without one the id stands in."""
    first: dict[int, str] = {}
    rows = Identifier.objects.filter(kind=IdentifierKind.KEY).values_list("profile_id", "value")
    for profile_id, value in rows.iterator(10_000):
        first[profile_id] = min(value, first.get(profile_id, value))
    return np.array([first.get(i, f"{_NO_KEY}{i:020}") for i in profile_ids.tolist()], dtype=str)


def _floor_days(last_at: npt.NDArray[np.int64], as_of_on: date) -> npt.NDArray[np.int64]:
    """Return whole days of 24 hours from the last order to the start of the day."""
    elapsed = clock.start_of(as_of_on, settings.PUSULA.time_zone) - last_at
    days: npt.NDArray[np.int64] = elapsed // clock.DAY
    return days


def _calendar_days(last_at: npt.NDArray[np.int64], as_of_on: date) -> npt.NDArray[np.int64]:
    """Return the difference of dates in the company's time zone."""
    if not len(last_at):
        return last_at
    zone = settings.PUSULA.time_zone
    first_on = clock.day_of(int(last_at.min()), zone)
    n_days = (as_of_on - first_on).days
    starts = [clock.start_of(first_on + timedelta(days=n), zone) for n in range(n_days)]
    return n_days + 1 - np.searchsorted(np.array(starts), last_at, side="right")
