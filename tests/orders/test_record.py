"""What sources say of an order over time becomes its state and a history that never lies."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from pusula.lib import clock
from pusula.orders.actions import record
from pusula.orders.models import Order, OrderChange, OrderItem
from pusula.orders.versions import Item, Version
from pusula.profiles.models import Profile

pytestmark = pytest.mark.django_db

TZ = "Europe/Istanbul"
BOOKED, CANCELLED, LOADED = (clock.start_of(date(2024, month, 1), TZ) for month in (1, 3, 6))


def guest() -> Profile:
    return Profile.objects.create(created_at=0, recorded_at=0)


def version(profile_id: int | None, status: str = "confirmed", **told) -> Version:
    amount = told.pop("amount", 1000)
    common = {
        "source_id": "R1", "ordered_at": BOOKED, "currency": "TRY", "gross_minor": amount,
        "net_minor": amount, "gross_base_minor": amount, "net_base_minor": amount,
        "starts_on": date(2024, 5, 1), "ends_on": date(2024, 5, 4),
    }  # fmt: skip
    return Version(profile_id=profile_id, status=status, **{**common, **told})


def bring(*versions: Version, at: int = LOADED, **told):
    return record(versions, source="pms", at=at, tz=TZ, **told)


def history() -> list[tuple[int, str]]:
    return list(OrderChange.objects.order_by("changed_at").values_list("changed_at", "status"))


def test_an_order_that_ended_was_confirmed_before():
    result = bring(version(guest().id, "cancelled", status_at=CANCELLED))
    assert (result.n_new, result.n_changed, result.n_same) == (1, 0, 0)
    assert history() == [(BOOKED, "confirmed"), (CANCELLED, "cancelled")]
    order = Order.objects.get()
    assert (order.status, order.status_at, order.cancelled_at) == (
        "cancelled", CANCELLED, CANCELLED,
    )  # fmt: skip
    assert list(OrderChange.objects.values_list("recorded_at").distinct()) == [(LOADED,)]


def test_an_order_that_still_stands_has_one_change():
    bring(version(guest().id, "confirmed", status_at=CANCELLED))
    assert history() == [(BOOKED, "confirmed")]


@pytest.mark.parametrize(
    ("status", "told", "since"),
    [
        ("completed", {}, clock.start_of(date(2024, 5, 4), TZ)),
        ("no_show", {}, clock.start_of(date(2024, 5, 1), TZ)),
        ("in_house", {}, clock.start_of(date(2024, 5, 1), TZ)),
        ("cancelled", {"cancelled_at": CANCELLED}, CANCELLED),
        ("cancelled", {}, BOOKED),
        ("completed", {"ends_on": date(2024, 9, 1)}, LOADED),  # not later than we know
        ("completed", {"starts_on": None, "ends_on": None}, BOOKED),
        ("completed", {"status_at": BOOKED - 5}, BOOKED),  # never before it was made
    ],
)
def test_a_status_without_a_time_holds_since_its_days_tell(status, told, since):
    bring(version(guest().id, status, **told))
    assert Order.objects.get().status_at == since
    assert history()[-1] == (since, status)


def test_the_same_again_changes_nothing():
    one = version(guest().id, "completed", cancelled_at=CANCELLED)
    bring(one)
    result = bring(one, at=LOADED + 1)
    assert (result.n_new, result.n_changed, result.n_same) == (0, 0, 1)
    assert not len(result.touched)
    assert OrderChange.objects.count() == 2


def test_every_difference_of_a_known_order_is_a_change():
    owner = guest().id
    bring(version(owner))
    result = bring(version(owner, amount=1200), at=LOADED + 1)
    assert (result.n_changed, list(result.touched)) == (1, [owner])
    bring(version(owner, amount=1200, room_type="Suite"), at=LOADED + 2)
    bring(version(owner, "cancelled", amount=1200, room_type="Suite", cancelled_at=CANCELLED),
          at=LOADED + 3)  # fmt: skip
    assert history() == [
        (BOOKED, "confirmed"),
        (LOADED + 1, "confirmed"),
        (LOADED + 2, "confirmed"),
        # The day of the cancellation lies before what is known already; the newest stays newest.
        (LOADED + 2 + 1, "cancelled"),
    ]
    assert Order.objects.get().cancelled_at == CANCELLED


def test_an_older_status_never_overwrites_a_newer_one():
    owner = guest().id
    bring(version(owner, "cancelled", status_at=CANCELLED))
    result = bring(version(owner, "confirmed", status_at=CANCELLED - 1, amount=9), at=LOADED + 1)
    assert (result.n_changed, result.n_same) == (0, 1)
    assert Order.objects.get().status == "cancelled"


def test_a_cancelled_booking_may_be_reinstated():
    owner = guest().id
    bring(version(owner, "cancelled", status_at=CANCELLED))
    bring(version(owner, "confirmed", status_at=CANCELLED + 5), at=LOADED + 1)
    order = Order.objects.get()
    assert (order.status, order.cancelled_at) == ("confirmed", None)
    assert history()[-1] == (CANCELLED + 5, "confirmed")


def test_several_versions_at_once_take_effect_by_their_time():
    owner = guest().id
    result = bring(
        version(owner, "cancelled", status_at=CANCELLED),
        version(owner, "confirmed", status_at=BOOKED),
        version(owner, "confirmed", status_at=BOOKED, amount=1),
    )
    assert (result.n_new, result.n_changed, result.n_same) == (1, 1, 1), "one moment, one word"
    assert Order.objects.get().status == "cancelled"
    assert history() == [(BOOKED, "confirmed"), (CANCELLED, "cancelled")]
    assert set(OrderChange.objects.values_list("net_base_minor")) == {(1,), (1000,)}


def test_of_versions_that_do_not_say_when_the_last_counts():
    owner = guest().id
    result = bring(version(owner, amount=1), version(owner, amount=2))
    assert (result.n_new, result.n_changed, result.n_same) == (1, 0, 1)
    assert Order.objects.get().net_minor == 2


def test_what_a_source_does_not_speak_of_stays():
    owner = guest().id
    bring(version(owner, region="Bodrum"))
    news = version(owner, "completed")
    bring(news, at=LOADED + 1, said={"status", "profile_id"})
    assert Order.objects.get().region == "Bodrum"
    bring(news, at=LOADED + 2)
    assert Order.objects.get().region == ""


def test_an_order_moves_with_its_guest_and_touches_both():
    before, after = guest().id, guest().id
    bring(version(before))
    assert list(bring(version(after), at=LOADED + 1).touched) == [before, after]
    assert Order.objects.get().profile_id == after


def test_an_order_of_nobody_in_particular_is_not_made_but_a_known_one_keeps_its_guest():
    assert bring(version(None)).ambiguous == [0]
    assert not Order.objects.exists()
    owner = guest().id
    bring(version(owner))
    result = bring(version(None, amount=7), at=LOADED + 1)
    assert (result.ambiguous, result.n_changed) == ([], 1)
    assert Order.objects.get().profile_id == owner


def test_lines_are_replaced_as_a_whole():
    owner = guest().id
    two = (Item(1, "a", "A", 1, 400), Item(2, "b", "B", 2, 600))
    bring(version(owner, items=two))
    assert bring(version(owner, items=two), at=LOADED + 1).n_same == 1
    assert bring(version(owner, items=two[:1]), at=LOADED + 2).n_changed == 1
    assert list(OrderItem.objects.values_list("sku", "amount_minor")) == [("a", 400)]


def test_numbers_of_different_sources_do_not_meet():
    owner = guest().id
    bring(version(owner))
    record([version(owner, amount=5)], source="shop", at=LOADED, tz=TZ)
    assert Order.objects.count() == 2


class History(TestCase):
    """The law of any versions: the newest change equals the order; again changes nothing."""

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["pending", "confirmed", "in_house", "completed", "cancelled"]),
                st.one_of(st.none(), st.integers(BOOKED - 9, BOOKED + 9)),
                st.integers(0, 2),
                st.booleans(),
            ),
            min_size=1,
            max_size=6,
        )
    )
    def test_the_newest_change_equals_the_order(self, told):
        owner = guest().id
        for step, (status, status_at, amount, is_alone) in enumerate(told):
            one = version(owner, status, status_at=status_at, amount=amount)
            bring(*([one] if is_alone else [one, one]), at=LOADED + step)
            assert bring(one, at=LOADED + step).n_same == 1
        order = Order.objects.get()
        changes = list(OrderChange.objects.order_by("-changed_at"))
        newest = changes[0]
        assert (newest.status, newest.net_base_minor) == (order.status, order.net_base_minor)
        assert len({change.changed_at for change in changes}) == len(changes)
        assert (order.cancelled_at is not None) == (order.status == "cancelled")
