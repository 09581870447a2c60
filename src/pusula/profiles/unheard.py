"""Profiles of which something was written beside the log: heard of by the next live step.

What must bind at once is written by whoever hears of it. The note is a row of the same transaction,
so it can neither be lost nor come too early; what stands above reads it.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from pusula.lake import rows
from pusula.profiles import queries
from pusula.profiles.models import IdentifierKind, Unheard

TABLE = "profiles_unheard"
# An address that more people share is nobody's inbox: the next full run looks at them.
MOST_SHARING = 1_000


def tell(profile_ids: Iterable[int], *, at: int) -> None:
    """Note, in the caller's transaction, that segments have to look at these profiles."""
    told = [(profile_id, at) for profile_id in sorted(set(profile_ids))]
    rows.insert(connection, TABLE, ("profile_id", "since_at"), told)


def sharing(kind: IdentifierKind, values: Iterable[str]) -> set[int]:
    """Return who holds one of ``values``, addresses that very many share left out."""
    held = queries.holders(kind, values).values()
    return {one for holders in held if len(holders) <= MOST_SHARING for one in holders}


def waiting(limit: int) -> list[tuple[int, int]]:
    """Return number and profile of the notes that stand, the oldest first."""
    found = Unheard.objects.order_by("pk").values_list("pk", "profile_id")
    return list(found[:limit])


def is_any() -> bool:
    """Say whether a note stands."""
    return Unheard.objects.exists()


def among(profile_ids: Iterable[int]) -> set[int]:
    """Return those of ``profile_ids`` of which a note stands."""
    found: set[int] = set()
    for part in rows.parts(profile_ids):
        held = Unheard.objects.filter(profile_id__in=part)
        found.update(held.values_list("profile_id", flat=True))
    return found


def numbers() -> list[int]:
    """Return the numbers of all notes that stand: of facts that are committed."""
    return list(Unheard.objects.values_list("pk", flat=True))


def heard(numbers_: Iterable[int]) -> None:
    """Take away the notes with these numbers, in the transaction of whoever looked."""
    for part in rows.parts(numbers_):
        Unheard.objects.filter(pk__in=part).delete()


def forget(profile_ids: Iterable[int]) -> int:
    """Take away the notes of these profiles, which are erased or looked at anyway."""
    return Unheard.objects.filter(profile_id__in=list(profile_ids)).delete()[0]
