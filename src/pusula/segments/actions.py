"""Writes of segments: new definitions, and the memberships that an evaluation found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from django.db import transaction
from django.db.models import Max

from pusula.lib import clock
from pusula.profiles import relations
from pusula.profiles.relations import Ids
from pusula.segments import catalog
from pusula.segments.language import (
    Definition,
    DefinitionError,
    check_references,
    dump,
    parse,
)
from pusula.segments.models import Debt, Membership, Segment, SegmentVersion

_BATCH = 2_000


@dataclass(frozen=True)
class Applied:
    """What ``apply`` did with one definition."""

    key: str
    number: int
    is_changed: bool


def read(documents: Iterable[tuple[str, object]]) -> dict[str, Definition]:
    """Return the definitions that ``documents`` state, by key.

    Raises ``DefinitionError`` with the file's name in front of the path.
    """
    schema = catalog.schema()
    found: dict[str, Definition] = {}
    for name, document in documents:
        try:
            definition = parse(document, schema)
        except DefinitionError as error:
            raise DefinitionError(f"{name}: {error.path}", error.problem) from error
        if definition.key in found:
            raise DefinitionError(f"{name}: segment", f"{definition.key} is defined twice")
        found[definition.key] = definition
    return found


def apply(documents: Iterable[tuple[str, object]]) -> list[Applied]:
    """Take over ``documents`` as new versions where they differ from the newest; all or nothing.

    Members change at the next full evaluation. Archived segments that are defined again return.
    """
    given = read(documents)
    with transaction.atomic():
        schema = catalog.schema()
        newest = newest_versions()
        present = {
            key: parse(v.definition, schema) for key, v in newest.items() if key not in given
        }
        check_references({**present, **given})
        return [_apply(definition, newest.get(definition.key)) for definition in given.values()]


def newest_versions() -> dict[str, SegmentVersion]:
    """Return the newest version of every segment in use, by key."""
    newest = (
        SegmentVersion.objects.filter(segment__archived_at=None)
        .values("segment")
        .annotate(newest=Max("number"))
        .values_list("segment", "newest")
    )
    numbers = dict(newest)
    versions = SegmentVersion.objects.filter(segment__in=numbers).select_related("segment")
    return {v.segment.key: v for v in versions if numbers[v.segment_id] == v.number}


def _apply(definition: Definition, newest: SegmentVersion | None) -> Applied:
    document = dump(definition)
    if newest is not None and newest.definition == document:
        return Applied(definition.key, newest.number, is_changed=False)
    now = clock.now()
    segment, is_new = Segment.objects.get_or_create(
        key=definition.key, defaults={"created_at": now}
    )
    if not is_new:
        Segment.objects.filter(pk=segment.pk).update(archived_at=None)
    last = segment.versions.aggregate(last=Max("number"))["last"] or 0
    SegmentVersion.objects.create(
        segment=segment, number=last + 1, definition=document, created_at=now
    )
    return Applied(definition.key, last + 1, is_changed=True)


def owe(cause: str, at: int) -> int:
    """Note, in the caller's transaction, that new facts wait for evaluation; return the debt."""
    return Debt.objects.create(cause=cause, since_at=at).pk


@dataclass(frozen=True)
class Moves:
    """How many entered and left."""

    n_entered: int = 0
    n_left: int = 0

    def __add__(self, other: Moves) -> Moves:
        """Return both together."""
        return Moves(self.n_entered + other.n_entered, self.n_left + other.n_left)


def record_members(
    ids: Ids,
    members: Mapping[int, Ids],
    versions: Mapping[int, SegmentVersion],
    *,
    at: int,
    cause: str,
) -> dict[int, Moves]:
    """Write what an evaluation of ``ids`` (ascending) found; return the moves by segment.

    ``members`` are the profiles among ``ids`` that are in each segment (by its id), ascending.
    Only differences to the open memberships are written, in the caller's transaction.
    """
    present = _open_memberships(ids, list(members))
    moves = {}
    entered, left = [], []
    for segment_id, found in members.items():
        before, rows = present[segment_id]
        enters = np.setdiff1d(found, before, assume_unique=True)
        leaves = rows[~np.isin(before, found)]
        version = versions[segment_id]
        entered += [
            Membership(
                segment_id=segment_id,
                profile_id=int(profile_id),
                version=version,
                entered_at=at,
                cause=cause,
            )
            for profile_id in enters
        ]
        left += leaves.tolist()
        moves[segment_id] = Moves(len(enters), len(leaves))
    for start in range(0, len(left), _BATCH):
        Membership.objects.filter(pk__in=left[start : start + _BATCH]).update(left_at=at)
    Membership.objects.bulk_create(entered, batch_size=_BATCH)
    return moves


def _open_memberships(ids: Ids, segment_ids: list[int]) -> dict[int, tuple[Ids, Ids]]:
    """Return, by segment, the profiles among ``ids`` that are in it and their membership rows."""
    rows = Membership.objects.filter(left_at=None, segment__in=segment_ids)
    if len(ids) <= relations.LISTED:
        rows = rows.filter(profile_id__in=ids.tolist())
    else:
        rows = rows.filter(profile_id__gte=int(ids[0]), profile_id__lte=int(ids[-1]))
    table = np.array(list(rows.values_list("segment_id", "profile_id", "pk")), np.int64)
    table = table.reshape(-1, 3)
    table = table[np.isin(table[:, 1], ids)]
    return {
        segment_id: (mine[:, 1], mine[:, 2])
        for segment_id in segment_ids
        for mine in [table[table[:, 0] == segment_id]]
    }
