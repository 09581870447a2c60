"""The parts of a booking and who stays with it, written as a whole whenever a source tells them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from django.db import connection

from pusula.lake import rows
from pusula.orders.models import AgeClass, Stay, StayGuest


class Segment(NamedTuple):
    """A part of a booking, with the columns of ``Stay``; amounts in the order's currency."""

    line_no: int
    starts_on: date
    ends_on: date
    room_type: str = ""
    rate_code: str = ""
    board: str = ""
    rooms: int = 1
    adults: int | None = None
    children: int | None = None
    child_ages: tuple[int, ...] = ()
    nightly_minor: tuple[int, ...] = ()
    is_unpaid: bool = False


class Guest(NamedTuple):
    """Somebody who stays with a booking, with the columns of ``StayGuest``."""

    guest_no: int
    profile_id: int | None = None
    origin_id: int | None = None  # the merged profile that the source named
    is_primary: bool = False
    age_class: str = AgeClass.ADULT.value
    age: int | None = None
    share_with: str = ""


Told = tuple[int, tuple[Segment, ...] | None, tuple[Guest, ...] | None]


def write(told: Iterable[Told]) -> None:
    """Replace the parts and guests of orders by what was told: order, parts, guests.

    ``None`` leaves what is known. Belongs in the transaction that writes the orders.
    """
    for part in rows.parts(one for one in told if one[1] is not None or one[2] is not None):
        parted = {order_id: stays for order_id, stays, _ in part if stays is not None}
        guested = {order_id: guests for order_id, _, guests in part if guests is not None}
        held = _held(parted)
        _write_stays({i: stays for i, stays in parted.items() if held.get(i, ()) != stays})
        _write_guests(guested)


def _held(order_ids: Iterable[int]) -> dict[int, tuple[Segment, ...]]:
    found: dict[int, list[Segment]] = {}
    known = Stay.objects.filter(order_id__in=list(order_ids)).order_by("order_id", "line_no")
    for order_id, *values in known.values_list("order_id", *Segment._fields):
        one = Segment(*values)
        one = one._replace(child_ages=tuple(one.child_ages), nightly_minor=tuple(one.nightly_minor))
        found.setdefault(order_id, []).append(one)
    return {order_id: tuple(stays) for order_id, stays in found.items()}


def _write_stays(told: dict[int, tuple[Segment, ...]]) -> None:
    Stay.objects.filter(order_id__in=list(told)).delete()
    Stay.objects.bulk_create(
        Stay(
            order_id=order_id,
            **stay._replace(
                child_ages=list(stay.child_ages),  # type: ignore[arg-type]
                nightly_minor=list(stay.nightly_minor),  # type: ignore[arg-type]
            )._asdict(),
        )
        for order_id, stays in told.items()
        for stay in stays
    )


def _write_guests(told: dict[int, tuple[Guest, ...]]) -> None:
    """Replace guests, where they differ: the origin of one who stays the same stays too."""
    held: dict[int, list[Guest]] = {}
    known = StayGuest.objects.filter(order_id__in=list(told)).order_by("order_id", "guest_no")
    for order_id, *values in known.values_list("order_id", *Guest._fields):
        held.setdefault(order_id, []).append(Guest(*values))
    new = {i: guests for i, guests in told.items() if tuple(held.get(i, ())) != guests}
    StayGuest.objects.filter(order_id__in=list(new)).delete()
    insert = [(order_id, *guest) for order_id, guests in new.items() for guest in guests]
    rows.insert(connection, "orders_stayguest", ("order_id", *Guest._fields), insert)
