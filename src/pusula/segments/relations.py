"""Sets of profiles as columns."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from pusula.lake.as_of import SINCE
from pusula.profiles import relations as profiles

_SETS = pa.schema(
    [
        ("profile_id", pa.int64()),
        ("sort", pa.string()),
        ("key", pa.string()),
        ("arm", pa.string()),
    ]
)
_MEMBERS = """(select m.profile_id, s.sort, s.key, m.arm, m.since_at
  from segments_setmember m join segments_profileset s on s.id = m.set_id) members"""


def sets(ids: profiles.Ids, pairs: Sequence[tuple[str, str]]) -> pa.Table:
    """Return which of the sets (sort and key) hold ``ids``: profile_id, sort, key, arm."""
    return sets_since(ids, pairs).drop_columns([SINCE])


def sets_since(ids: profiles.Ids, pairs: Sequence[tuple[str, str]]) -> pa.Table:
    """Return what ``sets`` does, and behind it since when.

    Who was taken out of a list is not in it at earlier moments either.
    """
    schema = _SETS.append(pa.field(SINCE, pa.int64()))
    if not pairs:
        return schema.empty_table()
    condition = " or ".join(["(sort = %s and key = %s)"] * len(pairs))
    params = [value for pair in pairs for value in pair]
    columns = (*_SETS.names, SINCE)
    return profiles.fetch(_MEMBERS, columns, schema, ids, condition=f"({condition})", params=params)


def marks(first: int, last: int) -> dict[str, tuple[int, ...]]:
    """Return by relation what changes whenever the rows of the profiles ``first``..``last`` do."""
    return {"sets": profiles.summary("segments_setmember", ["id", "since_at"], first, last)}
