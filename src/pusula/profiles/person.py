"""What profiles hold of a person: told on request, erased on request."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.db.models import Q

from pusula.profiles.models import (
    Compared,
    Identifier,
    Merge,
    Profile,
    Proposal,
    Score,
    Shelved,
    Trait,
    TraitChange,
    Unheard,
)
from pusula.profiles.proposals import about
from pusula.profiles.told import Record, told


def told_of(profile_id: int) -> Iterator[Record]:
    """Yield who the person is to us, by which identifiers and traits, and which merges led here."""
    yield from told("profile", Profile.objects.filter(pk=profile_id))
    yield from told("identifier", Identifier.objects.filter(profile_id=profile_id))
    yield from told("trait", Trait.objects.filter(profile_id=profile_id))
    changes = TraitChange.objects.filter(profile_id=profile_id).order_by("changed_at")
    yield from told("trait history", changes)
    yield from told("score", Score.objects.filter(profile_id=profile_id))
    yield from told("merge", Merge.objects.filter(_merges([profile_id])))
    yield from told("proposal of a merge", Proposal.objects.filter(about([profile_id])))
    yield from told("row put aside by a merge", Shelved.objects.filter(profile_id=profile_id))


def erase(profile_ids: Collection[int]) -> int:
    """Delete these people: to be called when no other owner holds a row of theirs."""
    n = Merge.objects.filter(_merges(profile_ids)).delete()[0]
    n += Proposal.objects.filter(about(profile_ids)).delete()[0]
    for model in (Identifier, Trait, TraitChange, Score, Shelved, Unheard, Compared):
        n += model.objects.filter(profile_id__in=profile_ids).delete()[0]
    return n + Profile.objects.filter(pk__in=profile_ids).delete()[0]


def _merges(profile_ids: Collection[int]) -> Q:
    return Q(loser_id__in=profile_ids) | Q(winner_id__in=profile_ids)
