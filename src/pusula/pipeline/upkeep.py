"""Keeps memberships true in a step: who is due, who was touched, who rests, who is put off."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from django.db import (
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
    transaction,
)

from pusula.lake import rows
from pusula.lib import clock
from pusula.pipeline import due
from pusula.pipeline.grading import Grades
from pusula.profiles import relations
from pusula.profiles.relations import Ids
from pusula.segments import actions
from pusula.segments.actions import Moves
from pusula.segments.evaluate import Compiled, Pass
from pusula.segments.facts import block
from pusula.segments.kernel import Block

_log = logging.getLogger(__name__)

# The causes of moves: facts that came in, or a moment that came.
CAUSE_DATA = "live"
CAUSE_TIME = "time"
# The database itself is in trouble, not one row: nothing is put aside for that.
TROUBLE = (OperationalError, InterfaceError, ProgrammingError, InternalError)
# A profile that cannot be evaluated is left as it is and tried again; it is an error if that is so
# with more than this many and with most.
_PUT_OFF = clock.HOUR
_MOST_PUT_OFF = 20
_CATCH_UP_S = 0.25
# A profile with more rows than this (a robot, a reception desk) rests after each evaluation, so
# that it takes one part in so many of our time; what comes for it meanwhile counts after the rest.
HEAVY = 50_000
_REST = 10


class Upkeep:
    """The evaluations of one step at the moment ``at``, in the caller's transaction.

    ``resting`` are the profiles with huge histories, and until when: it outlives the step.
    """

    def __init__(
        self, compiled: Compiled, grades: Grades, resting: dict[int, int], at: int
    ) -> None:
        self.at = at
        self._grades = grades
        self.touched: set[int] = set()  # of whom something was written
        self.moves = Moves()
        self.n_put_off = 0
        self.due_s = 0.0  # how long it was busy with due profiles
        self._compiled = compiled
        self._resting = resting
        self._n_evaluated = 0

    def flip(self, late: Sequence[tuple[int, int]], seconds: float = _CATCH_UP_S) -> int:
        """Evaluate (profile, moment) pairs, ascending by moment; return how many were reached.

        All in one pass, each as of its own moment. Who is due again by now goes round again, by
        the same facts; who does not get there in time is due in the next step.
        """
        began = time.monotonic()
        end = began + seconds
        pass_ = self._pass(CAUSE_TIME)
        done = 0
        for part in rows.parts(late, relations.LISTED):
            if done and time.monotonic() > end:
                break
            done += len(part)
            ids, moments = _ascending(part)
            facts: Block | None = None
            while len(ids):
                if self._grades.grade_due(ids, moments, self.at) or facts is None:
                    facts = self._facts_together(pass_, ids)
                flips = np.minimum(
                    self._evaluate(pass_, ids, moments, facts),
                    self._grades.next_due(ids, self.at),
                )
                is_again = (flips <= self.at) & (time.monotonic() <= end)
                ids, moments = ids[is_again], flips[is_again]
        self._count(pass_)
        self.due_s += time.monotonic() - began
        return done

    def look_at(self, ids: Ids, bought: Ids | None = None) -> None:
        """Evaluate ``ids`` (ascending) now; those who rest, when their rest is over.

        Before it those of them are graded who may have ``bought`` something: all, if not given.
        """
        self.touched.update(ids.tolist())
        pass_ = self._pass(CAUSE_DATA)
        rests = self._rests(ids)
        graded = ids[~rests] if bought is None else np.intersect1d(ids[~rests], bought)
        self._grades.grade(graded, self.at)
        for part in rows.parts(ids[~rests].tolist(), relations.LISTED):
            self._evaluate(pass_, np.array(part, np.int64), np.full(len(part), self.at))
        self._rest(ids[rests])
        self._count(pass_)

    def catch_up(self, ids: Ids) -> None:
        """Evaluate those of ``ids`` that are due until none of them is."""
        while late := due.among(ids, self.at):
            self.flip(late)

    def _facts_together(self, pass_: Pass, ids: Ids) -> Block | None:
        """Return the facts about ``ids``; ``None`` where somebody's cannot be read."""
        try:
            with transaction.atomic():
                return self._facts(pass_, ids)
        except TROUBLE:
            raise
        except Exception:  # noqa: BLE001 - it is asked for each of them next
            _log.exception("the facts about %d profiles cannot be read together", len(ids))
            return None

    def _facts(self, pass_: Pass, ids: Ids) -> Block:
        """Return the facts about ``ids``; those who have very many are to rest."""
        began = time.monotonic()
        facts = block(ids, pass_.plan.requirements)
        rest = max(clock.SECOND, round(_REST * (time.monotonic() - began) * clock.SECOND))
        for profile_id in _heavy(facts):
            self._resting[profile_id] = self.at + rest
        return facts

    def _rest(self, ids: Ids) -> Ids:
        """Make ``ids`` due when their rest is over; return when that is."""
        until = np.array([self._resting[i] for i in ids.tolist()], np.int64)
        actions.record_due(ids, until, at=self.at)
        self._grades.put_off(ids, until)
        return until

    def _evaluate(self, pass_: Pass, ids: Ids, moments: Ids, facts: Block | None = None) -> Ids:
        """Evaluate ``ids``, each as of its moment, by these ``facts`` if they are read already.

        Return when each is due again. One that cannot be evaluated is found by halves and put off.
        """
        try:
            with transaction.atomic():
                own = self._facts(pass_, ids) if facts is None else replace(facts, profile_ids=ids)
                flips = pass_.evaluate_block(own, moment=moments)
                rests = self._rests(ids)
                flips[rests] = self._rest(ids[rests])
            self._n_evaluated += len(ids)
        except TROUBLE:
            raise
        except Exception as error:
            if len(ids) > 1:
                middle = len(ids) // 2
                halves = ((ids[:middle], moments[:middle]), (ids[middle:], moments[middle:]))
                return np.concatenate([self._evaluate(pass_, *half, facts) for half in halves])
            self.n_put_off += 1
            if self.n_put_off > max(_MOST_PUT_OFF, self._n_evaluated):
                raise
            _log.exception("profile %d cannot be evaluated: %s", ids[0], error)
            flips = np.array([self.at + _PUT_OFF])
            actions.record_due(ids, flips, at=self.at)
        return flips

    def _rests(self, ids: Ids) -> npt.NDArray[np.bool_]:
        """Return which of ``ids`` rest now."""
        return np.array([self._resting.get(i, 0) > self.at for i in ids.tolist()], bool)

    def _pass(self, cause: str) -> Pass:
        return Pass(self._compiled.versions, self.at, cause, self._compiled)

    def _count(self, pass_: Pass) -> None:
        for moves in pass_.moves.values():
            self.moves += moves


def _heavy(facts: Block) -> list[int]:
    """Return the profiles that have very many rows in ``facts``."""
    found: list[int] = []
    for table in (facts.orders, facts.items, facts.events):
        if table.num_rows > HEAVY:
            ids, n = np.unique(table["profile_id"].to_numpy(), return_counts=True)
            found += ids[n > HEAVY].tolist()
    return found


def _ascending(due: Iterable[tuple[int, int]]) -> tuple[Ids, Ids]:
    """Return the profiles of (profile, moment) pairs, ascending, and the moment of each."""
    ids, moments = zip(*sorted(due), strict=True)
    return np.array(ids, np.int64), np.array(moments, np.int64)
