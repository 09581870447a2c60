"""Reads of segments: their sizes, members, entries and exits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.db.models import Count, Q, QuerySet

from pusula.segments.models import Membership, Segment, SegmentSize


def active() -> QuerySet[Segment]:
    """Return the segments in use, by key, with their shown version."""
    return Segment.objects.filter(archived_at=None).select_related("version").order_by("key")


def by_key(key: str) -> Segment | None:
    """Return the segment called ``key``, if there is one in use."""
    return active().filter(key=key).first()


def member_ids(segment: Segment) -> npt.NDArray[np.int64]:
    """Return the ids of the profiles in ``segment`` now, ascending."""
    rows = Membership.objects.filter(segment=segment, left_at=None).order_by("profile_id")
    return np.fromiter(rows.values_list("profile_id", flat=True).iterator(10_000), np.int64)


def memberships_of(profile_id: int) -> QuerySet[Membership]:
    """Return the open memberships of a profile, the newest entry first."""
    return (
        Membership.objects.filter(profile_id=profile_id, left_at=None, segment__archived_at=None)
        .select_related("segment__version")
        .order_by("-entered_at", "segment__key")
    )


def sizes(segment: Segment, since_at: int) -> list[tuple[int, int]]:
    """Return (moment, members) of the evaluations since ``since_at``, oldest first."""
    rows = SegmentSize.objects.filter(segment=segment, at__gte=since_at).order_by("at")
    return list(rows.values_list("at", "n_members"))


@dataclass(frozen=True)
class Flow:
    """How many entered and left a segment in a period."""

    entered: int
    left: int


def flow(segment: Segment, since_at: int) -> Flow:
    """Return entries and exits since ``since_at``."""
    counts = Membership.objects.filter(segment=segment).aggregate(
        entered=Count("pk", filter=Q(entered_at__gte=since_at)),
        left=Count("pk", filter=Q(left_at__gte=since_at)),
    )
    return Flow(**counts)


def overlap(segment: Segment, others: Iterable[Segment]) -> list[tuple[Segment, int]]:
    """Return how many members of ``segment`` are in each of ``others``, most first."""
    others = list(others)
    members = Membership.objects.filter(segment=segment, left_at=None).values("profile_id")
    shared = dict(
        Membership.objects.filter(left_at=None, segment__in=others, profile_id__in=members)
        .values_list("segment_id")
        .annotate(n=Count("pk"))
    )
    rows = [(other, shared.get(other.pk, 0)) for other in others if other != segment]
    return sorted(rows, key=lambda row: (-row[1], row[0].key))
