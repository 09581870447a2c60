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

    Purchases of one day are one; the rate is per week.
    """
    rng = np.random.default_rng(seed)
    age = rng.integers(days // 2, days, n)  # days from the first purchase to the end
    rate = rng.gamma(model.r, 1 / model.alpha, n) / WEEK
    leaves = rng.beta(model.a, model.b, n)
    x, last = np.zeros(n, np.int64), np.zeros(n, np.int64)
    now = np.zeros(n)
    here = np.arange(n)
    while len(here):
        now[here] += rng.exponential(1.0, len(here)) / np.maximum(rate[here], 1e-12)
        here = here[now[here] < age[here]]
        day = np.ceil(now[here]).astype(np.int64)
        x[here] += day > last[here]
        last[here] = day
        here = here[rng.random(len(here)) >= leaves[here]]
    return History(x, last / WEEK, age / WEEK)
