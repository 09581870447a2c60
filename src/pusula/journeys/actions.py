"""Writes to journeys: pause, go on, archive; put people in; answer for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from django.db import connection, transaction
from django.db.models import F

from pusula.journeys import asking, hearing, machine, planning, queries
from pusula.journeys.advance import ANSWER, ELSE
from pusula.journeys.compiled import compile_
from pusula.journeys.course import Happening
from pusula.journeys.engine import Done, Engine
from pusula.journeys.errors import JourneyError, PausedError
from pusula.journeys.language import DefinitionError, Names, graph, parse
from pusula.journeys.language.nodes import Approval, ByApi
from pusula.journeys.language.nodes import Task as TaskStep
from pusula.journeys.models import (
    Call,
    Coupon,
    CouponPool,
    Enrollment,
    Journey,
    JourneyVersion,
    Planned,
    Task,
)
from pusula.lake import rows
from pusula.lib import clock
from pusula.lib.sayings import Saying
from pusula.outbox import actions as outbox
from pusula.segments import catalog, evaluate


def pause(key: str) -> None:
    """Let nobody come in or go on; time passes, and messages that become too late expire."""
    _move(key, machine.PAUSED, (machine.LIVE,))
    outbox.hold(queries.named(key).origin, at=clock.now())


def resume(key: str, *, at: int | None = None) -> None:
    """Let people come in and go on; what happened while it was paused brings nobody in.

    Dates and schedules that came meanwhile do, and what calls came to meanwhile leads on.
    """
    with evaluate.alone():
        at = clock.now() if at is None else at
        journey = queries.named(key)
        if journey.version_id is None:
            raise JourneyError(Saying("%(key)s has no published version", {"key": key}))
        if not Journey.objects.filter(state=machine.LIVE).exists():
            hearing.hear_from_now()
        was_archived = journey.state == machine.ARCHIVED
        _move(key, machine.LIVE, (machine.PAUSED, machine.ARCHIVED))
        Journey.objects.filter(pk=journey.pk).update(since_at=at)
        outbox.lift(journey.origin)
        if was_archived and journey.version is not None:
            planning.plan_everybody(compile_(journey.version, catalog.schema()), at=at)
        _hear_answers(journey, at)


def _hear_answers(journey: Journey, at: int) -> None:
    """Let those go on whose calls were noted while nobody could."""
    noted = Task.objects.filter(
        enrollment__journey=journey,
        enrollment__state=machine.WAITING,
        enrollment__node=F("step"),
        enrollment__waits_for=machine.A_PERSON,
        closed_at__isnull=False,
    ).exclude(outcome="")
    heard: hearing.Heard = {}
    for task in noted.select_related("enrollment"):
        try:
            way = task.outcome if task.outcome in outcomes(task) else ELSE
        except DefinitionError:  # its version speaks of what is gone: nobody can be led on there
            continue
        ride = task.enrollment
        places = {ride.version_id: frozenset({f"{ANSWER}:{task.step}"})}
        happening = Happening(at, places, answer=way, ride_id=ride.pk)
        hearing.add(heard, journey.pk, ride.profile_id, happening)
    Engine().hear(heard, at=at)


def archive(key: str, *, at: int | None = None) -> int:
    """End a journey: who is on it leaves, messages in line are not sent; return how many left."""
    with evaluate.alone():
        at = clock.now() if at is None else at
        journey = queries.named(key)
        _move(key, machine.ARCHIVED, (machine.DRAFT, machine.LIVE, machine.PAUSED))
        Planned.objects.filter(journey=journey).delete()
        outbox.hold(journey.origin, at=at)
        outbox.withdraw_all(journey.origin, at=at)
        calls = Call.objects.filter(enrollment__journey=journey, settled_at=None)
        calls.update(settled_at=at, detail=machine.STOPPED)
        waiting = Enrollment.objects.filter(journey=journey, state=machine.WAITING)
        return end(waiting.values_list("pk", flat=True), machine.STOPPED, at=at)


def end(enrollment_ids: Iterable[int], outcome: str, *, at: int) -> int:
    """Take people off their journeys; the caller holds the lock of evaluations."""
    n = 0
    for part in rows.parts(list(enrollment_ids)):
        waiting = Enrollment.objects.filter(pk__in=part, state=machine.WAITING)
        found = list(waiting.values_list("pk", "version_id", "node"))
        rows.insert(
            connection,
            "journeys_passage",
            ("enrollment_id", "version_id", "step", "at", "result", "reason", "is_exit"),
            ((pk, version_id, node, at, outcome, "", True) for pk, version_id, node in found),
        )
        asking.close(part, at=at)
        n += waiting.update(
            state=machine.FINISHED, outcome=outcome, finished_at=at, due_at=None, waits_for="",
            error="",
        )  # fmt: skip
    return n


def enroll(
    key: str,
    profile_id: int,
    *,
    order_id: int | None = None,
    occurrence: str,
    at: int | None = None,
) -> bool:
    """Put somebody in by the journey's entry ``api``; return whether they came in.

    The same ``occurrence`` brings somebody in once for ever. Re-entry and ``who`` count as always.
    """
    with evaluate.alone():
        at = clock.now() if at is None else at
        journey = queries.named(key)
        if journey.state != machine.LIVE or journey.version is None:
            raise JourneyError(Saying("%(key)s is not live", {"key": key}))
        definition = parse(journey.version.definition, Names(schema=catalog.schema()))
        place = next(
            (f"entry:{n}" for n, e in enumerate(definition.entries) if isinstance(e, ByApi)), None
        )
        if place is None:
            raise JourneyError(Saying("%(key)s has no entry 'api: true'", {"key": key}))
        if definition.keyed_by == "order" and order_id is None:
            raise JourneyError(Saying("%(key)s is keyed by order: name one", {"key": key}))
        places = {journey.version.pk: frozenset({place})}
        happening = Happening(at, places, order_id, f"api:{occurrence}"[:80])
        done = Engine().hear({(journey.pk, profile_id): [happening]}, at=at)
    return done.written.n_entered > 0


def answer(
    task: Task, outcome: str, *, by: str, note: str = "", at: int | None = None, way: str = ""
) -> Done:
    """Note what a call ended with, or whether something is approved; the person goes on at once.

    ``way`` is the result the journey follows, if it is another word. Raises ``JourneyError`` if the
    task is closed or knows no such outcome.
    """
    with evaluate.alone():
        if not way and outcome not in outcomes(task):
            raise JourneyError(
                Saying("%(outcome)r is no outcome of this task", {"outcome": outcome})
            )
        return answer_all([task], outcome, by=by, note=note, at=at, way=way)


def answer_all(
    tasks: Sequence[Task],
    outcome: str,
    *,
    by: str,
    note: str = "",
    at: int | None = None,
    way: str = "",
) -> Done:
    """Do as ``answer`` for tasks of one journey, all of which know ``outcome``; all or none."""
    with evaluate.alone():
        at = clock.now() if at is None else at
        open_ = Task.objects.filter(pk__in=[task.pk for task in tasks], closed_at=None)
        n = open_.update(outcome=outcome, note=note, closed_by=by, closed_at=at)
        if n != len(tasks):
            raise JourneyError(Saying("this task is closed"))
        asking.withdraw([task.message_id for task in tasks], at=at)
        rides = Enrollment.objects.select_related("journey")
        asked = rides.in_bulk([task.enrollment_id for task in tasks])
        heard: hearing.Heard = {}
        for task in tasks:
            ride = asked[task.enrollment_id]
            if ride.journey.state == machine.PAUSED:
                raise PausedError(
                    Saying("%(key)s is paused: answer when it goes on", {"key": ride.journey.key})
                )
            places = {ride.version_id: frozenset({f"{ANSWER}:{task.step}"})}
            happening = Happening(at, places, answer=way or outcome, ride_id=ride.pk)
            hearing.add(heard, ride.journey_id, ride.profile_id, happening)
        done = Engine().hear(heard, at=at)
        if done.n_put_off:  # the answer would be lost: the task stays open
            raise JourneyError(
                Saying("%(key)s: somebody cannot go on now, try again", {"key": ride.journey.key})
            )
        return done


def outcomes(task: Task) -> Mapping[str, object]:
    """Return the outcomes of a task by their key, with their title in both languages."""
    version = JourneyVersion.objects.get(enrollments=task.enrollment_id)
    made = graph(parse(version.definition, Names(schema=catalog.schema())))
    kind = made.nodes[task.step].kind
    if isinstance(kind, Approval):
        return {"then": kind.title, "else": kind.title}
    return {one.key: one.title for one in kind.outcomes} if isinstance(kind, TaskStep) else {}


def add_codes(pool_key: str, codes: Iterable[str], *, title: str = "") -> int:
    """Put codes into a pool, made if there is none; return how many were new."""
    with transaction.atomic():
        pool, _new = CouponPool.objects.get_or_create(
            key=pool_key, defaults={"title": title, "created_at": clock.now()}
        )
        before = pool.coupons.count()
        given = dict.fromkeys(code.strip() for code in codes if code.strip())
        Coupon.objects.bulk_create(
            (Coupon(pool=pool, code=code[:80]) for code in given), ignore_conflicts=True
        )
        return pool.coupons.count() - before


def _move(key: str, state: str, before: tuple[str, ...]) -> None:
    journey = queries.named(key)
    if not Journey.objects.filter(pk=journey.pk, state__in=before).update(state=state):
        raise JourneyError(
            Saying(
                "%(key)s is %(state)s: it cannot become %(state2)s",
                {"key": key, "state": journey.state, "state2": state},
            )
        )
