"""Reads of segments: their sizes, members, entries and exits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from django.db.models import Count, F, Max, Q, QuerySet

from pusula.lake.rows import parts
from pusula.lib import clock
from pusula.profiles.models import Profile
from pusula.profiles.relations import Ids
from pusula.segments.models import Debt, Due, Membership, Move, Segment, SegmentSize


def active() -> QuerySet[Segment]:
    """Return the segments in use, by key, with their shown version."""
    return Segment.objects.filter(archived_at=None).select_related("version").order_by("key")


def words(segment: Segment) -> dict[str, dict[str, str]]:
    """Return the title and description of ``segment`` by language: of the version shown."""
    version = segment.version or segment.versions.order_by("-number").first()
    document = version.definition if version else {}
    nothing = {"tr": segment.key, "en": segment.key}
    return {
        "title": document.get("title", nothing),
        "description": document.get("description", {"tr": "", "en": ""}),
    }


def debts() -> list[int]:
    """Return the debts that no evaluation has paid yet, oldest first."""
    return list(Debt.objects.order_by("pk").values_list("pk", flat=True))


def by_key(key: str) -> Segment | None:
    """Return the segment called ``key``, if there is one in use."""
    return active().filter(key=key).first()


def has_newer_version(segment: Segment) -> bool:
    """Return whether a newer version than the one shown is meant, and its members are not shown.

    One that nobody has confirmed is not meant yet.
    """
    if segment.version is None:
        return True
    newer = segment.versions.filter(number__gt=segment.version.number)
    return newer.exclude(publication__isnull=False, publication__confirmed_at=None).exists()


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


def all_sizes(since_at: int) -> dict[int, list[tuple[int, int]]]:
    """Return (moment, members) of every segment since ``since_at``, by segment, oldest first."""
    found: dict[int, list[tuple[int, int]]] = {}
    rows = SegmentSize.objects.filter(at__gte=since_at).order_by("at")
    for segment_id, at, n in rows.values_list("segment_id", "at", "n_members"):
        found.setdefault(segment_id, []).append((at, n))
    return found


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


def due(at: int, limit: int) -> list[tuple[int, int]]:
    """Return (profile, moment) of those to be evaluated again by ``at``, the longest due first."""
    rows = Due.objects.filter(due_at__lte=at).order_by("due_at", "profile_id")
    found = rows.values_list("profile_id", "due_at")[:limit]
    return [(profile_id, due_at) for profile_id, due_at in found if due_at is not None]


def due_among(profile_ids: Ids, at: int) -> list[tuple[int, int]]:
    """Return (profile, moment) of those of ``profile_ids`` that are due by ``at``, as ``due``."""
    found = []
    for part in parts(profile_ids.tolist()):
        late = Due.objects.filter(profile_id__in=part, due_at__lte=at)
        found += [(pk, due_at) for pk, due_at in late.values_list("profile_id", "due_at")]
    return sorted(
        ((pk, due_at) for pk, due_at in found if due_at is not None), key=lambda one: one[::-1]
    )


def moment(at: int | None = None) -> int:
    """Return ``at`` (else now), but later than all evaluations: a clock set back undoes nothing."""
    newest = Due.objects.aggregate(newest=Max("evaluated_at"))["newest"]
    return max(clock.now() if at is None else at, (newest or 0) + 1)


def next_due_at() -> int | None:
    """Return when the next profile is to be evaluated though nothing happens to it."""
    rows = Due.objects.filter(due_at__isnull=False).order_by("due_at")
    return rows.values_list("due_at", flat=True).first()


@dataclass(frozen=True, slots=True)
class Moved:
    """A profile entered or left a segment at the moment ``at``; ``id`` is the reader's cursor."""

    id: int
    segment_id: int
    profile_id: int
    is_entry: bool
    at: int
    cause: str


def moves_since(cursor: int, limit: int = 1_000) -> list[Moved]:
    """Return the next entries and exits behind the one with the id ``cursor`` (0: from the start).

    Whoever keeps the last ``id`` as the next cursor hears of each exactly once, in the order of the
    commits, on both databases. What befell somebody who was merged since stands under the number
    they had then.
    """
    rows = Move.objects.filter(id__gt=cursor).order_by("id").values_list(
        "id", "membership__segment_id", "membership__profile_id", "membership__origin_id",
        "is_entry", "membership__entered_at", "membership__left_at", "cause",
    )[:limit]  # fmt: skip
    return [
        Moved(
            id_,
            segment_id,
            profile_id if origin is None else origin,
            is_entry,
            entered_at if is_entry else left_at or 0,
            cause,
        )
        for id_, segment_id, profile_id, origin, is_entry, entered_at, left_at, cause in rows
    ]


@dataclass(frozen=True)
class Turn:
    """How many entered and left a segment at one moment."""

    at: int
    entered: int
    left: int


def turns(segment: Segment, since_at: int) -> list[Turn]:
    """Return entries and exits by moment since ``since_at``, the newest first."""
    rows = Membership.objects.filter(segment=segment)
    ends = [
        dict(
            rows.filter(**{f"{end}__gte": since_at})
            .values_list(end)
            .annotate(n=Count("pk"))
            .values_list(end, "n")
        )
        for end in ("entered_at", "left_at")
    ]
    entered, left = ends
    moments = sorted(entered.keys() | left.keys(), reverse=True)
    return [Turn(at, entered.get(at, 0), left.get(at, 0)) for at in moments]


def sample(segment: Segment, n: int) -> list[Membership]:
    """Return about ``n`` open memberships spread over the members, with their profiles."""
    members = Membership.objects.filter(segment=segment, left_at=None)
    step = max(1, segment.n_members // n)
    spread = members.annotate(rest=F("profile_id") % step).filter(rest=0)
    found = spread if step > 1 and spread.count() >= n else members
    return list(found.select_related("profile").order_by("profile_id")[:n])


def members_of_any(keys: Iterable[str]) -> QuerySet[Profile]:
    """Return the profiles that are in at least one of the segments ``keys`` now."""
    inside = Membership.objects.filter(left_at=None, segment__key__in=list(keys))
    return Profile.objects.filter(pk__in=inside.values("profile_id"))
