"""A reservation of OPERA Cloud, with the profiles of its guests, in our words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
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
_FLAGS = {
    "optInEmail": "marketing_email",
    "optInSms": "marketing_sms",
    "allowPhone": "marketing_call",
}


class OperaSettings(Common, kw_only=True):
    """Settings of an OPERA Cloud source; ``hotels`` maps hotel ids to properties.

    ``boards`` maps rate plans to boards, ``cancel_reasons`` the hotel's cancellation codes to ours.
    """

    gateway: str
    external_system: str
    enterprise: str = ""
    scope: str = "urn:opc:hgbu:ws:__myscopes__"
    boards: dict[str, str] = {}
    cancel_reasons: dict[str, str] = {}
    days_back: int = 3
    days_ahead: int = 365


class OperaError(PusulaError):
    """A reservation lacks what it needs."""

    code = "opera_reservation"


def reservation_id(row: Row, kind: str = "Reservation") -> str:
    """Return the number of a reservation of this kind; empty if there is none."""
    return _id(row.get("reservationIdList"), kind)


def profile_ids(row: Row) -> list[str]:
    """Return the numbers of the profiles of the guests."""
    found = (_id(_map(one, "profileInfo").get("profileIdList"), "Profile") for one in _guests(row))
    return [one for one in found if one]


def entries(
    row: Row, profiles: Mapping[str, Row], hotel: Hotel, source: Source, told: OperaSettings
) -> Iterator[Entry]:
    """Yield what a reservation tells the log."""
    yield from reservations.entries(_reservation(row, profiles, hotel, told), source, told)


def _reservation(
    row: Row, profiles: Mapping[str, Row], hotel: Hotel, told: OperaSettings
) -> Reservation:
    words = crosswalk.load("opera")
    word = fields.text(row, "reservationStatus") or fields.text(row, "computedReservationStatus")
    status = words.of("status", word)
    if not status:
        raise OperaError(placed("reservationStatus", Saying("is missing")))
    stay = _map(row, "roomStay")
    parts = tuple(_parts(row, stay, told))
    cancelled_at, reason = _cancelled(row, status, hotel, told)
    created_at = fields.moment(row, "createDateTime", hotel.tz)
    version_at = fields.moment(row, "lastModifyDateTime", hotel.tz) or created_at
    if created_at is None or version_at is None:
        raise OperaError(placed("createDateTime", Saying("is missing")))
    total = _map(stay, "total")
    is_guest = fields.text(row, "payeeSharer").lower() == "false"
    return Reservation(
        number=reservation_id(row),
        status=status,
        ordered_at=created_at,
        version_at=version_at,
        status_at=fields.moment(row, "checkInTime", hotel.tz)
        if status == machine.IN_HOUSE
        else None,
        cancelled_at=cancelled_at,
        cancel_reason=reason,
        hotel=hotel,
        currency=fields.text(total, "currencyCode"),
        total=Decimal(0) if is_guest else _amount(total),
        people=tuple(_people(row, profiles)) or (Person(is_primary=True),),
        parts=parts,
        confirmation_no=reservation_id(row, "Confirmation"),
        channel=words.of("channel", fields.text(_map(row, "sourceOfSale"), "sourceType")),
        channel_ref=next((fields.text(one, "id") for one in _list(row, "externalReferences")), ""),
        group_id=fields.text(row, "blockCode"),
        market_code=_first(stay, "marketCode"),
        source_code=_first(stay, "sourceCode"),
        promo_code=_first(stay, "promotionCode"),
    )


def _cancelled(row: Row, status: str, hotel: Hotel, told: OperaSettings) -> tuple[int | None, str]:
    if status == machine.NO_SHOW:
        return None, "no_show"
    if status != machine.CANCELLED:  # one that was reinstated keeps its old cancellation
        return None, ""
    held = row.get("cancellation")
    rows = held if isinstance(held, list) else [held] if isinstance(held, dict) else []
    if not rows:
        return None, "other"
    newest = max(rows, key=lambda one: fields.text(one, "date"))
    reason = told.cancel_reasons.get(fields.text(newest, "code"), "other")
    if reason not in machine.CANCEL_REASONS:
        told_ = {"given": f"{reason!r:.40}", "known": ", ".join(machine.CANCEL_REASONS)}
        why = Saying("%(given)s is none of %(known)s", told_)
        raise OperaError(placed("settings.cancel_reasons", why))
    return fields.moment(newest, "date", hotel.tz), reason


def _parts(row: Row, stay: Row, told: OperaSettings) -> Iterator[Part]:
    """Yield the parts of the stay; a sharer who does not pay counts no room."""
    arrival, departure = fields.day(stay, "arrivalDate"), fields.day(stay, "departureDate")
    is_guest = fields.text(row, "payeeSharer").lower() == "false"
    rates = _list(stay, "roomRates") or [{}]
    days = [fields.day(rate, "end") for rate in rates if rate.get("end")]
    # OPERA names the last night of a rate; a part of a stay ends on the morning after it.
    behind = dt.timedelta(days=1 if days and max(days) < departure else 0)
    for rate in rates:
        counts = _map(rate, "guestCounts") or _map(stay, "guestCounts")
        code = fields.text(rate, "ratePlanCode")
        starts_on = fields.day(rate, "start") if rate.get("start") else arrival
        ends_on = fields.day(rate, "end") + behind if rate.get("end") else departure
        yield Part(
            starts_on=starts_on,
            ends_on=ends_on,
            room_type=fields.text(rate, "roomType"),
            rate_code=code,
            board=told.boards.get(code, ""),
            rooms=0 if is_guest else int(rate.get("numberOfUnits") or 1),
            adults=_int(counts, "adults"),
            children=_int(counts, "children"),
            child_ages=tuple(
                age
                for one in _list(counts, "childAges")
                if (age := _int(one, "childAge")) is not None
            ),
            nightly=() if is_guest else tuple(_nightly(rate, starts_on, ends_on)),
            is_unpaid=bool(rate.get("houseUseOnly") or rate.get("complimentary")),
        )


def _nightly(rate: Row, starts_on: date, ends_on: date) -> Iterator[Decimal]:
    n = max((ends_on - starts_on).days, 1)
    told = [_map(one, "base") for one in _list(_map(rate, "rates"), "rate")]
    amounts = [_amount(one) for one in told if fields.text(one, "amountBeforeTax")]
    if len(amounts) == 1:
        amounts = amounts * n
    yield from amounts[:n]


def _guests(row: Row) -> list[Row]:
    return _list(row, "reservationGuests")


def _people(row: Row, profiles: Mapping[str, Row]) -> Iterator[Person]:
    shared = [_id(one.get("reservationIdList"), "Reservation") or fields.text(one, "id")
              for one in _list(row, "sharedGuests")]  # fmt: skip
    for index, guest in enumerate(_guests(row)):
        info = _map(guest, "profileInfo")
        number = _id(info.get("profileIdList"), "Profile")
        profile = profiles.get(number) or _map(info, "profile")
        is_primary = bool(guest.get("primary", index == 0))
        yield _person(number, profile, is_primary=is_primary, share_with=next(iter(shared), ""))


def _person(number: str, profile: Row, *, is_primary: bool, share_with: str) -> Person:
    customer = _map(profile, "customer")
    names = _list(customer, "personName")
    spoken = next(
        (n for n in names if fields.text(n, "nameType") == "Primary"), names[0] if names else {}
    )
    emails = [_map(one, "email") for one in _list(_map(profile, "emails"), "emailInfo")]
    phones = [_map(one, "telephone") for one in _list(_map(profile, "telephones"), "telephoneInfo")]
    privacy = _map(profile, "privacyInfo") or _map(customer, "privacyInfo")
    born = fields.text(customer, "birthDate")
    return Person(
        number=number,
        first_name=fields.text(spoken, "givenName"),
        last_name=fields.text(spoken, "surname"),
        email=fields.text(_primary(emails), "emailAddress"),
        phone=fields.text(_primary(phones), "phoneNumber"),
        birth_on=fields.day(customer, "birthDate") if born else None,
        language=fields.text(customer, "language").lower()[:2],
        nationality=fields.text(customer, "nationality"),
        is_primary=is_primary,
        share_with=share_with,
        flags={ours: bool(privacy[name]) for name, ours in _FLAGS.items() if name in privacy},
    )


def _primary(rows: list[Row]) -> Row:
    return next((row for row in rows if row.get("primaryInd")), rows[0] if rows else {})


def _first(stay: Row, field: str) -> str:
    return next((fields.text(rate, field) for rate in _list(stay, "roomRates")), "")


def _amount(row: Row) -> Decimal:
    told = fields.text(row, "amountAfterTax") or fields.text(row, "amountBeforeTax")
    if not told:
        raise OperaError(placed("total.amountAfterTax", Saying("is missing")))
    return Decimal(told)


def _int(row: Row, field: str) -> int | None:
    value = row.get(field)
    return value if isinstance(value, int) and value >= 0 else None


def _id(rows: Any, kind: str) -> str:
    if not isinstance(rows, list):
        return ""
    return next((fields.text(one, "id") for one in rows if fields.text(one, "type") == kind), "")


def _map(row: Row, field: str) -> Row:
    value = row.get(field)
    return value if isinstance(value, dict) else {}


def _list(row: Row, field: str) -> list[Row]:
    value = row.get(field)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
