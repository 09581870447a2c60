"""Writes of sets of profiles: uploaded lists, and whom a campaign chose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from django.db import connection
from django.db.models import Q

from pusula.lake import rows
from pusula.profiles import merging
from pusula.profiles.relations import Ids
from pusula.segments import catalog, evaluate
from pusula.segments.actions import newest_versions, owe
from pusula.segments.language import DefinitionError, leaves, parse
from pusula.segments.language.nodes import InSet
from pusula.segments.models import Due, ProfileSet, ProfileSort, Segment, SetMember

MEMBERS = "segments_setmember"
_COLUMNS = ("set_id", "profile_id", "arm", "since_at")


@dataclass(frozen=True)
class Put:
    """What became of a list: who came into it and who went out of it, ascending."""

    added: Ids
    removed: Ids


def put_list(key: str, title: str, ids: Iterable[int], *, at: int) -> Put:
    """Make the list ``key`` hold exactly the profiles ``ids``; who was in it stays since when.

    One transaction. Those for whom it makes a difference are due for evaluation at once. If the
    list is new, segments that waited for it owe an evaluation of everybody.
    """
    wanted = np.unique(np.fromiter(ids, np.int64))
    with evaluate.alone():  # an evaluation on its way would write over who is due
        held, is_new = ProfileSet.objects.update_or_create(
            sort=ProfileSort.LIST,
            key=key,
            defaults={"title": title},
            create_defaults={"title": title, "created_at": at},
        )
        present = _members(held)
        wanted = merging.of_now(wanted)  # beside us nobody is merged
        put = Put(np.setdiff1d(wanted, present), np.setdiff1d(present, wanted))
        _add(held, ((int(profile_id), "") for profile_id in put.added), at)
        for part in rows.parts(put.removed.tolist()):
            SetMember.objects.filter(set=held, profile_id__in=part).delete()
        if not is_new:
            _wake([*put.added.tolist(), *put.removed.tolist()], at)
        elif Segment.objects.exclude(stale_since_at=None).filter(archived_at=None).exists():
            owe(f"list {key}", at)
    return put


def change(key: str, profile_id: int, *, is_in: bool, at: int) -> None:
    """Put a profile into the list ``key``, or take it out, in the caller's transaction.

    The caller holds the lock of evaluations. A list that is gone stays so.
    """
    held = ProfileSet.objects.filter(sort=ProfileSort.LIST, key=key).first()
    if held is None:
        return
    member = SetMember.objects.filter(set=held, profile_id=profile_id)
    if is_in and not member.exists():
        _add(held, [(profile_id, "")], at)
    elif not is_in:
        member.delete()


def remove_list(key: str) -> bool:
    """Forget the list ``key``; return whether there was one.

    Segments that ask for it cannot be evaluated any more and keep the members they have.
    """
    with evaluate.alone():
        n_deleted, _ = ProfileSet.objects.filter(sort=ProfileSort.LIST, key=key).delete()
    return n_deleted > 0


def naming(sort: str, key: str) -> list[str]:
    """Return the keys of the segments in use that ask for the list or campaign ``key``, sorted."""
    known = catalog.schema()
    found = set()
    for versions in (newest_versions(), evaluate.shown_versions()):
        for name, version in versions.items():
            try:
                asked = leaves(parse(version.definition, known).where)
            except DefinitionError:
                continue  # asks for something else that is not there
            if any(
                isinstance(leaf, InSet) and (leaf.sort, leaf.key) == (sort, key) for leaf in asked
            ):
                found.add(name)
    return sorted(found)


def put_campaign(key: str, title: str, chosen: Iterable[tuple[int, str]], *, at: int) -> None:
    """Write whom the campaign ``key`` chose: profiles, each with its arm.

    In the caller's transaction. A campaign chooses once: nobody can have asked for it before.
    """
    members = list(chosen)
    held = ProfileSet.objects.create(
        sort=ProfileSort.CAMPAIGN,
        key=key,
        title=title,
        created_at=at,
        arms=sorted({arm for _, arm in members} - {""}),
    )
    _add(held, members, at)


def _members(held: ProfileSet) -> Ids:
    found = SetMember.objects.filter(set=held).order_by("profile_id")
    return np.fromiter(found.values_list("profile_id", flat=True).iterator(10_000), np.int64)


def _add(held: ProfileSet, members: Iterable[tuple[int, str]], at: int) -> None:
    values = ((held.pk, profile_id, arm, at) for profile_id, arm in members)
    rows.insert(connection, MEMBERS, _COLUMNS, values)


def _wake(ids: Iterable[int], at: int) -> None:
    """Have ``ids`` evaluated as if a window of theirs ended at ``at``."""
    later = Q(due_at=None) | Q(due_at__gt=at)
    for part in rows.parts(ids):
        Due.objects.filter(later, profile_id__in=part).update(due_at=at)
