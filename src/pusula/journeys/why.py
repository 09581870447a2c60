"""Why somebody is not on a journey, or not further: what is known now, in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext as _

from pusula.campaigns.holdout import is_held_out
from pusula.journeys import called, machine
from pusula.journeys.compiled import compile_
from pusula.journeys.models import Enrollment, Journey, Planned
from pusula.lib import clock
from pusula.lib.sayings import told
from pusula.outbox import machine as messages
from pusula.outbox.models import Message
from pusula.outbox.reasons import Reason
from pusula.profiles.models import Profile
from pusula.segments import catalog, spoken
from pusula.segments.facts import block
from pusula.segments.language import DefinitionError


@dataclass(frozen=True, slots=True)
class Reasoned:
    """One reason: a word for programs and a sentence for people."""

    code: str
    sentence: str


def why_not(journey: Journey, profile_id: int, *, at: int | None = None) -> list[Reasoned]:
    """Return what keeps a profile from coming in, or from getting what the journey sends.

    As of now: what kept them out at an earlier moment is told by ``queries.trace`` if they were in.
    An empty list: nothing speaks against it.
    """
    at = clock.now() if at is None else at
    if not Profile.objects.filter(pk=profile_id).exists():
        return [Reasoned("gone", _("There is no such customer."))]
    return [*_of_journey(journey, profile_id, at), *_of_person(journey, profile_id, at)]


def _of_journey(journey: Journey, profile_id: int, at: int) -> list[Reasoned]:
    if journey.state != machine.LIVE or journey.version is None:
        states = {
            machine.DRAFT: _("Nobody comes in: the journey is a draft."),
            machine.PAUSED: _("Nobody comes in: the journey is paused."),
            machine.ARCHIVED: _("Nobody comes in: the journey is archived."),
        }
        return [Reasoned(journey.state, states.get(journey.state, ""))]
    try:
        compiled = compile_(journey.version, catalog.schema())
    except DefinitionError as error:
        return [Reasoned("broken", error.said(_))]
    found = []
    share = float(compiled.graph.journey.holdout) / 100
    if share and is_held_out(f"journey:{journey.key}", profile_id, share):
        found.append(Reasoned("holdout", _("In the control group: gets nothing.")))
    if "who" in compiled.graph.conditions:
        ids = np.array([profile_id], np.int64)
        asked = compiled.plan.evaluate(block(ids, compiled.plan.requirements), at)
        try:
            is_one = bool(asked.members["who"][0])
        except Exception as error:  # noqa: BLE001 - whatever the kernel cannot evaluate is the reason
            return [*found, Reasoned("broken", str(error))]
        if not is_one:
            found.append(Reasoned("who", _("Does not meet the condition for coming in.")))
    return found


def _of_person(journey: Journey, profile_id: int, at: int) -> list[Reasoned]:
    rides = list(
        Enrollment.objects.filter(journey=journey, profile_id=profile_id).order_by("-entered_at")
    )
    found = []
    if not rides:
        found.append(Reasoned("never", _("Nothing that happened has brought them in so far.")))
        if Planned.objects.filter(journey=journey, profile_id=profile_id, due_at__gt=at).exists():
            found.append(Reasoned("planned", _("Will come in when the planned date comes.")))
    for ride in rides[:1]:
        found += _of_ride(journey, ride)
    return found


def _of_ride(journey: Journey, ride: Enrollment) -> list[Reasoned]:
    found = []
    if ride.error:
        found.append(
            Reasoned(
                "error", _("Put off, something failed: %(error)s") % {"error": told(ride.error, _)}
            )
        )
    skipped = Message.objects.filter(
        origin=journey.origin, profile_id=ride.profile_id, state=messages.SKIPPED
    )
    unsent = list(skipped.order_by("pk").values_list("step", "reason"))
    steps = called.steps(
        {(journey.origin, step) for step in (ride.node, *(step for step, _reason in unsent))},
        spoken.language(),
    )
    if ride.state == machine.WAITING:
        words = {"step": steps.get((journey.origin, ride.node), ride.node)}
        found.append(Reasoned("in", _("On the journey: waits at the step “%(step)s”.") % words))
    elif (said := _rule(journey)) is not None:
        found.append(said)
    for step, reason in unsent:
        label = str(Reason(reason).label) if reason in Reason.values else reason
        words = {"step": steps.get((journey.origin, step), step), "reason": label}
        found.append(Reasoned(reason, _("“%(step)s” was not sent: %(reason)s") % words))
    return found


def _rule(journey: Journey) -> Reasoned | None:
    rule = journey.version.definition.get("reentry") if journey.version else None
    if rule == "never":
        return Reasoned("never_again", _("Was on it once: nobody comes in again."))
    if isinstance(rule, dict):
        words = {"length": rule["after"]}
        return Reasoned("too_soon", _("Comes in again at the earliest after %(length)s.") % words)
    return None
