"""A reservation of Elektraweb in our words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.orders import machine
from pusula.pipeline.appender import Entry
from pusula.sources import crosswalk, reservations
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
    status = words.of("status", _text(row, "reservation-status") or asked)
    starts_on, ends_on = _day(row, "check-in"), _day(row, "check-out")
    people = tuple(_people(row))
    children = [one for one in people if one.age_class != "adult"]
    adults = _int(row, "adult") if "adult" in row else len(people) - len(children)
    changed_at = _moment(row, "update-date", hotel)
    created_at = _moment(row, "create-date", hotel) or _moment(row, "reservation-date", hotel)
    if created_at is None:
        raise ElektrawebError("create-date: is missing")
    is_cancelled = status == machine.CANCELLED
    cancelled_at = (_moment(row, "cancel-date", hotel) or changed_at) if is_cancelled else None
    return Reservation(
        number=_text(row, "reservation-id"),
        status=status,
        ordered_at=min(created_at, at),
        # It says of few changes when they were made: one it says nothing of is made known now.
        version_at=min(changed_at or cancelled_at or created_at, at),
        cancelled_at=cancelled_at,
        cancel_reason=words.of("cancel_reason", _text(row, "cancel-reason") or "other")
        if is_cancelled
        else "",
        hotel=hotel,
        currency=_text(row, "currency-code"),
        total=_amount(row, "total-price"),
        people=people or (Person(is_primary=True),),
        parts=(
            Part(
                starts_on=starts_on,
                ends_on=ends_on,
                room_type=_text(row, "room-type"),
                rate_code=_text(row, "rate-code"),
                board=words.of("board", _text(row, "board-type")),
                rooms=_int(row, "room-count") or 1,
                adults=adults,
                children=len(children) if children else _int(row, "child"),
                child_ages=tuple(one.age for one in children if one.age is not None),
            ),
        ),
        confirmation_no=_text(row, "voucher-no"),
        channel=words.of("channel", _text(row, "agency")),
        channel_ref=_text(row, "agency-voucher-no"),
        market_code=_text(row, "market"),
        source_code=_text(row, "source"),
    )


def _people(row: Row) -> Iterator[Person]:
    """Yield the guests; the first one has the contact of the booking where it has none."""
    words = crosswalk.load("elektraweb")
    named = [one for one in row.get("guest-names") or [] if isinstance(one, dict)]
    guests: list[Row] = [*named] or [row]
    arrival = _day(row, "check-in")
    for index, guest in enumerate(guests):
        born = _text(guest, "birthday")
        born_on = _day(guest, "birthday") if born else None
        yield Person(
            number=_text(guest, "guest-id"),
            first_name=_text(guest, "name"),
            last_name=_text(guest, "surname"),
            email=_text(guest, "email") or (_text(row, "contact-email") if not index else ""),
            phone=_text(guest, "phone") or (_text(row, "contact-phone") if not index else ""),
            national_id=_text(guest, "national-no"),
            nationality=_text(guest, "nationality"),
            birth_on=born_on,
            is_primary=not index,
            age_class=words.of("age", _text(guest, "title-id") or "0"),
            age=_age(born_on, arrival),
        )


def _age(born_on: date | None, on: date) -> int | None:
    if born_on is None or born_on > on:
        return None
    return on.year - born_on.year - ((on.month, on.day) < (born_on.month, born_on.day))


def _moment(row: Row, field: str, hotel: Hotel) -> int | None:
    told = _text(row, field)
    if not told:
        return None
    try:
        return clock.from_datetime(dt.datetime.fromisoformat(told), hotel.tz)
    except (ValueError, OverflowError) as error:
        raise ElektrawebError(f"{field}: is no time such as 2026-05-31 12:00:00") from error


def _day(row: Row, field: str) -> date:
    try:
        return date.fromisoformat(_text(row, field)[:10])
    except ValueError as error:
        raise ElektrawebError(f"{field}: is no day such as 2026-05-31") from error


def _amount(row: Row, field: str) -> Decimal:
    try:
        amount = Decimal(_text(row, field))
    except InvalidOperation as error:
        raise ElektrawebError(f"{field}: is no amount such as 1250.00") from error
    if not amount.is_finite():
        raise ElektrawebError(f"{field}: is no amount such as 1250.00")
    return amount


def _int(row: Row, field: str) -> int | None:
    told = _text(row, field)
    return int(told) if told.isascii() and told.isdecimal() else None


def _text(row: Row, field: str) -> str:
    value = row.get(field)
    return "" if value is None or isinstance(value, dict | list) else str(value).strip()
