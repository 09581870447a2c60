"""What each profile bought, as the rules count it: before a day, and as things stand now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from django.conf import settings
from django.db import connection

from pusula.lake import arrow, rows
from pusula.lib import clock, text
from pusula.orders import history, machine
from pusula.profiles import relations as profiles
from pusula.profiles.models import Identifier, IdentifierKind
from pusula.profiles.relations import Ids
from pusula.rfm import days
from pusula.rfm.rules import Config, Exclude, Ties

_LONG_AGO = -(2**62)  # before every moment a column can hold
_NO_KEY = "\U0010ffff"  # profiles without a key sort behind all others
_FIRST_DAY = date(1, 1, 1)

_FIGURES = ("ever", "frequency", "monetary_minor")
_TIMES = ("last", "first", "next")


@dataclass(frozen=True)
class Purchases:
    """Parallel arrays, one entry per profile that ordered at all, ascending by profile id."""

    profile_ids: npt.NDArray[np.int64]
    keys: npt.NDArray[Any]  # what breaks ties of frequency
    recency_days: npt.NDArray[np.int64]
    frequency: npt.NDArray[np.int64]  # orders inside the look-back window
    ever: npt.NDArray[np.int64]
    monetary_minor: npt.NDArray[np.int64]  # in the company's currency, inside the window


@dataclass(frozen=True)
class Standing:
    """Purchases as they stand at a moment, and what time alone will change: ``days.NEVER`` if none.

    ``last_at``: the newest order that counts. ``first_at``: what leaves the window first.
    ``next_at``: what is known and not yet there, such as a stay to come.
    """

    bought: Purchases
    last_at: npt.NDArray[np.int64]
    first_at: npt.NDArray[np.int64]
    next_at: npt.NDArray[np.int64]


def purchases(as_of_on: date, config: Config) -> Purchases:
    """Return what counts before 00:00 of ``as_of_on``, with orders as they stood then."""
    sql, params = bought_before(as_of_on, config, history.AS_OF)
    return counted(_fetched(f"{sql} ORDER BY profile_id", params, config), as_of_on, config)


def bought_before(as_of_on: date, config: Config, source: str) -> tuple[str, list[Any]]:
    """Return SQL for what counts before 00:00 of a day, by profile, and its parameters.

    ``source`` is SQL for the orders as they stood, with the parameters of ``history.AS_OF``.
    """
    as_of_at = clock.start_of(as_of_on, settings.PUSULA.time_zone)
    sql, (before, behind) = _sql(source, config, as_of_at)
    params = [*before, as_of_at, _LONG_AGO, as_of_at, *behind]
    return f"{sql} HAVING {_COUNTS}", params


def standing(ids: Ids, at: int, config: Config) -> Standing:
    """Return what counts of ``ids`` (ascending) at the moment ``at``, with orders as they stand.

    Recency and the look-back window are those of the day of ``at``. Profiles that never ordered
    are left out.
    """
    where, bounds = profiles.narrowed(ids)
    stored = (
        "SELECT id, profile_id, ordered_at, starts_on, status, net_base_minor, gross_base_minor "
        f"FROM orders_order WHERE {where}"
    )
    sql, (before, behind) = _sql(stored, config, at)
    table = _fetched(f"{sql} ORDER BY profile_id", [*before, *bounds, *behind], config)
    if len(ids) > profiles.LISTED:
        table = table.filter(pa.array(np.isin(table["profile_id"].to_numpy(), ids)))
    moments = [_moments(table[name], at_none=days.NEVER) for name in _TIMES]
    today = clock.day_of(at, settings.PUSULA.time_zone)
    return Standing(counted(table, today, config), *moments)


_COUNTS = "count(CASE WHEN is_order = 1 AND in_window = 1 THEN 1 END) > 0"


def _sql(source: str, config: Config, until_at: int) -> tuple[str, tuple[list[Any], list[Any]]]:
    """Return SQL that sums up ``source`` by profile, without HAVING and order.

    With it the parameters before those of ``source`` and those behind.
    """
    zone = settings.PUSULA.time_zone
    day = clock.day_of(until_at, zone)
    since_on = _FIRST_DAY
    if config.look_back_months is not None:
        since_on = clock.add_months(day, -config.look_back_months)
    orders = config.orders
    window: tuple[Any, Any]
    if orders.dated_by == "stay":
        # An arrival is at the start of its day: today's counts as soon as the day has begun.
        begun = until_at > clock.start_of(day, zone)
        until_on = day + timedelta(days=1) if begun else day
        placed, window = "starts_on", (since_on.isoformat(), until_on.isoformat())
    else:
        since_at = _LONG_AGO if since_on == _FIRST_DAY else clock.start_of(since_on, zone)
        placed, window = "ordered_at", (since_at, until_at)
    statuses = orders.statuses or tuple(sorted(machine.ALIVE))
    where, given = [f"status IN ({_marks(statuses)})"], [*statuses]
    if orders.count == "stays" or orders.dated_by == "stay":
        where.append("starts_on IS NOT NULL")
    for exclude in config.pool.exclude:
        clause, values = _excluded(exclude)
        where.append(clause)
        given += values
    amount = f"{orders.amount}_base_minor"
    if orders.returns == "drop":
        where.append(f"{amount} >= 0")
    is_order = "1" if orders.returns == "count" else f"CASE WHEN {amount} >= 0 THEN 1 ELSE 0 END"
    sql = f"""
    SELECT profile_id,
           count(CASE WHEN is_order = 1 AND in_window >= 0 THEN 1 END) AS ever,
           count(CASE WHEN is_order = 1 AND in_window = 1 THEN 1 END) AS frequency,
           CAST(sum(CASE WHEN in_window = 1 THEN amount ELSE 0 END) AS bigint) AS monetary_minor,
           max(CASE WHEN is_order = 1 AND in_window = 1 THEN placed END) AS last,
           min(CASE WHEN in_window = 1 THEN placed END) AS first,
           min(CASE WHEN in_window < 0 THEN placed END) AS next
    FROM (
      SELECT profile_id, {placed} AS placed, {amount} AS amount, {is_order} AS is_order,
             CASE WHEN {placed} >= %s THEN -1 WHEN {placed} >= %s THEN 1 ELSE 0 END AS in_window
      FROM ({source}) orders
      WHERE {" AND ".join(where)}
    ) counted
    GROUP BY profile_id
    """
    return sql, ([window[1], window[0]], given)


def columns(config: Config) -> pa.Schema:
    """Return the columns of what ``bought_before`` gives."""
    kind = pa.date32() if config.orders.dated_by == "stay" else pa.int64()
    fields = [(name, pa.int64()) for name in ("profile_id", *_FIGURES)]
    return pa.schema(fields + [(name, kind) for name in _TIMES])


def _fetched(sql: str, params: Sequence[Any], config: Config) -> pa.Table:
    with connection.cursor() as cursor:
        return arrow.fetch(cursor, sql, params, columns(config))


def counted(table: pa.Table, today: date, config: Config) -> Purchases:
    """Return what ``bought_before`` gave of the start of ``today`` as arrays."""
    zone = settings.PUSULA.time_zone
    profile_ids = table["profile_id"].to_numpy()
    measure = days.calendar_days if config.recency.measure == "calendar_days" else days.floor_days
    # Without an order in the window there is no recency; the pool leaves these out anyway.
    last_at = _moments(table["last"], at_none=clock.start_of(today, zone))
    ties = keys(profile_ids) if config.ties is Ties.PROFILE_KEY else profile_ids
    figures = {name: table[name].to_numpy() for name in _FIGURES}
    return Purchases(
        profile_ids=profile_ids,
        keys=ties,
        recency_days=measure(last_at, today, zone),
        frequency=figures["frequency"],
        ever=figures["ever"],
        monetary_minor=figures["monetary_minor"],
    )


def _moments(column: pa.ChunkedArray, *, at_none: int) -> npt.NDArray[np.int64]:
    """Return moments, the start of the day for days."""
    is_day = pa.types.is_date(column.type)
    plain = column.cast(pa.int32()).cast(pa.int64()) if is_day else column
    found: npt.NDArray[np.int64] = plain.fill_null(at_none).to_numpy().copy()
    if is_day:
        known = column.is_valid().to_numpy()
        ordinals = found[known] + date(1970, 1, 1).toordinal()
        found[known] = days.starts(ordinals, settings.PUSULA.time_zone)
    return found


def _excluded(exclude: Exclude) -> tuple[str, list[Any]]:
    values = [text.fold(value) for value in exclude.is_]
    clause = (
        "NOT EXISTS (SELECT 1 FROM profiles_trait t WHERE t.profile_id = orders.profile_id "
        f"AND t.name = %s AND t.text_fold IN ({_marks(values)}))"
    )
    return clause, [exclude.trait, *values]


def _marks(values: Any) -> str:
    return ", ".join(["%s"] * len(values)) or "NULL"


# Of a few profiles their identifiers are asked for, of many everybody's.
_FEW = 50_000


def keys(profile_ids: Ids) -> npt.NDArray[Any]:
    """Return the first key of each profile, sorted as text; without one the id stands in."""
    first: dict[int, str] = {}
    held = Identifier.objects.filter(kind=IdentifierKind.KEY)
    asked = rows.parts(profile_ids.tolist()) if len(profile_ids) <= _FEW else [None]
    for part in asked:
        found = held if part is None else held.filter(profile_id__in=part)
        for profile_id, value in found.values_list("profile_id", "value").iterator(10_000):
            first[profile_id] = min(value, first.get(profile_id, value))
    return np.array([first.get(i, f"{_NO_KEY}{i:020}") for i in profile_ids.tolist()], dtype=str)
