"""What RFM holds of a person: told on request, erased on request."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pusula.profiles.told import Record, told
from pusula.rfm.models import RfmDue, RfmScore


def told_of(profile_id: int) -> Iterator[Record]:
    """Yield what the person scored in each run, the oldest first."""
    found = RfmScore.objects.filter(profile_id=profile_id).order_by("run_id")
    yield from told("RFM score", found, "run_id", as_of_on="run__as_of_on")
    yield from told("RFM evaluation", RfmDue.objects.filter(profile_id=profile_id))


def erase(profile_ids: Collection[int]) -> int:
    """Delete the scores of these people; the sizes of groups as a run counted them stay."""
    n = RfmDue.objects.filter(profile_id__in=profile_ids).delete()[0]
    return n + RfmScore.objects.filter(profile_id__in=profile_ids).delete()[0]
