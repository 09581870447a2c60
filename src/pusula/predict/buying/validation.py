"""Purchases predicted for days that were not seen, beside what came and beside the naive way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np

from pusula.predict.buying.learned import Learned, learn
from pusula.predict.buying.summary import Purchases, counted
from pusula.predict.cards import Bin, Metric, Row, Window
from pusula.predict.training import Floats, Ints

MOST_REPEATS = 7  # the last class of the backtest: so many or more
_BINS = 10


@dataclass(frozen=True)
class Validation:
    """Learned from what was known at ``window.from_on``; parallel arrays over its customers."""

    learned: Learned
    window: Window
    expected: Floats  # purchases in the window, of each customer
    naive: Floats
    came: Ints
    came_value: Floats  # in major units

    @property
    def days(self) -> int:
        """Return how many days the window has."""
        return (self.window.until_on - self.window.from_on).days


def validate(
    known: Purchases, later: Purchases, from_on: date, until_on: date
) -> Validation | None:
    """Learn from what was ``known`` on ``from_on`` and compare with what came before ``until_on``.

    ``None`` where nobody had come again by then.
    """
    learned = learn(known, from_on)
    if learned.model is None:
        return None
    days = (until_on - from_on).days
    came = counted(later, learned.summary.profile_ids, from_on, until_on)
    return Validation(
        learned=learned,
        window=Window(from_on, until_on),
        expected=learned.expected(days),
        naive=learned.same_rate(days),
        came=came.n,
        came_value=came.value,
    )


def errors(model: Floats, naive: Floats, came: Floats) -> tuple[Metric, ...]:
    """Return how far both are from what came: by customer, and in total."""
    return (
        Metric("mae", _mae(model, came), _mae(naive, came)),
        Metric("rmse", _rmse(model, came), _rmse(naive, came)),
        Metric("total", float(model.sum()), float(naive.sum()), "near", float(came.sum())),
    )


def brier(model: Floats, naive: Floats, came: Floats) -> Metric:
    """Return the mean squared error of probabilities; ``came`` is 0 or 1."""
    return Metric("brier", _rmse(model, came) ** 2, _rmse(naive, came) ** 2)


def by_repeats(x: Ints, model: Floats, naive: Floats, came: Floats) -> tuple[Row, ...]:
    """Return means by how often customers had come again before the window."""
    classes = np.minimum(x, MOST_REPEATS)
    found = []
    for repeats in np.unique(classes):
        those = classes == repeats
        name = f"{repeats}+" if repeats == MOST_REPEATS else str(repeats)
        means = [float(each[those].mean()) for each in (came, model, naive)]
        found.append(Row(name, int(those.sum()), means[0], means[1], means[2]))
    return tuple(found)


def by_prediction(model: Floats, came: Floats) -> tuple[Bin, ...]:
    """Return means by ten bins of equally many customers, the lowest predictions first.

    Customers with equal predictions stay together, so that there may be fewer bins.
    """
    if not len(model):
        return ()
    below = np.searchsorted(np.sort(model), model, side="left")
    bins = below * _BINS // len(model)
    mean: Callable[[Floats], float] = lambda values: float(values.mean())  # noqa: E731
    return tuple(
        Bin(mean(model[bins == one]), mean(came[bins == one]), int((bins == one).sum()))
        for one in np.unique(bins)
    )


def _mae(model: Floats, came: Floats) -> float:
    return float(np.abs(model - came).mean())


def _rmse(model: Floats, came: Floats) -> float:
    return float(np.sqrt(((model - came) ** 2).mean()))
