"""Profiles that stay what they are until a transaction ends, though people are merged meanwhile.

The live step alone merges. Whoever writes for a person beside it holds the profile first: then a
merge either waits, and takes the new row along, or is over, and the row is written for whom the
person has become. SQLite has one writer at a time; a transaction begins with its turn.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from django.db import connection

from pusula.lake import rows
from pusula.profiles import merging
from pusula.profiles.models import Profile
from pusula.profiles.relations import Ids

# Several may hold a profile at once; who takes it is alone. Ascending, so that two do not wait for
# each other.
_LOCK = "select id from profiles_profile where id in ({marks}) order by id for {strength}"
_HELD, _TAKEN = "key share", "update"


def hold(numbers: Iterable[int]) -> dict[int, int]:
    """Return the profile each number leads to, which stays so until the transaction ends.

    Numbers that lead to nobody are missing.
    """
    asked = set(numbers)
    if connection.vendor == "sqlite":
        return merging.current(asked)
    found = {number: number for number in _lock(asked, _HELD)}
    missing = asked - found.keys()
    while missing:  # whom somebody led to may be merged before we hold them
        now = merging.current(missing)
        held = _lock(now.values(), _HELD)
        found.update((number, to) for number, to in now.items() if to in held)
        missing = {number for number, to in now.items() if to not in held}
    return found


def hold_many(profile_ids: Ids) -> Ids:
    """Return those of ``profile_ids`` (ascending) that are there, and stay until we are done."""
    found = [np.empty(0, np.int64)]
    for part in rows.parts(profile_ids.tolist()):
        if connection.vendor == "sqlite":
            there = set(Profile.objects.filter(pk__in=part).values_list("pk", flat=True))
        else:
            there = _lock(part, _HELD)
        found.append(np.array(sorted(there), np.int64))
    return np.concatenate(found)


def take(numbers: Iterable[int]) -> None:
    """Wait for all who hold one of these profiles, and keep others waiting."""
    if connection.vendor != "sqlite":
        _lock(numbers, _TAKEN)


def _lock(profile_ids: Iterable[int], strength: str) -> set[int]:
    """Lock those of ``profile_ids`` that are there; return which."""
    found: set[int] = set()
    for part in rows.parts(sorted(set(profile_ids))):
        marks = ", ".join(["%s"] * len(part))
        with connection.cursor() as cursor:
            cursor.execute(_LOCK.format(marks=marks, strength=strength), part)
            found.update(pk for (pk,) in cursor.fetchall())
    return found
