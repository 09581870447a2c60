"""Parts of bookings and who stays with them, from log entries to the owner of orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pusula.lake import rows
from pusula.orders.stays import Guest, Segment
from pusula.pipeline.entries import GuestBody, StayBody, Told
from pusula.profiles.models import Identifier, IdentifierKind
from pusula.profiles.resolve import AMBIGUOUS

Person = tuple[int | None, int | None]  # the profile, and the merged one that was named


def people(told: Sequence[Told]) -> dict[str, Person]:
    """Return the guests that orders name, by key with its source in front."""
    keys = {_key(one, guest) for one in told for guest in one.body.guests or () if guest.key}
    found: dict[str, Person] = {}
    for part in rows.parts(keys):
        held = Identifier.objects.filter(kind=IdentifierKind.KEY, value__in=part)
        for key, profile_id, origin_id in held.values_list("value", "profile_id", "origin_id"):
            found[key] = (profile_id, origin_id)
    return found


def guests(told: Told, known: Mapping[str, Person]) -> tuple[Guest, ...] | None:
    """Return who stays with an order; ``None`` where the source says nothing of it."""
    if told.body.guests is None:
        return None
    return tuple(
        Guest(
            one.guest_no,
            *_person(told, one, known),
            is_primary=one.is_primary,
            age_class=one.age_class,
            age=one.age,
            share_with=one.share_with,
        )
        for one in told.body.guests
    )


def stays(told: Told) -> tuple[Segment, ...] | None:
    """Return the parts of an order; ``None`` where the source says nothing of them."""
    return None if told.body.stays is None else tuple(map(_segment, told.body.stays))


def _person(told: Told, guest: GuestBody, known: Mapping[str, Person]) -> Person:
    if guest.is_owner and told.profile_id != AMBIGUOUS:
        return told.profile_id, told.origin_id
    return known.get(_key(told, guest), (None, None)) if guest.key else (None, None)


def _key(told: Told, guest: GuestBody) -> str:
    return f"{told.entry.source}:{guest.key}"


def _segment(body: StayBody) -> Segment:
    told = {name: getattr(body, name) for name in Segment._fields}
    lists = {name: tuple(told[name]) for name in ("child_ages", "nightly_minor")}
    return Segment(**told | lists)
