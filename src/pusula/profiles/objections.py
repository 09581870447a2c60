"""People who object to being profiled: a trait of theirs, and nobody's audience."""

from __future__ import annotations

from collections.abc import Iterable

from pusula.lake import rows
from pusula.profiles.models import Trait

OBJECTED = "profiling_objected"


def objectors(profile_ids: Iterable[int]) -> set[int]:
    """Return which of these profiles object."""
    found: set[int] = set()
    for part in rows.parts(profile_ids):
        held = Trait.objects.filter(name=OBJECTED, number=1, profile_id__in=part)
        found.update(held.values_list("profile_id", flat=True))
    return found
