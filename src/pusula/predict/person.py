"""What predictions hold of a person beside scores and traits: told and erased on request."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pusula.predict.models import Answer, LifeDue, Recommendation
from pusula.profiles.told import Record, told


def told_of(profile_id: int) -> Iterator[Record]:
    """Yield what is recommended to the person, and what agents answered about them."""
    listed = Recommendation.objects.filter(profile_id=profile_id).order_by("version_id", "rank")
    yield from told("recommendation", listed, "version_id", model="version__model")
    answered = Answer.objects.filter(profile_id=profile_id).order_by("answered_at", "id")
    yield from told("answer to a suggestion", answered)
    yield from told("lifecycle evaluation", LifeDue.objects.filter(profile_id=profile_id))


def erase(profile_ids: Collection[int]) -> int:
    """Delete what is recommended to these people and what was answered about them."""
    n = Recommendation.objects.filter(profile_id__in=profile_ids).delete()[0]
    n += LifeDue.objects.filter(profile_id__in=profile_ids).delete()[0]
    return n + Answer.objects.filter(profile_id__in=profile_ids).delete()[0]
