"""Experiments: campaigns and journeys that hold people out, how far they are, what they say.

A campaign is judged once, at its planned end, by the fixed test; before it only the interval that
holds at every look is shown. A journey has no planned end: it is judged by that interval alone, and
by people whose window is over, so that nobody counts half.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from django.conf import settings
from django.db import connection
from django.utils.translation import get_language

from pusula.campaigns import queries as campaigns
from pusula.campaigns.models import Arm, Campaign
from pusula.journeys import queries as journeys
from pusula.journeys.models import Journey
from pusula.lake.as_of import AsOf
from pusula.lib import clock
from pusula.measurement import stats
from pusula.measurement.experiments import analysis, earned, sizes
from pusula.measurement.experiments import people as doers
from pusula.measurement.experiments.analysis import NO_COURSE, Analysis, Course
from pusula.measurement.experiments.earned import Earned
from pusula.measurement.experiments.people import Bools, Exposed, People
from pusula.measurement.experiments.sizes import Sizes
from pusula.measurement.results.campaign import (
    SPLIT_ALARM,
    Counted,
    Phase,
    Result,
    counted,
    phase_of,
    result,
)
from pusula.segments import history
from pusula.segments import queries as segments_in_use

JOURNEY_WINDOW_DAYS = 14

_OF_CAMPAIGN = (
    "SELECT profile_id, CASE WHEN arm = %s THEN 1 ELSE 0 END AS is_treated, variant, "
    "assigned_at AS at, CAST(NULL AS bigint) AS order_id "
    "FROM campaigns_assignment WHERE campaign_id = %s AND arm <> %s"
)
# How everybody came in first: who comes again is the same person, in the same arm. A version that
# holds nobody out compares with nothing, so who came in on one is left out.
_FIRST = """
FROM (
  SELECT profile_id, is_holdout, entered_at, order_id, version_id,
         row_number() OVER (PARTITION BY profile_id ORDER BY entered_at, id) AS nth
  FROM journeys_enrollment WHERE journey_id = %s
) entries WHERE nth = 1 AND version_id IN ({versions})
"""
_OF_JOURNEY = (
    "SELECT profile_id, CASE WHEN is_holdout THEN 0 ELSE 1 END AS is_treated, '' AS variant, "
    f"entered_at AS at, order_id {_FIRST}"
)
_BY_VERSION = f"SELECT version_id, count(*) {_FIRST} GROUP BY version_id"


@dataclass(frozen=True)
class Experiment:
    """A campaign or journey that is measured against people held out."""

    key: str
    title: str
    campaign: Campaign | None
    journey: Journey | None
    phase: Phase
    day: int  # whole days since it began
    window_days: int
    started_at: int | None
    ends_at: int | None  # none of a journey
    holdout_share: float
    counted: Counted
    event: str  # whose happening counts; empty: an order
    currency: str
    n_treated: int
    n_control: int

    @property
    def kind(self) -> str:
        """Which of the two it is, as it stands in addresses."""
        return "campaign" if self.campaign else "journey"

    @property
    def window(self) -> int:
        """So long after the assignment counts, in microseconds."""
        return self.window_days * clock.DAY

    @property
    def is_held_against(self) -> bool:
        """Whether anybody is, or is to be, held out."""
        return self.n_control > 0 or self.holdout_share > 0


@dataclass(frozen=True)
class Found:
    """An experiment measured at a moment."""

    experiment: Experiment
    at: int
    n_people: int  # of whom it tells
    analysis: Analysis | None  # none where an arm has fewer than two people
    course: Course
    split_p: float | None
    result: Result | None  # of a campaign: its arms, variants, cost and messages
    earned: Earned | None = None  # of a journey, once there is a look at it

    @property
    def is_split_broken(self) -> bool:
        """Whether the arms have sizes that no honest split gives."""
        return self.split_p is not None and self.split_p < SPLIT_ALARM


def experiments(at: int, known: Sizes) -> Iterator[Experiment]:
    """Return everything that holds people out, or was made to: running first, newest first."""
    found = [*_campaigns(at, known), *_journeys(at, known)]
    order = {Phase.TOO_EARLY: 0, Phase.READY: 1, Phase.NOT_STARTED: 2}
    found.sort(key=lambda one: (order[one.phase], -(one.started_at or at)))
    yield from found


def by_key(kind: str, key: str, at: int) -> Experiment | None:
    """Return the experiment of a campaign or a journey, if there is one."""
    if kind == "campaign":
        campaign = campaigns.by_key(key)
        if campaign is None:
            return None
        return next(_campaigns(at, sizes.sizes(campaign=campaign), campaign), None)
    journey = journeys.by_key(key)
    return (
        None
        if journey is None
        else next(_journeys(at, sizes.sizes(journey=journey), journey), None)
    )


def measured(experiment: Experiment, at: int, *, with_history: bool = False) -> Found:
    """Return what ``experiment`` did, as far as it is known at the moment ``at``.

    Segments are told as they were kept when people were assigned; ``with_history`` works them out
    for a campaign, from the facts of its beginning, where they are younger than it: seconds.
    """
    found = people(experiment, at, with_past=True)
    segments = doers.memberships(_exposed(experiment), found.profile_ids)
    if with_history and experiment.started_at is not None and experiment.campaign is not None:
        segments |= _back_then(found, experiment.started_at, at, known=set(segments))
    return _found(experiment, at, segments, found)


def people(experiment: Experiment, at: int, *, with_past: bool = False) -> People:
    """Return everybody assigned and what they did; ``with_past`` with the year before."""
    return doers.people(
        _exposed(experiment), window=experiment.window, at=at,
        conversion_event=experiment.event, with_past=with_past,
    )  # fmt: skip


def _found(
    experiment: Experiment, at: int, segments: dict[int, Bools], found: People | None = None
) -> Found:
    window, campaign = experiment.window, experiment.campaign
    if found is None:
        found = people(experiment, at)
    if campaign is not None:
        course = analysis.course_of_days(
            found, window_days=experiment.window_days, days=_days_seen(experiment, at)
        )
        compared = analysis.analyse(found, course, segments, window=window)
        judged = result(campaign, at)
        return Found(experiment, at, len(found), compared, course, judged.split_p, judged)
    ripe = found.at + window <= at
    split = _split_of(experiment, found)
    found, segments = _of(found, ripe), {pk: mask[ripe] for pk, mask in segments.items()}
    course = analysis.course_of_people(found, window=window, at=at)
    compared = analysis.analyse(found, course, segments, window=window)
    gained = None
    if experiment.journey is not None and course.last is not None:
        cost = earned.spent(experiment.journey, _exposed(experiment), window=window, at=at)
        gained = earned.earned(int(found.is_treated.sum()), course.last[1], cost)
    return Found(experiment, at, len(found), compared, course, split, None, gained)


def brief(experiment: Experiment, at: int) -> Found:
    """Return ``measured`` without what a verdict does not need: for lists."""
    campaign = experiment.campaign
    if campaign is None or experiment.phase is Phase.TOO_EARLY:
        return _found(experiment, at, {})
    judged = result(campaign, at)
    return Found(experiment, at, 0, None, NO_COURSE, judged.split_p, judged)


def so_far(journey: Journey, window_days: int, at: int) -> Found | None:
    """Return ``brief`` of a journey with this window; ``None`` where nobody is held out.

    A journey has no planned end, and is looked at again and again: the interval of its last look
    holds at every one.
    """
    experiment = by_key("journey", journey.key, at)
    if experiment is None or not experiment.is_held_against:
        return None
    return brief(replace(experiment, window_days=window_days), at)


def course_so_far(campaign: Campaign, at: int) -> Course | None:
    """Return the looks at a campaign that runs; ``None`` before it began."""
    experiment = next(_campaigns(at, sizes.sizes(campaign=campaign), campaign), None)
    if experiment is None or experiment.phase is Phase.NOT_STARTED:
        return None
    return _found(experiment, at, {}).course


def _campaigns(at: int, known: Sizes, only: Campaign | None = None) -> Iterator[Experiment]:
    usual = counted("")
    for campaign in campaigns.campaigns() if only is None else [only]:
        arms = known.arms.get(campaign.pk, {})
        yield Experiment(
            key=campaign.key,
            title=campaign.title,
            campaign=campaign,
            journey=None,
            phase=phase_of(campaign, at),
            day=_day(campaign.started_at, at, campaign.window_days),
            window_days=campaign.window_days,
            started_at=campaign.started_at,
            ends_at=campaign.window_ends_at,
            holdout_share=campaign.holdout_share,
            counted=Counted.EVENT if campaign.conversion_event else usual,
            event=campaign.conversion_event,
            currency=campaign.currency,
            n_treated=arms.get(Arm.TREATED, 0),
            n_control=arms.get(Arm.HOLDOUT, 0),
        )


def _journeys(at: int, known: Sizes, only: Journey | None = None) -> Iterator[Experiment]:
    language, usual = (get_language() or "en")[:2], counted("")
    for journey in journeys.all_journeys() if only is None else [only]:
        if journey.version is None:
            continue
        n, n_held, first = known.came_in.get(journey.pk, (0, 0, None))
        yield Experiment(
            key=journey.key,
            title=journeys.title(journey, language),
            campaign=None,
            journey=journey,
            phase=Phase.NOT_STARTED if first is None else Phase.TOO_EARLY,
            day=_day(first, at, None),
            window_days=JOURNEY_WINDOW_DAYS,
            started_at=first,
            ends_at=None,
            holdout_share=journeys.holdout_share(journey.version.definition),
            counted=usual,
            event="",
            currency=settings.PUSULA.currency,
            n_treated=n - n_held,
            n_control=n_held,
        )


def _exposed(experiment: Experiment) -> Exposed:
    if experiment.campaign is not None:
        params = (Arm.TREATED.value, experiment.campaign.pk, Arm.EXCLUDED.value)
        return Exposed(_OF_CAMPAIGN, params)
    return Exposed(*_of_versions(_OF_JOURNEY, experiment, _shares(experiment)), is_brought=True)


def _of_versions(
    sql: str, experiment: Experiment, versions: Iterable[int]
) -> tuple[str, tuple[int, ...]]:
    """Return SQL of a journey with its parameters, of those who came in first on ``versions``."""
    those = tuple(versions) or (0,)
    pk = experiment.journey.pk if experiment.journey else 0
    return sql.format(versions=", ".join(["%s"] * len(those))), (pk, *those)


def _shares(experiment: Experiment) -> dict[int, float]:
    """Return the share that each version of a journey holds out, of those that do."""
    if experiment.journey is None:
        return {}
    versions = experiment.journey.versions.values_list("pk", "definition")
    shares = {pk: journeys.holdout_share(definition) for pk, definition in versions}
    return {pk: share for pk, share in shares.items() if share > 0}


def _back_then(people: People, started_at: int, at: int, known: set[int]) -> dict[int, Bools]:
    """Return who was in each segment when a campaign began, by the definitions of now."""
    keys = {one.key: one.pk for one in segments_in_use.active() if one.pk not in known}
    as_of = AsOf(at=started_at, known_at=at)
    members = history.members_at(history.stored(keys), as_of)
    return {
        pk: np.isin(people.profile_ids, members[key]) for key, pk in keys.items() if key in members
    }


def _of(people: People, mask: Bools) -> People:
    """Return those of the people whom ``mask`` names, with what they did."""
    places = np.cumsum(mask) - 1

    def doings(found: doers.Doings) -> doers.Doings:
        kept = mask[found.places]
        return doers.Doings(places[found.places[kept]], found.after[kept], found.net_minor[kept])

    return People(
        profile_ids=people.profile_ids[mask],
        is_treated=people.is_treated[mask],
        variants=people.variants[mask],
        at=people.at[mask],
        before_minor=people.before_minor[mask],
        orders=doings(people.orders),
        conversions=doings(people.conversions),
    )


def _split_of(experiment: Experiment, people: People) -> float | None:
    """Return the p-value of a journey's split by the share that each version held out."""
    shares = _shares(experiment)
    sql, params = _of_versions(_BY_VERSION, experiment, shares)
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        numbers = dict(cursor.fetchall())
    whole = sum(numbers.values())
    held = sum(n * shares[pk] for pk, n in numbers.items()) / whole if whole else 0.0
    if not 0 < held < 1:
        return None
    n_treated = int(people.is_treated.sum())
    return stats.sample_ratio([n_treated, len(people) - n_treated], [1 - held, held])


def _day(started_at: int | None, at: int, most: int | None) -> int:
    if started_at is None:
        return 0
    days = max(0, (at - started_at) // clock.DAY)
    return days if most is None else min(days, most)


def _days_seen(experiment: Experiment, at: int) -> int:
    return _day(experiment.started_at, at, experiment.window_days)
