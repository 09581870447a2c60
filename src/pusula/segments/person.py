"""What segments hold of a person: told on request, erased on request."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.db import connection
from django.db.models import Count, F

from pusula.lake import locks
from pusula.profiles.told import Record, told
from pusula.segments.actions import LOCK
from pusula.segments.models import Drift, Due, Membership, Move, Segment, SetMember


def told_of(profile_id: int) -> Iterator[Record]:
    """Yield which segments the person was in from when to when, by which definition, and lists."""
    found = Membership.objects.filter(profile_id=profile_id).order_by("entered_at")
    extra = {"segment": "segment__key", "version": "version__number"}
    definition = {"definition": "version__definition"}
    yield from told("segment", found, "segment_id", "version_id", **extra, **definition)
    lists = SetMember.objects.filter(profile_id=profile_id)
    yield from told("list", lists, "set_id", list="set__key", title="set__title")
    yield from told("evaluation", Due.objects.filter(profile_id=profile_id))


def erase(profile_ids: Collection[int]) -> int:
    """Delete the memberships of these people; the sizes that segments once had stay as they were.

    In the caller's transaction.
    """
    locks.take(connection, LOCK)
    held = Membership.objects.filter(profile_id__in=profile_ids)
    sizes = held.filter(left_at=None).values_list("segment").annotate(n=Count("id"))
    for segment_id, n in list(sizes):
        Segment.objects.filter(pk=segment_id).update(n_members=F("n_members") - n)
    n = Move.objects.filter(membership__profile_id__in=profile_ids).delete()[0]
    n += held.delete()[0]
    n += SetMember.objects.filter(profile_id__in=profile_ids).delete()[0]
    n += Due.objects.filter(profile_id__in=profile_ids).delete()[0]
    for drift in Drift.objects.all():
        left = [each for each in drift.profile_ids if each not in profile_ids]
        if len(left) < len(drift.profile_ids):
            Drift.objects.filter(pk=drift.pk).update(profile_ids=left)
    return n
