"""What courses brought, written in few statements: enrollments, passages, messages, tasks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from pusula.journeys import asking, machine
from pusula.journeys.advance import ASKED
from pusula.journeys.course import Course, Happening, Ride, entry_key
from pusula.journeys.facts import Facts
from pusula.journeys.language.nodes import (
    Approval,
    ChangeList,
    Coupon,
    Message,
    SetTrait,
    Task,
    Webhook,
)
from pusula.journeys.models import Call, Enrollment, JourneyVersion, Passage
from pusula.journeys.models import Task as TaskRow
from pusula.journeys.spots import Effect
from pusula.lake import rows
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying
from pusula.outbox import actions as outbox
from pusula.outbox import decisions
from pusula.outbox.candidates import Candidate, Way
from pusula.profiles import actions as profiles
from pusula.profiles import unheard
from pusula.profiles.actions import Facts as Told
from pusula.profiles.actions import Value
from pusula.profiles.models import TraitKind
from pusula.segments import sets

ENROLLMENTS = "journeys_enrollment"
PASSAGES = "journeys_passage"
_STATE = (
    "state", "node", "due_at", "waits_for", "moved_at", "finished_at", "outcome", "data", "error",
)  # fmt: skip
_NEW = (
    "id", "journey_id", "version_id", "profile_id", "order_id", "entry_key", "entry", "is_holdout",
    "entered_at", *_STATE,
)  # fmt: skip
USUAL_RULE = "one_at_a_time"
_SOURCE = "journey"  # of the traits that journeys set


class NothingToSayError(PusulaError):
    """A message has no content: its template was not frozen with the version."""

    code = "nothing_to_say"


@dataclass(frozen=True)
class Written:
    """How many came in, moved, and how many messages were asked for."""

    n_entered: int = 0
    n_moved: int = 0
    n_messages: int = 0

    def __add__(self, other: Written) -> Written:
        """Return both together."""
        return Written(
            self.n_entered + other.n_entered,
            self.n_moved + other.n_moved,
            self.n_messages + other.n_messages,
        )


def write(courses: Sequence[Course], facts: Facts, *, at: int) -> Written:
    """Write what ``courses`` brought; messages are decided about in one call.

    In the caller's transaction, which holds the lock of all who move people.
    """
    moved = [(course, ride) for course in courses for ride in course.rides if ride.is_changed]
    new = [(course, ride) for course, ride in moved if not ride.id]
    _update([ride for _course, ride in moved if ride.id])
    _enroll(new, facts)
    _pass([ride for _course, ride in moved])
    _close_tasks([ride for _course, ride in moved], at)
    asked = [_Asked(course, ride, effect) for course, ride in moved for effect in ride.effects]
    said = [_candidate(one, facts) for one in asked if isinstance(one.effect.kind, Message | Task)]
    decided = {one.dedupe_key: one.state for one in decisions.decide(said, at=at)}
    _withdraw([ride for _course, ride in moved if _was_led_out(ride)], facts, at)
    asking.ask(_tasks(asked, facts, at), decided, at=at)
    _write_calls(asked, facts)
    _take_coupons(asked, facts)
    if touched := _set_traits(asked, at) | _change_lists(asked, at):
        unheard.tell(touched, at=at)
    return Written(len(new), len(moved), len(said))


@dataclass(frozen=True, slots=True)
class _Asked:
    """Something that is to be done for a ride."""

    course: Course
    ride: Ride
    effect: Effect

    def key(self, journey_id: int) -> str:
        """Return the name under which it is done once, whatever the version."""
        return dedupe_key(journey_id, self.effect.step, self.ride.id)


def _enroll(new: Sequence[tuple[Course, Ride]], facts: Facts) -> None:
    numbers = rows.reserve(connection, ENROLLMENTS, len(new)).tolist()
    for (_course, ride), number in zip(new, numbers, strict=True):
        ride.id = number
    values = (
        (
            ride.id,
            facts.versions[ride.version_id].journey_id,
            ride.version_id,
            course.profile_id,
            ride.order_id,
            ride.entry_key,
            ride.entry,
            ride.is_holdout,
            ride.spot.entered_at,
            *_state(ride),
        )
        for course, ride in new
    )
    rows.insert(connection, ENROLLMENTS, _NEW, values)


def _state(ride: Ride) -> tuple[object, ...]:
    spot = ride.spot
    return (
        machine.FINISHED if spot.outcome else machine.WAITING,
        spot.node,
        spot.due_at,
        spot.waits_for,
        spot.moved_at,
        spot.finished_at,
        spot.outcome,
        json.dumps(dict(spot.data)) if spot.data else "{}",
        ride.error,
    )


def _update(rides: Sequence[Ride]) -> None:
    """Write where rides stand now; each was waiting when it was read under the lock."""
    rows.update(connection, ENROLLMENTS, _STATE, [(*_state(ride), ride.id) for ride in rides])


def _pass(rides: Sequence[Ride]) -> None:
    columns = ("enrollment_id", "version_id", "step", "at", "result", "reason", "is_exit")
    values = (
        (ride.id, ride.version_id, one.step, one.at, one.result, one.reason, one.is_exit)
        for ride in rides
        for one in ride.passages
    )
    rows.insert(connection, PASSAGES, columns, values)


def _close_tasks(rides: Sequence[Ride], at: int) -> None:
    """Close what a person was asked about somebody who has gone on."""
    left = [ride.id for ride in rides if ride.asked_at and ride.asked_at != _asks(ride)]
    asking.close(left, at=at)


def _was_led_out(ride: Ride) -> bool:
    """Say whether something led out, so that what is still in line has no sense any more.

    Who comes to the end, or to a step that ends it, gets what was asked for before.
    """
    if not ride.spot.outcome or not ride.passages:
        return False
    return bool(ride.passages[-1].reason) or ride.spot.outcome == machine.RESTARTED


def _withdraw(rides: Sequence[Ride], facts: Facts, at: int) -> None:
    """Take out of the line what those asked for who were led out."""
    found: set[str] = set()
    journeys = {ride.id: facts.versions[ride.version_id].journey_id for ride in rides}
    for part in rows.parts(sorted(journeys)):
        asked = Passage.objects.filter(enrollment_id__in=part, result=ASKED)
        found |= {
            dedupe_key(journeys[ride_id], step, ride_id)
            for ride_id, step in asked.values_list("enrollment_id", "step")
        }
    outbox.withdraw(found, at=at)


def dedupe_key(journey_id: int, step: str, enrollment_id: int) -> str:
    """Return the name under which something is done once, whatever the version."""
    return f"journey:{journey_id}:{step}:{enrollment_id}"


def _asks(ride: Ride) -> str:
    """Return the step at which a person is asked about the ride; empty if nobody is."""
    return ride.spot.node if ride.spot.waits_for == machine.A_PERSON else ""


def _candidate(one: _Asked, facts: Facts) -> Candidate:
    compiled = facts.versions[one.ride.version_id]
    journey = compiled.graph.journey
    language = facts.language(one.course.profile_id)
    ways = [
        Way(channel, _content(said, language))
        for channel, said in compiled.contents.get(one.effect.step, ())
    ]
    if not ways:
        raise NothingToSayError(
            Saying("the step %(step)r has no content: publish it again", {"step": one.effect.step})
        )
    return Candidate(
        dedupe_key=one.key(compiled.journey_id),
        origin=f"journey:{compiled.journey_id}",
        step=one.effect.step,
        profile_id=one.course.profile_id,
        order_id=one.ride.order_id,
        ways=tuple(ways),
        purpose=journey.purpose,
        is_commercial=journey.is_commercial,
        priority=journey.priority,
        due_at=one.effect.at,
        not_after_at=one.effect.until_at,
        variables=facts.said_of_order(one.ride.order_id)
        | {name: str(value) for name, value in one.effect.data.items()},
    )


def _content(said: Mapping[str, int], language: str) -> int:
    """Return the content in a language, else the one for everybody, else the first there is."""
    return said.get(language) or said.get("") or next(iter(said.values()))


def _tasks(asked: Sequence[_Asked], facts: Facts, at: int) -> dict[str, TaskRow]:
    """Return what people are asked, by its key; who has gone on by now is not asked about."""
    return {
        one.key(facts.versions[one.ride.version_id].journey_id): TaskRow(
            enrollment_id=one.ride.id,
            step=one.effect.step,
            is_call=isinstance(one.effect.kind, Task),
            created_at=one.effect.at,
            until_at=one.effect.until_at,
            closed_at=None if _asks(one.ride) == one.effect.step else at,
        )
        for one in asked
        if isinstance(one.effect.kind, Task | Approval)
    }


def _write_calls(asked: Sequence[_Asked], facts: Facts) -> None:
    Call.objects.bulk_create(
        Call(
            dedupe_key=one.key(facts.versions[one.ride.version_id].journey_id),
            enrollment_id=one.ride.id,
            step=one.effect.step,
            url=one.effect.kind.url,
            due_at=one.effect.at,
        )
        for one in asked
        if isinstance(one.effect.kind, Webhook)
    )


def _take_coupons(asked: Sequence[_Asked], facts: Facts) -> None:
    columns = ("enrollment_id", "taken_at")
    taken = [
        (one.ride.id, one.effect.at, facts.taken[one.effect.kind.pool, one.effect.data["coupon"]])
        for one in asked
        if isinstance(one.effect.kind, Coupon)
    ]
    rows.update(connection, "journeys_coupon", columns, taken)


def _set_traits(asked: Sequence[_Asked], at: int) -> set[int]:
    told = [
        Told(one.course.profile_id, traits={one.effect.kind.name: _value(one.effect.kind)})
        for one in asked
        if isinstance(one.effect.kind, SetTrait)
    ]
    if told:
        profiles.record(told, source=_SOURCE, at=at)
    return {one.profile_id for one in told}


def _value(kind: SetTrait) -> Value:
    match kind.value:
        case bool(value):
            return Value(TraitKind.BOOL, float(value))
        case int(value) | float(value):
            return Value(TraitKind.NUMBER, float(value))
    return Value(TraitKind.TEXT, str(kind.value))


def _change_lists(asked: Sequence[_Asked], at: int) -> set[int]:
    touched = set()
    for one in asked:
        if isinstance(one.effect.kind, ChangeList):
            sets.change(
                one.effect.kind.key, one.course.profile_id, is_in=one.effect.kind.is_added, at=at
            )
            touched.add(one.course.profile_id)
    return touched


def wait_at_the_door(
    version: JourneyVersion,
    profile_id: int,
    entry: str,
    happening: Happening,
    *,
    due_at: int,
    error: str,
) -> None:
    """Keep somebody who could not come in because something failed: they begin ``due_at``."""
    definition = version.definition
    order_id = happening.order_id if definition.get("keyed_by") == "order" else None
    rule = definition.get("reentry", USUAL_RULE)
    word = rule if isinstance(rule, str) else rule.get("rule", USUAL_RULE)
    whose: dict[str, Any] = {"profile_id": profile_id, "order_id": order_id}
    before = Enrollment.objects.filter(journey_id=version.journey_id, **whose)
    if word != "never":
        before = before.filter(state=machine.WAITING)
    if word != "always" and before.exists():
        return
    Enrollment.objects.bulk_create(
        [
            Enrollment(
                journey_id=version.journey_id,
                version=version,
                profile_id=profile_id,
                order_id=order_id,
                entry_key=entry_key(word, order_id, happening),
                entry=entry,
                state=machine.WAITING,
                due_at=due_at,
                entered_at=happening.at,
                moved_at=happening.at,
                error=error,
            )
        ],
        ignore_conflicts=True,
    )
