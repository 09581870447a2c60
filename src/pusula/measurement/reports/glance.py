"""The company at a glance: how a period went, how many customers, whom channels may reach."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count

from pusula.consent import queries as consents
from pusula.consent.models import Status
from pusula.journeys import queries as journeys
from pusula.lib import clock
from pusula.measurement.reports.period import Period
from pusula.orders import queries as orders
from pusula.orders.queries import Turnover
from pusula.profiles import queries as profiles


@dataclass(frozen=True)
class Glance:
    """A period up to yesterday, as many days before it, and what stands at present."""

    period: Period
    now: Turnover
    before: Turnover
    columns: list[Turnover]  # of ``period.columns``
    n_customers: int
    n_new: int  # within as many days up to the moment of counting
    has_stays: bool  # a hotel: only there are stays
    n_upcoming: int
    reach: dict[str, int]  # customers by channel
    stuck: dict[int, int]  # people who cannot go on, by journey; none where there is nobody


def glance(days: int, channels: list[str], purpose: str) -> Glance:
    """Count the ``days`` up to yesterday, and whom ``channels`` may reach for ``purpose``."""
    at, period = clock.now(), Period.last(days)
    columns = orders.turnovers(period.bounds)
    before = period.before().span
    everybody, granted = profiles.everybody(), consents.numbers()
    stuck = journeys.put_off().order_by().values_list("journey_id")
    return Glance(
        period=period,
        now=Turnover(sum(one.n for one in columns), sum(one.net_minor for one in columns)),
        before=orders.turnover(before.from_at, before.until_at),
        columns=columns,
        n_customers=everybody.count(),
        n_new=everybody.filter(created_at__gte=at - days * clock.DAY).count(),
        has_stays=orders.has_stays(),
        n_upcoming=orders.n_upcoming(clock.day_of(at, settings.PUSULA.time_zone)),
        reach={one: granted.get((purpose, one), {}).get(Status.GRANTED, 0) for one in channels},
        stuck=dict(stuck.annotate(n=Count("pk"))),
    )
