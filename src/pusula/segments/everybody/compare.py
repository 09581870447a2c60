"""What an evaluation finds about some profiles, beside what is written of them.

Nothing is locked meanwhile: what is written is read before the facts, so whoever is evaluated in
between shows by a newer ``Due``, and is looked at again before anything is changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db.models import QuerySet

from pusula.profiles import relations as profiles
from pusula.profiles.models import Profile
from pusula.profiles.relations import Ids
from pusula.segments import facts
from pusula.segments.everybody import mirrored
from pusula.segments.everybody.bucket import Found, Task, Values
from pusula.segments.everybody.mirrored import Snapshot
from pusula.segments.kernel import Block
from pusula.segments.models import Due, Membership

NEVER = np.iinfo(np.int64).max
_UNSEEN = -1  # evaluated at no time
_PAGE = 20_000


@dataclass(frozen=True)
class Question:
    """What is asked about everybody, and what the answers are compared with.

    ``segments`` are the ids of the segments, by key, whose members are compared. Profiles that
    were evaluated after ``since_at`` are named in the answer. ``lake`` is read instead of the
    database where it holds the same.
    """

    task: Task
    segments: Mapping[str, int]
    since_at: int
    lake: Snapshot | None = None

    @property
    def at(self) -> int:
        """The moment asked about."""
        return self.task.at


@dataclass(frozen=True)
class Pairs:
    """Two columns: profiles, ascending, and a number that belongs to each."""

    ids: Ids
    values: npt.NDArray[np.int64]

    def without(self, ids: Ids) -> Pairs:
        """Return the pairs of other profiles than ``ids``."""
        kept = ~np.isin(self.ids, ids)
        return Pairs(self.ids[kept], self.values[kept])


NOTHING = Pairs(np.empty(0, np.int64), np.empty(0, np.int64))


@dataclass(frozen=True)
class Differences:
    """How what was found differs from what is written.

    ``enters`` are profiles by segment key; ``leaves`` pair them with the membership's row.
    ``excused`` are the profiles among them that were to be evaluated anyway: never evaluated
    before, or due. ``dues`` are the moments of the next flip that are to be written, ``recent``
    the profiles that were evaluated lately and when.
    """

    n_profiles: int
    last_id: int
    enters: Mapping[str, Ids]
    leaves: Mapping[str, Pairs]
    excused: Ids
    dues: Pairs
    recent: Pairs


@dataclass(frozen=True)
class Written:
    """What is written of the profiles ``ids``: when they were evaluated, are due, and where in."""

    ids: Ids
    evaluated_at: npt.NDArray[np.int64]
    due_at: npt.NDArray[np.int64]
    members: Mapping[int, Pairs]

    @property
    def is_evaluated(self) -> npt.NDArray[np.bool_]:
        """Who was evaluated before."""
        seen: npt.NDArray[np.bool_] = self.evaluated_at != _UNSEEN
        return seen

    @classmethod
    def of(cls, ids: Ids, segment_ids: list[int]) -> Written:
        """Read it."""
        evaluated_at = np.full(len(ids), _UNSEEN, np.int64)
        due_at = np.full(len(ids), NEVER, np.int64)
        dues = _narrowed(Due.objects.all(), ids)
        table = _table(dues.values_list("profile_id", "evaluated_at", "due_at"), 3)
        inside, place = _places(table[:, 0], ids)
        evaluated_at[place], due_at[place] = table[inside, 1], table[inside, 2]
        return cls(ids, evaluated_at, due_at, _members(ids, segment_ids))


def differences(question: Question, written: Written, found: Found) -> Differences:
    """Return how ``found`` differs from ``written``, which was read before the facts were."""
    enters: dict[str, Ids] = {}
    leaves: dict[str, Pairs] = {}
    for key, segment_id in question.segments.items():
        present, members = written.members[segment_id], found.members[key]
        enters[key] = np.setdiff1d(members, present.ids, assume_unique=True)
        leaves[key] = present.without(members)
    moved = [NOTHING.ids, *enters.values(), *(pairs.ids for pairs in leaves.values())]
    was_due = (written.evaluated_at == _UNSEEN) | (written.due_at <= question.at)
    is_recent = written.evaluated_at >= question.since_at
    ids = written.ids
    return Differences(
        n_profiles=len(ids),
        last_id=int(ids[-1]) if len(ids) else 0,
        enters=enters,
        leaves=leaves,
        excused=np.intersect1d(ids[was_due], np.concatenate(moved)),
        dues=_dues(written, found, question.at),
        recent=Pairs(ids[is_recent], written.evaluated_at[is_recent]),
    )


class Evaluator:
    """A question asked of any profiles."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self._task = question.task

    def compare(self, ids: Ids, found: Found | None = None) -> Differences:
        """Return how the profiles ``ids`` (ascending) differ from what is written of them.

        ``found`` is what somebody else found in the lake; it counts if that is still what the
        database holds.
        """
        written = Written.of(ids, list(self.question.segments.values()))
        if found is None or not (np.array_equal(ids, found.ids) and self.may_read_lake(ids)):
            found = self._task.found(self._facts(ids))
        return differences(self.question, written, found)

    def populations(self, ids: Ids) -> Values:
        """Return the values of each population's members among ``ids``, by its key."""
        return self._task.populations(self._facts(ids))

    def may_read_lake(self, ids: Ids) -> bool:
        """Return whether the lake holds what the database does about ``ids``, one whole bucket."""
        lake = self.question.lake
        return lake is not None and mirrored.is_current(lake, ids, self._task.plan.requirements)

    def _facts(self, ids: Ids) -> Block:
        needs, lake = self._task.plan.requirements, self.question.lake
        return facts.block(ids, needs) if lake is None else mirrored.read(lake, ids, needs)


def ids_between(first: int, last: int) -> Ids:
    """Return the ids of the profiles from ``first`` to ``last``, both included, ascending."""
    found = Profile.objects.filter(pk__gte=first, pk__lte=last).order_by("pk")
    return np.fromiter(found.values_list("pk", flat=True).iterator(_PAGE), np.int64)


def _dues(written: Written, found: Found, at: int) -> Pairs:
    """Return the next flips that have to be written.

    A stored moment that lies ahead but is earlier than the one found may stay: it costs an
    evaluation and misses nothing.
    """
    is_wrong = (
        (written.evaluated_at == _UNSEEN)
        | (written.due_at > found.next_flips)
        | (written.due_at <= at)
    )
    return Pairs(written.ids[is_wrong], found.next_flips[is_wrong])


def _members(ids: Ids, segment_ids: list[int]) -> dict[int, Pairs]:
    rows = Membership.objects.filter(left_at=None, segment__in=segment_ids)
    table = _table(_narrowed(rows, ids).values_list("segment_id", "profile_id", "pk"), 3)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    inside, _ = _places(table[:, 1], ids)
    table = table[inside]
    bounds = np.searchsorted(table[:, 0], [[each, each + 1] for each in segment_ids])
    return {
        segment_id: Pairs(table[start:end, 1], table[start:end, 2])
        for segment_id, (start, end) in zip(segment_ids, bounds.reshape(-1, 2), strict=True)
    }


def _narrowed(rows: QuerySet[Any], ids: Ids) -> QuerySet[Any]:
    if len(ids) <= profiles.LISTED:
        return rows.filter(profile_id__in=ids.tolist())
    return rows.filter(profile_id__gte=int(ids[0]), profile_id__lte=int(ids[-1]))


def _table(rows: QuerySet[Any, Any], width: int) -> npt.NDArray[np.int64]:
    """Return rows of numbers as a table; what is missing is ``NEVER``."""
    flat = (NEVER if value is None else value for row in rows.iterator(_PAGE) for value in row)
    return np.fromiter(flat, np.int64).reshape(-1, width)


def _places(column: Ids, ids: Ids) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return which of ``column`` are among ``ids`` (ascending), and at which place of them."""
    place = np.searchsorted(ids, column)
    inside = np.flatnonzero(place < len(ids))
    inside = inside[ids[place[inside]] == column[inside]]
    return inside, place[inside]
