"""Made-up customers whose parameters are known: what models are tried on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pusula.predict.buying import bgnbd
from pusula.predict.buying.summary import WEEK
from pusula.predict.training import Floats, Ints


@dataclass(frozen=True)
class History:
    """Parallel arrays, one entry per customer; times in weeks, whole days."""

    x: Ints
    t_x: Floats
    age: Floats


def customers(model: bgnbd.Model, n: int, days: int, seed: int) -> History:
    """Return ``n`` customers of a BG/NBD population, who began on days of the first half.

    Purchases of one day are one; the model's times are weeks.
    """
    age, whose, day = _repeats(model, n, days, seed)
    last = np.zeros(n, np.int64)
    np.maximum.at(last, whose, day)
    return History(np.bincount(whose, minlength=n), last / WEEK, age / WEEK)


def order_days(model: bgnbd.Model, n: int, days: int, seed: int) -> list[Ints]:
    """Return the days with an order of each of ``n`` customers; the last is ``days`` - 1."""
    age, whose, day = _repeats(model, n, days, seed)
    order = np.lexsort((day, whose))
    repeats = np.split(day[order], np.cumsum(np.bincount(whose, minlength=n))[:-1])
    return [
        np.append(0, after) + (days - 1 - start)
        for start, after in zip(age.tolist(), repeats, strict=True)
    ]


def _repeats(model: bgnbd.Model, n: int, days: int, seed: int) -> tuple[Ints, Ints, Ints]:
    """Return everybody's age in days; of each repeat day, whose it is, and how old they were."""
    rng = np.random.default_rng(seed)
    age = rng.integers(days // 2, days, n)
    rate = np.maximum(rng.gamma(model.r, 1 / model.alpha, n) / WEEK, 1e-12)
    leaves = rng.beta(model.a, model.b, n)
    now, last = np.zeros(n), np.zeros(n, np.int64)
    here = np.arange(n)
    found = []
    while len(here):
        now[here] += rng.exponential(1.0, len(here)) / rate[here]
        here = here[now[here] <= age[here]]
        day = np.ceil(now[here]).astype(np.int64)
        is_new = day > last[here]
        last[here] = day
        found.append(np.stack([here[is_new], day[is_new]]))
        here = here[rng.random(len(here)) >= leaves[here]]
    whose, when = np.concatenate(found, axis=1) if found else np.empty((2, 0), np.int64)
    return age, whose, when
