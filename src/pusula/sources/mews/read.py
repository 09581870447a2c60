"""A reservation of Mews, with its customers and amounts, in our words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying, placed
from pusula.orders import machine, measures
from pusula.pipeline.appender import Entry
from pusula.sources import crosswalk, fields, needs, reservations
from pusula.sources.models import Source
from pusula.sources.needs import Common, Hotel
from pusula.sources.reservations import Part, Person, Reservation

Row = Mapping[str, Any]
_FLAGS = {"SendMarketingEmails": "marketing_email"}
_ROOM = frozenset({"SpaceOrder", "ResourceOrder", "NightOrder", "TimeUnit"})


class MewsSettings(Common, kw_only=True):
    """Settings of a Mews source; ``hotels`` maps ``EnterpriseId`` or ``ServiceId`` to properties.

    ``board`` maps names of rates to boards where a name tells it. ``first_days``: how far back the
    first reading goes.
    """

    platform: str = "https://api.mews.com"
    client: str = "Pusula"
    enterprise: str = ""  # of a webhook; empty: any
    board: dict[str, str] = {}
    unpaid_rates: list[str] = []  # names of complimentary and house-use rates
    first_days: int = 400


class MewsError(PusulaError):
    """A reservation lacks what it needs."""

    code = "mews_reservation"


@dataclass(frozen=True)
class Known:
    """What Mews tells apart from reservations, each by its number."""

    people: Mapping[str, Row]
    items: Mapping[str, Sequence[Row]]  # of each reservation
    names: Mapping[tuple[str, str], str]  # of rates and room types: table, number


def entries(row: Row, known: Known, source: Source, told: MewsSettings) -> Iterator[Entry]:
    """Yield what a reservation tells the log."""
    yield from reservations.entries(_reservation(row, known, source, told), source, told)


def customer(row: Row, source: Source) -> Iterator[Entry]:
    """Yield what a customer tells the log: who it is, and into whom Mews has merged it."""
    at = _needed(row, "UpdatedUtc")
    yield from reservations.person(_person(row), source, at)
    if gone_into := fields.text(row, "MergeTargetId"):
        yield reservations.merge(fields.text(row, "Id"), gone_into, source, at)


def _reservation(row: Row, known: Known, source: Source, told: MewsSettings) -> Reservation:
    words = crosswalk.load("mews")
    place = str(row.get("EnterpriseId") or row.get("ServiceId") or "")
    hotel = needs.hotel(source, place, told.hotels)
    status = words.of("status", fields.text(row, "State"))
    reason = words.of("cancel_reason", fields.text(row, "CancellationReason"))
    if status == machine.CANCELLED and reason == "no_show":
        status = machine.NO_SHOW
    cancelled_at = _moment(row, "CancelledUtc")
    updated_at = _needed(row, "UpdatedUtc")
    starts_on = _hotel_day(_either(row, "ScheduledStartUtc", "StartUtc"), hotel)
    ends_on = _hotel_day(_either(row, "ScheduledEndUtc", "EndUtc"), hotel)
    rate = known.names.get(("Rates", fields.text(row, "RateId")), "")
    currency, total, nightly = _money(known.items.get(fields.text(row, "Id"), ()), hotel)
    adults, children = _heads(row)
    return Reservation(
        number=fields.text(row, "Id"),
        status=status,
        ordered_at=_needed(row, "CreatedUtc"),
        version_at=updated_at,
        status_at=_status_at(row, status, cancelled_at),
        cancelled_at=cancelled_at if status == machine.CANCELLED else None,
        cancel_reason=reason if status in machine.DEAD else "",
        hotel=hotel,
        currency=currency,
        total=total,
        people=tuple(_people(row, known.people)) or (Person(is_primary=True),),
        parts=(
            Part(
                starts_on=starts_on,
                ends_on=max(starts_on, ends_on),
                room_type=known.names.get(
                    ("ResourceCategories", fields.text(row, "RequestedResourceCategoryId")), ""
                ),
                rate_code=rate,
                board=told.board.get(rate, ""),
                adults=adults,
                children=children,
                nightly=nightly,
                is_unpaid=rate in told.unpaid_rates,
            ),
        ),
        confirmation_no=fields.text(row, "Number"),
        channel=words.of("channel", fields.text(row, "Origin")),
        channel_ref=fields.text(row, "ChannelNumber"),
        group_id=fields.text(row, "ServiceOrderGroupId") or fields.text(row, "GroupId"),
        market_code=fields.text(row, "BusinessSegmentId"),
        promo_code=fields.text(row, "VoucherId"),
    )


def _status_at(row: Row, status: str, cancelled_at: int | None) -> int | None:
    if status == machine.IN_HOUSE:
        return _moment(row, "ActualStartUtc")
    if status == machine.COMPLETED:
        return _moment(row, "ActualEndUtc")
    return cancelled_at if status in machine.DEAD else None


def _people(row: Row, people: Mapping[str, Row]) -> Iterator[Person]:
    owner, booker = fields.text(row, "AccountId"), fields.text(row, "BookerId")
    if fields.text(row, "AccountType") in {"", "Customer"} and owner:
        yield _person(people.get(owner, {"Id": owner}), is_primary=True)
    if booker and booker != owner:
        yield _person(people.get(booker, {"Id": booker}), is_booker=True)


def _person(row: Row, *, is_primary: bool = False, is_booker: bool = False) -> Person:
    options = row.get("Options")
    options = options if isinstance(options, list) else []
    flags = {ours: name in options for name, ours in _FLAGS.items()} if "Options" in row else {}
    born = fields.text(row, "BirthDate")
    return Person(
        number=fields.text(row, "Id"),
        first_name=fields.text(row, "FirstName"),
        last_name=fields.text(row, "LastName"),
        email=fields.text(row, "Email"),
        has_relay=bool(row.get("HasOtaEmail")) or "HasOtaEmail" in options,
        phone=fields.text(row, "Phone"),
        birth_on=_day(born) if born else None,
        language=fields.text(row, "LanguageCode")[:2].lower(),
        nationality=fields.text(row, "NationalityCode"),
        is_primary=is_primary,
        is_booker=is_booker,
        flags=flags,
    )


def _heads(row: Row) -> tuple[int | None, int | None]:
    words = crosswalk.load("mews")
    counts = row.get("PersonCounts")
    if not isinstance(counts, list) or not counts:
        return row.get("AdultCount"), row.get("ChildCount")
    heads = {"adult": 0, "child": 0, "infant": 0}
    for one in counts:
        heads[words.of("age", fields.text(one, "AgeClassification") or "Adult")] += int(
            one["Count"]
        )
    return heads["adult"], heads["child"] + heads["infant"]


def _money(items: Sequence[Row], hotel: Hotel) -> tuple[str, Decimal, tuple[Decimal, ...]]:
    """Return currency, what is to be paid in all, and the net room revenue of each night."""
    paid = [item for item in items if not item.get("CanceledUtc")] or list(items)
    amounts = [item["Amount"] for item in paid if isinstance(item.get("Amount"), dict)]
    codes = {fields.text(one, "Currency") for one in amounts} - {""}
    if len(codes) != 1:
        raise MewsError(placed("OrderItems", Saying("needs amounts in one Currency")))
    nights: dict[date, Decimal] = {}
    for item in paid:
        if fields.text(item, "Type") in _ROOM and isinstance(item.get("Amount"), dict):
            on = _hotel_day(_either(item, "ConsumedUtc", "StartUtc"), hotel)
            nights[on] = nights.get(on, Decimal(0)) + _amount(item["Amount"], "NetValue")
    total = sum((_amount(one, "GrossValue") for one in amounts), Decimal(0))
    return codes.pop(), total, tuple(nights[day] for day in sorted(nights))


def _amount(row: Row, field: str) -> Decimal:
    value = row.get(field)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise MewsError(placed(f"Amount.{field}", Saying("is missing")))
    return Decimal(str(value))


def _hotel_day(moment: int, hotel: Hotel) -> date:
    """Return the day by the hotel's clock: Mews tells moments in UTC."""
    return measures.business_day(moment, hotel.tz, hotel.rollover_minutes)


def _either(row: Row, *fields: str) -> int:
    for field in fields:
        if (found := _moment(row, field)) is not None:
            return found
    raise MewsError(placed(fields[0], Saying("is missing")))


def _needed(row: Row, field: str) -> int:
    return _either(row, field)


def _moment(row: Row, field: str) -> int | None:
    told = fields.text(row, field)
    if not told:
        return None
    try:
        return clock.from_datetime(dt.datetime.fromisoformat(told))
    except (ValueError, OverflowError) as error:
        why = Saying("is no time such as %(example)s", {"example": "2026-05-31T12:00:00Z"})
        raise MewsError(placed(field, why)) from error


def _day(told: str) -> date:
    try:
        return date.fromisoformat(told[:10])
    except ValueError as error:
        why = Saying("is no day such as %(example)s", {"example": "2026-05-31"})
        raise MewsError(placed("BirthDate", why)) from error
