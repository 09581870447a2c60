"""What people ask about their data: registered, and answered within 30 days."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.privacy import audit
from pusula.privacy.models import Proof, Request, RequestKind, RequestState
from pusula.profiles import actions as profiles
from pusula.profiles.actions import Facts, Value
from pusula.profiles.models import Profile, TraitKind
from pusula.profiles.objections import OBJECTED

DAYS = 30  # law 6698, article 13
SOON = 7 * clock.DAY
UNDER_WAY = (RequestState.OPEN, RequestState.WORKING)


class RequestError(PusulaError):
    """A request cannot be registered or answered like this."""

    code = "request"
    status = 409


@dataclass(frozen=True)
class Clock:
    """How a request stands to its 30 days."""

    days_left: int
    is_late: bool
    is_soon: bool


def register(
    kind: str, profile_id: int, *, actor: str, received_at: int, proof: str = "", note: str = ""
) -> Request:
    """Write down that a person asked for something at ``received_at``; the 30 days run from then.

    The same written down again, while nobody answered it, is one request. Raises ``RequestError``
    for a kind, proof or customer there is not, or a day to come.
    """
    if kind not in RequestKind.values or proof not in Proof.values:
        raise RequestError(_("Choose what the person asks for, and how you know who asks."))
    if received_at > clock.now():
        raise RequestError(_("A request cannot have been received on a day to come."))
    with transaction.atomic():
        # Locked, so that of a button pressed twice the second sees the first.
        if not Profile.objects.select_for_update().filter(pk=profile_id).exists():
            raise RequestError(_("There is no customer number %(n)s.") % {"n": profile_id})
        same = waiting(kind, [profile_id]).filter(
            due_at=_due(received_at), proof=proof, note=note[:1_000], recorded_by=actor
        )
        if (known := same.first()) is not None:
            return known
        made = Request.objects.create(
            kind=kind,
            profile_id=profile_id,
            proof=proof,
            note=note[:1_000],
            received_at=received_at,
            due_at=_due(received_at),
            recorded_by=actor,
        )
        audit.record(actor, "request.received", f"request:{made.pk}", kind=kind, profile=profile_id)
    return made


def prove(request: Request, proof: str, *, actor: str) -> None:
    """Write down how it was made sure that it is the person who asks."""
    if proof not in Proof.values:
        raise RequestError(_("Choose how you know who asks."))
    with transaction.atomic():
        Request.objects.filter(pk=request.pk).update(proof=proof)
        audit.record(actor, "request.changed", f"request:{request.pk}", proof=proof)


def settle(request: Request, state: str, *, actor: str, answer: str = "") -> None:
    """Answer, refuse or withdraw a request; refusing needs reasons.

    An objection that is answered takes effect: the person is in no audience from then on. Raises
    ``RequestError`` if the request is settled already or nobody proved who asked.
    """
    if state not in {RequestState.ANSWERED, RequestState.REFUSED, RequestState.WITHDRAWN}:
        raise RequestError(_("A request is answered, refused or withdrawn."))
    if state == RequestState.REFUSED and not answer.strip():
        raise RequestError(_("A refusal needs its reasons."))
    if state == RequestState.ANSWERED and not request.proof:
        raise RequestError(_("Write down first how it was made sure who asks."))
    at = clock.now()
    with transaction.atomic():
        standing = Request.objects.filter(pk=request.pk, state__in=UNDER_WAY)
        told = {"state": state, "answer": answer[:1_000], "settled_by": actor}
        if not standing.update(**told, settled_at=at):
            if Request.objects.filter(pk=request.pk, **told).exists():
                return  # pressed twice
            raise RequestError(_("This request is settled already."))
        if request.kind == RequestKind.OBJECT and state == RequestState.ANSWERED:
            object_to_profiling(request.profile_id, at=at)
        audit.record(actor, "request.answered", f"request:{request.pk}", state=state)


def waiting(kind: str, profile_ids: Iterable[int]) -> QuerySet[Request]:
    """Return the requests of this kind that nobody has answered yet, the oldest first."""
    asked = Request.objects.filter(kind=kind, profile_id__in=list(profile_ids))
    return asked.filter(state__in=UNDER_WAY).order_by("received_at", "pk")


def taken_up(
    kind: str, profile_ids: Collection[int], request: Request | None, *, actor: str
) -> Request | None:
    """Return the request that work of this kind is for, marked as being carried out.

    ``request``, or the oldest of these people that waits; in the caller's transaction. Raises
    ``RequestError`` for one of somebody else, or one that asks for something else.
    """
    if request is None:
        request = waiting(kind, profile_ids).first()
    elif request.kind != kind or request.profile_id not in profile_ids:
        raise RequestError(
            _("Request number %(n)s is somebody else’s, or asks for something else.")
            % {"n": request.pk}
        )
    if request is None:
        return None
    opened = Request.objects.filter(pk=request.pk, state=RequestState.OPEN)
    if opened.update(state=RequestState.WORKING):
        about = f"request:{request.pk}"
        audit.record(actor, "request.changed", about, state=RequestState.WORKING.value)
    return request


def carried_out(asked: QuerySet[Request], *, actor: str, at: int, **proof: int) -> int:
    """Close ``asked`` as answered; ``proof`` names what did it. Returns how many were open still.

    In the caller's transaction.
    """
    n = 0
    for one in asked.filter(state__in=UNDER_WAY):
        standing = Request.objects.filter(pk=one.pk, state__in=UNDER_WAY)
        answered = RequestState.ANSWERED
        if standing.update(state=answered, settled_at=at, settled_by=actor):
            about = f"request:{one.pk}"
            audit.record(actor, "request.answered", about, state=answered.value, **proof)
            n += 1
    return n


def object_to_profiling(profile_id: int, *, at: int) -> None:
    """Note that the person does not want to be profiled."""
    facts = Facts(profile_id, traits={OBJECTED: Value(TraitKind.BOOL, 1.0)})
    profiles.record([facts], source="privacy", at=at)


def clock_of(request: Request, at: int) -> Clock:
    """Return how many days are left at the moment ``at``; a settled request is never late."""
    days = (request.due_at - at) // clock.DAY
    is_open = request.state in UNDER_WAY
    return Clock(
        days_left=days,
        is_late=is_open and at >= request.due_at,
        is_soon=is_open and request.due_at - SOON <= at < request.due_at,
    )


def pressing(at: int) -> tuple[int, int]:
    """Return how many requests are late, and how many are due within seven days."""
    found = Request.objects.filter(state__in=UNDER_WAY)
    late = found.filter(due_at__lte=at).count()
    return late, found.filter(due_at__gt=at, due_at__lte=at + SOON).count()


def _due(received_at: int) -> int:
    """Return the end of the thirtieth day, in the business time zone."""
    zone = settings.PUSULA.time_zone
    day = clock.day_of(received_at, zone)
    return clock.start_of(day.fromordinal(day.toordinal() + DAYS + 1), zone)
