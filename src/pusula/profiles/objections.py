"""People who object to being profiled: a trait of theirs, and nobody's audience."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from pusula.lake import rows

OBJECTED = "profiling_objected"
# Read for everybody who is to get a message.
_HELD = "select profile_id from profiles_trait where name = %s and number = 1 and profile_id in"


def objectors(profile_ids: Iterable[int]) -> set[int]:
    """Return which of these profiles object."""
    return {id_ for (id_,) in rows.select(connection, _HELD, profile_ids, given=[OBJECTED])}
