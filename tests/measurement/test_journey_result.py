"""What a journey brought: the arms compared, orders ascribed to the last message before them."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from django.utils import translation
from tests.outbox.people import consented, mailing, profiles

from pusula.journeys.models import Enrollment, Journey, JourneyVersion
from pusula.lib import clock
from pusula.measurement.results.journey import Credit, journey_result
from pusula.ops.journey_result import result
from pusula.orders.models import Order, OrderChange
from pusula.outbox import actions as outbox
from pusula.outbox.models import Message
from pusula.profiles.models import Profile

pytestmark = pytest.mark.django_db
T0 = 1_790_000_000_000_000
NOW = T0 + 60 * clock.DAY


@pytest.fixture
def journey() -> Journey:
    made = Journey.objects.create(key="welcome", state="live", created_at=0)
    made.version = JourneyVersion.objects.create(
        journey=made, number=1, definition={}, created_at=0
    )
    made.save()
    return made


def came_in(
    journey: Journey, who: Profile, days: float = 0, *, held: bool = False, order=None, goal=False
) -> Enrollment:
    at = T0 + round(days * clock.DAY)
    assert journey.version is not None
    return Enrollment.objects.create(
        journey=journey, version=journey.version, profile=who, order=order,
        entry_key=f"at:{at}", entry="entry:0", state="finished", is_holdout=held, entered_at=at,
        moved_at=at, finished_at=at, outcome="goal" if goal else "done",
    )  # fmt: skip


def bought(who: Profile, days: float, minor: int = 100_00, *, cancelled: float = 0) -> Order:
    at = T0 + round(days * clock.DAY)
    amounts = {"gross_base_minor": minor, "net_base_minor": minor}
    order = Order.objects.create(
        profile=who, source="shop", source_id=f"{who.pk}:{at}", status="completed", ordered_at=at,
        status_at=at, recorded_at=at, currency="TRY", gross_minor=minor, net_minor=minor, **amounts,
    )  # fmt: skip
    for status, day in (("completed", days), ("cancelled", cancelled)):
        if day:
            when = T0 + round(day * clock.DAY)
            OrderChange.objects.create(
                order=order, profile=who, status=status, changed_at=when, recorded_at=when,
                ordered_at=at, **amounts,
            )  # fmt: skip
    return order


def was_sent(journey: Journey, who: Profile, step: str, days: float, state: str = "sent") -> None:
    at = T0 + round(days * clock.DAY)
    outbox.reserve(
        [
            outbox.Draft(
                dedupe_key=f"{journey.origin}:{step}:{who.pk}:{at}", origin=journey.origin,
                step=step, profile_id=who.pk, content_id=mailing().pk, channel="email",
                purpose="marketing", address=f"p{who.pk}@example.com", due_at=at, not_after_at=at,
            )
        ]
    )  # fmt: skip
    mine = Message.objects.filter(profile=who, step=step, due_at=at)
    mine.update(state=state, settled_at=at)


def measured(journey: Journey, days: int = 14):
    return journey_result(journey, window_days=days, at=NOW)


def test_the_command_says_steps_and_figures_in_the_language_of_the_company(journey, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    JourneyVersion.objects.update(
        definition={
            "journey": "welcome", "title": {"tr": "Selam", "en": "Hello"}, "class": "service",
            "entry": [{"api": True}], "holdout": "50 %",
            "steps": [{"id": "pause", "wait": {"for": "1 hour"}}],
        }
    )  # fmt: skip
    ada, can, ece = profiles(3)
    came_in(journey, ada)
    came_in(journey, can)
    came_in(journey, ece, held=True)
    was_sent(journey, ada, "pause", 1)
    bought(ada, 2, 1_300_00)
    with translation.override("tr"):
        told = CliRunner().invoke(result, ["welcome"], catch_exceptions=False).output
    assert "Girdi: 2, 1 (%50,0), 1.300 TRY\n" in told
    assert "  1 saat bekle (pause): 1, 1.300 TRY\n" in told


def test_who_came_in_while_nobody_was_held_out_is_in_no_arm(journey):
    early, late = profiles(4), profiles(6)
    for who in early:  # a better season
        came_in(journey, who)
        bought(who, 1)
    assert journey_result(journey, window_days=14, at=NOW).treated.n == 4
    journey.version = JourneyVersion.objects.create(
        journey=journey, number=2, definition={"holdout": "50 %"}, created_at=0
    )
    journey.save()
    for number, who in enumerate(late):
        came_in(journey, who, 20, held=number < 3)
    found = journey_result(journey, window_days=14, at=NOW)
    assert (found.treated.n, found.holdout.n) == (3, 3)
    assert found.means.difference == 0
    assert found.rates.difference == 0


def test_each_person_counts_once_in_their_arm_from_their_first_coming_in(journey):
    ada, can, ece, naz = profiles(4)
    came_in(journey, ada, goal=True)
    came_in(journey, ada, 20)
    came_in(journey, can)
    came_in(journey, ece, held=True)
    came_in(journey, naz, held=True)
    bought(ada, 5, 300_00)
    bought(ada, 25, 900_00)  # in the window of the second time only
    bought(ece, 13.9, 50_00)
    bought(naz, 14.1)
    found = measured(journey)
    assert (found.treated.n, found.treated.n_conversions, found.treated.revenue_minor) == (
        2, 1, 300_00
    )  # fmt: skip
    assert (found.holdout.n, found.holdout.n_conversions, found.holdout.revenue_minor) == (
        2, 1, 50_00
    )  # fmt: skip
    assert found.rates is not None
    assert found.rates.difference == 0
    assert found.n_goals == 1


def test_what_brings_somebody_in_is_no_success(journey):
    ada, can = profiles(2)
    came_in(journey, ada, 3)
    bought(ada, 3)  # the order by which she comes in
    stay = bought(can, 5)
    came_in(journey, can, 4, order=stay)
    was_sent(journey, ada, "second", 10)
    bought(ada, 11, 70_00)
    found = measured(journey)
    assert (found.treated.n_conversions, found.treated.revenue_minor) == (1, 70_00)
    assert found.by_step == {"second": Credit(1, 70_00)}


def test_an_order_is_ascribed_to_the_last_message_before_it_and_only_once(journey):
    (ada,) = consented_people = profiles(1)
    consented(consented_people)
    came_in(journey, ada)
    was_sent(journey, ada, "reminder", 1)
    was_sent(journey, ada, "offer", 3)
    was_sent(journey, ada, "refused", 3.5, state="skipped")
    bought(ada, 2, 10_00)
    bought(ada, 4, 20_00)
    bought(ada, 0.5, 40_00)  # before any message
    bought(ada, 30, 80_00)  # too late
    found = measured(journey)
    assert found.by_step == {"offer": Credit(1, 20_00), "reminder": Credit(1, 10_00)}
    assert found.credit == Credit(2, 30_00)


def test_what_is_cancelled_or_comes_back_earns_nothing(journey):
    ada, can = profiles(2)
    for who in (ada, can):
        came_in(journey, who)
        was_sent(journey, who, "offer", 1)
    bought(ada, 2, 500_00, cancelled=9)
    bought(can, 2, 500_00)
    bought(can, 6, -200_00)
    found = measured(journey)
    assert (found.treated.n_conversions, found.treated.revenue_minor) == (1, 300_00)
    assert found.by_step == {"offer": Credit(1, 300_00)}
    before = journey_result(journey, window_days=14, at=T0 + 3 * clock.DAY)
    assert before.treated.revenue_minor == 1_000_00, "as it was known then"


def test_nobody_and_nothing_is_no_error(journey):
    found = measured(journey)
    assert (found.treated.n, found.holdout.n, found.rates, found.by_step) == (0, 0, None, {})
