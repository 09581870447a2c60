"""What is kept true of people beside segments: their RFM grades and their lifecycle stages.

Both follow published rules, change with orders and at the start of days, and are due by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from pusula.lake import locks
from pusula.predict import living
from pusula.profiles import relations as profiles
from pusula.profiles.relations import Ids
from pusula.rfm import days
from pusula.rfm import live as rfm
from pusula.rfm.live import Grader
from pusula.segments import evaluate
from pusula.segments import queries as segments
from pusula.segments.actions import owe

BLOCK = 5_000  # profiles that are graded at a time


@dataclass(frozen=True)
class Grades:
    """What holds in one step: the RFM limits and the rhythm of everybody, where there are any."""

    rfm: rfm.InForce | None
    life: living.InForce | None

    def grade(self, ids: Ids, at: int) -> set[int]:
        """Grade ``ids`` (ascending) as of ``at``; return those whose traits changed."""
        changed: set[int] = set()
        for start in range(0, len(ids), profiles.LISTED):
            part = ids[start : start + profiles.LISTED]
            if self.rfm is not None:
                changed |= rfm.grade(part, at, self.rfm)
            if self.life is not None:
                changed |= living.grade(part, at, self.life)
        return changed

    def grade_due(self, ids: Ids, moments: Ids, at: int) -> set[int]:
        """Grade those of ``ids`` that are due by their moment; return those whose traits changed.

        Each as of the moment; ``at`` is not before any of them.
        """
        when = dict(zip(ids.tolist(), moments.tolist(), strict=True))
        changed: set[int] = set()
        if self.rfm is not None:
            for part, moment in _by_moment(rfm.due_among(ids, at), when):
                changed |= rfm.grade(part, moment, self.rfm)
        staged = living.due_among(ids, at)
        if self.life is None:
            living.drop([profile_id for profile_id, _due_at in staged])
            return changed
        for part, moment in _by_moment(staged, when):
            changed |= living.grade(part, moment, self.life)
        return changed

    def next_due(self, ids: Ids, at: int) -> Ids:
        """Return when each of ``ids`` (ascending) is due by ``at``; ``days.NEVER`` if not."""
        found = np.full(len(ids), days.NEVER)
        late = rfm.due_among(ids, at) if self.rfm is not None else []
        late += living.due_among(ids, at) if self.life is not None else []
        for profile_id, due_at in late:
            nth = np.searchsorted(ids, profile_id)
            found[nth] = min(found[nth], due_at)
        return found

    def put_off(self, ids: Ids, until: Ids) -> None:
        """Make ``ids`` due ``until`` each."""
        if self.rfm is not None:
            rfm.put_off(ids, until)
        if self.life is not None:
            living.put_off(ids, until)


def _by_moment(late: Iterable[tuple[int, int]], when: dict[int, int]) -> Iterable[tuple[Ids, int]]:
    """Yield who is due by their moment in ``when``, ascending, and the moment they share."""
    asked = sorted((when[one], one) for one, due_at in late if due_at <= when[one])
    for moment, group in groupby(asked, key=lambda pair: pair[0]):
        yield np.array([one for _moment, one in group], np.int64), moment


class Graders:
    """Knows what is in force; reads it again only when something else is published."""

    def __init__(self) -> None:
        self._rfm = Grader()
        self._life = living.Stager()

    def look(self) -> Grades:
        """Return what is in force now."""
        return Grades(self._rfm.look(), self._life.look())

    def forget(self) -> None:
        """Read it anew next time: what was read may have been undone."""
        self._rfm.forget()
        self._life.forget()


def look_at(ids: Ids, at: int) -> None:
    """Grade ``ids`` (ascending) as of ``at``; in the transaction of whoever evaluates them next."""
    Graders().look().grade(ids, at)


def repair() -> int:
    """Grade everybody by what is in force, a block at a time; return how many it was wrong for.

    Finds what was written past the live step, as a full evaluation does. Their segments are owed.
    What is in force is looked up for each block: other rules may be published between two.
    """
    graders = Graders()
    if graders.look() == Grades(None, None):
        return 0
    n = 0
    for nth, ids in enumerate(profiles.blocks(BLOCK)):
        if nth:
            locks.rest()
        with evaluate.alone():
            at = segments.moment()
            changed = _of_block(graders.look(), ids, at)
            if changed:
                owe("grades", at)
        n += len(changed)
    return n


def _of_block(held: Grades, ids: Ids, at: int) -> set[int]:
    """Grade a whole block at once: one question to the database, not one for every few."""
    changed = rfm.grade_many(ids, at, held.rfm).changed if held.rfm is not None else set()
    return changed | (living.grade(ids, at, held.life) if held.life is not None else set())
