"""A past for trainers: orders as they are given, known from the day they were made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from pusula.predict.training import EPOCH, Orders, day_number

DAY_AT = 86_400_000_000


@dataclass(frozen=True)
class Given:
    """Orders that were never changed."""

    everything: Orders
    as_of_on: date

    def orders(self, as_of_on: date | None = None) -> Orders:
        known = self.everything.days < day_number(as_of_on or self.as_of_on)
        of = self.everything
        return Orders(
            of.profile_ids[known],
            of.ordered_at[known],
            of.days[known],
            of.net_minor[known],
            of.major,
        )


def orders(people, days, minor=None) -> Orders:
    people, days = np.asarray(people, np.int64), np.asarray(days, np.int64)
    minor = np.full(len(people), 10_000) if minor is None else np.asarray(minor, np.int64)
    order = np.lexsort((days, people))
    return Orders(people[order], days[order] * DAY_AT, days[order], minor[order], 0.01)


def day_after(of: Orders) -> date:
    return EPOCH + timedelta(days=int(of.days.max()) + 1)


def made_up(n: int, *, seed: int = 7, days: int = 720) -> Orders:
    """People with a rhythm of their own each, of whom some stop: by the model of rhythm."""
    rng = np.random.default_rng(seed)
    people, when = [], []
    for who in range(1, n + 1):
        own = rng.normal(np.log(45), 0.6)
        day = int(rng.integers(0, days))
        stops = 0.3
        while day < days:
            people.append(who)
            when.append(20_000 + day)
            if rng.random() < stops:
                break
            stops = 0.05
            day += max(round(float(np.exp(rng.normal(own, 0.5)))), 1)
    minor = rng.lognormal(9, 0.5, len(people))
    return orders(people, when, minor.astype(np.int64))
