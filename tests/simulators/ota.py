"""What a channel manager pushes: OTA_HotelResNotifRQ with everything that must not be kept."""

# ruff: noqa: E501 - the documents as they are pushed

from __future__ import annotations

CARD, CVV, HOLDER = "4111111111111111", "737", "ELIF AYDIN CARDHOLDER"

_MESSAGE = """<?xml version="1.0" encoding="UTF-8"?>
<OTA_HotelResNotifRQ xmlns="http://www.opentravel.org/OTA/2003/05" EchoToken="echo-1"
 TimeStamp="{time}" Version="1.003" ResStatus="{status}">
<POS><Source><RequestorID ID="SITEMINDER"/><BookingChannel Type="7" Primary="true">
<CompanyName Code="BDC">Booking.com</CompanyName></BookingChannel></Source></POS>
<HotelReservations>{bookings}</HotelReservations></OTA_HotelResNotifRQ>"""

_BOOKING = """<HotelReservation CreateDateTime="{created}" LastModifyDateTime="{modified}">
<UniqueID Type="14" ID="{number}"/>
<RoomStays>{rooms}</RoomStays>
<ResGuests>
<ResGuest ResGuestRPH="1" AgeQualifyingCode="10" PrimaryIndicator="1"><Profiles><ProfileInfo>
{guest_number}<Profile><Customer Language="tr" BirthDate="1984-05-02"><PersonName><GivenName>{first}</GivenName>
<Surname>{last}</Surname></PersonName><Telephone PhoneNumber="{phone}"/><Email>{email}</Email>
<PaymentForm><PaymentCard CardNumber="{card}" SeriesCode="{cvv}"><CardHolderName>{holder}</CardHolderName>
</PaymentCard></PaymentForm></Customer></Profile></ProfileInfo></Profiles></ResGuest>
<ResGuest ResGuestRPH="2" AgeQualifyingCode="8" Age="7"/>
<ResGuest ResGuestRPH="3" AgeQualifyingCode="7" Age="1"/>
</ResGuests>
<ResGlobalInfo>
<Comments><Comment><Text>Card {card} cvv {cvv}</Text></Comment></Comments>
<Guarantee><GuaranteesAccepted><GuaranteeAccepted><PaymentCard CardNumber="{card}" ExpireDate="0929">
<SeriesCode><PlainText>{cvv}</PlainText></SeriesCode><CardHolderName>{holder}</CardHolderName>
<ThreeDomainSecurity><Gateway ECI="05" CAVV="{card}"/></ThreeDomainSecurity>
</PaymentCard></GuaranteeAccepted></GuaranteesAccepted></Guarantee>
<Total AmountAfterTax="{total}" CurrencyCode="{currency}"/>
<HotelReservationIDs><HotelReservationID ResID_Type="14" ResID_Value="{number}"/>
<HotelReservationID ResID_Type="10" ResID_Value="C{number}"/></HotelReservationIDs>
</ResGlobalInfo></HotelReservation>"""

_ROOM = """<RoomStay MarketCode="LEISURE" SourceOfBusiness="OTA"><RoomTypes>
<RoomType RoomTypeCode="{room}" NumberOfUnits="1"/></RoomTypes>
<RatePlans><RatePlan RatePlanCode="NRF" PromotionCode="EARLY"><MealsIncluded MealPlanCodes="1"/></RatePlan></RatePlans>
<RoomRates><RoomRate RoomTypeCode="{room}" RatePlanCode="NRF"><Rates>
<Rate UnitMultiplier="{nights}"><Base AmountBeforeTax="900.00" AmountAfterTax="1000.00" CurrencyCode="TRY"/></Rate>
</Rates></RoomRate></RoomRates>
<GuestCounts><GuestCount AgeQualifyingCode="10" Count="2"/><GuestCount AgeQualifyingCode="8" Age="7" Count="1"/>
<GuestCount AgeQualifyingCode="7" Age="1" Count="1"/></GuestCounts>
<TimeSpan Start="{start}" End="{end}"/><BasicPropertyInfo HotelCode="{hotel}"/></RoomStay>"""


def booking(number: str = "BDC-1", *, rooms: tuple[str, ...] = ("DBL",), **told: str) -> str:
    """Return a booking of a couple with two children in Bodrum, for four nights in July."""
    said = {
        "created": "2026-03-01T09:00:00+03:00", "modified": "2026-03-01T09:00:00+03:00",
        "first": "Elif", "last": "Aydın", "phone": "+90 532 123 45 68",
        "email": "elif@example.com", "total": "4000.00", "currency": "TRY", "hotel": "BOD",
        "start": "2026-07-01", "end": "2026-07-05", "nights": "4", "guest_number": "",
        "card": CARD, "cvv": CVV, "holder": HOLDER,
    } | told  # fmt: skip
    stays = "".join(_ROOM.format(room=room, **said) for room in rooms)
    return _BOOKING.format(number=number, rooms=stays, **said)


def message(
    *bookings: str, status: str = "Commit", time: str = "2026-03-01T09:00:05+03:00"
) -> bytes:
    """Return a whole message."""
    return _MESSAGE.format(status=status, bookings="".join(bookings), time=time).encode()


def cancellation(number: str, at: str) -> bytes:
    """Return a cancellation that says no more than the number."""
    row = f'<HotelReservation LastModifyDateTime="{at}"><UniqueID Type="14" ID="{number}"/></HotelReservation>'
    return message(row, status="Cancel", time=at)
