"""What everybody sees of an evaluation of everybody: versions, sizes, limits, and what failed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.db.models import Count

from pusula.segments.models import CutPoint, Membership, Segment, SegmentSize, SegmentVersion


@dataclass(frozen=True)
class Limit:
    """A limit set by the data and how many it was taken from."""

    value: float
    n_population: int


def publish(limits: Mapping[str, Limit], at: int) -> None:
    """Publish ``limits``, by key, for everybody to compare with; in the caller's transaction."""
    CutPoint.objects.bulk_create(
        CutPoint(key=key, value=limit.value, n_population=limit.n_population, published_at=at)
        for key, limit in limits.items()
    )


def show(
    versions: Mapping[int, SegmentVersion], at: int, *, fresh: Collection[int] | None = None
) -> None:
    """Show ``versions``, by segment id, with the members that are written, and chart their sizes.

    In the caller's transaction. ``fresh`` are the segments that were evaluated for everybody at
    ``at``, all if not given; of the others only some members have moved.
    """
    inside = Membership.objects.filter(left_at=None, segment__in=list(versions))
    sizes = dict(inside.values_list("segment").annotate(n=Count("pk")))
    for pk, version in versions.items():
        n_members = sizes.get(pk, 0)
        news = {"evaluated_at": at, "stale_since_at": None, "error": ""}
        if fresh is not None and pk not in fresh:
            news = {}
        Segment.objects.filter(pk=pk).update(version=version, n_members=n_members, **news)
        SegmentSize.objects.update_or_create(
            segment_id=pk, at=at, defaults={"n_members": n_members, "is_back_cast": False}
        )
    published = SegmentVersion.objects.filter(pk__in=[each.pk for each in versions.values()])
    published.filter(published_at=None).update(published_at=at)


def mark_stale(errors: Mapping[str, str], at: int) -> None:
    """Mark the segments that cannot be evaluated as stale, by key, with the reason."""
    for key, error in errors.items():
        segment = Segment.objects.filter(key=key)
        segment.filter(stale_since_at=None).update(stale_since_at=at)
        segment.exclude(error=error).update(error=error)
