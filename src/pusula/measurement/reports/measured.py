"""What campaigns, journeys, experiments, pilots and all together came to, kept as reports are.

What a page shows is a dataclass and what is kept is JSON, so each kind says what it is made of and
how it is counted. Campaigns and journeys in it are kept by their number, and read anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
import numpy as np
from django.db.models import Model

from pusula.campaigns import queries as campaigns
from pusula.journeys import queries as journeys
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.measurement.experiments import overall
from pusula.measurement.experiments import queries as experiments
from pusula.measurement.experiments.analysis import Course
from pusula.measurement.experiments.earned import Earned
from pusula.measurement.experiments.overall import Overall
from pusula.measurement.experiments.queries import Found
from pusula.measurement.experiments.sizes import Sizes, sizes
from pusula.measurement.pilot import report as pilots
from pusula.measurement.pilot.models import Pilot
from pusula.measurement.planning import baseline as planning
from pusula.measurement.planning.baseline import Baseline
from pusula.measurement.reports import steps
from pusula.measurement.reports.glance import Glance, glance
from pusula.measurement.reports.period import Period
from pusula.measurement.reports.steps import Steps
from pusula.measurement.results import campaign as results
from pusula.measurement.results.campaign import Phase
from pusula.measurement.results.journey import JourneyResult, journey_result
from pusula.measurement.stats import Seen
from pusula.segments import queries as segments

Question = dict[str, Any]
T_co = TypeVar("T_co", covariant=True)


class NothingToCountError(PusulaError):
    """What was to be counted is not there (any more)."""

    code = "nothing_to_count"
    status = 404


@dataclass(frozen=True)
class Measure(Generic[T_co]):
    """A kind of figures: what they are made of, and how a question about them is answered."""

    kind: str
    type: Any  # of what ``count`` returns
    count: Callable[[Question], T_co]

    def made(self, question: Question) -> dict[str, Any]:
        """Count, and return the figures as JSON has them."""
        return {"found": msgspec.to_builtins(self.count(question), enc_hook=_plain)}

    def read(self, result: dict[str, Any]) -> T_co:
        """Return what ``made`` wrote down.

        Raises ``msgspec.ValidationError`` of what another version of the program wrote.
        """
        found: T_co = msgspec.convert(result["found"], self.type, strict=False, dec_hook=_restored)
        return found


@dataclass(frozen=True)
class OfCampaign:
    """What a campaign did, and while it runs the looks at it so far."""

    result: results.Result
    course: Course | None


@dataclass(frozen=True)
class OfJourney:
    """What a journey did, its difference with the interval that holds at every look, its return."""

    result: JourneyResult
    seen: Seen | None
    earned: Earned | None = None


def _experiment(question: Question) -> Found:
    at = clock.now()
    one = experiments.by_key(question["of"], question["key"], at)
    if one is None:
        raise NothingToCountError(
            Saying(
                "there is no experiment %(of)s:%(key)s",
                {"of": question["of"], "key": question["key"]},
            )
        )
    if question["is_brief"]:
        return experiments.brief(one, at)
    return experiments.measured(one, at, with_history=question["with_history"])


def _sizes(_question: Question) -> Sizes:
    return sizes()


def _everything(_question: Question) -> Overall | None:
    return overall.measured(clock.now())


def _campaign(question: Question) -> OfCampaign:
    campaign = campaigns.by_key(question["key"])
    if campaign is None:
        raise NothingToCountError(Saying("there is no campaign %(key)r", {"key": question["key"]}))
    found = results.result(campaign, clock.now())
    is_running = found.phase is Phase.TOO_EARLY
    return OfCampaign(found, experiments.course_so_far(campaign, found.at) if is_running else None)


def _journey(question: Question) -> OfJourney:
    journey, days, at = journeys.by_key(question["key"]), question["days"], clock.now()
    if journey is None:
        raise NothingToCountError(Saying("there is no journey %(key)r", {"key": question["key"]}))
    found = experiments.so_far(journey, days, at)
    last = found.course.last if found else None
    return OfJourney(
        journey_result(journey, window_days=days, at=at),
        last[0] if last else None,
        found.earned if found else None,
    )


def _steps(question: Question) -> Steps:
    journey = journeys.by_key(question["key"])
    if journey is None:
        raise NothingToCountError(Saying("there is no journey %(key)r", {"key": question["key"]}))
    return steps.of_journey(journey, Period.until_today(question["days"]))


def _pilot(question: Question) -> pilots.Counted:
    pilot = Pilot.objects.filter(key=question["key"]).first()
    if pilot is None:
        raise NothingToCountError(Saying("there is no pilot %(key)r", {"key": question["key"]}))
    return pilots.counted(pilot, at=clock.now())


def _baseline(question: Question) -> Baseline:
    segment = segments.by_key(question["segment"]) if question["segment"] else None
    return planning.baseline(segment, days=question["days"], at=clock.now())


def _glance(question: Question) -> Glance:
    return glance(question["days"], question["channels"], question["purpose"])


EXPERIMENT = Measure("experiment", Found, _experiment)
SIZES = Measure("sizes", Sizes, _sizes)
EVERYTHING = Measure("everything", Overall | None, _everything)
CAMPAIGN = Measure("campaign", OfCampaign, _campaign)
JOURNEY = Measure("journey", OfJourney, _journey)
STEPS = Measure("steps", Steps, _steps)
PILOT = Measure("pilot", pilots.Counted, _pilot)
BASELINE = Measure("baseline", Baseline, _baseline)
GLANCE = Measure("glance", Glance, _glance)
MEASURES: tuple[Measure[Any], ...] = (
    EXPERIMENT, SIZES, EVERYTHING, CAMPAIGN, JOURNEY, STEPS, PILOT, BASELINE, GLANCE,
)  # fmt: skip


def of_experiment(
    kind: str, key: str, *, is_brief: bool = False, with_history: bool = False
) -> Question:
    """Return the question about one experiment; ``is_brief``: only what its verdict needs."""
    return {"of": kind, "key": key, "is_brief": is_brief, "with_history": with_history}


def _plain(value: object) -> object:
    if isinstance(value, Model):
        return value.pk
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"figures cannot be kept with {type(value)} in them")


def _restored(wanted: type, value: object) -> object:
    if issubclass(wanted, Model):
        return wanted._default_manager.get(pk=value)  # noqa: SLF001 - Django's name
    raise TypeError(f"figures cannot be kept with {wanted} in them")
