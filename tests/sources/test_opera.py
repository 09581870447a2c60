"""OPERA Cloud: events name reservations, the reservation and its profiles are the truth."""

from __future__ import annotations

from datetime import date

import pytest
from tests.simulators import hotel_http
from tests.simulators.opera import Opera
from tests.sources.hotels import at as at_time
from tests.sources.hotels import hotels, moment, source, step

from pusula.consent.models import ConsentEntry
from pusula.lib import clock
from pusula.orders import measures, stays
from pusula.orders.models import Order, Stay
from pusula.profiles.models import Trait
from pusula.sources import polling

pytestmark = pytest.mark.django_db(databases=["default", "log"])
NOW = "2026-06-01T12:00"


@pytest.fixture
def opera():
    made = Opera()
    made.know("p1", "Elif")
    return made


@pytest.fixture
def pms(db, opera, monkeypatch):
    hotels()
    for name, value in (("CLIENT_ID", "id"), ("CLIENT_SECRET", "secret"), ("APP_KEY", "app")):
        monkeypatch.setenv(f"PUSULA_OPERA_{name}", value)
    with hotel_http.served(opera) as address:
        yield source("opera", "opera", gateway=address, external_system="PUSULA",
                     hotels={"BOD1": "Lodos Bodrum"}, boards={"BAR": "BB"},
                     cancel_reasons={"PRC": "price"})  # fmt: skip


def ask(pms, when=NOW):
    with at_time(when):
        done = polling.poll(pms, moment(when))
    step(moment(when) + clock.SECOND)
    return done


def test_an_event_brings_the_reservation_and_its_guest(pms, opera):
    opera.book("101")
    assert ask(pms).error == ""
    order = Order.objects.get()
    assert (order.source_id, order.status, order.property) == ("101", "confirmed", "Lodos Bodrum")
    assert (order.starts_on, order.ends_on) == (date(2026, 6, 9), date(2026, 6, 11))
    assert (order.board, order.room_type, order.market_code) == ("BB", "DLX", "TRANS")
    assert (order.source_code, order.channel, order.confirmation_no) == ("WEB", "Web", "C101")
    assert (order.net_minor, order.ordered_at) == (2400_00, moment("2026-03-01T10:00"))
    part = Stay.objects.get()
    assert (part.nightly_minor, part.child_ages) == ([1000_50, 1000_50], [7])
    assert order.profile.name == "Elif Aydın"
    flags = dict(Trait.objects.filter(name__startswith="pms_").values_list("name", "number"))
    assert flags == {"pms_marketing_email": 1, "pms_marketing_sms": 0}
    assert not ConsentEntry.objects.exists()


def test_a_reinstated_booking_is_no_lost_one(pms, opera):
    opera.book("101")
    ask(pms)
    cancelled = {"code": "PRC", "date": "2026-05-20T09:00:00"}
    opera.book("101", reservationStatus="Cancelled", cancellation=cancelled,
               lastModifyDateTime="2026-05-20T09:00:00")  # fmt: skip
    ask(pms, "2026-06-01T12:10")
    order = Order.objects.get()
    assert (order.status, order.cancel_reason) == ("cancelled", "price")
    assert order.cancelled_at == moment("2026-05-20T09:00")
    opera.book("101", cancellation=cancelled, reinstateDate="2026-05-21T10:00:00",
               lastModifyDateTime="2026-05-21T10:00:00")  # fmt: skip
    ask(pms, "2026-06-01T12:20")
    order = Order.objects.get()
    assert (order.status, order.cancel_reason, order.cancelled_at) == ("confirmed", "", None)


def test_a_no_show_is_one_since_the_night_audit(pms, opera):
    opera.book("101", reservationStatus="NoShow", lastModifyDateTime="2026-06-10T03:40:00")
    ask(pms, "2026-06-10T09:00")
    order = Order.objects.get()
    assert (order.status, order.cancel_reason) == ("no_show", "no_show")
    assert order.status_at == moment("2026-06-10T03:00"), "the 9th ended at 03:00 on the 10th"


def test_sharers_of_a_room_count_it_and_its_price_once(pms, opera):
    opera.know("p2", "Ali")
    opera.book("101", sharedGuests=[{"id": "102"}], payeeSharer=True)
    opera.book("102", "p2", sharedGuests=[{"id": "101"}], payeeSharer=False)
    ask(pms)
    assert sorted(Order.objects.values_list("net_minor", "rooms")) == [(0, 0), (2400_00, 1)]
    parts = [stays.Segment(*row) for row in Stay.objects.values_list(*stays.Segment._fields)]
    assert measures.room_nights(parts) == 2
    assert [g.share_with for o in Order.objects.order_by("source_id") for g in o.guests.all()] == [
        "102", "101",
    ]  # fmt: skip


def test_house_use_is_left_out_of_what_a_night_earns(pms, opera):
    stay = {"roomRates": [{"roomType": "DLX", "houseUseOnly": True}],
            "total": {"amountAfterTax": 0, "currencyCode": "TRY"}}  # fmt: skip
    opera.book("101", stay=stay)
    ask(pms)
    (part,) = Stay.objects.values_list(*stays.Segment._fields)
    assert measures.room_nights([stays.Segment(*part)]) == 0
    assert measures.adr_minor([stays.Segment(*part)]) is None


def test_a_token_that_ends_is_replaced_and_the_queue_is_emptied(pms, opera):
    opera.lasts = 4
    for n in range(7):
        opera.book(f"10{n}")
    done = ask(pms)
    assert (done.error, Order.objects.count(), opera.events) == ("", 7, [])
    assert opera.n_tokens > 2


def test_an_event_that_got_lost_is_made_good_by_the_daily_reading(pms, opera):
    opera.book("101")
    opera.events.clear()
    ask(pms)
    assert Order.objects.count() == 1
    opera.book("102")
    opera.events.clear()
    ask(pms, "2026-06-01T13:00")
    assert Order.objects.count() == 1, "once a day is enough"
    ask(pms, "2026-06-02T13:00")
    assert Order.objects.count() == 2


def test_a_throttled_source_waits_and_loses_nothing(pms, opera):
    for n in range(4):
        opera.book(f"10{n}")
    opera.patience = 4
    done = ask(pms)
    assert done.after_s == 30
    opera.patience = 1_000
    ask(pms, "2026-06-01T12:05")
    assert Order.objects.count() == 4


def test_what_a_reservation_lacks_is_said_and_the_others_come(pms, opera):
    opera.book("101", createDateTime="", lastModifyDateTime="")
    opera.book("102", reservationStatus="Sideways")
    opera.book("103", stay={"arrivalDate": "tomorrow"})
    opera.book("104")
    done = ask(pms)
    assert "createDateTime" in str(done.problem)
    assert list(Order.objects.values_list("source_id", flat=True)) == ["104"]
