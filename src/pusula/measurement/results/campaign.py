"""What a campaign did: its arms, their differences, what it brought and what it cost."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from pusula.campaigns import costs
from pusula.campaigns import queries as campaigns
from pusula.campaigns.models import Campaign
from pusula.lib import clock
from pusula.measurement import stats
from pusula.measurement.results import outcomes as queries
from pusula.measurement.results.outcomes import Outcomes
from pusula.measurement.stats import Amounts, Interval, MeanTest, Rate, RateTest, Return
from pusula.orders import queries as orders
from pusula.outbox import machine as message_states

# A split this uneven comes up once in a thousand honest ones: something went wrong with it.
SPLIT_ALARM = 0.001


class Phase(Enum):
    """How far a measurement is."""

    NOT_STARTED = "not_started"
    TOO_EARLY = "too_early"  # the planned window is open; looking early finds what is not there
    READY = "ready"


class Counted(Enum):
    """What one conversion is."""

    ORDER = "order"
    BOOKING = "booking"  # an order of a stay
    EVENT = "event"


@dataclass(frozen=True)
class ArmResult:
    """What the people of one arm did; amounts in minor units."""

    name: str  # "treated", "holdout", or the variant
    rate: Rate
    amounts: Amounts

    @property
    def n(self) -> int:
        """How many people were assigned."""
        return self.rate.n

    @property
    def n_conversions(self) -> int:
        """How many of them converted."""
        return self.rate.x

    @property
    def revenue_minor(self) -> int:
        """Net revenue of all of them in the window."""
        return round(self.amounts.total)


@dataclass(frozen=True)
class Effect:
    """What treating people changed, against those held out."""

    arm: ArmResult
    rates: RateTest
    means: MeanTest  # minor units per head
    p: float  # of conversions; paid for asking about several variants at once
    n_incremental: float  # conversions that would not have been
    incremental_interval: Interval
    gained: Return  # minor units
    detectable: float | None  # the smallest difference of rates such arms mostly show


@dataclass(frozen=True)
class Result:
    """A campaign measured at the moment ``at``."""

    campaign: Campaign
    at: int
    phase: Phase
    day: int  # whole days of the window that have passed
    counted: Counted
    treated: ArmResult
    holdout: ArmResult
    overall: Effect | None  # none where an arm has fewer than two people
    variants: tuple[Effect, ...]
    split_p: float | None  # of arms of these sizes, had the split gone as planned
    n_sent: int
    messages: dict[str, int]  # by state
    receipts: dict[str, int]  # messages by what people did with them
    unpriced: tuple[str, ...] = ()  # the channels whose messages have no price yet

    @property
    def is_split_broken(self) -> bool:
        """Whether the arms have sizes that no honest split gives."""
        return self.split_p is not None and self.split_p < SPLIT_ALARM


def result(campaign: Campaign, at: int) -> Result:
    """Return what ``campaign`` did, as far as it is known at the moment ``at``."""
    found = queries.outcomes(campaign, at)
    treated = _arm("treated", found, found.is_treated)
    holdout = _arm("holdout", found, ~found.is_treated)
    names = [name for name, _share in campaign.variants]
    arms = [_arm(name, found, found.is_treated & (found.variants == name)) for name in names]
    messages = campaigns.progress(campaign).states
    n_sent = treated.n if campaign.is_adopted else messages[message_states.SENT]
    spent = costs.spent(campaign, n_sent)
    cost = spent.minor
    return Result(
        campaign=campaign,
        at=at,
        phase=phase_of(campaign, at),
        day=_day(campaign, at),
        counted=counted(campaign.conversion_event),
        treated=treated,
        holdout=holdout,
        overall=_effect(treated, holdout, cost, campaign.margin),
        variants=_variant_effects(arms, treated, holdout, cost, campaign),
        split_p=_split(campaign, treated, holdout, arms),
        n_sent=n_sent,
        messages=messages,
        receipts=queries.receipts(campaign),
        unpriced=spent.missing,
    )


def phase_of(campaign: Campaign, at: int) -> Phase:
    """Return how far the measurement of ``campaign`` is at the moment ``at``."""
    if campaign.started_at is None or campaign.window_ends_at is None:
        return Phase.NOT_STARTED
    return Phase.READY if at >= campaign.window_ends_at else Phase.TOO_EARLY


def counted(event: str) -> Counted:
    """Return what one conversion is: the ``event``, or what this company's orders are."""
    if event:
        return Counted.EVENT
    return Counted.BOOKING if orders.has_stays() else Counted.ORDER


def as_dict(found: Result) -> dict[str, Any]:
    """Return a result as plain values; amounts stay minor units of ``currency``."""
    campaign = found.campaign
    return {
        "campaign": campaign.key,
        "title": campaign.title,
        "unpriced": list(found.unpriced),
        "currency": campaign.currency,
        "started_at": campaign.started_at,
        "window_days": campaign.window_days,
        "window_ends_at": campaign.window_ends_at,
        "at": found.at,
        "phase": found.phase.value,
        "day": found.day,
        "conversion": campaign.conversion_event or found.counted.value,
        "treated": _arm_dict(found.treated),
        "holdout": _arm_dict(found.holdout),
        "overall": _effect_dict(found.overall) if found.overall else None,
        "variants": [_effect_dict(effect) for effect in found.variants],
        "split": {"p": found.split_p, "is_broken": found.is_split_broken},
        "n_sent": found.n_sent,
        "messages": found.messages,
        "receipts": found.receipts,
    }


def _arm(name: str, found: Outcomes, mask: npt.NDArray[np.bool_]) -> ArmResult:
    n = int(mask.sum())
    revenue = found.revenue_minor[mask].astype(np.float64)
    return ArmResult(
        name=name,
        rate=Rate(n, int(found.converted[mask].sum())),
        amounts=Amounts(n, float(revenue.sum()), float(revenue @ revenue)),
    )


def _effect(arm: ArmResult, holdout: ArmResult, cost: float, margin: float) -> Effect | None:
    if min(arm.n, holdout.n) < 2:  # noqa: PLR2004 - one person does not vary
        return None
    rates = stats.compare_rates(arm.rate, holdout.rate)
    means = stats.compare_means(arm.amounts, holdout.amounts)
    return Effect(
        arm=arm,
        rates=rates,
        means=means,
        p=rates.p,
        n_incremental=rates.difference * arm.n,
        incremental_interval=rates.interval.scaled(arm.n),
        gained=stats.returns(means, cost=cost, margin=margin),
        detectable=stats.detectable_difference(holdout.rate.value, arm.n, holdout.n),
    )


def _variant_effects(
    arms: list[ArmResult], treated: ArmResult, holdout: ArmResult, cost: float, campaign: Campaign
) -> tuple[Effect, ...]:
    """Return the effect of each variant; each bears its part of the cost by its people."""
    if len(arms) < 2:  # noqa: PLR2004 - one way to be treated is the whole
        return ()
    shares = [arm.n / treated.n if treated.n else 0.0 for arm in arms]
    found = [
        effect
        for arm, share in zip(arms, shares, strict=True)
        if (effect := _effect(arm, holdout, cost * share, campaign.margin)) is not None
    ]
    adjusted = stats.holm([effect.rates.p for effect in found])
    return tuple(
        Effect(**(vars(effect) | {"p": p})) for effect, p in zip(found, adjusted, strict=True)
    )


def _split(
    campaign: Campaign, treated: ArmResult, holdout: ArmResult, arms: list[ArmResult]
) -> float | None:
    planned = campaign.holdout_share
    if not arms:
        return stats.sample_ratio([treated.n, holdout.n], [1 - planned, planned])
    shares = [(1 - planned) * share for _name, share in campaign.variants]
    return stats.sample_ratio([*(arm.n for arm in arms), holdout.n], [*shares, planned])


def _day(campaign: Campaign, at: int) -> int:
    if campaign.started_at is None:
        return 0
    return max(0, min((at - campaign.started_at) // clock.DAY, campaign.window_days))


def _arm_dict(arm: ArmResult) -> dict[str, Any]:
    return {
        "name": arm.name,
        "n": arm.n,
        "n_conversions": arm.n_conversions,
        "rate": arm.rate.value,
        "revenue_minor": arm.revenue_minor,
        "revenue_per_head_minor": arm.amounts.mean,
    }


def _effect_dict(effect: Effect) -> dict[str, Any]:
    rates, means = effect.rates, effect.means
    return {
        "arm": _arm_dict(effect.arm),
        "rate_difference": rates.difference,
        "rate_interval": asdict(rates.interval),
        "rate_interval_wald": asdict(rates.interval_wald),
        "lift": rates.lift,
        "lift_interval": asdict(rates.lift_interval) if rates.lift_interval else None,
        "z": rates.z,
        "p": rates.p,
        "p_adjusted": effect.p,
        "is_exact": rates.is_exact,
        "n_incremental": effect.n_incremental,
        "n_incremental_interval": asdict(effect.incremental_interval),
        "revenue_difference_minor": means.difference,
        "revenue_interval_minor": asdict(means.interval),
        "revenue_lift": means.lift,
        "revenue_t": means.t,
        "revenue_p": means.p,
        "incremental_revenue_minor": effect.gained.revenue,
        "incremental_revenue_interval_minor": asdict(effect.gained.interval),
        "cost_minor": effect.gained.cost,
        "margin": effect.gained.margin,
        "profit_minor": effect.gained.profit,
        "profit_interval_minor": asdict(effect.gained.profit_interval),
        "roi": effect.gained.roi,
        "roi_interval": asdict(effect.gained.roi_interval) if effect.gained.roi_interval else None,
        "detectable_difference": effect.detectable,
    }
