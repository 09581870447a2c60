"""What is learned of a population of buyers: how often they buy, how long they stay, how much."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TypeVar

import numpy as np

from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.predict.buying import bgnbd, gammagamma, grouping
from pusula.predict.buying.fitting import Fit
from pusula.predict.buying.summary import WEEK, Purchases, Summary, summarise
from pusula.predict.training import Floats

_YEAR = 365.25
Model = TypeVar("Model")


class NothingLearnedError(PusulaError):
    """A model was asked that could not be fitted."""

    code = "nothing_learned"


@dataclass(frozen=True)
class Learned:
    """Models fitted to what is known of customers; ``None`` where there is nothing to fit."""

    summary: Summary
    model: bgnbd.Model | None = None
    fit: Fit | None = None
    values: gammagamma.Model | None = None
    values_fit: Fit | None = None
    correlation: float | None = None  # of frequency and mean value, over those with repeats

    @property
    def n_again(self) -> int:
        """Return how many customers came again."""
        return int((self.summary.x > 0).sum())

    def p_alive(self) -> Floats:
        """Return the probability that each customer has not left."""
        seen = self.summary
        return _known(self.model).p_alive(seen.x, seen.t_x, seen.age)

    def p_some(self, days: float) -> Floats:
        """Return the probability that each customer buys in the coming ``days``."""
        seen = self.summary
        return _known(self.model).p_some(seen.x, seen.t_x, seen.age, days / WEEK)

    def expected(self, days: float) -> Floats:
        """Return the purchases expected of each customer in the coming ``days``."""
        seen = self.summary
        return _known(self.model).expected(seen.x, seen.t_x, seen.age, days / WEEK)

    def mean_value(self) -> Floats:
        """Return the value expected of a purchase of each customer, in major units."""
        return _known(self.values).expected(self.summary.x, self.summary.value)

    def lifetime_value(
        self, months: int = 12, *, yearly_discount: float = 0.0, margin: float = 1.0
    ) -> Floats:
        """Return what each customer is expected to bring in the coming ``months``, in major units.

        Each month's purchases are discounted from its end at ``yearly_discount`` (0.1 is 10 % a
        year); ``margin`` is the share of the value that counts.
        """
        if not yearly_discount:
            return self.expected(months * _YEAR / 12) * self.mean_value() * margin
        before, discounted = np.zeros(len(self.summary)), np.zeros(len(self.summary))
        for month in range(1, months + 1):
            until = self.expected(month * _YEAR / 12)
            discounted += (until - before) / (1 + yearly_discount) ** (month / 12)
            before = until
        return discounted * self.mean_value() * margin

    def same_rate(self, days: float) -> Floats:
        """Return the purchases of each customer if all go on as often as seen: the naive way."""
        seen = self.summary
        rate = np.divide(seen.x, seen.age, out=np.zeros(len(seen)), where=seen.age > 0)
        return rate * (days / WEEK)


def learn(bought: Purchases, as_of_on: date) -> Learned:
    """Fit the models to the purchases before ``as_of_on``."""
    return learn_from(summarise(bought, as_of_on))


def learn_from(seen: Summary) -> Learned:
    """Fit the models to what is known of each customer."""
    again = seen.x > 0
    if not again.any():
        return Learned(seen)
    model, fit = bgnbd.fit(grouping.group(seen.x, seen.t_x, seen.age))
    paid = again & (seen.value > 0)
    if not paid.any():
        return Learned(seen, model, fit)
    x, value = seen.x[paid], seen.value[paid]
    values, values_fit = gammagamma.fit(x, value)
    return Learned(seen, model, fit, values, values_fit, correlation(x.astype(float), value))


def correlation(one: Floats, other: Floats) -> float:
    """Return Pearson's correlation; 0 where one of the two does not vary."""
    spread = float(one.std() * other.std())
    if not spread:
        return 0.0
    return float(((one - one.mean()) * (other - other.mean())).mean()) / spread


def _known(model: Model | None) -> Model:
    if model is None:
        raise NothingLearnedError(Saying("nobody bought twice: there is nothing to predict from"))
    return model
