"""How many people there are on campaigns and journeys."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Min, Q

from pusula.campaigns import queries as campaigns
from pusula.campaigns.models import Campaign
from pusula.journeys.models import Enrollment, Journey


@dataclass(frozen=True)
class Sizes:
    """How many people there are on campaigns and journeys, by the number of each."""

    arms: dict[int, dict[str, int]]  # of campaigns
    came_in: dict[int, tuple[int, int, int]]  # of journeys: people, those held out, the first when


def sizes(campaign: Campaign | None = None, journey: Journey | None = None) -> Sizes:
    """Count the people of everything, or of one campaign or one journey alone."""
    is_all = campaign is None and journey is None
    held = Count("profile", distinct=True, filter=Q(is_holdout=True))
    among = Enrollment.objects.all() if is_all else Enrollment.objects.filter(journey=journey)
    rows = among.values_list("journey_id").annotate(
        n=Count("profile", distinct=True), n_held=held, first=Min("entered_at")
    )
    return Sizes(
        campaigns.all_arm_sizes(campaign) if is_all or campaign else {},
        {pk: (n, n_held, first) for pk, n, n_held, first in rows} if is_all or journey else {},
    )
