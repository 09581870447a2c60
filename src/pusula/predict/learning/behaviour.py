"""What a customer had done by a day, as the numbers a model of behaviour looks at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from pusula.predict.rhythm import gaps, renewal
from pusula.predict.rhythm.gaps import Rhythms, Visits
from pusula.predict.rhythm.renewal import Own, Renewal
from pusula.predict.training import Orders

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

YEAR = 365
_N_PERIODS = 3
_LEAST = 1e-4  # a chance nearer to 0 or 1 says no more


@dataclass(frozen=True)
class Behaviour:
    """Everybody who had bought by a day: parallel arrays, ascending by customer."""

    customers: Ints
    features: dict[str, Floats]
    rhythms: Rhythms
    own: Own
    model: Renewal


def behaviour(orders: Orders, day: int, horizon: int) -> Behaviour:
    """Return what is known at the start of ``day`` (since 1970), of ``orders`` before it.

    ``horizon``: the days that a period is long. Money is in logs of major units; a feature that
    nobody can know yet (a gap of who came once, a season nobody has seen) is missing (NaN).
    """
    seen = gaps.of_orders(orders)
    rhythms = gaps.rhythms(seen, day)
    model = renewal.fit(rhythms)
    own = model.own(rhythms)
    customers = rhythms.customers
    is_known = np.isin(orders.profile_ids, customers)  # who only returned something has not bought
    who = np.searchsorted(customers, orders.profile_ids[is_known])
    net = orders.net_minor[is_known]
    spent = np.bincount(who, net * orders.major, len(customers))
    n_orders = np.bincount(who, net >= 0, len(customers))
    has_gaps = rhythms.n_gaps > 0
    usual = own.gap(0.5)
    features = {
        "waited": rhythms.waited.astype(np.float64),
        "visits": np.log1p(rhythms.n_gaps),
        "usual_gap": np.log(usual),
        "overdue": np.log(own.waited / usual),
        "last_gap": np.where(has_gaps, np.log(np.maximum(rhythms.last_gap, 1)), np.nan),
        "unsteady": _unsteady(rhythms),
        "returns": special.logit(np.clip(own.returns_within(horizon), _LEAST, 1 - _LEAST)),
        "spent": np.log1p(np.maximum(spent, 0.0)),
        "per_order": np.log1p(np.maximum(spent / n_orders, 0.0)),
        "season": _season(seen, customers, day, horizon),
    }
    for nth in range(_N_PERIODS):
        features[f"period_{nth + 1}"] = _in_period(seen, customers, day, horizon, nth)
    return Behaviour(customers, features, rhythms, own, model)


def _unsteady(of: Rhythms) -> Floats:
    """Return how much the gaps of each customer vary: a deviation of logs, from two gaps on."""
    deviation = np.sqrt(of.log_squares / np.maximum(of.n_gaps, 1))
    return np.where(of.n_gaps > 1, deviation, np.nan)


def _in_period(seen: Visits, customers: Ints, day: int, horizon: int, nth: int) -> Floats:
    """Return the visits in the ``nth`` period back from ``day``; missing before all history."""
    end = day - nth * horizon
    counted = _counted(seen, customers, end - horizon, end)
    return np.full(len(customers), np.nan) if end - horizon < seen.days.min() else counted


def _season(seen: Visits, customers: Ints, day: int, horizon: int) -> Floats:
    """Return the visits a year before the days that come; missing if there is no such history."""
    start = day - YEAR
    if start < seen.days.min() or horizon > YEAR:
        return np.full(len(customers), np.nan)
    return _counted(seen, customers, start, start + horizon)


def _counted(seen: Visits, customers: Ints, start: int, end: int) -> Floats:
    inside = (seen.days >= start) & (seen.days < end)
    who = np.searchsorted(customers, seen.customers[inside])
    return np.bincount(who, minlength=len(customers)).astype(np.float64)
