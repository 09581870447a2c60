"""Writes of segments: new definitions, and the memberships that an evaluation found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from django.db import connection, transaction
from django.db.models import F, Max, Q

from pusula.lake import locks, rows
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
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
from pusula.segments.models import Debt, Segment, SegmentVersion

_BATCH = 2_000
_NEVER = np.iinfo(np.int64).max

MEMBERSHIPS = "segments_membership"
MOVES = "segments_move"
DUE = "segments_due"
_MOVE_COLUMNS = ("membership_id", "is_entry", "cause")

# Two evaluations at once could each write what the other no longer sees: they take turns.
LOCK = "segments.evaluate"


class SegmentInUseError(PusulaError):
    """A segment cannot be put away while something speaks of it."""

    code = "segment_in_use"
    status = 409


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
            raise error.below(name) from error
        if definition.key in found:
            twice = Saying("%(key)s is defined twice", {"key": definition.key})
            raise DefinitionError("segment", twice).below(name)
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
    """Return the newest version of every segment in use, by key.

    One that is still on its way through a publication is not yet one of them.
    """
    is_settled = Q(publication=None) | Q(publication__finished_at__isnull=False)
    newest = (
        SegmentVersion.objects.filter(is_settled, segment__archived_at=None)
        .values("segment")
        .annotate(newest=Max("number"))
        .values_list("segment", "newest")
    )
    numbers = dict(newest)
    versions = SegmentVersion.objects.filter(segment__in=numbers).select_related("segment")
    return {v.segment.key: v for v in versions if numbers[v.segment_id] == v.number}


def _apply(definition: Definition, newest: SegmentVersion | None) -> Applied:
    version = add_version(definition)
    return Applied(definition.key, version.number, is_changed=newest != version)


def add_version(definition: Definition, by: str = "") -> SegmentVersion:
    """Return the newest version of ``definition``'s segment if it says the same, else a new one.

    In the caller's transaction. A segment that is archived returns. ``by`` is a login.
    """
    document, now = dump(definition), clock.now()
    newest = newest_versions().get(definition.key)
    if newest is not None and newest.definition == document:
        return newest
    segment, is_new = Segment.objects.get_or_create(
        key=definition.key, defaults={"created_at": now}
    )
    if not is_new:
        Segment.objects.filter(pk=segment.pk).update(archived_at=None)
    last = segment.versions.aggregate(last=Max("number"))["last"] or 0
    return SegmentVersion.objects.create(
        segment=segment, number=last + 1, definition=document, created_at=now, created_by=by
    )


def archive(keys: Iterable[str], at: int) -> None:
    """Put segments away: nobody evaluates or shows them, what they were stays known.

    Raises ``SegmentInUseError`` if a segment that stays names one of them. Whether a campaign
    speaks to them is asked above.
    """
    gone = set(keys)
    with transaction.atomic():
        for key, version in newest_versions().items():
            named = gone.intersection(_named(version.definition["where"]))
            if named and key not in gone:
                raise SegmentInUseError(
                    Saying(
                        "%(key)s names the segment %(name)s: change it first",
                        {"key": key, "name": min(named)},
                    )
                )
        Segment.objects.filter(key__in=gone, archived_at=None).update(archived_at=at)


def unarchive(key: str) -> None:
    """Take an archived segment back into use, stale until its members are brought up to date."""
    with transaction.atomic():
        rows = Segment.objects.filter(key=key).exclude(archived_at=None)
        rows.exclude(version=None).update(stale_since_at=F("archived_at"))
        rows.update(archived_at=None)


def _named(document: object) -> Iterator[str]:
    """Yield the keys of the segments that a stored definition names, whatever else it says."""
    if isinstance(document, dict):
        for name, inner in document.items():
            if name == "segment" and isinstance(inner, str):
                yield inner
            else:
                yield from _named(inner)
    elif isinstance(document, list):
        for inner in document:
            yield from _named(inner)


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


@dataclass(frozen=True)
class _Changed:
    """Memberships that begin or end, by their ids, and the moment of each."""

    memberships: Ids
    at: Ids


def record_members(
    ids: Ids,
    members: Mapping[int, Ids],
    versions: Mapping[int, SegmentVersion],
    *,
    at: int | Ids,
    cause: str,
) -> dict[int, Moves]:
    """Write what an evaluation of ``ids`` (ascending) found; return the moves by segment.

    ``members`` are the profiles among ``ids`` that are in each segment (by its id), ascending.
    Only differences to the open memberships are written, in the caller's transaction, as of ``at``:
    a moment, or one for each of ``ids``. Every difference is a ``Move``; they are heard of in the
    order of their ids, which is that of the moments.
    """
    # Held to the end of the transaction: so the ids of moves are in the order of commits.
    locks.take(connection, LOCK)
    segment_ids = list(members)
    n = len(ids)
    places = [k * n + np.searchsorted(ids, members[s]) for k, s in enumerate(segment_ids)]
    found = np.concatenate([np.empty(0, np.int64), *places])
    before, rows_before = _open_memberships(ids, segment_ids)
    enters = np.setdiff1d(found, before, assume_unique=True)
    is_left = ~np.isin(before, found, assume_unique=True)
    leaves = before[is_left]
    moments = np.broadcast_to(np.asarray(at, np.int64), n)
    entered = _enter(ids, segment_ids, enters, versions, at=moments, cause=cause)
    left = _Changed(rows_before[is_left], moments[leaves % max(n, 1)])
    _leave(left)
    _tell(entered, left, cause)
    n_entered = np.bincount(enters // max(n, 1), minlength=len(segment_ids)).tolist()
    n_left = np.bincount(leaves // max(n, 1), minlength=len(segment_ids)).tolist()
    moves = {s: Moves(n_entered[k], n_left[k]) for k, s in enumerate(segment_ids)}
    _count(moves)
    return moves


def record_moves(
    enters: Mapping[int, Ids],
    leaves: Mapping[int, Ids],
    versions: Mapping[int, SegmentVersion],
    *,
    at: int,
    cause: str,
) -> dict[int, Moves]:
    """Write entries of profiles and exits from memberships (both ids, by segment id).

    In the caller's transaction, which compared them with the open memberships, or holds the lock
    and knows that these are as they were. Returns the moves by segment.
    """
    locks.take(connection, LOCK)
    for segment_id, ids in enters.items():
        places, moments = np.arange(len(ids)), np.full(len(ids), at)
        entered = _enter(ids, [segment_id], places, versions, at=moments, cause=cause)
        _tell(entered, _NOTHING, cause)
    for memberships in leaves.values():
        left = _Changed(memberships, np.full(len(memberships), at))
        _leave(left)
        _tell(_NOTHING, left, cause)
    moves = {s: Moves(len(enters[s]), len(leaves[s])) for s in enters}
    _count(moves)
    return moves


def _enter(
    ids: Ids,
    segment_ids: list[int],
    places: Ids,
    versions: Mapping[int, SegmentVersion],
    *,
    at: Ids,
    cause: str,
) -> _Changed:
    """Write memberships that begin; ``at`` is the moment of each of ``ids``.

    A place is the segment's number times the number of ``ids``, and the id's.
    """
    if not len(places):
        return _NOTHING
    numbers, who = np.divmod(places, len(ids))
    pks = rows.reserve(connection, MEMBERSHIPS, len(places))
    segments = [segment_ids[k] for k in numbers.tolist()]
    rows.insert(
        connection,
        MEMBERSHIPS,
        ("id", "segment_id", "profile_id", "version_id", "entered_at", "cause"),
        zip(
            pks.tolist(),
            segments,
            ids[who].tolist(),
            [versions[segment_id].pk for segment_id in segments],
            at[who].tolist(),
            repeat(cause),
            strict=False,
        ),
    )
    return _Changed(pks, at[who])


def _leave(left: _Changed) -> None:
    """Write that memberships end."""
    if len(np.unique(left.at)) > 1:
        pairs = zip(left.at.tolist(), left.memberships.tolist(), strict=True)
        rows.update(connection, MEMBERSHIPS, ("left_at",), list(pairs))
        return
    for part in rows.parts(left.memberships.tolist(), _BATCH):
        marks = ", ".join(["%s"] * len(part))
        with connection.cursor() as cursor:
            cursor.execute(
                f"update {MEMBERSHIPS} set left_at = %s where id in ({marks})",
                [int(left.at[0]), *part],
            )


def _tell(entered: _Changed, left: _Changed, cause: str) -> None:
    """Write moves in the order of their moments, at one moment entries first."""
    order = np.argsort(np.concatenate([entered.at, left.at]), kind="stable")
    memberships = np.concatenate([entered.memberships, left.memberships])[order]
    is_entry = order < len(entered.at)
    moves = zip(memberships.tolist(), is_entry.tolist(), repeat(cause), strict=False)
    rows.insert(connection, MOVES, _MOVE_COLUMNS, moves)


_NOTHING = _Changed(np.empty(0, np.int64), np.empty(0, np.int64))


def _count(moves: Mapping[int, Moves]) -> None:
    """Keep the sizes of the segments that were moved in or out of."""
    changes = [
        (moved.n_entered - moved.n_left, segment_id)
        for segment_id, moved in moves.items()
        if moved.n_entered != moved.n_left
    ]
    with connection.cursor() as cursor:
        for change in changes:
            cursor.execute(
                "update segments_segment set n_members = n_members + %s where id = %s", change
            )


def record_due(ids: Ids, flips: Ids, *, at: int) -> None:
    """Write that ``ids`` were evaluated ``at``, and when they must be again (int64 max: never)."""
    due = [None if flip == _NEVER else flip for flip in flips.tolist()]
    columns = ("profile_id", "due_at", "evaluated_at")
    rows.upsert(connection, DUE, columns, (ids.tolist(), due, [at] * len(due)))


def _open_memberships(ids: Ids, segment_ids: list[int]) -> tuple[Ids, Ids]:
    """Return the places (see ``_enter``) that are taken now, and the membership of each."""
    if not len(ids) or not segment_ids:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    profile_ids, segments, pks = _held(ids)
    order = np.argsort(segment_ids)
    known = np.array(segment_ids, np.int64)[order]
    place = np.minimum(np.searchsorted(known, segments), len(known) - 1)
    who = np.minimum(np.searchsorted(ids, profile_ids), len(ids) - 1)
    is_asked = (known[place] == segments) & (ids[who] == profile_ids)
    return order[place[is_asked]] * len(ids) + who[is_asked], pks[is_asked]


def _held(ids: Ids) -> tuple[Ids, Ids, Ids]:
    """Return profile, segment and id of the open memberships of ``ids``, and perhaps of others.

    Everybody is in many: each column comes as one text, in a fraction of the time of rows.
    """
    where, bounds = relations.narrowed(ids)
    listed = "group_concat({})" if connection.vendor == "sqlite" else "string_agg({}::text, ',')"
    columns = ", ".join(listed.format(column) for column in ("profile_id", "segment_id", "id"))
    with connection.cursor() as cursor:
        cursor.execute(
            f"select {columns} from {MEMBERSHIPS} where {where} and left_at is null", bounds
        )
        texts = cursor.fetchone()
    profile_ids, segments, pks = (np.fromstring(text or "", np.int64, sep=",") for text in texts)
    return profile_ids, segments, pks
