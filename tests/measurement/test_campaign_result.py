"""What counts for whom: the window, the arms, the money, and everybody who was assigned."""

from __future__ import annotations

import pytest

from pusula.campaigns.models import Assignment, Campaign
from pusula.events.models import Event
from pusula.lib import clock
from pusula.measurement.results.campaign import Counted, Phase, as_dict, result
from pusula.orders.models import Order, OrderChange
from pusula.outbox.models import Content, Message, Receipt
from pusula.profiles.models import Profile

pytestmark = pytest.mark.django_db
START = 1_790_000_000_000_000
END = START + 14 * clock.DAY


def campaign(**changes) -> Campaign:
    given = {
        "key": "winback",
        "title": "Winback",
        "goal": "loyalty",
        "state": "finished",
        "currency": "TRY",
        "holdout_share": 0.5,
        "message_cost_minor": 10,
        "fixed_cost_minor": 1_000,
        "margin": 0.3,
        "created_at": START,
        "started_at": START,
        "window_ends_at": END,
    }
    return Campaign.objects.create(**given | changes)


def assign(made: Campaign, arm: str, variant: str = "", at: int = START) -> Profile:
    profile = Profile.objects.create(created_at=0, recorded_at=0)
    Assignment.objects.create(
        campaign=made, profile=profile, arm=arm, variant=variant, assigned_at=at
    )
    return profile


def buy(profile: Profile, at: int, minor: int, status: str = "confirmed", **more) -> Order:
    order = Order.objects.create(
        profile=profile, source="shop", source_id=str(Order.objects.count()), status=status,
        ordered_at=at, status_at=at, currency="TRY", gross_minor=minor, net_minor=minor,
        gross_base_minor=minor, net_base_minor=minor, recorded_at=at, **more,
    )  # fmt: skip
    change(order, at, status, minor)
    return order


def change(order: Order, at: int, status: str, minor: int) -> None:
    OrderChange.objects.create(
        order=order, profile=order.profile, ordered_at=order.ordered_at, changed_at=at,
        recorded_at=at, status=status, gross_base_minor=minor, net_base_minor=minor,
    )  # fmt: skip


def message(made: Campaign, profile: Profile, state: str) -> Message:
    content, _ = Content.objects.get_or_create(
        channel="email", sender="a@b.co", subject="s", text="t", html="", created_at=0
    )
    return Message.objects.create(
        dedupe_key=str(profile.pk), origin=made.origin, profile=profile, content=content,
        channel="email", purpose="marketing", address=f"{profile.pk}@example.com",
        token=str(profile.pk), state=state, due_at=0, not_after_at=0, created_at=0,
    )  # fmt: skip


def test_orders_inside_the_window_count_and_others_do_not():
    made = campaign()
    treated, held = assign(made, "treated"), assign(made, "holdout")
    buy(treated, START - 1, 100)
    buy(treated, START, 200)
    buy(treated, END - 1, 400)
    buy(treated, END, 800)
    buy(held, START + clock.DAY, 1_600)
    found = result(made, END + clock.DAY)
    assert (found.treated.n_conversions, found.treated.revenue_minor) == (1, 600)
    assert (found.holdout.n_conversions, found.holdout.revenue_minor) == (1, 1_600)
    assert found.phase is Phase.READY
    assert found.counted is Counted.ORDER
    assert found.overall is None  # one person in each arm


def test_everybody_assigned_counts_whether_the_message_left_or_not():
    made = campaign()
    treated = [assign(made, "treated") for _ in range(4)]
    for profile, state in zip(treated, ["sent", "sent", "skipped", "failed"], strict=True):
        message(made, profile, state)
    for _ in range(4):
        assign(made, "holdout")
    for profile in treated[1:3]:  # one got it, one did not
        buy(profile, START + 1, 5_000)
    found = result(made, END)
    assert found.treated.n == 4
    assert found.treated.rate.value == 0.5
    assert found.treated.amounts.mean == 2_500
    assert found.n_sent == 2
    assert found.overall.gained.cost == 2 * 10 + 1_000
    assert found.overall.n_incremental == 2
    assert found.overall.gained.revenue == 10_000
    assert found.overall.gained.profit == pytest.approx(0.3 * 10_000 - 1_020)
    assert found.overall.gained.roi == pytest.approx((3_000 - 1_020) / 1_020)


def test_the_excluded_are_in_no_arm():
    made = campaign()
    buy(assign(made, "excluded"), START + 1, 5_000)
    assign(made, "treated")
    found = result(made, END)
    assert (found.treated.n, found.holdout.n, found.treated.revenue_minor) == (1, 0, 0)


def test_cancelled_orders_do_not_count_from_the_moment_they_are_cancelled():
    made = campaign()
    order = buy(assign(made, "treated"), START + 1, 5_000)
    change(order, END + clock.DAY, "cancelled", 5_000)
    buy(assign(made, "treated"), START + 1, 700, status="no_show")
    before = result(made, END)
    assert (before.treated.n_conversions, before.treated.revenue_minor) == (1, 5_000)
    after = result(made, END + 2 * clock.DAY)
    assert (after.treated.n_conversions, after.treated.revenue_minor) == (0, 0)


def test_a_later_price_is_the_revenue_and_a_return_lowers_it_without_being_a_conversion():
    made = campaign()
    buyer, returner = assign(made, "treated"), assign(made, "treated")
    order = buy(buyer, START + 1, 5_000)
    change(order, START + 9, "confirmed", 4_000)
    buy(returner, START + 1, -300)
    found = result(made, END)
    assert (found.treated.n_conversions, found.treated.revenue_minor) == (1, 3_700)


def test_a_person_who_orders_twice_converts_once():
    made = campaign()
    profile = assign(made, "treated")
    buy(profile, START + 1, 100)
    buy(profile, START + 2, 100)
    found = result(made, END)
    assert (found.treated.n_conversions, found.treated.revenue_minor) == (1, 200)


def test_a_named_event_is_the_conversion_and_orders_stay_the_revenue():
    made = campaign(conversion_event="Hotel Searched")
    searcher, buyer = assign(made, "treated"), assign(made, "treated")
    for n, (name, at) in enumerate(
        [("Hotel Searched", START), ("Hotel Searched", START + 5), ("Hotel Viewed", START + 6)]
    ):
        Event.objects.create(
            profile=searcher, name=name, at=at, recorded_at=at, dedupe_key=str(n), source="web"
        )
    Event.objects.create(
        profile=buyer, name="Hotel Searched", at=END, recorded_at=END, dedupe_key="late",
        source="web",
    )  # fmt: skip
    buy(buyer, START + 1, 900)
    found = result(made, END + 1)
    assert (found.treated.n_conversions, found.treated.revenue_minor) == (1, 900)
    assert found.counted is Counted.EVENT


def test_bookings_are_called_bookings():
    made = campaign()
    buy(assign(made, "treated"), START + 1, 100, starts_on="2027-01-01")
    assert result(made, END).counted is Counted.BOOKING


def test_before_the_planned_end_it_is_too_early_and_the_future_is_not_seen():
    made = campaign(state="running")
    profile = assign(made, "treated")
    buy(profile, START + 2 * clock.DAY, 100)
    buy(profile, START + 8 * clock.DAY, 100)
    found = result(made, START + 6 * clock.DAY + clock.HOUR)
    assert (found.phase, found.day) == (Phase.TOO_EARLY, 6)
    assert found.treated.revenue_minor == 100
    assert result(made, END - 1).phase is Phase.TOO_EARLY
    assert (result(made, END).phase, result(made, END).day) == (Phase.READY, 14)


def test_a_draft_has_no_result_yet():
    made = campaign(state="draft", started_at=None, window_ends_at=None)
    found = result(made, START)
    assert (found.phase, found.day, found.treated.n, found.overall) == (
        Phase.NOT_STARTED, 0, 0, None,
    )  # fmt: skip


def test_each_profile_has_the_window_of_its_own_assignment():
    made = campaign(window_ends_at=END + clock.DAY)
    late = assign(made, "treated", at=START + clock.DAY)
    buy(late, START + 1, 100)
    buy(late, END + 1, 200)
    assert result(made, END + clock.DAY).treated.revenue_minor == 200


def test_several_variants_are_measured_each_against_the_control_group():
    made = campaign(holdout_share=0.2, variants=[["mens", 0.5], ["womens", 0.5]])
    mens = [assign(made, "treated", "mens") for _ in range(40)]
    womens = [assign(made, "treated", "womens") for _ in range(40)]
    for _ in range(20):
        assign(made, "holdout")
    for profile in [*mens[:20], *womens[:4]]:
        buy(profile, START + 1, 1_000)
    found = result(made, END)
    assert [e.arm.name for e in found.variants] == ["mens", "womens"]
    assert [e.arm.n_conversions for e in found.variants] == [20, 4]
    assert found.overall.arm.n == 80
    first, second = found.variants
    assert first.p == pytest.approx(2 * first.rates.p)
    assert second.p == pytest.approx(second.rates.p)
    assert found.split_p == pytest.approx(1)
    assert not found.is_split_broken


def test_a_split_that_did_not_go_as_planned_is_said():
    made = campaign(holdout_share=0.1)
    for _ in range(100):
        assign(made, "treated")
    for _ in range(60):
        assign(made, "holdout")
    assert result(made, END).is_split_broken


def test_receipts_of_people_are_counted_once_per_message_and_machines_never():
    made = campaign()
    first, second = (message(made, assign(made, "treated"), "sent") for _ in range(2))
    for at in (1, 2):
        Receipt.objects.create(message=first, kind="opened", at=at)
    Receipt.objects.create(message=second, kind="opened", at=1, is_machine=True)
    Receipt.objects.create(message=second, kind="unsubscribed", at=1)
    assert result(made, END).receipts == {"opened": 1, "unsubscribed": 1}


def test_a_campaign_that_ran_elsewhere_counts_all_treated_as_sent():
    made = campaign(is_adopted=True)
    for arm in ("treated", "treated", "holdout", "holdout"):
        assign(made, arm)
    found = result(made, END)
    assert found.n_sent == 2
    assert found.overall.gained.cost == 1_020


def test_a_result_is_plain_values_for_programs():
    made = campaign()
    for arm in ("treated", "treated", "holdout", "holdout"):
        assign(made, arm)
    plain = as_dict(result(made, END))
    assert plain["phase"] == "ready"
    assert plain["overall"]["p"] == 1.0
    assert plain["treated"]["n"] == 2
    assert plain["overall"]["roi"] == pytest.approx(-1)
