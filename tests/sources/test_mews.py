"""Mews: hints and reconciliation, with its limits, its lag and its UTC."""

from __future__ import annotations

import itertools
import json
from datetime import date

import pytest
from django.test import Client
from tests.simulators import hotel_http
from tests.simulators.mews import Mews
from tests.sources.hotels import at as at_time
from tests.sources.hotels import hotels, key_of, moment, source, step

from pusula.consent.models import ConsentEntry
from pusula.events.models import Event
from pusula.lib import clock
from pusula.orders.models import Order, OrderChange, Stay
from pusula.pipeline import appender
from pusula.pipeline.models import LogEntry
from pusula.profiles.models import Identifier, Profile, Trait
from pusula.sources import health, polling
from pusula.sources.models import Poll, Source

pytestmark = pytest.mark.django_db(databases=["default", "log"])
NOW = "2026-06-01T12:00"


@pytest.fixture
def mews():
    return Mews()


@pytest.fixture
def pms(db, mews, monkeypatch):
    hotels()
    monkeypatch.setenv("PUSULA_MEWS_CLIENT_TOKEN", "client")
    monkeypatch.setenv("PUSULA_MEWS_ACCESS_TOKEN", "access")
    with hotel_http.served(mews) as address:
        yield source("mews", "mews", platform=address, hotels={"hotel-1": "Lodos Çeşme"},
                     board={"Rate flex": "HB"}, enterprise="chain-1")  # fmt: skip


def ask(pms, when=NOW):
    with at_time(when):
        done = polling.poll(pms, moment(when))
    step(moment(when) + clock.SECOND)
    return done


def test_a_reservation_is_told_by_the_hotels_own_clock(pms, mews):
    mews.know("c1", FirstName="Elif", LastName="Aydın", Email="elif@example.com",
              LanguageCode="tr-TR", Options=["SendMarketingEmails"])  # fmt: skip
    # 22:30 UTC on the 9th is 01:30 on the 10th in Çeşme, and still the 9th by the hotel's books.
    mews.book("r1", "c1", "2026-05-30T10:00:00Z", ScheduledStartUtc="2026-06-09T22:30:00Z")
    done = ask(pms)
    assert (done.n_new, done.error, done.problem) == (2, "", "")
    order = Order.objects.get()
    assert (order.source, order.source_id, order.status) == ("mews", "r1", "confirmed")
    assert (order.starts_on, order.ends_on) == (date(2026, 6, 9), date(2026, 6, 11))
    assert (order.property, order.board, order.rate_code) == ("Lodos Çeşme", "HB", "Rate flex")
    assert (order.room_type, order.adults, order.children) == ("Room suite", 2, 1)
    assert (order.net_minor, order.confirmation_no, order.channel) == (3000_00, "Nr1", "OTA")
    assert Stay.objects.get().nightly_minor == [1200_50, 1200_50]
    assert Trait.objects.get(name="pms_marketing_email").number == 1
    assert not ConsentEntry.objects.exists(), "a flag of the hotel's system is no permission"


@pytest.mark.parametrize(
    ("state", "reason", "status", "ours"),
    [
        ("Canceled", "NoShow", "no_show", "no_show"),
        ("Canceled", "Update", "cancelled", "replaced"),
        ("Canceled", "PriceTooHigh", "cancelled", "price"),
        ("Canceled", "SomethingNew", "cancelled", "other"),
        ("Optional", None, "pending", ""),
        ("Started", None, "in_house", ""),
        ("Processed", None, "completed", ""),
    ],
)
def test_states_and_reasons_are_put_in_our_words(  # noqa: PLR0917 - the table
    pms, mews, state, reason, status, ours
):
    mews.book("r1", "c1", "2026-05-30T10:00:00Z", State=state, CancellationReason=reason,
              CancelledUtc="2026-05-30T09:00:00Z" if reason else None)  # fmt: skip
    ask(pms)
    order = Order.objects.get()
    assert (order.status, order.cancel_reason) == (status, ours)
    assert (order.cancelled_at is not None) == (status == "cancelled")


def test_a_portals_address_leads_to_nobody(pms, mews):
    mews.know("c1", FirstName="Elif", Email="x9@guest.booking.com", HasOtaEmail=True)
    mews.know("c2", FirstName="Ali", Email="same@portal.example", Options=["HasOtaEmail"])
    mews.know("c3", FirstName="Can", Email="same@portal.example", Options=["HasOtaEmail"])
    for n in (1, 2, 3):
        mews.book(f"r{n}", f"c{n}", "2026-05-30T10:00:00Z")
    ask(pms)
    assert Profile.objects.count() == 3
    assert not Identifier.objects.filter(kind="email").exists()


def test_who_booked_is_told_from_who_stays(pms, mews):
    mews.know("c1", FirstName="Elif", Email="elif@example.com")
    mews.know("c2", FirstName="Baba", Email="baba@example.com")
    mews.book("r1", "c1", "2026-05-30T10:00:00Z", BookerId="c2")
    ask(pms)
    order = Order.objects.get()
    assert order.profile.first_name == "Baba"
    assert [g.profile.first_name for g in order.guests.all()] == ["Elif"]


def test_all_pages_and_windows_are_read_and_the_same_again_is_nothing_new(pms, mews):
    for n in range(7):
        mews.book(f"r{n}", f"c{n}", f"2026-0{1 + n % 5}-10T10:00:00Z")
    assert ask(pms).n_new == 14
    assert Order.objects.count() == 7
    assert mews.calls.count("reservations/getAll/2023-06-06") > 5, "five windows at least"
    again = ask(pms, "2026-06-01T12:05")
    assert (again.n_new, again.error) == (0, "")
    Source.objects.update(cursor={})
    assert ask(pms, "2026-06-01T12:10").n_new == 0


def test_what_mews_shows_late_is_found_by_the_overlap(pms, mews):
    ask(pms)
    mews.book("r1", "c1", "2026-06-01T08:55:00Z")  # before the first reading, shown after it
    assert ask(pms, "2026-06-01T12:03").n_new == 2


def test_a_window_that_is_too_much_is_asked_by_halves(pms, mews):
    mews.largest = 2
    for n in range(5):
        mews.book(f"r{n}", f"c{n}", f"2026-05-1{n}T10:00:00Z")
    assert ask(pms).n_new == 10


def test_who_is_asked_too_often_is_asked_later_from_where_it_stood(pms, mews):
    for n in range(5):
        mews.book(f"r{n}", f"c{n}", f"2026-0{1 + n}-10T10:00:00Z")
    mews.patience = 12
    done = ask(pms)
    assert (done.after_s, "429" in str(done.error)) == (77, True)
    row = Poll.objects.get()
    assert row.next_at == moment(NOW) + 77 * clock.SECOND
    pms.refresh_from_db()
    assert pms.cursor["updated_at"] < moment(NOW)
    assert polling.due(moment(NOW) + 76 * clock.SECOND) == []
    assert polling.due(moment(NOW) + 77 * clock.SECOND) == [pms]
    mews.patience = 1_000
    ask(pms, "2026-06-01T12:02")
    assert Order.objects.count() == 5
    assert Poll.objects.get().n_failures == 0


def test_each_failure_waits_longer_and_is_told_without_its_secrets(pms, mews, monkeypatch):
    monkeypatch.setenv("PUSULA_MEWS_ACCESS_TOKEN", "s3cret-and-wrong")
    waits = []
    for n in range(8):
        when = moment(NOW) + n * clock.DAY
        done = ask(pms, f"2026-06-0{n + 1}T12:00")
        waits.append((Poll.objects.get().next_at - when) // clock.SECOND)
    assert all(n > 5 for n in waits)
    assert max(waits) <= polling.LONGEST_PAUSE_S
    assert waits[-1] > waits[0]
    pms.refresh_from_db()
    assert "401" in str(done.error)
    assert "s3cret" not in pms.last_error
    assert health.of(pms, moment(NOW) + 9 * clock.DAY).state == "failing"


def test_a_missing_secret_or_hotel_says_where_it_belongs(pms, mews, monkeypatch):
    mews.book("r1", "c1", "2026-05-30T10:00:00Z", ServiceId="hotel-2")
    done = ask(pms)
    assert "settings.hotels does not say which hotel 'hotel-2' is" in str(done.problem)
    monkeypatch.delenv("PUSULA_MEWS_CLIENT_TOKEN")
    assert "PUSULA_MEWS_CLIENT_TOKEN" in str(ask(pms, "2026-06-01T13:00").error)
    Source.objects.update(settings={"hotel": {}})
    assert "unknown field `hotel`" in str(ask(pms, "2026-06-01T14:00").error)


def test_a_crash_between_log_and_cursor_repeats_without_harm(pms, mews, monkeypatch):
    mews.book("r1", "c1", "2026-05-30T10:00:00Z")

    keep = polling._keep

    def die(pms, lease, page):
        if page.entries:
            raise KeyboardInterrupt
        return keep(pms, lease, page)

    with monkeypatch.context() as broken:
        broken.setattr(polling, "_keep", die)
        with pytest.raises(KeyboardInterrupt):
            ask(pms)
    pms.refresh_from_db()
    n = LogEntry.objects.count()
    assert n == 2
    assert pms.cursor["updated_at"] <= moment("2026-05-30T13:00")
    assert polling.poll(pms, moment(NOW)) is None, "the dead one holds it for a while"
    later = "2026-06-01T12:06"
    assert ask(pms, later).n_same == 2
    assert LogEntry.objects.count() == n


def test_two_askers_never_ask_one_source(pms, mews, monkeypatch):
    mews.book("r1", "c1", "2026-05-30T10:00:00Z")
    seen = []
    real = appender.append

    def meanwhile(entries):
        seen.append(polling.poll(pms, clock.now()))
        return real(entries)

    monkeypatch.setattr(appender, "append", meanwhile)
    ask(pms)
    assert set(seen) == {None}


def test_who_lost_the_lease_moves_no_cursor(pms, mews, monkeypatch):
    mews.book("r1", "c1", "2026-05-30T10:00:00Z")
    real = appender.append

    def lose(entries):
        Poll.objects.update(lease="another")
        return real(entries)

    monkeypatch.setattr(appender, "append", lose)
    assert ask(pms).is_lost
    pms.refresh_from_db()
    assert pms.cursor == {}
    assert Poll.objects.get().lease == "another"


def test_versions_in_any_order_leave_the_newest(pms, mews):
    versions = [
        {"updated": "2026-05-01T10:00:00Z", "State": "Confirmed"},
        {"updated": "2026-05-02T10:00:00Z", "State": "Canceled",
         "CancellationReason": "RequestedByGuest", "CancelledUtc": "2026-05-02T09:59:00Z"},
        {"updated": "2026-05-03T10:00:00Z", "State": "Confirmed"},
    ]  # fmt: skip
    for n, order in enumerate(itertools.permutations(range(3))):
        Source.objects.update(cursor={})
        for k in order:
            mews.book(f"r{n}", "c1", **versions[k])
            ask(pms, f"2026-06-0{n + 1}T1{k}:00")
            mews.reservations.clear()
            Source.objects.update(cursor={})
    assert set(Order.objects.values_list("status", "cancelled_at")) == {("confirmed", None)}
    for order in Order.objects.all():
        newest = OrderChange.objects.filter(order=order).order_by("-changed_at").first()
        assert newest.status == "confirmed"


def test_a_webhook_makes_the_source_due_and_nothing_else(pms, mews):
    ask(pms)
    path = f"/hooks/mews/mews/{key_of(pms)}"
    event = {"Discriminator": "ServiceOrderUpdated", "Value": {"Id": "r1"}}
    hint = {"EnterpriseId": "chain-1", "IntegrationId": "i", "Events": [event]}
    with at_time("2026-06-01T12:00:20"):
        n_calls = len(mews.calls)
        answer = Client().post(path, json.dumps(hint), content_type="application/json")
        assert (answer.status_code, len(mews.calls)) == (200, n_calls), "answered at once"
        assert polling.due(clock.now()) == [pms]
        for wrong in ("[]", "{", '{"Events": 1}', json.dumps(hint | {"EnterpriseId": "x"})):
            assert Client().post(path, wrong, content_type="application/json").status_code == 400
    assert not LogEntry.objects.exists()


def test_arrivals_and_departures_happen_once(pms, mews):
    mews.book("r1", "c1", "2026-06-01T08:00:00Z", State="Started",
              ActualStartUtc="2026-06-01T07:30:00Z")  # fmt: skip
    ask(pms)
    mews.reservations["r1"] |= {"UpdatedUtc": "2026-06-01T09:00:00Z"}
    ask(pms, "2026-06-01T12:20")
    event = Event.objects.get()
    assert (event.name, event.at) == ("Guest Checked In", moment("2026-06-01T10:30"))


def test_customers_change_without_a_booking_and_are_merged_as_mews_merged_them(pms, mews):
    mews.know("c1", FirstName="Elif", Email="elif@example.com")
    mews.know("c2", FirstName="Elif", Email="e.aydin@example.com")
    mews.book("r1", "c1", "2026-05-30T10:00:00Z")
    mews.book("r2", "c2", "2026-05-30T10:00:00Z")
    ask(pms)
    assert Profile.objects.count() == 2
    mews.know("c1", FirstName="Elif Su", Email="elif@example.com",
              UpdatedUtc="2026-06-01T10:00:00Z")  # fmt: skip
    mews.know("c2", FirstName="Elif", MergeTargetId="c1", UpdatedUtc="2026-06-01T10:00:00Z")
    ask(pms, "2026-06-01T14:00")
    elif_ = Profile.objects.get()
    assert elif_.first_name == "Elif Su"
    assert set(Order.objects.values_list("profile_id", flat=True)) == {elif_.pk}
    assert ask(pms, "2026-06-01T14:05").n_new == 0
