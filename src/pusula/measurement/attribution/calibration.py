"""Credit beside lift: what a campaign or journey caused, where somebody was held out to tell.

Calibrated credit scales what is ascribed to the messages of one origin so that, over everything it
ever did, it comes to the incremental revenue measured against its holdout. It is told with the
interval of that measurement, per origin only: an order has credit, never lift.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Min

from pusula.campaigns.models import Campaign
from pusula.journeys.models import Enrollment, Journey
from pusula.lib import clock
from pusula.measurement.attribution import queries as attribution
from pusula.measurement.attribution.credit import Rules
from pusula.measurement.attribution.queries import Credit
from pusula.measurement.attribution.touches import Span
from pusula.measurement.experiments import queries as experiments
from pusula.measurement.experiments.analysis import Course
from pusula.measurement.results.campaign import Phase, result
from pusula.measurement.stats import Interval


@dataclass(frozen=True)
class Lift:
    """What an origin caused over all its life, in minor units, and the interval around it."""

    revenue_minor: float
    interval: Interval
    is_final: bool  # the planned window is over; a journey goes on
    credit_minor: int  # ascribed to it over the same life by the rules that are asked for

    def calibrated(self, credit: Credit) -> Calibrated | None:
        """Return what of the lift belongs to ``credit``, a part of the credit of the same life."""
        if self.credit_minor <= 0:
            return None
        part = credit.revenue_minor / self.credit_minor
        low, high = sorted((self.interval.low * part, self.interval.high * part))
        return Calibrated(self.revenue_minor * part, Interval(low, high))


@dataclass(frozen=True)
class Calibrated:
    """Credit scaled to lift, and the interval of the lift scaled alike."""

    revenue_minor: float
    interval: Interval


def lifts(origins: set[str], rules: Rules, *, at: int) -> dict[str, Lift]:
    """Return the lift of those of ``origins`` that held somebody out; the others are missing."""
    found: dict[str, Lift] = {}
    for origin in origins:
        kind, _colon, number = origin.partition(":")
        if not number.isdecimal():
            continue
        if kind == "campaign":
            lift = _of_campaign(int(number), rules, at)
        elif kind == "journey":
            lift = _of_journey(int(number), rules, at)
        else:
            continue
        if lift is not None:
            found[origin] = lift
    return found


def _of_campaign(pk: int, rules: Rules, at: int) -> Lift | None:
    campaign = Campaign.objects.filter(pk=pk).first()
    if campaign is None or campaign.started_at is None:
        return None
    measured = result(campaign, at)
    if measured.overall is None:
        return None
    since_at = campaign.started_at
    if measured.phase is not Phase.READY:
        course = experiments.course_so_far(campaign, at)
        return _so_far(course, measured.treated.n, _credit(campaign.origin, since_at, rules, at))
    gained = measured.overall.gained
    return Lift(
        revenue_minor=gained.revenue,
        interval=gained.interval,
        is_final=True,
        credit_minor=_credit(campaign.origin, since_at, rules, at),
    )


def _of_journey(pk: int, rules: Rules, at: int) -> Lift | None:
    journey = Journey.objects.filter(pk=pk).first()
    experiment = experiments.by_key("journey", journey.key, at) if journey else None
    if journey is None or experiment is None or not experiment.is_held_against:
        return None
    measured = experiments.brief(experiment, at)
    n_treated = measured.analysis.rates.treated.n if measured.analysis else 0
    credit_minor = _credit(journey.origin, _began_at(journey), rules, at)
    return _so_far(measured.course, n_treated, credit_minor)


def _so_far(course: Course | None, n_treated: int, credit_minor: int) -> Lift | None:
    """Return the lift of what has not ended: reports are looked at again and again.

    So it has the interval that holds at every look. ``None`` before the first one.
    """
    if course is None or course.last is None:
        return None
    seen = course.last[1]
    return Lift(
        revenue_minor=seen.difference * n_treated,
        interval=seen.interval.scaled(n_treated),
        is_final=False,
        credit_minor=credit_minor,
    )


def _began_at(journey: Journey) -> int:
    """Return when the first person came in, else when the journey was made."""
    first = Enrollment.objects.filter(journey=journey).aggregate(first=Min("entered_at"))
    return min(journey.created_at, first["first"] or journey.created_at)


def _credit(origin: str, since_at: int, rules: Rules, at: int) -> int:
    """Return what is ascribed to ``origin`` of all orders since it began."""
    whole = attribution.attributed_to(origin, Span(since_at, at + clock.SECOND), rules)
    return whole.revenue_minor
