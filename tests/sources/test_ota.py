"""OTA XML: bookings become orders, cards become nothing, and the sender learns what was taken."""

from __future__ import annotations

import base64
import logging
from datetime import date
from fractions import Fraction

import pytest
from django.test import Client
from tests.simulators.ota import CARD, HOLDER, booking, cancellation, message
from tests.sources.hotels import at as at_time
from tests.sources.hotels import hotels, key_of, moment, source, step

from pusula.consent.models import ConsentEntry
from pusula.orders import measures, stays
from pusula.orders.models import Order, OrderChange, Stay, StayGuest
from pusula.pipeline.models import LogEntry, Quarantine
from pusula.profiles.models import Identifier, Profile, Trait
from pusula.sources.cards import INSTEAD, without_cards
from pusula.sources.models import Source
from pusula.sources.ota import document

pytestmark = pytest.mark.django_db(databases=["default", "log"])
BOOKED = "2026-03-01T09:01"


@pytest.fixture
def door(db):
    hotels()
    made = source("siteminder", "ota", hotels={"BOD": "Lodos Bodrum", "CES": "Lodos Çeşme"},
                  rates={"EUR": {"2026-01-01": "40"}})  # fmt: skip
    return f"/hooks/ota/siteminder/{key_of(made)}"


def push(door, body, when=BOOKED, **more):
    with at_time(when):
        answer = Client().post(door, body, content_type="text/xml", **more)
    step(moment(when) + 1)
    return answer


def test_a_pushed_booking_becomes_an_order_with_its_parts_and_guests(door):
    answer = push(door, message(booking(rooms=("DBL", "FAM"))))
    assert answer.status_code == 200
    assert b"<Success" in answer.content
    assert b'EchoToken="echo-1"' in answer.content
    order = Order.objects.get()
    told = (order.source, order.source_id, order.status, order.property, order.region)
    assert told == ("siteminder", "BDC-1", "confirmed", "Lodos Bodrum", "Bodrum")
    assert (order.starts_on, order.ends_on) == (date(2026, 7, 1), date(2026, 7, 5))
    assert (order.channel, order.board, order.rate_code) == ("Booking.com", "AI", "NRF")
    assert (order.market_code, order.source_code, order.promo_code) == ("LEISURE", "OTA", "EARLY")
    assert (order.confirmation_no, order.channel_ref) == ("CBDC-1", "BDC-1")
    assert (order.rooms, order.adults, order.children, order.net_minor) == (2, 4, 4, 4000_00)
    assert order.ordered_at == moment("2026-03-01T09:00")
    parts = [stays.Segment(*row) for row in Stay.objects.values_list(*stays.Segment._fields)]
    assert [part.room_type for part in parts] == ["DBL", "FAM"]
    assert [list(part.child_ages) for part in parts] == [[7, 1], [7, 1]]
    assert measures.room_nights(parts) == 8
    assert measures.adr_minor(parts) == Fraction(900_00)
    people = StayGuest.objects.values_list("age_class", "age", "is_primary", "profile_id")
    elif_ = Profile.objects.get()
    assert list(people.order_by("guest_no")) == [
        ("adult", None, True, elif_.pk), ("child", 7, False, None), ("infant", 1, False, None),
    ]  # fmt: skip
    assert elif_.name == "Elif Aydın"
    assert not ConsentEntry.objects.exists()


def test_no_card_reaches_a_table_the_log_the_quarantine_or_a_logger(door, caplog):
    caplog.set_level(logging.DEBUG)
    bad = booking(
        "BDC-2", currency="XXX", first=f"Ali {CARD[:4]} {CARD[4:8]} {CARD[8:12]} {CARD[12:]}"
    )
    said = [
        push(door, message(booking(first=f"Card{CARD}", last="Z"), bad)),
        push(door, message(booking("BDC-3"))[:-30]),
        push(door, message(booking("BDC-4", hotel="NONE"))),
        push(door, message(booking("BDC-5", currency="USD"))),
    ]
    everything = [caplog.text, *(answer.content.decode() for answer in said)]
    for model in (LogEntry, Quarantine, Order, OrderChange, Stay, StayGuest, Profile, Identifier,
                  Trait, Source):  # fmt: skip
        everything += [repr(row) for row in model.objects.values()]
    whole = "\n".join(everything)
    assert CARD not in whole.replace(" ", "")
    assert HOLDER not in whole
    assert "SeriesCode" not in whole
    assert "CAVV" not in whole
    assert "BDC-3" not in whole, "a broken document is not kept at all"
    assert INSTEAD in whole, "the name that held one says so"
    assert str(Quarantine.objects.get().why).startswith("net_base_minor"), "USD has no rate"


def test_card_numbers_are_told_from_other_long_numbers():
    assert without_cards("a 4111-1111 1111.1111 b") == f"a {INSTEAD} b"
    assert without_cards("4111111111111112 and 05321234568") == "4111111111111112 and 05321234568"


def test_a_booking_is_changed_cancelled_and_booked_again_without_losing_its_past(door):
    push(door, message(booking()))
    later = "2026-03-05T10:00:00+03:00"
    push(door, message(booking(modified=later, end="2026-07-03", total="2000.00"), status="Modify"),
         "2026-03-05T10:01")  # fmt: skip
    assert Order.objects.get().ends_on == date(2026, 7, 3)
    answer = push(door, cancellation("BDC-1", "2026-03-07T12:00:00+03:00"), "2026-03-07T12:01")
    assert b"<Success" in answer.content
    order = Order.objects.get()
    assert (order.status, order.cancelled_at) == ("cancelled", moment("2026-03-07T12:00"))
    assert (order.net_minor, order.room_type) == (2000_00, "DBL"), "the rest stays as it was"
    push(door, message(booking(modified="2026-03-09T08:00:00+03:00"), status="Modify"),
         "2026-03-09T08:01")  # fmt: skip
    order = Order.objects.get()
    assert (order.status, order.cancelled_at, order.cancel_reason) == ("confirmed", None, "")
    history = OrderChange.objects.order_by("changed_at").values_list("changed_at", "status")
    assert list(history) == [
        (moment("2026-03-01T09:00"), "confirmed"), (moment("2026-03-05T10:00"), "confirmed"),
        (moment("2026-03-07T12:00"), "cancelled"), (moment("2026-03-09T08:00"), "confirmed"),
    ]  # fmt: skip


def test_what_comes_twice_or_late_changes_nothing(door):
    first = message(booking())
    newer = message(booking(modified="2026-03-05T10:00:00+03:00", total="1.00"), status="Modify")
    push(door, newer, "2026-03-05T10:01")
    answer = push(door, first, "2026-03-05T10:02")
    assert b"<Success" in answer.content
    n = LogEntry.objects.count()
    push(door, first, "2026-03-05T10:03")
    push(door, newer, "2026-03-05T10:04")
    assert LogEntry.objects.count() == n
    assert Order.objects.get().net_minor == 100
    assert OrderChange.objects.count() == 1


def test_a_cancellation_before_its_booking_is_asked_for_again(door):
    answer = push(door, cancellation("BDC-9", "2026-03-07T12:00:00+03:00"), "2026-03-07T12:01")
    assert b"<Errors>" in answer.content
    assert b"before it was told" in answer.content
    assert Source.objects.get().last_error
    assert not LogEntry.objects.exists()


def test_one_bad_booking_does_not_hold_up_the_others_and_is_named(door):
    answer = push(door, message(booking("BDC-1", hotel="XXX"), booking("BDC-2")))
    assert b"<Success" in answer.content
    assert b"<Warning " in answer.content
    assert b'RecordID="BDC-1"' in answer.content
    assert list(Order.objects.values_list("source_id", flat=True)) == ["BDC-2"]
    assert "settings.hotels" in Source.objects.get().last_error


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<a", "not well-formed"),
        (b"\xff\xfe\x00", "not well-formed"),
        (b'<?xml version="1.0" encoding="utf-99"?><a/>', "encoding"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "entities"),
        (b'<!DOCTYPE a SYSTEM "http://127.0.0.1/x"><a/>', "document type"),
        (b"<a>" * 100 + b"</a>" * 100, "levels"),
        (b"<a>" + b"<b/>" * 100_001 + b"</a>", "elements"),
        (b"<OTA_PingRQ/>", "no notification"),
        (b"<OTA_HotelResNotifRQ/>", "no HotelReservation"),
    ],
)
def test_what_is_no_document_of_bookings_is_refused_with_an_answer(door, body, reason):
    answer = push(door, body)
    assert answer.status_code == 200
    assert b"<Errors>" in answer.content
    assert reason in answer.content.decode()
    assert not LogEntry.objects.exists()


def test_the_door_opens_for_a_server_key_of_the_source_alone(door):
    body = message(booking())
    for path in ("/hooks/ota/siteminder/wrong", "/hooks/ota/other/" + door.rsplit("/")[-1],
                 "/hooks/mews/siteminder/" + door.rsplit("/")[-1],
                 "/hooks/ota/siteminder"):  # fmt: skip
        assert push(path, body).status_code == 401
    assert Client().get(door).status_code == 405
    assert push(door, b"x" * (document.LARGEST + 1)).status_code == 413
    basic = Client().post(
        "/hooks/ota/siteminder", body, content_type="text/xml",
        headers={"Authorization": "Basic " + _basic(door.rsplit("/")[-1])},
    )  # fmt: skip
    assert basic.status_code == 200
    assert LogEntry.objects.exists()


def _basic(key: str) -> str:
    return base64.b64encode(f"channel:{key}".encode()).decode()


def test_amounts_of_another_currency_take_the_rate_of_the_day(door):
    push(door, message(booking(currency="EUR", total="100.10")))
    order = Order.objects.get()
    assert (order.net_minor, order.net_base_minor, order.currency) == (100_10, 4004_00, "EUR")
