"""The live step: what the log brought and what time brought, made true in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from django.db import (
    connection,
    transaction,
)
from django.utils import translation

from pusula.journeys import engine as journeys
from pusula.journeys.engine import Engine
from pusula.lake import rows
from pusula.lib.errors import PusulaError
from pusula.pipeline import batch, due, effects, erasure, grading, queries, refusals, understood
from pusula.pipeline.effects import Written
from pusula.pipeline.entries import Told
from pusula.pipeline.grading import Graders
from pusula.pipeline.names import Names
from pusula.pipeline.queries import Logged
from pusula.pipeline.upkeep import TROUBLE, Upkeep
from pusula.profiles import merging, unheard
from pusula.profiles import queries as profiles
from pusula.profiles.models import IdentifierKind
from pusula.profiles.relations import Ids
from pusula.segments import evaluate
from pusula.segments import queries as segments
from pusula.segments.actions import Moves

LIMIT = 500
DUE_LIMIT = 2_000


@dataclass(frozen=True)
class Stepped:
    """What a step did; ``is_full``: more may be waiting than it took."""

    at: int
    offset: int = 0  # how far the log is read
    n_entries: int = 0
    n_due: int = 0
    n_quarantined: int = 0
    n_put_off: int = 0
    moves: Moves = field(default_factory=Moves)
    oldest_at: int | None = None  # when the oldest entry was written to the log
    is_full: bool = False
    due_s: float = 0.0  # how long it was busy with due profiles


class LogBehindError(PusulaError):
    """The log is not the one that was read: it and the database are of copies that do not fit.

    Entries appended to an older log get numbers that count as read: nobody would hear of them.
    """

    code = "log_behind"
    status = 503


class Live:
    """The consumer of the log that writes entries to their owners and keeps memberships true."""

    def __init__(self) -> None:
        self._shown = evaluate.Shown()
        self._graders = Graders()
        self._resting: dict[int, int] = {}  # heavy profiles, and until when
        self._names = Names()
        self._engine = Engine()

    def step(
        self,
        limit: int = LIMIT,
        *,
        at: int | None = None,
        due_limit: int = DUE_LIMIT,
        due_seconds: float = 0.1,
    ) -> Stepped:
        """Take at most ``limit`` entries and ``due_limit`` due profiles; all effects or none.

        1. Take the turn of those who evaluate. 2. Evaluate due profiles, each as of the moment it
        was due, for at most ``due_seconds``: what a machine that never slept would have written.
        3. Write the entries to their owners; put aside those that cannot be. 4. Evaluate whom they
        touched. 5. Move the offset. ``at`` is the step's moment, later than that of any before it.
        """
        try:
            with evaluate.alone():
                under_way = self._begin(at)
                stepped = under_way.run(limit, due_limit, due_seconds)
        except BaseException:
            self._forget()
            raise
        erasure.blank(under_way.blank)
        return stepped

    def retry(self, ids: Sequence[int] | None = None) -> Stepped:
        """Try again to take over entries in quarantine (else all of them); those done leave it."""
        try:
            with evaluate.alone():
                under_way = self._begin(None)
                stepped = under_way.retry(ids)
        except BaseException:
            self._forget()
            raise
        erasure.blank(under_way.blank)
        return stepped

    def _begin(self, at: int | None) -> _Step:
        return _Step(self._shown, self._graders, self._resting, self._names, self._engine, at=at)

    def _forget(self) -> None:
        """Forget what was learned in a transaction that did not come about."""
        self._shown.forget()
        self._graders.forget()
        self._resting.clear()
        self._names.forget()
        self._engine.forget()


def step(limit: int = LIMIT, *, at: int | None = None) -> Stepped:
    """Do one step; see ``Live.step``. A process that does many keeps a ``Live``: it remembers."""
    return Live().step(limit, at=at)


def refresh(touched: Ids, *, cause: str, pays: int | None = None) -> None:
    """Bring every segment up to date for the profiles ``touched`` (any order, repeats allowed).

    If other facts than the debt ``pays`` wait for evaluation, nobody knows any more whom they
    touched (their process was stopped, or they were deferred): then for everybody.
    """
    if set(segments.debts()) - {pays}:
        batch.run()
        with evaluate.alone():
            Engine().replan(None, at=segments.moment())
        return
    with evaluate.alone():
        ids = merging.of_now(touched)
        at = segments.moment()
        grading.look_at(ids, at)
        evaluate.touched(ids, at=at, cause=cause, pays=pays)
        Engine().replan(ids.tolist(), at=at)


class _Step:
    """One step under way, inside its transaction."""

    def __init__(
        self,
        shown: evaluate.Shown,
        graders: Graders,
        resting: dict[int, int],
        names: Names,
        engine: Engine,
        *,
        at: int | None,
    ) -> None:
        self.offset = queries.offset()
        self.at = max(segments.moment(at), self.offset.at + 1)
        self.upkeep = Upkeep(shown.compiled(self.at), graders.look(), resting, self.at)
        self.names = names
        self.engine = engine
        self.blank: set[int] = set()  # entries of people who were erased

    def run(self, limit: int, due_limit: int, due_seconds: float) -> Stepped:
        late = due.waiting(self.at, due_limit)
        logged = self._next(limit)
        beside = unheard.waiting(limit)
        if not (late or logged or beside or self._is_somebody_to_move()):
            return Stepped(self.at, self.offset.entry_id)
        n_due = self.upkeep.flip(late, due_seconds)
        n_refused = 0
        if logged:
            n_refused = self._take_over(logged)
        if beside:
            self._hear(beside)
        moved = self._move_people()
        last = logged[-1] if logged else None
        read = last.id if last else self.offset.entry_id
        _move_offset(read, last.message_id if last else self.offset.message_id, self.at)
        return Stepped(
            at=self.at,
            offset=read,
            n_entries=len(logged),
            n_due=n_due,
            n_quarantined=n_refused,
            n_put_off=self.upkeep.n_put_off,
            moves=self.upkeep.moves,
            oldest_at=logged[0].recorded_at if logged else None,
            is_full=limit in {len(logged), len(beside)}
            or len(late) == due_limit
            or n_due < len(late)
            or moved.is_full,
            due_s=self.upkeep.due_s,
        )

    def _is_somebody_to_move(self) -> bool:
        due_at = journeys.next_due_at()
        return due_at is not None and due_at <= self.at

    def _move_people(self) -> journeys.Done:
        """Let what this step brought, and time, move people along journeys."""
        return self.engine.step(sorted(self.upkeep.touched), at=self.at)

    def _next(self, limit: int) -> list[Logged]:
        """Return the next entries; raise ``LogBehindError`` if the log is not the one we read."""
        read = self.offset
        logged = queries.entries_from(read.entry_id, limit + 1)
        problem = ""
        if not read.entry_id:
            logged = logged[:limit]
        elif not logged:
            problem = f"ends at entry {queries.head()}, but {read.entry_id} was read"
        elif (
            read.message_id not in {"", logged[0].message_id}
            and logged[0].body != queries.TOMBSTONE  # blanked by a process that died with it
        ):
            problem = f"says another thing in entry {read.entry_id} than what was read there"
        else:
            logged = logged[1:]
        if logged and not problem and logged[0].id != read.entry_id + 1:
            problem = f"lacks the entries from {read.entry_id + 1} to {logged[0].id - 1}"
        if problem:
            raise LogBehindError(
                f"the log {problem}: restore a copy of the log that is not older than the main "
                "database"
            )
        return logged

    def retry(self, ids: Sequence[int] | None) -> Stepped:
        waiting = queries.quarantined()
        if ids is not None:
            waiting = waiting.filter(entry_id__in=ids)
        tries = dict(waiting.values_list("entry_id", "n_tries"))
        again = set(
            waiting.filter(reason__startswith=refusals.PARTLY).values_list("entry_id", flat=True)
        )
        waiting.delete()
        n_refused = 0
        for part in rows.parts(sorted(tries)):
            logged = queries.entries(part)
            n_refused += self._take_over(logged, tries, again)
        self._move_people()
        return Stepped(
            self.at,
            self.offset.entry_id,
            n_entries=len(tries),
            n_quarantined=n_refused,
            n_put_off=self.upkeep.n_put_off,
            moves=self.upkeep.moves,
        )

    def _take_over(
        self,
        logged: Sequence[Logged],
        tries: Mapping[int, int] = MappingProxyType({}),
        again: Collection[int] = (),
    ) -> int:
        """Write entries and evaluate whom they touched; return how many were put aside.

        ``tries`` is how often each was tried before; something of those in ``again`` is known.
        """
        with translation.override("en"):  # reasons are stored in one language, and read in any
            found = understood.read(logged, at=self.at, again=again)
            ours, barred = erasure.sort_out(found.told)
            self.blank.update(one.entry.id for one in barred)
            found.aside.extend(barred)
            told, unnamed = self.names.admit(ours)
            written = self._written(told)
        aside = found.aside + unnamed + understood.refused(written.refused)
        n_refused = understood.put_aside(aside, tries, self.at) if aside else 0
        self.upkeep.look_at(written.touched, written.bought)
        return n_refused

    def _hear(self, beside: Sequence[tuple[int, int]]) -> None:
        """Evaluate the profiles of which something was written beside the log.

        First as of the moments they were due, as for those whom entries touch.
        """
        found = merging.current(profile_id for _number, profile_id in beside)
        ids = np.array(sorted(set(found.values())), np.int64)
        self.upkeep.catch_up(ids)
        self.upkeep.look_at(ids)
        unheard.heard(number for number, _profile_id in beside)

    def _written(self, told: Sequence[Told]) -> Written:
        """Write ``told``; whom they touch is first evaluated as of the moments it was due.

        There is something to catch up with only if more were due than this step has reached.
        Mostly identifiers say whom. Whom else shows when the entries are written: then that is
        undone, and done after it.
        """
        due_at = due.next_at()
        if due_at is None or due_at > self.at:
            return _isolated(told, self.at)
        self.upkeep.catch_up(_named(told))
        with transaction.atomic():
            written = _isolated(told, self.at)
            late = due.among(written.touched, self.at)
            late += [(profile_id, due_at) for profile_id, due_at in written.late]
            transaction.set_rollback(bool(late))
        if not late:
            return written
        self.upkeep.flip(late)
        self.upkeep.catch_up(np.union1d(written.touched, written.gone))
        return _isolated(told, self.at)


def _named(told: Sequence[Told]) -> Ids:
    """Return the profiles that ``told`` name, as far as that shows before they are written."""
    found = {one.profile_id for one in told if one.profile_id is not None}
    for kind in (
        IdentifierKind.KEY,
        IdentifierKind.EMAIL,
        IdentifierKind.PHONE,
        IdentifierKind.ANONYMOUS,
    ):
        values = {getattr(one, kind.value) for one in told} - {None}
        found.update(*profiles.holders(kind, values).values())
    return np.array(sorted(found), np.int64)


def _isolated(told: Sequence[Told], at: int) -> Written:
    """Write ``told``; what the database refuses is found by halves and returned as refused."""
    if not told:
        return Written(np.empty(0, np.int64), [])
    try:
        with transaction.atomic():
            return effects.write(told, at=at)
    except TROUBLE:
        raise
    except Exception as error:  # noqa: BLE001 - one of these entries brought it
        if len(told) == 1:
            return Written(np.empty(0, np.int64), [(told[0], f"{type(error).__name__}: {error}")])
    halves = (told[: len(told) // 2], told[len(told) // 2 :])
    first, second = (_isolated(half, at) for half in halves)
    gone = np.setdiff1d(np.union1d(first.gone, second.gone), second.touched)
    return Written(
        np.setdiff1d(np.union1d(first.touched, second.touched), gone),
        first.refused + second.refused,
        gone,
        first.late + second.late,
        np.setdiff1d(np.union1d(first.bought, second.bought), gone),
    )


def _move_offset(entry_id: int, message_id: str, at: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into pipeline_offset (consumer, entry_id, message_id, at)"
            " values (%s, %s, %s, %s) on conflict (consumer) do update"
            " set entry_id = excluded.entry_id, message_id = excluded.message_id, at = excluded.at",
            [queries.LIVE, entry_id, message_id, at],
        )
