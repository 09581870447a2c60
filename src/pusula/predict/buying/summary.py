"""What purchase models need to know of a customer: how often, how lately, since when, how much."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from pusula.predict.training import Floats, Ints, Orders, day_number

WEEK = 7.0  # days; times of the models are weeks


@dataclass(frozen=True)
class Summary:
    """Parallel arrays, one entry per customer, ascending by profile; times in weeks.

    Orders of one customer on one day are one purchase. The first purchase makes the customer and
    is not counted.
    """

    profile_ids: Ints
    x: Ints  # purchases after the first
    t_x: Floats  # from the first purchase to the last; 0 without repeats
    age: Floats  # from the first purchase to the end of the last day seen
    value: Floats  # mean value of the purchases after the first, in major units; 0 without repeats

    def __len__(self) -> int:
        """Return the number of customers."""
        return len(self.profile_ids)

    @property
    def days(self) -> int:
        """Return how many days the history has, from the first purchase of anybody."""
        return round(float(self.age.max()) * WEEK) + 1 if len(self.age) else 0


@dataclass(frozen=True)
class Purchases:
    """Days with a purchase, as parallel arrays ordered by profile and day."""

    profile_ids: Ints
    days: Ints  # days since 1970
    value: Floats  # of the day, in major units


def purchases(orders: Orders) -> Purchases:
    """Return the days on which customers bought, leaving out returns that are told as orders."""
    bought = orders.net_minor >= 0
    profile_ids, days = orders.profile_ids[bought], orders.days[bought]
    if not len(days):
        return Purchases(profile_ids, days, np.empty(0))
    order = np.lexsort((days, profile_ids))
    profile_ids, days = profile_ids[order], days[order]
    is_new = np.ones(len(days), bool)
    is_new[1:] = (np.diff(profile_ids) != 0) | (np.diff(days) != 0)
    sums = np.add.reduceat(orders.net_minor[bought][order], np.flatnonzero(is_new))
    return Purchases(profile_ids[is_new], days[is_new], sums * orders.major)


def kept_share(orders: Orders) -> float:
    """Return which share of what was bought is left after returns that are told as orders."""
    bought = float(orders.net_minor[orders.net_minor >= 0].sum())
    returned = -float(orders.net_minor[orders.net_minor < 0].sum())
    return max(0.0, 1.0 - returned / bought) if bought else 1.0


def summarise(bought: Purchases, until_on: date) -> Summary:
    """Return what is known of each customer from the purchases before the day ``until_on``."""
    seen = bought.days < day_number(until_on)
    profile_ids, days, value = bought.profile_ids[seen], bought.days[seen], bought.value[seen]
    starts = np.flatnonzero(np.diff(profile_ids, prepend=-1)) if len(days) else np.empty(0, int)
    n = np.diff(np.append(starts, len(days)))
    first, last = days[starts], days[starts + n - 1]
    sums = np.add.reduceat(value, starts) if len(starts) else np.empty(0)
    x = (n - 1).astype(np.int64)
    repeat_value = np.divide(sums - value[starts], x, out=np.zeros(len(x)), where=x > 0)
    return Summary(
        profile_ids=profile_ids[starts],
        x=x,
        t_x=(last - first) / WEEK,
        age=(day_number(until_on) - 1 - first) / WEEK,
        value=repeat_value,
    )


def counted(bought: Purchases, profile_ids: Ints, from_on: date, until_on: date) -> Summed:
    """Return what each of ``profile_ids`` (ascending) bought from a day to before another."""
    inside = (bought.days >= day_number(from_on)) & (bought.days < day_number(until_on))
    inside &= np.isin(bought.profile_ids, profile_ids)
    at = np.searchsorted(profile_ids, bought.profile_ids[inside])
    n = len(profile_ids)
    return Summed(
        np.bincount(at, minlength=n),
        np.bincount(at, bought.value[inside], minlength=n).astype(float),
    )


@dataclass(frozen=True)
class Summed:
    """What customers bought in a span: days with a purchase, and their value in major units."""

    n: Ints
    value: Floats
