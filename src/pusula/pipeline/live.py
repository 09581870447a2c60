"""The live step: what the log brought and what time brought, made true in one transaction."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from django.db import (
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
    connection,
    transaction,
)

from pusula.lake import rows
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.pipeline import batch, effects, erasure, queries, understood
from pusula.pipeline.effects import Written
from pusula.pipeline.entries import Told
from pusula.pipeline.names import Names
from pusula.pipeline.queries import Logged
from pusula.pipeline.understood import Aside
from pusula.profiles import merging, relations, unheard
from pusula.profiles import queries as profiles
from pusula.profiles.models import IdentifierKind
from pusula.profiles.relations import Ids
from pusula.segments import actions, evaluate
from pusula.segments import queries as segments
from pusula.segments.actions import Moves
from pusula.segments.evaluate import Pass
from pusula.segments.facts import block
from pusula.segments.kernel import Block

_log = logging.getLogger(__name__)

LIMIT = 500
DUE_LIMIT = 2_000
# The causes of moves: facts that came in, or a moment that came.
CAUSE_DATA = "live"
CAUSE_TIME = "time"
# The database itself is in trouble, not one row: nothing is put aside for that.
_TROUBLE = (OperationalError, InterfaceError, ProgrammingError, InternalError)
# A profile that cannot be evaluated is left as it is and tried again; it is an error if that is so
# with more than this many and with most.
_PUT_OFF = clock.HOUR
_MOST_PUT_OFF = 20
_CATCH_UP_S = 0.25
# A profile with more rows than this (a robot, a reception desk) rests after each evaluation, so
# that it takes one part in so many of our time; what comes for it meanwhile counts after the rest.
HEAVY = 50_000
_REST = 10


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
        self._resting: dict[int, int] = {}  # heavy profiles, and until when
        self._names = Names()

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
        return _Step(self._shown, self._resting, self._names, at)

    def _forget(self) -> None:
        """Forget what was learned in a transaction that did not come about."""
        self._shown.forget()
        self._resting.clear()
        self._names.forget()


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
        return
    with evaluate.alone():
        ids = merging.of_now(touched)
        evaluate.touched(ids, at=segments.moment(), cause=cause, pays=pays)


class _Step:
    """One step under way, inside its transaction."""

    def __init__(
        self, shown: evaluate.Shown, resting: dict[int, int], names: Names, at: int | None
    ) -> None:
        self.offset = queries.offset()
        self.at = max(segments.moment(at), self.offset.at + 1)
        self.compiled = shown.compiled(self.at)
        self.resting = resting
        self.names = names
        self.n_evaluated = 0
        self.n_put_off = 0
        self.due_s = 0.0
        self.moves = Moves()
        self.blank: set[int] = set()  # entries of people who were erased

    def run(self, limit: int, due_limit: int, due_seconds: float) -> Stepped:
        due = segments.due(self.at, due_limit)
        logged = self._next(limit)
        beside = unheard.waiting(limit)
        if not (due or logged or beside):
            return Stepped(self.at, self.offset.entry_id)
        n_due = self._flip(due, due_seconds)
        n_refused = 0
        if logged:
            n_refused = self._take_over(logged)
        if beside:
            self._hear(beside)
        last = logged[-1] if logged else None
        read = last.id if last else self.offset.entry_id
        _move_offset(read, last.message_id if last else self.offset.message_id, self.at)
        return Stepped(
            at=self.at,
            offset=read,
            n_entries=len(logged),
            n_due=n_due,
            n_quarantined=n_refused,
            n_put_off=self.n_put_off,
            moves=self.moves,
            oldest_at=logged[0].recorded_at if logged else None,
            is_full=limit in {len(logged), len(beside)}
            or len(due) == due_limit
            or n_due < len(due),
            due_s=self.due_s,
        )

    def _next(self, limit: int) -> list[Logged]:
        """Return the next entries; raise ``LogBehindError`` if the log is not the one we read."""
        read = self.offset
        logged = queries.entries_from(read.entry_id, limit + 1)
        problem = ""
        if not read.entry_id:
            logged = logged[:limit]
        elif not logged:
            problem = f"ends at entry {queries.head()}, but {read.entry_id} was read"
        elif read.message_id not in {"", logged[0].message_id}:
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
            waiting.filter(reason__startswith=understood.PARTLY).values_list("entry_id", flat=True)
        )
        waiting.delete()
        n_refused = 0
        for part in rows.parts(sorted(tries)):
            logged = queries.entries(part)
            n_refused += self._take_over(logged, tries, again)
        return Stepped(
            self.at,
            self.offset.entry_id,
            n_entries=len(tries),
            n_quarantined=n_refused,
            n_put_off=self.n_put_off,
            moves=self.moves,
        )

    def _flip(self, due: Sequence[tuple[int, int]], seconds: float) -> int:
        """Evaluate (profile, moment) pairs, ascending by moment; return how many were reached.

        All in one pass, each as of its own moment. Who is due again by now goes round again, by
        the same facts; who does not get there in time is due in the next step.
        """
        began = time.monotonic()
        end = began + seconds
        pass_ = self._pass(CAUSE_TIME)
        done = 0
        for part in rows.parts(due, relations.LISTED):
            if done and time.monotonic() > end:
                break
            done += len(part)
            ids, moments = _ascending(part)
            facts = self._facts_together(pass_, ids)
            while len(ids):
                flips = self._evaluate(pass_, ids, moments, facts)
                is_again = (flips <= self.at) & (time.monotonic() <= end)
                ids, moments = ids[is_again], flips[is_again]
        self._count(pass_)
        self.due_s += time.monotonic() - began
        return done

    def _take_over(
        self,
        logged: Sequence[Logged],
        tries: Mapping[int, int] = MappingProxyType({}),
        again: Collection[int] = (),
    ) -> int:
        """Write entries and evaluate whom they touched; return how many were put aside.

        ``tries`` is how often each was tried before; something of those in ``again`` is known.
        """
        found = understood.read(logged, at=self.at, again=again)
        ours, barred, blank = erasure.sort_out(found.told)
        self.blank |= blank
        found.aside.extend(Aside(entry, erasure.ERASED) for entry in barred)
        told, unnamed = self.names.admit(ours)
        written = self._written(told)
        aside = found.aside + unnamed + understood.refused(written.refused)
        n_refused = understood.put_aside(aside, tries, self.at) if aside else 0
        self._look_at(written.touched)
        return n_refused

    def _hear(self, beside: Sequence[tuple[int, int]]) -> None:
        """Evaluate the profiles of which something was written beside the log.

        First as of the moments they were due, as for those whom entries touch.
        """
        found = merging.current(profile_id for _number, profile_id in beside)
        ids = np.array(sorted(set(found.values())), np.int64)
        self._catch_up(ids)
        self._look_at(ids)
        unheard.heard(number for number, _profile_id in beside)

    def _look_at(self, ids: Ids) -> None:
        """Evaluate ``ids`` (ascending) now; those who rest, when their rest is over."""
        pass_ = self._pass(CAUSE_DATA)
        rests = self._resting(ids)
        for part in rows.parts(ids[~rests].tolist(), relations.LISTED):
            self._evaluate(pass_, np.array(part, np.int64), np.full(len(part), self.at))
        self._rest(ids[rests])
        self._count(pass_)

    def _written(self, told: Sequence[Told]) -> Written:
        """Write ``told``; whom they touch is first evaluated as of the moments it was due.

        There is something to catch up with only if more were due than this step has reached.
        Mostly identifiers say whom. Whom else shows when the entries are written: then that is
        undone, and done after it.
        """
        due_at = segments.next_due_at()
        if due_at is None or due_at > self.at:
            return _isolated(told, self.at)
        self._catch_up(_named(told))
        with transaction.atomic():
            written = _isolated(told, self.at)
            late = segments.due_among(written.touched, self.at)
            late += [(profile_id, due_at) for profile_id, due_at in written.late]
            transaction.set_rollback(bool(late))
        if not late:
            return written
        self._flip(late, _CATCH_UP_S)
        self._catch_up(np.union1d(written.touched, written.gone))
        return _isolated(told, self.at)

    def _catch_up(self, ids: Ids) -> None:
        """Evaluate those of ``ids`` that are due until none of them is."""
        while late := segments.due_among(ids, self.at):
            self._flip(late, _CATCH_UP_S)

    def _facts_together(self, pass_: Pass, ids: Ids) -> Block | None:
        """Return the facts about ``ids``; ``None`` where somebody's cannot be read."""
        try:
            with transaction.atomic():
                return self._facts(pass_, ids)
        except _TROUBLE:
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
            self.resting[profile_id] = self.at + rest
        return facts

    def _rest(self, ids: Ids) -> Ids:
        """Make ``ids`` due when their rest is over; return when that is."""
        until = np.array([self.resting[i] for i in ids.tolist()], np.int64)
        actions.record_due(ids, until, at=self.at)
        return until

    def _evaluate(self, pass_: Pass, ids: Ids, moments: Ids, facts: Block | None = None) -> Ids:
        """Evaluate ``ids``, each as of its moment, by these ``facts`` if they are read already.

        Return when each is due again. One that cannot be evaluated is found by halves and put off.
        """
        try:
            with transaction.atomic():
                own = self._facts(pass_, ids) if facts is None else replace(facts, profile_ids=ids)
                flips = pass_.evaluate_block(own, moment=moments)
                rests = self._resting(ids)
                flips[rests] = self._rest(ids[rests])
            self.n_evaluated += len(ids)
        except _TROUBLE:
            raise
        except Exception as error:
            if len(ids) > 1:
                middle = len(ids) // 2
                halves = ((ids[:middle], moments[:middle]), (ids[middle:], moments[middle:]))
                return np.concatenate([self._evaluate(pass_, *half, facts) for half in halves])
            self.n_put_off += 1
            if self.n_put_off > max(_MOST_PUT_OFF, self.n_evaluated):
                raise
            _log.exception("profile %d cannot be evaluated: %s", ids[0], error)
            flips = np.array([self.at + _PUT_OFF])
            actions.record_due(ids, flips, at=self.at)
        return flips

    def _resting(self, ids: Ids) -> npt.NDArray[np.bool_]:
        """Return which of ``ids`` rest now."""
        return np.array([self.resting.get(i, 0) > self.at for i in ids.tolist()], bool)

    def _pass(self, cause: str) -> Pass:
        return Pass(self.compiled.versions, self.at, cause, self.compiled)

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
    except _TROUBLE:
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
    )


def _move_offset(entry_id: int, message_id: str, at: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into pipeline_offset (consumer, entry_id, message_id, at)"
            " values (%s, %s, %s, %s) on conflict (consumer) do update"
            " set entry_id = excluded.entry_id, message_id = excluded.message_id, at = excluded.at",
            [queries.LIVE, entry_id, message_id, at],
        )
