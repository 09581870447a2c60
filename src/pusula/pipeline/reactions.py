"""What people did, given to those who learn when and where they react: messages, acts, clocks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from django.conf import settings
from django.db import connection

from pusula.lake import arrow
from pusula.lib import clock
from pusula.outbox import zones
from pusula.outbox.reactions import reactions
from pusula.predict.history import Past
from pusula.predict.learning import propensity
from pusula.predict.learning.messages import NEVER, Touches
from pusula.predict.rhythm import hours
from pusula.predict.rhythm.hours import Acts
from pusula.predict.training import Trained

Ints = npt.NDArray[np.int64]

PROPENSITIES = (*(f"propensity_{channel}" for channel in propensity.CHANNELS), propensity.BEST)
# What people do themselves at an hour of their choice; machine opens and clicks are no events.
ACTS = (
    "Email Opened",
    "Email Clicked",
    "Email Link Clicked",
    "SMS Clicked",
    "WhatsApp Opened",
    "WhatsApp Clicked",
    "Push Notification Tapped",
)
LOOK_BACK_MONTHS = 24
_EVENTS = pa.schema([("profile_id", pa.int64()), ("at", pa.int64())])
_SQL = f"""
SELECT profile_id, at FROM events_event
WHERE name IN ({", ".join(["%s"] * len(ACTS))}) AND at >= %s AND at < %s AND recorded_at < %s
"""


def learn_channels(past: Past, as_of_on: date) -> Iterable[Trained]:
    """Learn from all messages how likely people react on each channel."""
    at = clock.start_of(as_of_on, settings.PUSULA.time_zone)
    return propensity.train(_touches(reactions(at)), past.orders().bought(), as_of_on, at)


def learn_hours(past: Past, as_of_on: date) -> Iterable[Trained]:
    """Learn from clicks, opens and orders at which hour people act."""
    return hours.train(_acts(past, as_of_on), as_of_on)


def _touches(table: pa.Table) -> dict[str, Touches]:
    found = {}
    for channel in propensity.CHANNELS:
        of = table.filter(pc.equal(table["channel"], channel))
        reacted_at = pc.fill_null(of["reacted_at"], NEVER)
        found[channel] = Touches(
            of["profile_id"].to_numpy(), of["sent_at"].to_numpy(), reacted_at.to_numpy()
        )
    return found


def _acts(past: Past, as_of_on: date) -> Acts:
    """Return acts of the last months on people's own clocks.

    An order whose time is midnight sharp in the company's zone has only a day: its hour is unknown.
    """
    zone = settings.PUSULA.time_zone
    until_at = clock.start_of(as_of_on, zone)
    since_at = clock.start_of(clock.add_months(as_of_on, -LOOK_BACK_MONTHS), zone)
    with connection.cursor() as cursor:
        params = [*ACTS, since_at, until_at, until_at]
        table = arrow.fetch(cursor, _SQL, params, _EVENTS)
    orders = past.orders().bought()
    timed = (orders.ordered_at >= since_at) & (_on_clock(orders.ordered_at, zone) % clock.DAY != 0)
    people = np.concatenate([table["profile_id"].to_numpy(), orders.profile_ids[timed]])
    moments = np.concatenate([table["at"].to_numpy(), orders.ordered_at[timed]])
    local = _local(people, moments)
    return hours.acts(people, local // clock.DAY, local % clock.DAY // clock.HOUR)


def _local(people: Ints, moments: Ints) -> Ints:
    """Return what clocks where each person lives showed, as microseconds since 1970 there."""
    homes = zones.of(np.unique(people).tolist())
    names, of_person = np.unique([homes[who] for who in people.tolist()], return_inverse=True)
    local = np.zeros_like(moments)
    for nth, name in enumerate(names.tolist()):
        here = of_person == nth
        local[here] = _on_clock(moments[here], name)
    return local


def _on_clock(moments: Ints, zone: str) -> Ints:
    """Return what clocks in ``zone`` showed; they are only put forward or back on full hours."""
    hours_utc, which = np.unique(moments // clock.HOUR, return_inverse=True)
    offsets = [_offset(int(hour) * clock.HOUR, zone) for hour in hours_utc.tolist()]
    return moments + np.array(offsets, np.int64)[which]


def _offset(moment: int, zone: str) -> int:
    """Return how far clocks in ``zone`` are ahead of UTC, in microseconds."""
    ahead = clock.to_datetime(moment, zone).utcoffset()
    return int(ahead.total_seconds()) * clock.SECOND if ahead else 0
