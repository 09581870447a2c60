"""The plan of a test: people and days it takes, and what the people at hand can show."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from django.utils.translation import gettext

from pusula.lib.errors import PusulaError
from pusula.measurement import stats
from pusula.measurement.stats import ALPHA, POWER

_CURVE_TO = 2.0  # times the effect asked about, or detectable
_CURVE_POINTS = 24


class UnplannableError(PusulaError):
    """A plan whose numbers cannot be meant."""

    code = "unplannable"


class Metric(Enum):
    """What the arms are compared by."""

    RATE = "rate"  # the share of people who convert
    MEAN = "mean"  # an amount per person


@dataclass(frozen=True)
class Asked:
    """What somebody wants to test.

    ``base`` is what happens without the treatment and ``target`` what it should become: shares of
    people, or amounts per person in whatever unit; ``deviation`` is of one person's amount.
    ``people`` are those at hand, treated and held out together; ``per_day`` come in every day.
    """

    metric: Metric
    base: float
    target: float
    deviation: float = 0.0
    control_share: float = 0.5
    people: int | None = None
    per_day: float | None = None
    alpha: float = ALPHA
    power: float = POWER

    def __post_init__(self) -> None:
        """Refuse what no test can have."""
        if self.base == self.target:
            raise UnplannableError(gettext("the effect to be seen must not be zero"))
        if self.metric is Metric.RATE and not (0 < self.base < 1 and 0 < self.target < 1):
            raise UnplannableError(gettext("both rates must lie between 0% and 100%"))
        if self.metric is Metric.MEAN and self.deviation <= 0:
            raise UnplannableError(gettext("the standard deviation must be more than 0"))
        if not 0 < self.control_share < 1:
            raise UnplannableError(gettext("the control group must be between 0% and 100%"))
        if not (0 < self.alpha < 1 and 0 < self.power < 1):
            raise UnplannableError(gettext("error and power must lie between 0% and 100%"))
        if self.people is not None and self.people < 2:  # noqa: PLR2004 - one for each arm
            raise UnplannableError(gettext("a test needs at least two people"))
        if self.per_day is not None and self.per_day <= 0:
            raise UnplannableError(gettext("the people of a day must be more than 0"))


@dataclass(frozen=True)
class Plan:
    """What a test takes, and what the people at hand can show; ``None`` where it was not asked."""

    asked: Asked
    n_treated: int  # needed
    n_control: int
    days: int | None  # until so many have come
    detectable: float | None  # with the people at hand, in the unit of the base
    chance: float | None  # that the people at hand show the target
    curve: tuple[tuple[float, float], ...]  # (effect, chance) with those at hand, else needed

    @property
    def n_needed(self) -> int:
        """How many people it takes together."""
        return self.n_treated + self.n_control

    @property
    def is_enough(self) -> bool | None:
        """Whether the people at hand are enough; ``None`` if nobody said how many there are."""
        return None if self.asked.people is None else self.asked.people >= self.n_needed


def plan(asked: Asked) -> Plan:
    """Return what the test takes."""
    n_treated, n_control = _needed(asked)
    days = None if asked.per_day is None else math.ceil((n_treated + n_control) / asked.per_day)
    detectable = chance = None
    sizes = n_treated, n_control
    if asked.people is not None:
        sizes = split(asked.people, asked.control_share)
        detectable = _detectable(asked, *sizes)
        chance = _chance(asked, asked.target - asked.base, *sizes)
    widest = _CURVE_TO * max(abs(asked.target - asked.base), detectable or 0.0)
    return Plan(asked, n_treated, n_control, days, detectable, chance, _curve(asked, widest, sizes))


def split(people: int, control_share: float) -> tuple[int, int]:
    """Return how many of ``people`` are treated and held out, at least one of each."""
    n_control = min(max(round(people * control_share), 1), people - 1)
    return people - n_control, n_control


def _needed(asked: Asked) -> tuple[int, int]:
    if asked.metric is Metric.RATE:
        return stats.people_needed(
            asked.base,
            asked.target,
            control_share=asked.control_share,
            alpha=asked.alpha,
            power=asked.power,
        )
    return stats.people_needed_for_mean(
        asked.target - asked.base,
        asked.deviation,
        control_share=asked.control_share,
        alpha=asked.alpha,
        power=asked.power,
    )


def _detectable(asked: Asked, n_treated: int, n_control: int) -> float | None:
    if asked.metric is Metric.MEAN:
        return stats.detectable_mean(
            asked.deviation, n_treated, n_control, alpha=asked.alpha, power=asked.power
        )
    found = stats.detectable_difference(
        asked.base, n_treated, n_control, alpha=asked.alpha, power=asked.power
    )
    return None if found is None or asked.base + found >= 1 else found


def _chance(asked: Asked, effect: float, n_treated: int, n_control: int) -> float:
    if asked.metric is Metric.MEAN:
        return stats.power_of_means(
            effect, asked.deviation, n_treated, n_control, alpha=asked.alpha
        )
    target = min(max(asked.base + effect, 0.0), 1.0)
    return stats.power_of_rates(asked.base, target, n_treated, n_control, alpha=asked.alpha)


def _curve(asked: Asked, widest: float, sizes: tuple[int, int]) -> tuple[tuple[float, float], ...]:
    sign = 1 if asked.target > asked.base else -1
    effects = [sign * widest * i / _CURVE_POINTS for i in range(_CURVE_POINTS + 1)]
    return tuple((effect, _chance(asked, effect, *sizes)) for effect in effects)
