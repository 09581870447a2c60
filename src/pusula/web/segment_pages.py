"""What several pages of segments tell: who uses one, how its size moved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from pusula.campaigns.models import Campaign
from pusula.journeys import queries, uses
from pusula.lib import clock
from pusula.segments import spoken
from pusula.segments.models import Segment
from pusula.web import formats


@dataclass(frozen=True)
class Change:
    """How a size moved from its first evaluation in the period to now."""

    n: int
    share: float | None  # of the size at the beginning; none if that was 0
    since_on: dt.date

    @property
    def size(self) -> str:
        """How large the change is: as a share where there was something to begin with."""
        return (
            formats.number(abs(self.n)) if self.share is None else formats.percent(abs(self.share))
        )


def change(sizes: Sequence[tuple[int, int]], segment: Segment) -> Change | None:
    """Return how the size moved since the first of ``sizes``; none where there is only one."""
    if len(sizes) < 2:  # noqa: PLR2004 - one evaluation is no change
        return None
    at, first = sizes[0]
    n = segment.n_members - first
    since_on = clock.day_of(at, settings.PUSULA.time_zone)
    return Change(n=n, share=n / first if first else None, since_on=since_on)


def campaigns_of(segment: Segment) -> list[Campaign]:
    """Return the campaigns that speak of a segment, as audience or as exclusion, newest first."""
    found = {*segment.audience_of.all(), *segment.excluded_from.all()}
    return sorted(found, key=lambda campaign: -campaign.created_at)


def journeys() -> dict[str, list[tuple[str, str]]]:
    """Return key and title of the journeys under way that name a segment, by its key."""
    language = spoken.language()
    return {
        key: [(journey.key, queries.title(journey, language)) for journey in found]
        for key, found in uses.of_segments().items()
    }
