"""OTA_HotelResNotifRQ and its kin: from the document to log entries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from xml.etree.ElementTree import Element

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.lib.sayings import Saying, placed
from pusula.orders import machine, queries
from pusula.pipeline.appender import Entry
from pusula.sources import crosswalk, needs, reservations
from pusula.sources.calling import SHAPES, reason
from pusula.sources.models import Source
from pusula.sources.needs import Common, Hotel
from pusula.sources.ota.document import every, first, name, said, text
from pusula.sources.reservations import Part, Person, Reservation

REQUESTS = frozenset(
    {"OTA_HotelResNotifRQ", "OTA_HotelResModifyNotifRQ", "OTA_HotelResRQ", "OTA_CancelRQ",
     "OTA_ResRetrieveRS", "OTA_HotelResModifyRQ"}
)  # fmt: skip
# Which of several numbers is which (code list UIT).
_GUEST, _RESERVATION = "1", "14"
_MOST_ROOMS, _MOST_PEOPLE, _LONGEST_NUMBER, _MOST_NIGHTS = 200, 60, 100, 400


class OtaSettings(Common, kw_only=True):
    """Settings of an OTA source; ``time_zone_of_times``: of times without an offset."""

    time_zone_of_times: str = "UTC"


_NO_AMOUNT = Saying("is no amount such as %(example)s", {"example": "1250.00"})


class BookingError(PusulaError):
    """A booking, or a document, cannot be taken over."""

    code = "ota_booking"


@dataclass(frozen=True)
class Read:
    """What a booking of the document tells the log, or why nothing."""

    number: str  # empty where not even that is said
    entries: tuple[Entry, ...] = ()
    error: Saying | str = ""


def bookings(root: Element, source: Source, at: int) -> Iterator[Read]:
    """Yield every booking of the document.

    Raises ``BookingError`` for a document that holds none, ``NeedError`` for settings that are
    wrong as a whole.
    """
    if name(root) not in REQUESTS:
        raise BookingError(Saying("this is no notification of bookings"))
    told = needs.told(source, OtaSettings)
    found = [
        *every(root, "HotelReservations", "HotelReservation"),
        *every(root, "ReservationsList", "HotelReservation"),
        *every(root, "HotelResModifies", "HotelResModify"),
    ]
    if not found:
        raise BookingError(Saying("the document holds no HotelReservation"))
    for element in found:
        booking = _Booking(root, element, source, told, at)
        try:
            yield Read(booking.number, tuple(booking.entries()))
        except (PusulaError, *SHAPES) as error:
            yield Read(booking.number, error=reason(error))


class _Booking:
    """One HotelReservation."""

    def __init__(
        self, root: Element, element: Element, source: Source, told: OtaSettings, at: int
    ) -> None:
        self.root = root
        self.element = element
        self.source = source
        self.told = told
        self.at = at
        self.words = crosswalk.load("ota")
        self.info = first(element, "ResGlobalInfo")
        self.number = self._number()

    def entries(self) -> Iterator[Entry]:
        """Yield what the booking tells the log."""
        if not 0 < len(self.number) <= _LONGEST_NUMBER:
            raise BookingError(placed("UniqueID", Saying("the booking has no number of type 14")))
        status = self._status()
        version_at = min(self._changed_at() or self.at, self.at)
        stays = list(every(self.element, "RoomStays", "RoomStay"))
        if status == machine.CANCELLED:
            known = queries.by_number(self.number, [self.source.slug]).first()
            if known is not None:
                yield from reservations.cancellation(known, self.source, version_at, "other")
                return
            if not stays:
                raise BookingError(Saying("is cancelled before it was told: send it again later"))
        elif not stays:
            raise BookingError(placed("RoomStays", Saying("is missing")))
        told = self._reservation(stays, status, version_at)
        yield from reservations.entries(told, self.source, self.told)

    def _number(self) -> str:
        numbers = {said(one, "Type"): said(one, "ID") for one in every(self.element, "UniqueID")}
        inner = {
            said(one, "ResID_Type"): said(one, "ResID_Value")
            for one in every(self.info, "HotelReservationIDs", "HotelReservationID")
        }
        return (
            numbers.get(_RESERVATION) or inner.get(_RESERVATION) or numbers.get("16")
            or numbers.get("") or ""
        )  # fmt: skip

    def _status(self) -> str:
        status = self.words.of("status", said(self.element, "ResStatus"))
        status = status or self.words.of("status", said(self.root, "ResStatus"))
        if not status and name(self.root) == "OTA_CancelRQ":
            status = machine.CANCELLED
        if not status and "Modif" in name(self.root):
            status = machine.CONFIRMED
        if not status:
            raise BookingError(placed("ResStatus", Saying("is missing")))
        return status

    def _changed_at(self) -> int | None:
        own = self._moment("LastModifyDateTime", said(self.element, "LastModifyDateTime"))
        return own or self._moment("TimeStamp", said(self.root, "TimeStamp"))

    def _reservation(self, stays: list[Element], status: str, version_at: int) -> Reservation:
        hotel = self._hotel(stays[0])
        parts = tuple(self._part(one) for one in stays[:_MOST_ROOMS])
        created = said(self.element, "CreateDateTime")
        is_cancelled = status == machine.CANCELLED
        currency, total = self._total(stays)
        ids = list(every(self.info, "HotelReservationIDs", "HotelReservationID"))
        return Reservation(
            number=self.number,
            status=status,
            ordered_at=min(self._moment("CreateDateTime", created) or version_at, self.at),
            version_at=version_at,
            hotel=hotel,
            currency=currency,
            total=total,
            people=tuple(self._people(stays)) or (Person(is_primary=True),),
            parts=parts,
            cancelled_at=version_at if is_cancelled else None,
            cancel_reason="other" if is_cancelled else "",
            confirmation_no=next((said(i, "ResID_Value") for i in ids if _is_ours(i)), ""),
            channel=self._channel(),
            channel_ref=next((said(i, "ResID_Value") for i in ids if not _is_ours(i)), "")
            or self.number,
            group_id=said(first(self.element, "RoomStays", "RoomStay"), "RoomStayGroupID"),
            market_code=said(stays[0], "MarketCode"),
            source_code=said(stays[0], "SourceOfBusiness"),
            promo_code=said(first(stays[0], "RatePlans", "RatePlan"), "PromotionCode"),
        )

    def _hotel(self, stay: Element) -> Hotel:
        places = (
            first(stay, "BasicPropertyInfo"),
            first(self.info, "BasicPropertyInfo"),
            first(self.element, "BasicPropertyInfo"),
        )
        number = next((code for one in places if (code := said(one, "HotelCode"))), "")
        if not number and len(self.told.hotels) == 1:
            (number,) = self.told.hotels
        return needs.hotel(self.source, number, self.told.hotels)

    def _part(self, stay: Element) -> Part:
        span = first(stay, "TimeSpan")
        if span is None:
            span = first(self.info, "TimeSpan")
        kind = first(stay, "RoomTypes", "RoomType")
        rate = first(stay, "RoomRates", "RoomRate")
        plan = first(stay, "RatePlans", "RatePlan")
        starts_on, ends_on = _day("Start", said(span, "Start")), _day("End", said(span, "End"))
        if ends_on < starts_on:
            raise BookingError(placed("TimeSpan", Saying("the stay ends before it begins")))
        rooms = said(kind, "NumberOfUnits") or said(rate, "NumberOfUnits")
        heads = list(self._heads(stay))
        ages = tuple(age for kind_, n, age in heads if kind_ != "adult" and age is not None
                     for _ in range(n))  # fmt: skip
        return Part(
            starts_on=starts_on,
            ends_on=ends_on,
            room_type=said(kind, "RoomTypeCode") or said(rate, "RoomTypeCode"),
            rate_code=said(plan, "RatePlanCode") or said(rate, "RatePlanCode"),
            board=self.words.of(
                "board", said(first(plan, "MealsIncluded"), "MealPlanCodes").split(" ")[0]
            ),
            rooms=_count("NumberOfUnits", rooms, _MOST_ROOMS) if rooms else 1,
            adults=sum(n for kind_, n, _age in heads if kind_ == "adult") if heads else None,
            children=sum(n for kind_, n, _age in heads if kind_ != "adult") if heads else None,
            child_ages=ages,
            nightly=tuple(_nightly(stay)),
        )

    def _heads(self, stay: Element) -> Iterator[tuple[str, int, int | None]]:
        for one in every(stay, "GuestCounts", "GuestCount"):
            age = said(one, "Age")
            kind = self.words.of("age", said(one, "AgeQualifyingCode") or "10")
            n = _count("Count", said(one, "Count") or "1", _MOST_PEOPLE)
            yield kind, n, _count("Age", age, 150) if age else None

    def _total(self, stays: list[Element]) -> tuple[str, Decimal]:
        whole = first(self.info, "Total")
        totals = [whole] if whole is not None else [first(stay, "Total") for stay in stays]
        amounts = [said(one, "AmountAfterTax") or said(one, "AmountBeforeTax") for one in totals]
        if not all(amounts):
            raise BookingError(placed("Total.AmountAfterTax", Saying("is missing")))
        codes = {said(one, "CurrencyCode") for one in totals} - {""}
        if len(codes) != 1:
            raise BookingError(placed("Total", Saying("needs one CurrencyCode")))
        return codes.pop(), sum((_amount("Total", one) for one in amounts), Decimal(0))

    def _people(self, stays: list[Element]) -> Iterator[Person]:
        guests = [
            *every(self.element, "ResGuests", "ResGuest"),
            *(one for stay in stays for one in every(stay, "ResGuests", "ResGuest")),
        ]
        marked = [said(one, "PrimaryIndicator") in {"1", "true"} for one in guests]
        primary = marked.index(True) if any(marked) else 0
        for index, guest in enumerate(guests[:_MOST_PEOPLE]):
            yield self._person(guest, is_primary=index == primary)

    def _person(self, guest: Element, *, is_primary: bool) -> Person:
        profile = first(guest, "Profiles", "ProfileInfo")
        customer = first(profile, "Profile", "Customer")
        born = said(customer, "BirthDate")
        age = said(guest, "Age")
        numbers = [said(i, "ID") for i in every(profile, "UniqueID") if said(i, "Type") == _GUEST]
        spoken = first(customer, "PersonName")
        return Person(
            number=next(iter(numbers), "")[:_LONGEST_NUMBER],
            first_name=text(first(spoken, "GivenName")),
            last_name=text(first(spoken, "Surname")),
            email=text(first(customer, "Email")),
            phone=said(first(customer, "Telephone"), "PhoneNumber"),
            birth_on=_day("BirthDate", born) if born else None,
            language=said(customer, "Language").lower()[:2],
            nationality=said(first(customer, "CitizenCountryName"), "Code").upper(),
            is_primary=is_primary,
            age_class=self.words.of("age", said(guest, "AgeQualifyingCode") or "10"),
            age=_count("Age", age, 150) if age else None,
        )

    def _channel(self) -> str:
        for source in every(self.root, "POS", "Source"):
            company = first(source, "BookingChannel", "CompanyName")
            word = said(company, "Code") or text(company)
            if word:
                return self.words.of("channel", word)
        return ""

    def _moment(self, place: str, told: str) -> int | None:
        if not told:
            return None
        try:
            value = dt.datetime.fromisoformat(told)
            return clock.from_datetime(value, self.told.time_zone_of_times)
        except (ValueError, OverflowError) as error:
            why = Saying("is no time such as %(example)s", {"example": "2026-05-31T12:00:00Z"})
            raise BookingError(placed(place, why)) from error


def _is_ours(number: Element) -> bool:
    """Say whether an id is the hotel's own confirmation number (UIT 10), not the portal's."""
    return said(number, "ResID_Type") in {"10", "40"}


def _day(place: str, told: str) -> date:
    try:
        return date.fromisoformat(told[:10])
    except ValueError as error:
        why = Saying("is no day such as %(example)s", {"example": "2026-05-31"})
        raise BookingError(placed(place, why)) from error


def _count(place: str, told: str, most: int) -> int:
    if not (told.isascii() and told.isdecimal() and len(told) < 6 and int(told) <= most):  # noqa: PLR2004
        raise BookingError(placed(place, Saying("is no number up to %(most)s", {"most": most})))
    return int(told)


def _amount(place: str, told: str) -> Decimal:
    try:
        amount = Decimal(told)
    except InvalidOperation as error:
        raise BookingError(placed(place, _NO_AMOUNT)) from error
    if not amount.is_finite() or abs(amount) >= 10**12:
        raise BookingError(placed(place, _NO_AMOUNT))
    return amount


def _nightly(stay: Element) -> Iterator[Decimal]:
    """Yield the room revenue of each night, without tax where the document parts it."""
    n = 0
    for rate in every(stay, "RoomRates", "RoomRate", "Rates", "Rate"):
        base = first(rate, "Base")
        told = said(base, "AmountBeforeTax") or said(base, "AmountAfterTax")
        if not told:
            continue
        units = _count("UnitMultiplier", said(rate, "UnitMultiplier") or "1", _MOST_NIGHTS)
        for _ in range(min(units, _MOST_NIGHTS - n)):
            n += 1
            yield _amount("Base", told)
