"""Present consents as columns."""

from __future__ import annotations

import pyarrow as pa

from pusula.profiles import relations as profiles

_SCHEMA = pa.schema(
    [
        ("profile_id", pa.int64()),
        ("channel", pa.string()),
        ("purpose", pa.string()),
        ("status", pa.string()),
    ]
)


def rows(ids: profiles.Ids) -> pa.Table:
    """Return the consents of ``ids`` that hold now: profile_id, channel, purpose, status."""
    return profiles.fetch("consent_consent", _SCHEMA.names, _SCHEMA, ids)
