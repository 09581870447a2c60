"""What a pilot came to: each scenario against its control group, and scale, change or stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from django.conf import settings
from django.db.models import Count

from pusula.consent.models import Channel
from pusula.journeys.models import Attempt, Journey
from pusula.lib import clock, money
from pusula.measurement import stats
from pusula.measurement.pilot import actions
from pusula.measurement.pilot.definition import Definition, Scenario, digest, restored
from pusula.measurement.pilot.models import Pilot
from pusula.measurement.pilot.plan import Expected
from pusula.measurement.pilot.plan import restored as expected_of
from pusula.measurement.results.campaign import SPLIT_ALARM
from pusula.measurement.results.journey import JourneyResult, journey_result
from pusula.measurement.stats import ALPHA, Return
from pusula.outbox import machine as messages
from pusula.outbox.models import Message, Receipt, ReceiptKind

_FEW_CLICKED = 0.01  # of those who got a message: below it the message itself does not speak


class Advice(Enum):
    """What to do with a scenario."""

    SCALE = "scale"
    CHANGE = "change"
    STOP = "stop"
    TOO_EARLY = "too_early"


class Why(Enum):
    """A reason for an advice, the weightiest first."""

    HARM = "harm"  # fewer orders than in the control group
    UNSUBSCRIBED = "unsubscribed"  # more than the file allows
    COMPLAINED = "complained"
    SPLIT = "split"  # the arms have sizes no honest lot gives
    PAID = "paid"  # more orders, and they paid for it
    COSTS = "costs"  # more orders, and they did not pay for it
    NO_EFFECT = "no_effect"  # none seen, though one as large as hoped for would have been
    TOO_FEW = "too_few"  # none seen, and one as large as hoped for need not have been
    UNHEARD = "unheard"  # hardly anybody clicked
    NOBODY = "nobody"  # an arm is empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What became of the messages and calls of a scenario."""

    n_sent: int
    n_delivered: int
    n_opened: int  # by people, as far as machines show themselves
    n_clicked: int
    n_unsubscribed: int
    n_complained: int
    n_calls: int
    channels: Mapping[str, int]  # messages sent, by channel
    outcomes: Mapping[str, int]  # of calls, by their key
    not_sent: Mapping[str, int]  # by reason

    def share(self, n: int) -> float:
        """Return ``n`` as a share of what was sent; 0 of nothing."""
        return n / self.n_sent if self.n_sent else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What is known of one scenario, before anybody judges."""

    scenario: Scenario
    journey: Journey
    result: JourneyResult
    heard: Heard
    gained: Return | None  # minor units; none where an arm has fewer than two people
    split_p: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What is counted for each scenario, in their order, at a moment."""

    at: int
    scenarios: tuple[tuple[JourneyResult, Heard], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One scenario at the moment of the report."""

    measured: Measured
    expected: Expected | None
    p: float | None  # of the rates of order, paid for by the number of scenarios
    advice: Advice
    reasons: tuple[Why, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A pilot at a moment; ``is_over``: all its days have passed, so it may be judged."""

    pilot: Pilot
    definition: Definition
    at: int
    begins_at: int
    ends_at: int
    day: int  # whole days that have passed, at most all
    outcomes: tuple[Outcome, ...]
    is_as_registered: bool

    @property
    def is_over(self) -> bool:
        """Whether all days have passed."""
        return self.at >= self.ends_at


def counted(pilot: Pilot, *, at: int) -> Counted:
    """Count what everybody of ``pilot`` did and heard up to the moment ``at``."""
    definition = restored(pilot.definition)
    return Counted(
        at=at,
        scenarios=tuple(
            (journey_result(journey, window_days=definition.days, at=at), _heard(journey))
            for journey in actions.journeys_of(definition)
        ),
    )


def report(pilot: Pilot, counts: Counted) -> Report:
    """Return what is known of ``pilot`` by what was counted, at the moment of the counting."""
    definition, at = restored(pilot.definition), counts.at
    begins_at = actions.begins_at(definition)
    ends_at = begins_at + definition.days * clock.DAY
    held = actions.journeys_of(definition)
    measured = [
        _measured(definition, scenario, journey, *one)
        for scenario, journey, one in zip(definition.scenarios, held, counts.scenarios, strict=True)
    ]
    # Several scenarios are several chances to be wrong: their p-values pay for each other.
    tested = [one.result.rates.p for one in measured if one.result.rates is not None]
    adjusted = iter(stats.holm(tested))
    expected = {one.scenario: one for one in expected_of(pilot.expected)}
    outcomes = []
    for one in measured:
        p = next(adjusted) if one.result.rates is not None else None
        hoped = expected.get(one.scenario.scenario)
        judged = _judged(definition, one, hoped, p) if at >= ends_at else (Advice.TOO_EARLY, ())
        advice, reasons = judged
        outcomes.append(Outcome(measured=one, expected=hoped, p=p, advice=advice, reasons=reasons))
    return Report(
        pilot=pilot,
        definition=definition,
        at=at,
        begins_at=begins_at,
        ends_at=ends_at,
        day=max(0, min((at - begins_at) // clock.DAY, definition.days)),
        outcomes=tuple(outcomes),
        is_as_registered=_is_as_registered(pilot, definition, held),
    )


def _is_as_registered(pilot: Pilot, definition: Definition, held: Sequence[Journey]) -> bool:
    """Return whether nothing that was said before the start has been changed since."""
    if pilot.registered_at is None:
        return True
    return digest(definition) == pilot.digest and all(
        journey.version is not None and journey.version.published_at == pilot.registered_at
        for journey in held
    )


def _measured(
    definition: Definition,
    scenario: Scenario,
    journey: Journey,
    result: JourneyResult,
    heard: Heard,
) -> Measured:
    gained = None
    if result.means is not None:
        cost = _cost(definition, heard)
        gained = stats.returns(result.means, cost=cost, margin=float(definition.margin))
    share = float(definition.holdout)
    split_p = stats.sample_ratio([result.treated.n, result.holdout.n], [1 - share, share])
    return Measured(
        scenario=scenario, journey=journey, result=result, heard=heard, gained=gained,
        split_p=split_p,
    )  # fmt: skip


def _judged(
    definition: Definition, one: Measured, expected: Expected | None, p: float | None
) -> tuple[Advice, tuple[Why, ...]]:
    """Return what to do with a scenario whose days are over, and why."""
    rates = one.result.rates
    if rates is None or one.gained is None or p is None:
        return Advice.CHANGE, (Why.NOBODY,)
    if one.split_p is not None and one.split_p < SPLIT_ALARM:
        return Advice.CHANGE, (Why.SPLIT,)
    harm = []
    if p < ALPHA and rates.interval.high < 0:
        harm.append(Why.HARM)
    if one.heard.share(one.heard.n_unsubscribed) > definition.limits.unsubscribed:
        harm.append(Why.UNSUBSCRIBED)
    if one.heard.share(one.heard.n_complained) > definition.limits.complained:
        harm.append(Why.COMPLAINED)
    if harm:
        return Advice.STOP, tuple(harm)
    if p < ALPHA and rates.interval.low > 0:
        if one.gained.profit > 0:
            return Advice.SCALE, (Why.PAID,)
        return Advice.CHANGE, (Why.COSTS,)
    could = expected is not None and expected.may_show
    reasons = [Why.NO_EFFECT if could else Why.TOO_FEW]
    if one.heard.n_sent and one.heard.share(one.heard.n_clicked) < _FEW_CLICKED:
        reasons.append(Why.UNHEARD)
    return Advice.CHANGE, tuple(reasons)


def _heard(journey: Journey) -> Heard:
    mine = Message.objects.filter(origin=journey.origin)
    sent = mine.filter(state=messages.SENT).exclude(channel=Channel.CALL)
    receipts = Receipt.objects.filter(message__in=sent, is_machine=False)
    kinds = dict(receipts.values_list("kind").annotate(Count("message", distinct=True)))
    tried = Attempt.objects.filter(task__enrollment__journey=journey)
    skipped = mine.filter(state=messages.SKIPPED).values_list("reason")
    return Heard(
        n_sent=sent.count(),
        n_delivered=kinds.get(ReceiptKind.DELIVERED, 0),
        n_opened=kinds.get(ReceiptKind.OPENED, 0),
        n_clicked=kinds.get(ReceiptKind.CLICKED, 0),
        n_unsubscribed=kinds.get(ReceiptKind.UNSUBSCRIBED, 0),
        n_complained=kinds.get(ReceiptKind.COMPLAINED, 0),
        n_calls=tried.count(),
        channels=dict(
            mine.filter(state=messages.SENT).values_list("channel").annotate(Count("pk"))
        ),
        outcomes=dict(tried.values_list("result").annotate(Count("pk")).order_by("-pk__count")),
        not_sent=dict(skipped.annotate(Count("pk")).order_by("-pk__count")),
    )


def _cost(definition: Definition, heard: Heard) -> float:
    """Return what a scenario cost in minor units; what is fixed is borne in equal parts."""
    costs = definition.costs
    spent = sum(
        (
            getattr(costs, channel) * n
            for channel, n in heard.channels.items()
            if channel != Channel.CALL
        ),
        start=costs.call * heard.n_calls + costs.fixed / len(definition.scenarios),
    )
    return float(money.to_minor(spent, settings.PUSULA.currency))
