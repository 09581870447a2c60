"""Who was compared with everybody, as what and by which model: so next time only who changed is.

A digest of each record stands here, written with what the comparison of it proposed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
from django.db import connection, transaction

from pusula.lake import arrow, rows
from pusula.profiles.models import Compared, Comparison

TABLE = "profiles_compared"
_KNOWN = pa.schema([("id", pa.int64()), ("digest", pa.int64())])


def known() -> pa.Table:
    """Return numbers and digests of all who were compared."""
    with connection.cursor() as cursor:
        return arrow.fetch(cursor, f"select profile_id, digest from {TABLE}", [], _KNOWN)


def keep(digests: Mapping[int, int]) -> None:
    """Note that these were compared, in the transaction of what that proposed."""
    columns = [list(digests.keys()), list(digests.values())]
    rows.upsert(connection, TABLE, ("profile_id", "digest"), columns)


def forget(profile_ids: Iterable[int]) -> int:
    """Have these people compared anew; in the caller's transaction."""
    n = 0
    for part in rows.parts(profile_ids):
        n += Compared.objects.filter(pk__in=part).delete()[0]
    return n


def newest_model() -> Comparison | None:
    """Return the newest comparison that measured how often people agree, if there is one."""
    return Comparison.objects.exclude(model={}).order_by("-pk").first()


def begin(*, at: int, n_profiles: int, model: Mapping[str, Any] | None) -> Comparison:
    """Note that a comparison begins; with another ``model`` everybody is to be compared."""
    with transaction.atomic():
        if model is not None:
            Compared.objects.all().delete()
        return Comparison.objects.create(
            started_at=at, n_profiles=n_profiles, model=dict(model or {})
        )


def came_to(held: Comparison, *, n_changed: int, n_compared: int) -> None:
    """Note how far a comparison is."""
    Comparison.objects.filter(pk=held.pk).update(n_changed=n_changed, n_compared=n_compared)


def finish(held: Comparison, *, at: int, n_open: int) -> None:
    """Note that a comparison came to its end."""
    Comparison.objects.filter(pk=held.pk).update(finished_at=at, n_open=n_open)
