"""What a company's own customers did lately without a test: where the plan of one begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from django.db import connection

from pusula.lake import arrow
from pusula.lib import clock
from pusula.measurement.stats import Amounts, Rate
from pusula.orders import history, machine
from pusula.profiles.models import Profile
from pusula.segments.models import Membership, Segment

_SPENT = pa.schema([("n_orders", pa.int64()), ("net", pa.int64())])


@dataclass(frozen=True)
class Baseline:
    """Who ordered in the last days, and for how much; minor units."""

    days: int
    rate: Rate
    amounts: Amounts


def baseline(segment: Segment | None, *, days: int, at: int) -> Baseline:
    """Return what the members of ``segment`` (else all customers) did in ``days`` before ``at``."""
    alive = sorted(machine.ALIVE)
    marks = ", ".join(["%s"] * len(alive))
    members = (
        ""
        if segment is None
        else "JOIN segments_membership m ON m.profile_id = o.profile_id "
        "AND m.segment_id = %s AND m.left_at IS NULL"
    )
    sql = f"""
    SELECT sum(CASE WHEN o.net_base_minor >= 0 THEN 1 ELSE 0 END),
           CAST(sum(o.net_base_minor) AS bigint)
    FROM ({history.AS_OF}) o {members}
    WHERE o.status IN ({marks}) AND o.net_base_minor IS NOT NULL AND o.profile_id IS NOT NULL
    GROUP BY o.profile_id
    """
    params = [at, at - days * clock.DAY, at, *([segment.pk] if segment else []), *alive]
    with connection.cursor() as cursor:
        table = arrow.fetch(cursor, sql, params, _SPENT)
    n = (
        Profile.objects.count()
        if segment is None
        else Membership.objects.filter(segment=segment, left_at=None).count()
    )
    spent = table["net"].to_numpy().astype(np.float64)
    bought = int((table["n_orders"].to_numpy() > 0).sum())
    return Baseline(days, Rate(n, bought), Amounts(n, float(spent.sum()), float(spent @ spent)))
