"""One guest of two hotels, told by three systems: one profile, the right bookings and segments."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from tests.pipeline.company import define, members
from tests.simulators import hotel_http
from tests.simulators.mews import Mews
from tests.simulators.ota import booking, cancellation, message
from tests.sources.hotels import at as at_time
from tests.sources.hotels import hotels, key_of, moment, source, step

from pusula.events.models import Event
from pusula.lib import clock
from pusula.orders.models import Order, OrderChange
from pusula.pipeline.models import Quarantine
from pusula.profiles.models import Identifier, Profile
from pusula.segments.everybody import rebuild
from pusula.sources import polling

pytestmark = pytest.mark.django_db(databases=["default", "log"])


def orders(**test):
    return {"orders": {"count": {"at_least": 1}, "where": test}}


SEGMENTS = {
    "coming-to-bodrum": {
        "orders": {
            "count": {"at_least": 1}, "by": "starts_on", "within": {"next": "all"},
            "where": {"status": {"is": "confirmed"}, "region": {"in": ["Bodrum"]}},
        }
    },
    "lost": {
        "orders": {
            "count": {"at_least": 1},
            "where": {"status": {"is": "cancelled"}, "cancel_reason": {"is_not": "replaced"}},
        }
    },
    "did-not-come": orders(status={"is": "no_show"}),
    "books-early": orders(lead_days={"at_least": 90}),
    "called": {"events": {"name": "Call Received", "count": {"at_least": 1}}},
    "both-hotels": {"orders": {"distinct": "property", "is": {"at_least": 2}}},
}  # fmt: skip


@pytest.fixture
def group(db, monkeypatch):
    hotels()
    for key, where in SEGMENTS.items():
        define(key, where)
    rebuild.everybody(at=moment("2026-02-28T00:00"))
    monkeypatch.setenv("PUSULA_MEWS_CLIENT_TOKEN", "client")
    monkeypatch.setenv("PUSULA_MEWS_ACCESS_TOKEN", "access")
    mews = Mews()
    with hotel_http.served(mews) as address:
        pms = source("mews", "mews", platform=address, hotels={"hotel-1": "Lodos Çeşme"})
        ota = source("siteminder", "ota", hotels={"BOD": "Lodos Bodrum"})
        santral = source("santral", "calls")
        yield Group(mews, pms, key_of(ota), key_of(santral))


class Group:
    """The company's systems, and what becomes of what they say."""

    def __init__(self, mews: Mews, pms, ota_key: str, calls_key: str) -> None:
        self.mews, self.pms = mews, pms
        self.doors = {
            "ota": f"/hooks/ota/siteminder/{ota_key}", "calls": f"/hooks/calls/santral/{calls_key}",
        }  # fmt: skip

    def push(self, when: str, door: str, body: bytes | dict) -> None:
        kind = "text/xml" if isinstance(body, bytes) else "application/json"
        told = body if isinstance(body, bytes) else json.dumps(body)
        with at_time(when):
            answer = Client().post(self.doors[door], told, content_type=kind)
        assert answer.status_code == 200
        assert b"Error" not in answer.content
        step(moment(when) + 1)

    def ask(self, when: str) -> None:
        with at_time(when):
            done = polling.poll(self.pms, moment(when))
        assert (done.error, done.problem) == ("", "")
        step(moment(when) + clock.SECOND)


def in_them() -> set[str]:
    return {key for key in SEGMENTS if members(key)}


def test_one_guest_of_two_hotels_is_known_across_their_systems(group):
    # A portal's booking in Bodrum, four months ahead.
    group.push("2026-03-01T09:01", "ota", message(booking()))
    assert in_them() == {"coming-to-bodrum", "books-early"}

    # The same Elif books in Çeşme at the desk, with another spelling of her address.
    group.mews.know("c1", FirstName="Elif", LastName="Aydın", Email="Elif@Example.com")
    group.mews.book("r1", "c1", "2026-05-02T10:00:00Z", CreatedUtc="2026-05-02T10:00:00Z")
    group.ask("2026-05-02T13:05")
    elif_ = Profile.objects.get()
    assert in_them() == {"coming-to-bodrum", "books-early", "both-hotels"}

    # She calls from the number the portal knows.
    call = {"call_id": "k1", "phone": "05321234568", "started_at": "2026-05-03T10:00:00",
            "answered_at": "2026-05-03T10:00:05", "outcome": "asks for a cot"}  # fmt: skip
    group.push("2026-05-03T10:10", "calls", call)
    assert Profile.objects.count() == 1
    assert members("called") == [elif_.pk]

    # Bodrum is shortened, cancelled, and booked again under its number.
    shorter = booking(modified="2026-05-04T10:00:00+03:00", end="2026-07-03")
    group.push("2026-05-04T10:01", "ota", message(shorter, status="Modify"))
    group.push("2026-05-05T10:01", "ota", cancellation("BDC-1", "2026-05-05T10:00:00+03:00"))
    assert {"lost"} == in_them() - {"books-early", "both-hotels", "called"}
    shorter = booking(modified="2026-05-06T10:00:00+03:00", end="2026-07-03")
    group.push("2026-05-06T10:01", "ota", message(shorter, status="Modify"))
    assert "lost" not in in_them()
    assert members("coming-to-bodrum") == [elif_.pk]

    # Mews cancels one only to book it anew: nobody is lost. The new one is not used.
    group.mews.book("r1", "c1", "2026-05-10T10:00:00Z", State="Canceled",
                    CreatedUtc="2026-05-02T10:00:00Z", CancellationReason="Update",
                    CancelledUtc="2026-05-10T10:00:00Z")  # fmt: skip
    group.mews.book("r2", "c1", "2026-05-10T10:00:00Z", CreatedUtc="2026-05-10T10:00:00Z")
    group.ask("2026-05-10T13:05")
    assert "lost" not in in_them()
    group.mews.book("r2", "c1", "2026-06-10T00:30:00Z", State="Canceled",
                    CreatedUtc="2026-05-10T10:00:00Z", CancellationReason="NoShow",
                    CancelledUtc="2026-06-10T00:30:00Z")  # fmt: skip
    group.ask("2026-06-10T04:00")
    assert members("did-not-come") == [elif_.pk]

    assert sorted(Order.objects.values_list("source_id", "status", "cancel_reason")) == [
        ("BDC-1", "confirmed", ""), ("r1", "cancelled", "replaced"), ("r2", "no_show", "no_show"),
    ]  # fmt: skip
    history = OrderChange.objects.filter(order__source_id="BDC-1").order_by("changed_at")
    assert list(history.values_list("status", flat=True)) == [
        "confirmed", "confirmed", "cancelled", "confirmed",
    ]  # fmt: skip
    names = Event.objects.order_by("at").values_list("name", flat=True)
    assert "Call Received" in names
    assert "Booking No-Show" in names
    keys = Identifier.objects.filter(profile=elif_).values_list("kind", flat=True)
    assert sorted(keys) == ["email", "key", "phone"]
    assert not Quarantine.objects.exists()
    rebuild.everybody(at=moment("2026-06-10T05:00"))
    assert in_them() == {"coming-to-bodrum", "books-early", "both-hotels", "called", "did-not-come"}
