"""What consents hold of a person: told on request, erased on request."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pusula.consent import digests
from pusula.consent.actions import forget
from pusula.consent.models import (
    Channel,
    Consent,
    ConsentEntry,
    IysRecord,
    IysSubmission,
    SignUp,
    SignUpTurn,
    Suppression,
)
from pusula.lib import clock
from pusula.profiles import erased
from pusula.profiles.models import IdentifierKind
from pusula.profiles.told import Record, told

_CHANNELS = {
    IdentifierKind.EMAIL: (Channel.EMAIL,),
    IdentifierKind.PHONE: (Channel.SMS, Channel.WHATSAPP, Channel.CALL),
}


def told_of(profile_id: int) -> Iterator[Record]:
    """Yield the person's decisions with their evidence, and what is known of their addresses."""
    ledger = ConsentEntry.objects.filter(profile_id=profile_id).order_by("decided_at")
    yield from told("consent decision", ledger)
    present = Consent.objects.filter(profile_id=profile_id)
    yield from told("consent that holds", present, "entry_id")
    own, _shared = erased.own([profile_id])
    addresses = [value for kind, value in own if kind in _CHANNELS]
    yield from told("suppression", Suppression.objects.filter(address__in=addresses), "digest")
    records = IysRecord.objects.filter(recipient__in=addresses)
    yield from told("İYS record", records)
    yield from told("İYS submission", IysSubmission.objects.filter(recipient__in=addresses))
    sign_ups = SignUp.objects.filter(digest__in=_digests(own))
    yield from told("sign-up", sign_ups, "digest", "token", "form_id")


def erase(profile_ids: Collection[int]) -> int:
    """Delete the decisions of these people; their own addresses stay closed, by hash alone.

    An address that somebody else holds too is theirs, and stays as it is.
    """
    own, _shared = erased.own(profile_ids)
    addresses = [value for kind, value in own if kind in _CHANNELS]
    n = Consent.objects.filter(profile_id__in=profile_ids).delete()[0]
    n += ConsentEntry.objects.filter(profile_id__in=profile_ids).delete()[0]
    n += IysRecord.objects.filter(recipient__in=addresses).delete()[0]
    n += IysSubmission.objects.filter(recipient__in=addresses).delete()[0]
    for model in (SignUp, SignUpTurn):
        n += model.objects.filter(digest__in=_digests(own)).delete()[0]
    for kind, value in own:
        for channel in _CHANNELS.get(IdentifierKind(kind), ()):
            forget(channel, [value], at=clock.now())
    return n


def _digests(own: Collection[erased.Pair]) -> list[str]:
    return [
        digests.of(channel, value)
        for kind, value in own
        for channel in _CHANNELS.get(IdentifierKind(kind), ())
    ]
