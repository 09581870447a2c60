"""What hotels measure of bookings, and how a booking's versions and parts are kept."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.orders.test_record import BOOKED, LOADED, TZ, bring, guest, history, version

from pusula.lib import clock
from pusula.orders import measures, relations, stays
from pusula.orders.models import Order, Stay, StayGuest
from pusula.orders.stays import Guest, Segment

NEW_YORK = "America/New_York"


def part(nights: int = 2, **told) -> Segment:
    start = date(2026, 6, 9)
    return Segment(1, start, date(2026, 6, 9 + nights), **told)


def test_nights_rooms_and_the_daily_rate_leave_out_what_earns_nothing():
    assert measures.nights(date(2026, 6, 9), date(2026, 6, 9)) == 0
    day_use = part(0, nightly_minor=(500,))
    unpaid = part(3, nightly_minor=(0, 0, 0), is_unpaid=True)
    shared = part(2, rooms=0)
    paid = part(2, rooms=2, nightly_minor=(1_000, 2_000))
    assert measures.room_nights([day_use, unpaid, shared, paid]) == 4
    assert measures.adr_minor([day_use, unpaid, shared, paid]) == Fraction(3_000, 4)
    assert measures.adr_minor([day_use]) is None


def test_the_business_day_ends_with_the_night_audit():
    late = clock.start_of(date(2026, 6, 10), TZ) + 2 * clock.HOUR
    assert measures.business_day(late, TZ, 180) == date(2026, 6, 9)
    assert measures.business_day(late + clock.HOUR, TZ, 180) == date(2026, 6, 10)
    assert measures.audited_at(date(2026, 6, 9), TZ, 180) == late + clock.HOUR


@pytest.mark.parametrize(
    ("cancelled", "days"), [(date(2026, 6, 1), 8), (date(2026, 6, 9), 0), (date(2026, 6, 10), -1)]
)
def test_the_cancel_window_counts_days_before_arrival(cancelled, days):
    at = clock.start_of(cancelled, TZ)
    assert measures.cancel_window(at, date(2026, 6, 9), TZ) == days


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2**31).map(lambda s: s * clock.SECOND),
            st.one_of(st.none(), st.dates(date(1970, 1, 1), date(2040, 1, 1))),
        ),
        min_size=1,
        max_size=30,
    ),
    st.sampled_from([TZ, NEW_YORK, "Pacific/Apia", "UTC"]),
)
def test_lead_times_are_those_of_one_order_at_a_time(rows, tz):
    ordered_at = pa.chunked_array([pa.array([at for at, _on in rows], pa.int64())])
    starts_on = pa.chunked_array([pa.array([on for _at, on in rows], pa.date32())])
    expected = [
        None if on is None else max(0.0, float((on - clock.day_of(at, tz)).days)) for at, on in rows
    ]
    assert measures.lead_days(ordered_at, starts_on, tz).to_pylist() == expected


@pytest.mark.django_db
def test_lead_time_and_codes_are_columns_that_conditions_can_ask_for():
    owner = guest().id
    bring(version(owner, rate_code="NRF", market_code="Grup", rooms=2))
    columns = ("lead_days", "nights", "rate_code", "market_code", "rooms", "cancel_reason")
    (row,) = relations.rows(np.array([owner]), columns).to_pylist()
    assert row == {"profile_id": owner, "lead_days": 121.0, "nights": 3.0, "rate_code": "nrf",
                   "market_code": "grup", "rooms": 2.0, "cancel_reason": ""} | {
        k: v for k, v in row.items() if k in {"starts_on", "ends_on", "ordered_at"}}  # fmt: skip


@pytest.mark.django_db
def test_an_older_version_changes_nothing_whatever_its_status_says():
    owner = guest().id
    bring(version(owner, "cancelled", version_at=BOOKED + 20, cancelled_at=BOOKED + 20))
    bring(version(owner, "confirmed", version_at=BOOKED + 10), at=LOADED + 1)
    assert Order.objects.get().status == "cancelled"
    bring(version(owner, "confirmed", version_at=BOOKED + 30), at=LOADED + 2)
    order = Order.objects.get()
    assert (order.status, order.version_at, order.cancelled_at) == ("confirmed", BOOKED + 30, None)
    assert history()[-1] == (BOOKED + 30, "confirmed"), "booked anew when the source says"


def held() -> tuple[list[int], ...]:
    return tuple(sorted(m.objects.values_list("id", flat=True)) for m in (Stay, StayGuest))


@pytest.mark.django_db
def test_parts_and_guests_are_replaced_as_a_whole_and_stay_where_nothing_is_said():
    owner, child = guest().id, guest().id
    told = {
        "stays": (part(2, nightly_minor=(1, 2), child_ages=(7,)), part(2)._replace(line_no=2)),
        "guests": (Guest(1, owner, is_primary=True), Guest(2, child, age_class="child", age=7)),
    }
    bring(version(owner, version_at=BOOKED, **told))
    before = held()
    assert [stays.Segment(*r) for r in Stay.objects.values_list(*Segment._fields)] == [
        one._replace(child_ages=list(one.child_ages), nightly_minor=list(one.nightly_minor))
        for one in told["stays"]
    ]
    bring(version(owner, version_at=BOOKED, **told), at=LOADED + 1)
    bring(version(owner, version_at=BOOKED + 1, amount=5), at=LOADED + 2)
    assert before == held()
    bring(version(owner, version_at=BOOKED, stays=(), guests=()), at=LOADED + 3)
    assert Stay.objects.count() == 2, "an old version takes nothing away"
    bring(version(owner, version_at=BOOKED + 2, stays=told["stays"][:1], guests=()), at=LOADED + 4)
    assert (Stay.objects.count(), StayGuest.objects.count()) == (1, 0)
