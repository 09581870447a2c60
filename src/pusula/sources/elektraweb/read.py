"""A reservation of Elektraweb in our words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying, placed
from pusula.orders import machine
from pusula.pipeline.appender import Entry
from pusula.sources import crosswalk, fields, reservations
from pusula.sources.models import Source
from pusula.sources.needs import Common, Hotel
from pusula.sources.reservations import Part, Person, Reservation

Row = Mapping[str, Any]
STATUSES = ("Reservation", "InHouse", "CheckOut", "Cancelled")


class ElektrawebSettings(Common, kw_only=True):
    """Settings of an Elektraweb source; ``hotels`` maps hotel ids to properties."""

    address: str = "https://bookingapi.elektraweb.com"
    user: str
    poll_every_s: int = 300
    days_back: int = 30
    days_ahead: int = 365


_NO_AMOUNT = Saying("is no amount such as %(example)s", {"example": "1250.00"})


class ElektrawebError(PusulaError):
    """A reservation lacks what it needs."""

    code = "elektraweb_reservation"


def entries(
    row: Row, asked: str, hotel: Hotel, source: Source, *, told: ElektrawebSettings, at: int
) -> Iterator[Entry]:
    """Yield what a reservation of the list ``asked`` for tells the log."""
    yield from reservations.entries(_reservation(row, asked, hotel, at), source, told)


def _reservation(row: Row, asked: str, hotel: Hotel, at: int) -> Reservation:
    words = crosswalk.load("elektraweb")
    status = words.of("status", fields.text(row, "reservation-status") or asked)
    starts_on, ends_on = fields.day(row, "check-in"), fields.day(row, "check-out")
    people = tuple(_people(row))
    children = [one for one in people if one.age_class != "adult"]
    adults = _int(row, "adult") if "adult" in row else len(people) - len(children)
    changed_at = fields.moment(row, "update-date", hotel.tz)
    created_at = fields.moment(row, "create-date", hotel.tz) or fields.moment(
        row, "reservation-date", hotel.tz
    )
    if created_at is None:
        raise ElektrawebError(placed("create-date", Saying("is missing")))
    is_cancelled = status == machine.CANCELLED
    cancelled_at = (
        (fields.moment(row, "cancel-date", hotel.tz) or changed_at) if is_cancelled else None
    )
    return Reservation(
        number=fields.text(row, "reservation-id"),
        status=status,
        ordered_at=min(created_at, at),
        # It says of few changes when they were made: one it says nothing of is made known now.
        version_at=min(changed_at or cancelled_at or created_at, at),
        cancelled_at=cancelled_at,
        cancel_reason=words.of("cancel_reason", fields.text(row, "cancel-reason") or "other")
        if is_cancelled
        else "",
        hotel=hotel,
        currency=fields.text(row, "currency-code"),
        total=_amount(row, "total-price"),
        people=people or (Person(is_primary=True),),
        parts=(
            Part(
                starts_on=starts_on,
                ends_on=ends_on,
                room_type=fields.text(row, "room-type"),
                rate_code=fields.text(row, "rate-code"),
                board=words.of("board", fields.text(row, "board-type")),
                rooms=_int(row, "room-count") or 1,
                adults=adults,
                children=len(children) if children else _int(row, "child"),
                child_ages=tuple(one.age for one in children if one.age is not None),
            ),
        ),
        confirmation_no=fields.text(row, "voucher-no"),
        channel=words.of("channel", fields.text(row, "agency")),
        channel_ref=fields.text(row, "agency-voucher-no"),
        market_code=fields.text(row, "market"),
        source_code=fields.text(row, "source"),
    )


def _people(row: Row) -> Iterator[Person]:
    """Yield the guests; the first one has the contact of the booking where it has none."""
    words = crosswalk.load("elektraweb")
    named = [one for one in row.get("guest-names") or [] if isinstance(one, dict)]
    guests: list[Row] = [*named] or [row]
    arrival = fields.day(row, "check-in")
    for index, guest in enumerate(guests):
        born = fields.text(guest, "birthday")
        born_on = fields.day(guest, "birthday") if born else None
        yield Person(
            number=fields.text(guest, "guest-id"),
            first_name=fields.text(guest, "name"),
            last_name=fields.text(guest, "surname"),
            email=fields.text(guest, "email")
            or (fields.text(row, "contact-email") if not index else ""),
            phone=fields.text(guest, "phone")
            or (fields.text(row, "contact-phone") if not index else ""),
            national_id=fields.text(guest, "national-no"),
            nationality=fields.text(guest, "nationality"),
            birth_on=born_on,
            is_primary=not index,
            age_class=words.of("age", fields.text(guest, "title-id") or "0"),
            age=_age(born_on, arrival),
        )


def _age(born_on: date | None, on: date) -> int | None:
    if born_on is None or born_on > on:
        return None
    return on.year - born_on.year - ((on.month, on.day) < (born_on.month, born_on.day))


def _amount(row: Row, field: str) -> Decimal:
    try:
        amount = Decimal(fields.text(row, field))
    except InvalidOperation as error:
        raise ElektrawebError(placed(field, _NO_AMOUNT)) from error
    if not amount.is_finite():
        raise ElektrawebError(placed(field, _NO_AMOUNT))
    return amount


def _int(row: Row, field: str) -> int | None:
    told = fields.text(row, field)
    return int(told) if told.isascii() and told.isdecimal() else None
