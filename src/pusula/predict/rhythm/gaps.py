"""What the days of purchase say of each customer's rhythm: few numbers a person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pusula.predict.training import Orders

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Visits:
    """Days of purchase; parallel arrays ordered by customer, then day, each pair once.

    ``customers`` are ids, ``days`` whole days since 1970-01-01 in the company's zone. Several
    orders of one day are one visit: they are one errand.
    """

    customers: Ints
    days: Ints

    def before(self, day: int) -> Visits:
        """Return the visits on earlier days than ``day``."""
        known = self.days < day
        return Visits(self.customers[known], self.days[known])


@dataclass(frozen=True)
class Rhythms:
    """One entry per customer, ascending by id: all that the model of rhythm asks for.

    ``n_gaps``: how many times they came back. ``log_mean`` and ``log_squares``: the mean of the
    logarithms of their gaps in days, and the sum of squared differences from it (0 without gaps).
    ``waited``: days since the last visit; ``last_gap``: days between the last two, 0 without.
    """

    customers: Ints
    n_gaps: Ints
    log_mean: Floats
    log_squares: Floats
    last: Ints
    last_gap: Ints
    waited: Ints

    def __len__(self) -> int:
        """How many customers."""
        return len(self.customers)

    def only(self, chosen: npt.NDArray[np.bool_] | Ints) -> Rhythms:
        """Return those of ``chosen``, a mask or positions."""
        return Rhythms(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def of_orders(orders: Orders) -> Visits:
    """Return the days of purchase of each customer; a return is no purchase."""
    bought = orders.bought()
    return visits(bought.profile_ids, bought.days)


def visits(customers: Ints, days: Ints) -> Visits:
    """Return ``customers`` and ``days`` of orders, in any order, as visits."""
    order = np.lexsort((days, customers))
    customers, days = customers[order], days[order]
    is_new = np.ones(len(days), bool)
    is_new[1:] = (customers[1:] != customers[:-1]) | (days[1:] != days[:-1])
    return Visits(customers[is_new], days[is_new])


def gaps(of: Visits) -> Ints:
    """Return all gaps between visits of one customer, in days, in the order of ``of``."""
    same = of.customers[1:] == of.customers[:-1]
    between: Ints = np.diff(of.days)[same]
    return between


def rhythms(of: Visits, day: int) -> Rhythms:
    """Return the rhythm of each customer as of the start of ``day``; ``of`` ends before it."""
    customers, starts, n = np.unique(of.customers, return_index=True, return_counts=True)
    ends = starts + n - 1
    who = np.repeat(np.arange(len(customers)), n)[1:]
    same = of.customers[1:] == of.customers[:-1]
    between = np.diff(of.days)[same]
    owner, logs = who[same], np.log(between)
    n_gaps = n - 1
    mean = np.bincount(owner, logs, len(customers)) / np.maximum(n_gaps, 1)
    squares = np.bincount(owner, np.square(logs - mean[owner]), len(customers))
    before_last = np.maximum(ends - 1, starts)
    return Rhythms(
        customers=customers,
        n_gaps=n_gaps,
        log_mean=mean,
        log_squares=squares.astype(np.float64),
        last=of.days[ends],
        last_gap=of.days[ends] - of.days[before_last],
        waited=day - of.days[ends],
    )
