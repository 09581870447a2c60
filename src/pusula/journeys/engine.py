"""The part of the live step that moves people along journeys, inside the step's transaction."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
from django.db import (
    DatabaseError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
    transaction,
)
from django.db.models import Min

from pusula.campaigns.holdout import is_held_out
from pusula.journeys import advance, hearing, machine, planning, reading, writing
from pusula.journeys.compiled import Compiled, Library
from pusula.journeys.course import Course, Happening, Past
from pusula.journeys.facts import Facts
from pusula.journeys.hearing import Heard
from pusula.journeys.language.nodes import WaitUntilDate
from pusula.journeys.models import Enrollment, Journey, Planned
from pusula.journeys.reading import Due, Key, Row
from pusula.journeys.writing import Written
from pusula.lake import rows
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import kept

_log = logging.getLogger(__name__)

LIMIT = 2_000  # people at a time
# Who cannot move is put off so long, and shown; nobody waits for them.
PUT_OFF = clock.HOUR
_TROUBLE = (OperationalError, InterfaceError, ProgrammingError, InternalError)


@dataclass(frozen=True)
class Done:
    """What a step did for journeys; ``is_full``: more may be waiting than it took."""

    n_happened: int = 0
    n_due: int = 0
    n_put_off: int = 0
    written: Written = field(default_factory=Written)
    is_full: bool = False


class Engine:
    """Moves people along journeys; keeps the versions it has compiled."""

    def __init__(self) -> None:
        self.library = Library()

    def forget(self) -> None:
        """Forget what was learned in a transaction that did not come about."""
        self.library.forget()

    def step(self, touched: Sequence[int], *, at: int, seconds: float = 0.1) -> Done:
        """Do for journeys what the moment ``at`` asks for, in the caller's transaction.

        1. Hear what was written down ``at`` about the profiles ``touched``, who entered and left
        segments, which dates have come. 2. Let those concerned come in, go on and leave.
        3. Plan the dates of the touched. 4. For at most ``seconds`` move those whose wait is over.
        The caller holds the lock of evaluations: nobody else moves people.
        """
        journeys = _running()
        if not journeys:
            return Done()
        return _Step(self.library, journeys, at).run(touched, seconds)

    def hear(self, heard: Heard, *, at: int) -> Done:
        """Let something happen to people at once: an answer, an entry by a program."""
        step = _Step(self.library, _running(), at)
        step.move(heard, {})
        return step.done()

    def replan(self, touched: Collection[int] | None, *, at: int) -> None:
        """Plan the dates of profiles whose orders or traits have changed beside the log.

        ``None``: of everybody. In the caller's transaction, which holds the lock of evaluations.
        """
        _Step(self.library, _running(), at).replan(touched)


def next_due_at() -> int | None:
    """Return when the next person on a live journey goes on, or comes in, by time alone."""
    running = Journey.objects.filter(state__in=machine.RUNNING)
    states = list(running.values_list("pk", "state", "planning_at"))
    if any(planning_at is not None for _, _, planning_at in states):
        return 0
    live = [pk for pk, state, _ in states if state == machine.LIVE]
    if not live:
        return None
    if hearing.has_unheard_moves():
        return 0
    found = []
    for pk in live:  # one look into an index for each
        waiting = Enrollment.objects.filter(journey_id=pk, state=machine.WAITING)
        found.append(waiting.aggregate(next=Min("due_at"))["next"])
        found.append(Planned.objects.filter(journey_id=pk).aggregate(next=Min("due_at"))["next"])
    return min((due_at for due_at in found if due_at is not None), default=None)


class _Step:
    """What is done for journeys at one moment."""

    def __init__(self, library: Library, journeys: Sequence[Journey], at: int) -> None:
        self.library = library
        self.at = at
        self.journeys = {journey.pk: journey for journey in journeys}
        self.live = [journey for journey in journeys if journey.state == machine.LIVE]
        self.n_happened = self.n_due = self.n_put_off = 0
        self.written = Written()
        self.is_full = False

    def done(self) -> Done:
        return Done(self.n_happened, self.n_due, self.n_put_off, self.written, self.is_full)

    def run(self, touched: Sequence[int], seconds: float) -> Done:
        end = time.monotonic() + seconds
        concerned = reading.waiting_of(touched, self.journeys)
        current = self._compiled(j.version_id for j in self.live if j.version_id)
        versions = self._compiled(row["version_id"] for row in concerned) | current
        self._go_on_planning(end)
        heard: Heard = {}
        hearing.events(heard, versions.values(), touched, self.at)
        hearing.order_changes(heard, versions.values(), touched, self.at)
        self._hear_moves(heard, current)
        to_plan = set(touched)
        for compiled in current.values():
            is_full, again = hearing.dates(heard, compiled, self.at, LIMIT)
            self.is_full |= is_full
            to_plan |= again
        self.move(heard, {})
        if any(one.has_order_days or one.day_traits for one in versions.values()):
            self._retime(touched)
        self.plan(to_plan)
        self._move_due(end)
        return self.done()

    def move(self, heard: Heard, due: Due) -> None:
        """Let happen what was heard, and the waits of ``due`` end, for each as far as it goes."""
        self.n_happened += sum(map(len, heard.values()))
        for part in rows.parts(sorted(heard.keys() | due.keys()), LIMIT):
            self._isolated(part, heard, due)

    def plan(self, profile_ids: Collection[int]) -> None:
        """Plan the dates of these profiles, of paused journeys too: those count when they go on."""
        ids = np.array(sorted(profile_ids), np.int64)
        for compiled in self._compiled_current().values():
            planning.plan(compiled, ids, at=self.at)

    def _go_on_planning(self, end: float) -> None:
        """Plan the dates of the next profiles of journeys whose planning is not through."""
        planned = [one for one in self.journeys.values() if one.planning_at is not None]
        versions = self._compiled(one.version_id for one in planned if one.version_id)
        for journey in planned:
            compiled = versions.get(journey.version_id or 0)
            if compiled is None:  # it cannot run: it is planned when it is published anew
                Journey.objects.filter(pk=journey.pk).update(planning_at=None)
                continue
            planning.go_on(compiled, journey)
            while journey.planning_at is not None and time.monotonic() < end:
                planning.go_on(compiled, journey)
            self.is_full |= journey.planning_at is not None

    def replan(self, profile_ids: Collection[int] | None) -> None:
        """Plan the dates of these profiles, or all; who waits for one waits for the new one.

        Whose order is cancelled by now leaves.
        """
        self._leave_with_orders(profile_ids)
        if profile_ids is not None:
            self._retime(sorted(profile_ids))
            self.plan(profile_ids)
            return
        for compiled in self._compiled_current().values():
            planning.plan_people(compiled, at=self.at)

    def _leave_with_orders(self, profile_ids: Collection[int] | None) -> None:
        """Let those leave whose order was cancelled without a word in the log."""
        found = reading.waiting_with_dead_orders(self.journeys, profile_ids)
        versions = self._compiled({row["version_id"] for row in found})
        heard: Heard = {}
        hearing.dead_orders(heard, versions, found)
        self.move(heard, {})

    def _compiled_current(self) -> dict[int, Compiled]:
        return self._compiled(j.version_id for j in self.journeys.values() if j.version_id)

    def _hear_moves(self, heard: Heard, current: dict[int, Compiled]) -> None:
        """Hear of segments, for those who wait for one as well."""
        found = hearing.unheard_moves(LIMIT)
        self.is_full |= len(found) == LIMIT
        waiting = reading.waiting_of(sorted({moved.profile_id for moved in found}), self.journeys)
        versions = self._compiled(row["version_id"] for row in waiting) | current
        hearing.moves(heard, versions.values(), found)

    def _move_due(self, end: float) -> None:
        """Move those whose wait is over, the longest first, while there is time."""
        for journey in self.live:
            while True:
                found = self._due_of(journey.pk)
                self.n_due += len(found)
                due: Due = {}
                for row in found:
                    due.setdefault((journey.pk, row["profile_id"]), []).append(row)
                self.move({}, due)
                if len(found) < LIMIT:
                    break
                if time.monotonic() > end:
                    self.is_full = True
                    break

    def _due_of(self, journey_id: int) -> list[Row]:
        waiting = Enrollment.objects.filter(
            journey_id=journey_id, state=machine.WAITING, due_at__lte=self.at
        )
        return list(waiting.order_by("due_at").values(*reading.COLUMNS)[:LIMIT])

    def _isolated(self, keys: Sequence[Key], heard: Heard, due: Due) -> None:
        """Move these; what the database refuses is found by halves and put off."""
        try:
            with transaction.atomic():
                written, failed = self._moved(keys, heard, due)
        except _TROUBLE:
            raise
        except Exception as error:  # noqa: BLE001 - one of these people brought it
            if len(keys) > 1:
                half = len(keys) // 2
                self._isolated(keys[:half], heard, due)
                self._isolated(keys[half:], heard, due)
                return
            failed, written = [(keys[0], error)], Written()
        self.written += written
        for key, why in failed:
            _log.error("journey %d: profile %d cannot move: %s", *key, why)
            self._put_off(key, heard.get(key, ()), why)

    def _moved(
        self, keys: Sequence[Key], heard: Heard, due: Due
    ) -> tuple[Written, list[tuple[Key, Exception]]]:
        """Move these and write it; return what was written, and who could not move."""
        rides = reading.rides_of([key for key in keys if key in heard])
        rides |= {key: due[key] for key in keys if key not in heard}
        current = [self.journeys[key[0]].version_id or 0 for key in keys]
        asked = {row["version_id"] for rows_ in rides.values() for row in rows_} | {*current}
        versions = self._compiled(asked)
        if due:
            heard = dict(heard)
            under_way = (row for each in rides.values() for row in each)
            hearing.dead_orders(heard, versions, reading.with_dead_orders(under_way))
        facts = Facts(
            versions,
            {key[1] for key in keys},
            reading.orders_of(rides.values(), (heard.get(key, ()) for key in keys)),
            at=self.at,
        )
        pasts = reading.pasts_of([key for key in keys if key in heard])
        courses, failed = [], []
        for key in keys:
            course = self._course(key, rides.get(key, ()), pasts.get(key, []), versions)
            try:
                course.run(heard.get(key, ()), self.at, facts.of(key[1]))
            except DatabaseError:
                raise
            except Exception as error:  # noqa: BLE001 - it is put off, and said
                failed.append((key, error))
                # What was heard is heard once: who cannot move may leave at least.
                course = self._course(key, rides.get(key, ()), pasts.get(key, []), versions)
                course.is_paused = True
                with suppress(PusulaError):
                    course.run(heard.get(key, ()), self.at, facts.of(key[1]))
            courses.append(course)
        return writing.write(courses, facts, at=self.at), failed

    def _course(
        self,
        key: Key,
        rides: Iterable[Row],
        past: list[Past],
        versions: Mapping[int, Compiled],
    ) -> Course:
        journey = self.journeys[key[0]]
        current = versions.get(journey.version_id or 0)
        share = float(current.graph.journey.holdout) / 100 if current else 0
        return Course(
            profile_id=key[1],
            version_id=journey.version_id or 0,
            graphs=reading.Graphs(versions),
            rides=[reading.ride_of(row) for row in rides],
            past=past,
            since_at=journey.since_at if current else None,
            is_held_out=share > 0 and is_held_out(f"journey:{journey.key}", key[1], share),
            is_paused=journey.state != machine.LIVE,
        )

    def _compiled(self, ids: Iterable[int]) -> dict[int, Compiled]:
        """Return those of the versions that can run."""
        found = self.library.versions(ids, self.at)
        return {pk: one for pk, one in found.items() if isinstance(one, Compiled)}

    def _retime(self, touched: Sequence[int]) -> None:
        """Let those wait for the day their order or trait has now."""
        waiting = [
            row
            for row in reading.waiting_of(touched, self.journeys)
            if row["node"] and row["due_at"]
        ]
        versions = self._compiled({row["version_id"] for row in waiting})
        dated = [row for row in waiting if _is_dated(versions.get(row["version_id"]), row["node"])]
        facts = Facts(
            versions,
            {row["profile_id"] for row in dated},
            {row["order_id"] for row in dated if row["order_id"]},
            at=self.at,
        )
        for row in dated:
            world = facts.of(row["profile_id"])(row["version_id"], row["order_id"])
            graph = versions[row["version_id"]].graph
            due_at = advance.retimed(graph, reading.ride_of(row).spot, world)
            if due_at != row["due_at"]:
                Enrollment.objects.filter(pk=row["pk"]).update(due_at=due_at)

    def _put_off(self, key: Key, happenings: Iterable[Happening], error: Exception) -> None:
        """Let somebody wait who cannot move, or not come in: it is tried again, and shown."""
        journey = self.journeys[key[0]]
        is_known = isinstance(error, PusulaError)
        why = error.saying if is_known else f"{type(error).__name__}: {error}"  # type: ignore[attr-defined]
        later = self.at + PUT_OFF
        waiting = Enrollment.objects.filter(
            journey_id=key[0], profile_id=key[1], state=machine.WAITING
        )
        waiting.filter(due_at__lte=self.at).update(due_at=later)
        waiting.update(error=kept(why, 400))
        self.n_put_off += 1
        version = journey.version
        if journey.state != machine.LIVE or version is None:
            return
        for happening in happenings:
            entry = min((p for p in happening.places.get(version.pk, ())
                         if p.startswith("entry:")), default="")  # fmt: skip
            if entry and happening.at >= (journey.since_at or 0):
                writing.wait_at_the_door(
                    version, key[1], entry, happening, due_at=later, error=kept(why, 400)
                )


def _running() -> list[Journey]:
    found = Journey.objects.filter(state__in=machine.RUNNING)
    return list(found.select_related("version").order_by("pk"))


def _is_dated(compiled: Compiled | None, node: str) -> bool:
    return compiled is not None and isinstance(compiled.graph.nodes[node].kind, WaitUntilDate)
