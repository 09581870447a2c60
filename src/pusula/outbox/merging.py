"""The messages of a merged person: they pass to the profile that stays, and back."""

from __future__ import annotations

from collections.abc import Collection

from django.db.models import BigIntegerField, Exists, OuterRef
from django.db.models.functions import Coalesce

from pusula.outbox import machine, moves
from pusula.outbox.models import Message
from pusula.outbox.reasons import Reason
from pusula.profiles import moving

_MESSAGES = "outbox_message"
_SUBSCRIPTIONS = "outbox_pushsubscription"
# Whose it was before any merge.
_PERSON = Coalesce("origin_id", "profile_id", output_field=BigIntegerField())
_ORDER = Coalesce("order_id", 0)


def move(loser: int, winner: int, *, at: int) -> None:
    """Give the messages of ``loser`` to ``winner``.

    Nobody gets a mailing, or a step of a journey about the same order, as two people: those still
    in line beside another's are skipped, for good, and stay so if the merge is undone. What one
    person gets several times, for each booking or each time they enter, stays.
    """
    moving.move(_MESSAGES, loser, winner)
    moving.move(_SUBSCRIPTIONS, loser, winner)
    twins = Message.objects.annotate(person=_PERSON, about=_ORDER).filter(
        profile_id=OuterRef("profile_id"), origin=OuterRef("origin"), channel=OuterRef("channel"),
        step=OuterRef("step"), about=OuterRef("about"),
    ).exclude(person=OuterRef("person"))  # fmt: skip
    taken = twins.filter(state__in=machine.TAKEN)
    earlier = twins.filter(state=machine.PENDING, pk__lt=OuterRef("pk"))
    waiting = Message.objects.annotate(person=_PERSON, about=_ORDER).filter(
        profile_id=winner, state=machine.PENDING
    )
    # A sender that has claimed one finds it gone when it comes to the gate.
    waiting.filter(Exists(taken) | Exists(earlier)).update(
        state=machine.SKIPPED, reason=Reason.MERGED, owner="", settled_at=at
    )


def give_back(winner: int, origins: Collection[int], to: int) -> None:
    """Give the messages that came from ``origins``, or went to their addresses, to ``to``.

    What a sender has claimed it may have filled with what is the winner's: it is not to leave so.
    """
    moving.give_back(_MESSAGES, winner, origins, to)
    moving.give_back_addressed(_MESSAGES, winner, origins, to)
    moves.call_back(Message.objects.filter(profile_id=to))
    moving.give_back(_SUBSCRIPTIONS, winner, origins, to)
