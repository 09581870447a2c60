"""What the assigned did after they were assigned: one row per profile, whether treated or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from django.db import connection
from django.db.models import Count, Min

from pusula.campaigns.models import Arm, Assignment, Campaign
from pusula.lake import arrow
from pusula.lib import clock
from pusula.orders import history, machine
from pusula.outbox.models import Receipt

_ASSIGNED = pa.schema([("profile_id", pa.int64()), ("variant", pa.string())])
_BOUGHT = pa.schema(
    [("profile_id", pa.int64()), ("n_orders", pa.int64()), ("revenue_minor", pa.int64())]
)
_DID = pa.schema([("profile_id", pa.int64())])


@dataclass(frozen=True)
class Outcomes:
    """Parallel arrays over everybody assigned to be treated or held out, ascending by profile.

    The message may have left or not: who was assigned counts, or the comparison is none.
    """

    variants: npt.NDArray[Any]  # of the treated; "" where there are none
    is_treated: npt.NDArray[np.bool_]
    converted: npt.NDArray[np.bool_]
    revenue_minor: npt.NDArray[np.int64]


def outcomes(campaign: Campaign, at: int) -> Outcomes:
    """Return what everybody assigned did in the window, as known at the moment ``at``."""
    treated, holdout = _assigned(campaign, Arm.TREATED), _assigned(campaign, Arm.HOLDOUT)
    ids = np.concatenate([treated["profile_id"].to_numpy(), holdout["profile_id"].to_numpy()])
    variants = treated["variant"].to_pylist() + holdout["variant"].to_pylist()
    order = np.argsort(ids)
    ids = ids[order]
    converted = np.zeros(len(ids), np.bool_)
    revenue = np.zeros(len(ids), np.int64)
    bought = _bought(campaign, at)
    places = np.searchsorted(ids, bought["profile_id"].to_numpy())
    revenue[places] = bought["revenue_minor"].to_numpy()
    converted[places] = bought["n_orders"].to_numpy() > 0
    if campaign.conversion_event:
        did = _did(campaign, at)
        converted[:] = False
        converted[np.searchsorted(ids, did["profile_id"].to_numpy())] = True
    return Outcomes(
        variants=np.array(variants, dtype=np.str_)[order],
        is_treated=order < len(treated),
        converted=converted,
        revenue_minor=revenue,
    )


def receipts(campaign: Campaign) -> dict[str, int]:
    """Return of how many messages a person made each kind of receipt; machines do not count."""
    found = Receipt.objects.filter(message__origin=campaign.origin, is_machine=False)
    return dict(found.values_list("kind").annotate(Count("message", distinct=True)))


def _assigned(campaign: Campaign, arm: Arm) -> pa.Table:
    sql = (
        "SELECT profile_id, variant FROM campaigns_assignment "
        "WHERE campaign_id = %s AND arm = %s ORDER BY profile_id"
    )
    with connection.cursor() as cursor:
        return arrow.fetch(cursor, sql, [campaign.pk, arm.value], _ASSIGNED)


def _bought(campaign: Campaign, at: int) -> pa.Table:
    """Return orders alive at ``at`` and what they come to, of those who placed any.

    A return (an order of negative amount) lowers the revenue and is no conversion.
    """
    alive = sorted(machine.ALIVE)
    marks = ", ".join(["%s"] * len(alive))
    sql = f"""
    SELECT a.profile_id,
           sum(CASE WHEN o.net_base_minor >= 0 THEN 1 ELSE 0 END),
           CAST(sum(o.net_base_minor) AS bigint)
    FROM campaigns_assignment a
    JOIN ({history.AS_OF}) o ON o.profile_id = a.profile_id
    WHERE a.campaign_id = %s AND a.arm <> %s AND o.status IN ({marks})
      AND o.ordered_at >= a.assigned_at AND o.ordered_at < a.assigned_at + %s
    GROUP BY a.profile_id
    """
    first_at, last_at = _range(campaign, at)
    params = [at, first_at, last_at, campaign.pk, Arm.EXCLUDED.value, *alive, _window(campaign)]
    with connection.cursor() as cursor:
        return arrow.fetch(cursor, sql, params, _BOUGHT)


def _did(campaign: Campaign, at: int) -> pa.Table:
    sql = """
    SELECT DISTINCT a.profile_id
    FROM campaigns_assignment a
    JOIN events_event e ON e.profile_id = a.profile_id
    WHERE a.campaign_id = %s AND a.arm <> %s AND e.name = %s
      AND e.at >= a.assigned_at AND e.at < a.assigned_at + %s AND e.at < %s
    """
    excluded, window = Arm.EXCLUDED.value, _window(campaign)
    params = [campaign.pk, excluded, campaign.conversion_event, window, at]
    with connection.cursor() as cursor:
        return arrow.fetch(cursor, sql, params, _DID)


def _range(campaign: Campaign, at: int) -> tuple[int, int]:
    """Return the half-open range that holds everybody's window, as far as it is past."""
    first = Assignment.objects.filter(campaign=campaign).aggregate(first=Min("assigned_at"))
    return first["first"] or 0, min(at, campaign.window_ends_at or at)


def _window(campaign: Campaign) -> int:
    return campaign.window_days * clock.DAY
