"""Elektraweb: lists by status become orders, identity numbers never reach the log."""

from __future__ import annotations

import pytest
from tests.simulators import hotel_http
from tests.simulators.elektraweb import Elektraweb
from tests.sources.hotels import at as at_time
from tests.sources.hotels import hotels, moment, source, step

from pusula.lib import clock
from pusula.orders.models import Order, OrderChange
from pusula.pipeline.models import LogEntry
from pusula.profiles import documents
from pusula.profiles.models import Identifier, Profile
from pusula.sources import polling

pytestmark = pytest.mark.django_db(databases=["default", "log"])
NOW = "2026-06-01T12:00"


@pytest.fixture
def elektra():
    return Elektraweb()


@pytest.fixture
def pms(db, elektra, monkeypatch):
    hotels()
    monkeypatch.setenv("PUSULA_ELEKTRA_BODRUM_PASSWORD", "pw")
    with hotel_http.served(elektra) as address:
        yield source("elektra-bodrum", "elektraweb", address=address, user="pusula",
                     hotels={"77": "Lodos Bodrum"})  # fmt: skip


def ask(pms, when=NOW):
    with at_time(when):
        done = polling.poll(pms, moment(when))
    step(moment(when) + clock.SECOND)
    return done


def test_a_reservation_becomes_an_order_of_its_first_guest(pms, elektra):
    elektra.book("5")
    assert ask(pms).error == ""
    order = Order.objects.get()
    assert (order.source_id, order.status, order.board) == ("5", "confirmed", "AI")
    assert (order.adults, order.children, order.net_minor) == (2, 1, 12_500_50)
    assert (order.channel, order.confirmation_no) == ("Jolly", "V5")
    ages = order.guests.order_by("guest_no").values_list("age_class", "age")
    assert list(ages) == [("adult", None), ("adult", None), ("child", 6)], "7 the day after"
    assert Profile.objects.get().name == "Ayşe Kaya", "who cannot be met again is no profile"


def test_a_number_of_the_state_never_reaches_the_log(pms, elektra):
    assert documents.is_national_id("10000000078")
    elektra.book("5")
    ask(pms)
    assert "10000000078" not in "".join(LogEntry.objects.values_list("body", flat=True))


def test_each_list_is_a_status_and_the_same_again_is_nothing_new(pms, elektra):
    elektra.book("5")
    ask(pms)
    assert ask(pms, "2026-06-01T12:10").n_new == 0
    elektra.book("5", **{"reservation-status": "InHouse", "update-date": "2026-06-09 15:00:00"})
    ask(pms, "2026-06-09T16:00")
    elektra.book("5", **{"reservation-status": "CheckOut", "update-date": "2026-06-14 11:00:00"})
    ask(pms, "2026-06-14T16:00")
    history = OrderChange.objects.order_by("changed_at").values_list("status", flat=True)
    assert list(history) == ["confirmed", "in_house", "completed"]


def test_a_token_that_ends_is_replaced(pms, elektra):
    elektra.lasts = 2
    elektra.book("5")
    assert ask(pms).error == ""
    assert elektra.n_tokens == 2
    assert Order.objects.count() == 1


def test_what_is_wrong_with_one_does_not_cost_the_others(pms, elektra):
    elektra.book("5", **{"total-price": "çok"})
    elektra.book("6", **{"check-out": "2026-06-01"})
    elektra.book("7")
    done = ask(pms)
    assert str(done.problem) == "5: total-price: is no amount such as 1250.00"
    assert list(Order.objects.values_list("source_id", flat=True)) == ["7"]


def test_a_guest_is_known_again_by_the_number_of_the_state(pms, elektra):
    elektra.book("5")
    elektra.book("6", **{"contact-email": "other@example.com", "contact-phone": ""})
    ask(pms)
    assert len(set(Order.objects.values_list("profile_id", flat=True))) == 1
    held = Identifier.objects.get(kind="national_id")
    assert held.value == documents.national_id("10000000078")
