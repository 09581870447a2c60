"""Orders and bookings as messages tell them: whose they are, what they are worth, who may say."""

import datetime as dt
import json

import pytest
from tests.pipeline.company import NOW, define, members
from tests.pipeline.sent import come_in, holder, names_of, reasons, track

from pusula.events.models import Event
from pusula.lib import clock
from pusula.orders.models import Order, OrderItem
from pusula.pipeline import live
from pusula.pipeline.appender import Entry
from pusula.pipeline.models import Quarantine

pytestmark = pytest.mark.django_db(databases=["default", "log"])

BOUGHT = {
    "order_id": 1001, "revenue": 1299.9, "shipping": 50, "tax": "210.10", "discount": 100,
    "currency": "TRY", "coupon": "YAZ", "affiliation": "Web",
    "products": [
        {"product_id": "p1", "sku": "S-1", "name": "Havlu", "price": 0.1, "quantity": 3},
        {"product_id": "p2", "price": "1299.60"},
    ],
}  # fmt: skip
STAY = {
    "booking_id": "B-7", "value": 12500, "currency": "TRY", "check_in": "2026-07-01",
    "check_out": "2026-07-08T12:00:00+03:00", "hotel": "Lodos Bodrum", "adults": "2",
    "num_children": 1, "room_type": "Deluxe", "board": "AI", "rooms": 1,
    "destination": {"region": "Bodrum"},
}  # fmt: skip


def server(event, properties, **more):
    return track(event, properties, **{"trusted": True, "userId": "7"} | more)


def order():
    return Order.objects.get()


def test_a_purchase_is_an_order_with_its_lines_and_an_event(company):
    stepped = come_in(NOW, server("Order Completed", BOUGHT))
    assert (stepped.n_quarantined, reasons()) == (0, [])
    buyer = holder("key", "web:7")
    made = order()
    assert (made.profile_id, made.source, made.source_id) == (buyer, "web", "1001")
    assert (made.status, made.ordered_at, made.currency) == ("completed", NOW, "TRY")
    assert (made.net_minor, made.gross_minor, made.net_base_minor) == (1299_90, 1399_90, 1299_90)
    assert (made.channel, made.promo_code) == ("Web", "YAZ")
    lines = OrderItem.objects.order_by("line_no").values_list(
        "sku", "name", "quantity", "amount_minor"
    )
    assert list(lines) == [("S-1", "Havlu", 3, 30), ("p2", "", 1, 1299_60)]
    assert names_of(buyer) == ["Order Completed"]
    assert Event.objects.get().properties["products"][0]["price"] == 0.1
    assert company("big-basket") == [buyer]


@pytest.mark.parametrize(
    ("amounts", "net"),
    [
        ({"revenue": 10.1, "total": 99}, 10_10),
        ({"subtotal": 10.1, "total": 99}, 10_10),
        ({"total": 99.99, "shipping": 9.99, "tax": 15}, 75_00),
        ({"value": 0.29}, 29),
        ({"products": [{"price": 1.1, "quantity": 3}, {"price": 2}], "discount": 0.3}, 5_00),
        ({"revenue": 1234567890123.45}, 1234567890123_45),
        ({"revenue": "1234567890123.45"}, 1234567890123_45),
        ({"revenue": 1.005}, 1_00),
        ({"revenue": 0}, 0),
    ],
)
def test_what_an_order_is_worth_is_exact(company, amounts, net):
    come_in(NOW, server("Order Completed", {"order_id": "1", **amounts}))
    assert order().net_minor == net


def test_amounts_are_read_as_they_are_written_and_not_as_floats(company):
    entry = server("Order Completed", {"order_id": "1", "revenue": 1})
    body = entry.body.replace('"revenue": 1', '"revenue": 9007199254740.993')
    come_in(NOW, Entry("message", "web", "web:exact", body))
    assert order().net_minor == 900719925474099


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"revenue": None, "products": []}, "no amount"),
        ({"revenue": "1.299,90"}, "revenue: an amount such as 1299.90"),
        ({"revenue": True}, "revenue: an amount"),
        ({"revenue": [1]}, "revenue: an amount"),
        ({"revenue": "1e999999999"}, "revenue: an amount"),
        ({"revenue": "NaN"}, "revenue: an amount"),
        ({"revenue": 10**16}, "net_minor"),
        ({"currency": "XXX"}, "unknown currency"),
        ({"currency": "EUR"}, "say exchange_rate (TRY for 1 EUR)"),
        ({"products": "havlu"}, "products: a list of products"),
        ({"products": [{"price": 1, "quantity": 1.5}]}, "quantity: a whole number"),
        ({"products": [{"price": 1, "quantity": 10**12}]}, "quantity"),
        ({"products": [{"name": "x" * 201, "price": 1}]}, "items"),
        ({"check_in": "01.07.2026"}, "check_in: a day such as"),
        ({"check_in": "2026-07-02", "check_out": "2026-07-01"}, "ends_on"),
        ({"check_in": "9999-01-01"}, "starts_on"),
        ({"adults": "iki"}, "adults"),
        ({"room_type": ["a"]}, "room_type: a text"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_and_its_event_is_kept(company, wrong, reason):
    come_in(NOW, server("Order Completed", BOUGHT | wrong), server("Order Completed", BOUGHT))
    (why,) = reasons()
    assert why.startswith("in part: order 1001: ")
    assert reason in why
    assert Event.objects.count() == 2
    assert Order.objects.count() == 1


@pytest.mark.parametrize("number", [None, "", True, 1.5, {"a": 1}, "x" * 121, "a\nb"])
def test_an_order_needs_a_proper_number(company, number):
    come_in(NOW, server("Order Completed", BOUGHT | {"order_id": number}))
    (why,) = reasons()
    assert "order" in why
    assert Event.objects.count() == 1
    assert not Order.objects.exists()


def test_another_currency_is_converted_by_the_rate_told_or_that_of_the_source(company):
    euros = BOUGHT | {"currency": "€", "revenue": 100, "discount": 0}
    rules = {"rates": {"EUR": 47.25}}
    come_in(
        NOW,
        server("Order Completed", euros | {"order_id": "1", "exchange_rate": "50.5"}, rules=rules),
        server("Order Completed", euros | {"order_id": "2"}, rules=rules),
    )
    bases = Order.objects.order_by("source_id").values_list(
        "currency", "net_minor", "net_base_minor"
    )
    assert list(bases) == [("EUR", 100_00, 5050_00), ("EUR", 100_00, 4725_00)]


def test_a_booking_is_an_order_with_a_stay(company):
    come_in(NOW, server("Booking Completed", STAY))
    made = order()
    assert (made.status, made.starts_on, made.ends_on) == (
        "confirmed", dt.date(2026, 7, 1), dt.date(2026, 7, 8),
    )  # fmt: skip
    assert (made.property, made.region, made.room_type, made.board) == (
        "Lodos Bodrum", "Bodrum", "Deluxe", "AI",
    )  # fmt: skip
    assert (made.adults, made.children, made.rooms, made.net_minor) == (2, 1, 1, 12500_00)


def test_days_are_those_of_the_hotel_however_they_are_written(company):
    for number, arrival in enumerate(("20260701", "2026-07-01T01:30:00+03:00", "2026-07-01 10:00")):
        said = {"order_id": number, "value": 1, "checkin_date": arrival, "nights": 3}
        come_in(NOW + number, server("Order Completed", said))
    days = set(Order.objects.values_list("starts_on", "ends_on"))
    assert days == {(dt.date(2026, 7, 1), dt.date(2026, 7, 4))}
    # A shop's event that is about a stay is the hotel's event.
    assert set(Event.objects.values_list("name", flat=True)) == {"Booking Completed"}


def test_the_life_of_a_booking_is_told_event_by_event(company):
    def then(event, **more):
        come_in(NOW + then.n * clock.HOUR, server(event, {"booking_id": "B-7", **more}))
        then.n += 1
        return order()

    then.n = 0
    then("Booking Completed", **STAY)
    assert then("Booking Modified", check_out="2026-07-10").ends_on == dt.date(2026, 7, 10)
    assert order().net_minor == 12500_00
    assert then("Booking Modified", value=9000).net_minor == 9000_00
    assert order().status == "confirmed"
    assert then("Booking Cancelled", reason="price").cancel_reason == "price"
    assert (order().status, order().cancelled_at) == ("cancelled", NOW + 3 * clock.HOUR)
    assert then("Booking Completed", **STAY).status == "confirmed"
    assert then("Guest Checked In").status == "in_house"
    assert then("Guest Checked Out").status == "completed"
    assert order().changes.count() == 7
    assert reasons() == []


def test_a_guest_who_did_not_come_and_a_cancelled_order(company):
    come_in(NOW, server("Booking Completed", STAY), server("Order Completed", BOUGHT))
    come_in(
        NOW + 1,
        server("Booking No-Show", {"booking_id": "B-7"}),
        server("Order Cancelled", BOUGHT | {"reason": "did not like it"}),
    )
    states = Order.objects.order_by("source_id").values_list("status", "cancel_reason")
    assert list(states) == [("cancelled", "other"), ("no_show", "")]


def test_refunds_come_off_the_order_each_once(company):
    come_in(NOW, server("Order Completed", BOUGHT))
    part = server("Order Refunded", {"order_id": 1001, "total": 300}, message_id="r1")
    come_in(NOW + 1, part, part)
    come_in(NOW + 2, part)
    assert (order().net_minor, order().net_base_minor, order().gross_minor) == (
        999_90, 999_90, 1399_90,
    )  # fmt: skip
    assert (order().status, company("big-basket")) == ("completed", [])
    come_in(NOW + 3, server("Order Refunded", {"order_id": 1001, "total": 1000}))
    assert "more than is left" in reasons()[0]
    come_in(NOW + 4, server("Order Refunded", {"order_id": 1001}))
    assert (order().net_minor, order().net_base_minor) == (0, 0)


def test_several_things_about_one_order_in_one_step(company):
    come_in(
        NOW,
        server("Order Completed", BOUGHT),
        server("Order Refunded", {"order_id": 1001, "revenue": 299.9}),
        server("Order Updated", {"order_id": 1001, "coupon": "GÜZ"}),
    )
    assert (order().net_minor, order().promo_code, order().status) == (1000_00, "GÜZ", "completed")
    assert reasons() == []


def test_a_refund_that_comes_before_its_order_waits_in_quarantine(company):
    come_in(NOW, server("Order Refunded", {"order_id": 1001}))
    assert reasons() == ["in part: order 1001: web has not told of it yet"]
    come_in(NOW + 1, server("Order Completed", BOUGHT))
    live.Live().retry()
    assert order().net_minor == 0
    assert not Quarantine.objects.exists()
    assert Event.objects.count() == 2


def test_a_later_word_is_not_undone_by_an_earlier_one_that_comes_late(company):
    def at(hours):
        return clock.to_datetime(NOW - hours * clock.HOUR).isoformat()

    come_in(NOW, server("Order Completed", BOUGHT, timestamp=at(9)))
    come_in(NOW + 1, server("Order Cancelled", {"order_id": 1001}, timestamp=at(2)))
    come_in(NOW + 2, server("Order Updated", {"order_id": 1001, "revenue": 1}, timestamp=at(5)))
    assert (order().status, order().net_minor) == ("cancelled", 1299_90)


def test_a_browser_tells_an_order_once_and_changes_none(company):
    browser = {"trusted": False, "anonymousId": "a", "userId": None}
    come_in(NOW, server("Order Completed", BOUGHT, **browser))
    assert order().net_minor == 1299_90
    come_in(
        NOW + 1,
        server("Order Completed", BOUGHT | {"revenue": 1}, **browser),  # the page again
        server("Order Updated", BOUGHT | {"revenue": 1}, **browser),
        server("Order Cancelled", BOUGHT, **browser),
        server("Order Refunded", BOUGHT, **browser | {"userId": "8"}),
        server("Guest Checked In", BOUGHT, **browser),
    )
    assert (order().net_minor, order().status) == (1299_90, "completed")
    assert order().profile_id == holder("anonymous", "web:a")
    assert set(reasons()) == {"in part: order 1001: only a server key changes orders"}
    assert len(reasons()) == 4
    # The shop's own program has the last word, and says whose it is.
    come_in(NOW + 2, server("Order Completed", BOUGHT | {"revenue": 5}))
    assert (order().net_minor, order().profile_id) == (5_00, holder("key", "web:7"))


def test_a_browser_does_not_say_of_which_state_an_order_is(company):
    fake = BOUGHT | {"status": "in_house"}
    come_in(NOW, server("Order Completed", fake, trusted=False))
    assert order().status == "completed"


BROWSER = {"trusted": False, "anonymousId": "a", "userId": None}
MADE_UP = {"order_id": 1001, "revenue": 900_000, "check_in": "2026-08-01", "nights": 9}


def described():
    """Return all that is known of the one order: its row, its history, its lines."""
    made = order()
    row = Order.objects.filter(pk=made.pk).values().get() | {"id": 0, "recorded_at": 0}
    changes = list(made.changes.order_by("changed_at").values())
    for change in changes:
        change |= {"id": 0, "order_id": 0, "recorded_at": 0}
    lines = list(made.items.order_by("line_no").values("sku", "name", "quantity", "amount_minor"))
    return row, changes, lines


@pytest.mark.parametrize("is_first", [True, False])
def test_of_an_order_that_a_browser_made_up_nothing_stays_when_the_shop_tells_it(company, is_first):
    real = server("Order Completed", BOUGHT, timestamp=clock.to_datetime(NOW - 9).isoformat())
    false = server("Order Completed", MADE_UP, **BROWSER)
    come_in(NOW, false if is_first else real)
    come_in(NOW + 1, real if is_first else false)
    row, changes, lines = described()
    assert (row["net_minor"], row["starts_on"], row["status"]) == (1299_90, None, "completed")
    assert (row["profile_id"], row["is_claimed"]) == (holder("key", "web:7"), False)
    assert [change["profile_id"] for change in changes] == [holder("key", "web:7")]
    assert (row["status_at"], len(lines)) == (NOW - 9, len(BOUGHT["products"]))
    come_in(NOW + 2, server("Order Completed", MADE_UP, message_id="again", **BROWSER))
    assert described() == (row, changes, lines)


def test_both_in_one_step_come_to_the_same(company):
    come_in(NOW, server("Order Completed", MADE_UP, **BROWSER), server("Order Completed", BOUGHT))
    assert (order().net_minor, order().starts_on) == (1299_90, None)
    assert order().changes.count() == 1


def test_who_claimed_an_order_is_evaluated_again_when_it_is_theirs_no_more(company):
    come_in(NOW, server("Order Completed", MADE_UP, **BROWSER))
    claimant = holder("anonymous", "web:a")
    assert claimant in company("big-basket")
    come_in(NOW + 1, server("Order Completed", BOUGHT))
    assert claimant not in company("big-basket")


def test_the_hotels_system_takes_the_place_of_a_claim_too(company):
    come_in(NOW, server("Booking Completed", STAY | {"booking_id": "R1"}, source="pms", **BROWSER))
    assert order().is_claimed
    come_in(NOW + 1, reservation("R1", version_at=NOW - clock.DAY, ordered_at=NOW - clock.DAY))
    made = order()
    assert (made.net_minor, made.room_type, made.is_claimed) == (100_00, "", False)
    assert made.profile_id == holder("key", "pms:G1")
    assert made.changes.count() == 1


def test_what_the_shop_said_of_a_claimed_order_stays_when_it_tells_the_order(company):
    earlier = clock.to_datetime(NOW - clock.DAY).isoformat()
    come_in(NOW, server("Order Completed", MADE_UP, **BROWSER))
    come_in(
        NOW + clock.HOUR,
        server("Order Cancelled", {"order_id": 1001}),
        server("Order Refunded", {"order_id": 1001, "total": 300}),
    )
    assert (order().status, order().is_claimed) == ("cancelled", True)
    why = "in part: order 1001: what it is worth only a browser has told yet"
    assert reasons() == [why]
    come_in(NOW + 2 * clock.HOUR, server("Order Completed", BOUGHT, timestamp=earlier))
    assert (order().status, order().net_minor) == ("cancelled", 1299_90)
    assert order().cancelled_at == NOW + clock.HOUR
    states = list(order().changes.order_by("changed_at").values_list("status", "profile_id"))
    buyer = holder("key", "web:7")
    assert states == [("completed", buyer), ("cancelled", buyer)]
    live.Live().retry()
    assert order().net_minor == 999_90


def reservation(number, **more):
    """Return a booking as the hotel's system tells it."""
    body = {
        "key": "G1", "source_id": number, "status": "confirmed", "ordered_at": NOW,
        "net_minor": 100_00, "version_at": NOW, "confirmation_no": "B-7", **more,
    }  # fmt: skip
    return Entry("order", "pms", f"pms:{number}:{body['version_at']}", json.dumps(body))


def test_a_booking_told_by_the_site_and_the_hotel_is_one_if_the_source_says_so(company):
    rules = {"orders": "pms"}
    come_in(NOW, server("Booking Completed", STAY, rules=rules))
    assert not Order.objects.exists()
    assert reasons() == []
    come_in(NOW + 1, reservation("R1"))
    come_in(NOW + 2, server("Booking Completed", STAY, rules=rules))
    assert (order().source, order().source_id, order().net_minor) == ("pms", "R1", 100_00)
    # A browser says nothing of it; the site's own program may, by the number of the confirmation.
    come_in(NOW + 3, server("Booking Cancelled", STAY, rules=rules, trusted=False))
    assert order().status == "confirmed"
    come_in(NOW + 4, server("Booking Cancelled", STAY, rules=rules))
    assert (order().status, order().profile_id) == ("cancelled", holder("key", "pms:G1"))


def test_without_that_setting_they_are_two_and_without_orders_there_is_none(company):
    come_in(NOW, server("Booking Completed", STAY), reservation("B-7"))
    assert Order.objects.count() == 2
    come_in(
        NOW + 1, server("Booking Completed", STAY | {"booking_id": "X"}, rules={"orders": "none"})
    )
    assert Order.objects.count() == 2
    assert Event.objects.count() == 2


def test_a_shop_that_sells_stays_speaks_as_hotels_do(company):
    define("started", {"events": {"name": "Booking Started", "count": {"at_least": 1}}})
    live.step(at=NOW - clock.MINUTE)
    come_in(
        NOW,
        track("Checkout Started", {"checkout_id": "c"}, anonymousId="a", rules={"sells": "stays"}),
        track("Checkout Started", {"check_in": "2026-07-01"}, anonymousId="b"),
        track("Checkout Started", {"checkout_id": "c"}, anonymousId="c"),
    )
    names = [names_of(holder("anonymous", f"web:{device}")) for device in "abc"]
    assert names == [["Booking Started"], ["Booking Started"], ["Checkout Started"]]
    assert isinstance(members("started"), list)
