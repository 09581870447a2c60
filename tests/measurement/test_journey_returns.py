"""What a journey earned beyond its control group, less what its messages cost."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import translation
from tests.measurement.test_experiments import HOUR, START, bought, came_in, journey, people
from tests.outbox.people import mailing

from pusula.journeys.models import Journey
from pusula.lib import clock
from pusula.measurement.experiments import queries as experiments
from pusula.outbox import actions as outbox
from pusula.outbox import prices
from pusula.outbox.models import Message
from pusula.web import journey_returns

pytestmark = pytest.mark.django_db
SEEN_AT = START + 20 * clock.DAY


def was_sent(made: Journey, ids: list[int], step: str, channel: str, at: int) -> None:
    content = mailing().pk
    outbox.reserve(
        outbox.Draft(
            dedupe_key=f"{made.origin}:{step}:{pk}", origin=made.origin, step=step, profile_id=pk,
            content_id=content, channel=channel, purpose="marketing", address=f"p{pk}@example.com",
            due_at=at, not_after_at=at,
        )
        for pk in ids
    )  # fmt: skip
    mine = Message.objects.filter(origin=made.origin, step=step, profile_id__in=ids)
    mine.update(state="sent", gated_at=at, settled_at=at)


@pytest.fixture
def lived() -> Journey:
    """Return a journey of which half of 400 are held out; ten more of the others bought."""
    made = journey("50 %")
    ids = people(400)
    treated, held = ids[:200], ids[200:]
    came_in(made, treated, held=False, at=START)
    came_in(made, held, held=True, at=START)
    for who in (*treated[:30], *held[:20]):
        bought(who, START + HOUR)
    was_sent(made, treated, "mail", "email", START + HOUR)
    was_sent(made, treated[:50], "late", "email", START + 16 * clock.DAY)  # their days are over
    was_sent(made, treated[:50], "before", "email", START - HOUR)  # an earlier time they came in
    young = people(10)
    came_in(made, young, held=False, at=START + 10 * clock.DAY)
    was_sent(made, young, "mail-young", "email", START + 10 * clock.DAY)
    return made


def earned(made: Journey):
    found = experiments.so_far(made, 14, SEEN_AT)
    assert found is not None
    return found.earned


def test_the_return_is_additional_revenue_less_the_cost_of_the_same_people_and_days(lived):
    prices.change({"email": Decimal("0.50")}, by="", at=START)
    found = earned(lived)
    assert found.n_treated == 200
    assert found.gained.revenue == pytest.approx(10 * 100_00)
    assert found.gained.cost == 200 * 50
    assert found.gained.roi == pytest.approx((10 * 100_00 - 200 * 50) / (200 * 50))
    low, high = found.gained.roi_interval.low, found.gained.roi_interval.high
    assert low < found.gained.roi < high
    cost, of_revenue = 200 * 50, found.gained.interval
    assert (low, high) == pytest.approx(
        ((of_revenue.low - cost) / cost, (of_revenue.high - cost) / cost)
    )
    assert (found.has_return, found.unpriced) == (True, ())


def test_the_interval_of_the_return_is_the_one_that_holds_at_every_look(lived):
    prices.change({"email": Decimal("0.50")}, by="", at=START)
    found = earned(lived)
    seen = experiments.so_far(lived, 14, SEEN_AT).course.last[1]
    assert found.gained.interval == seen.interval.scaled(200)


def test_without_a_price_no_return_is_claimed_and_the_channel_is_named(lived):
    found = earned(lived)
    assert (found.unpriced, found.has_return, found.gained.cost) == (("email",), False, 0)
    with translation.override("en"):
        names = [(one.name, one.value, one.note) for one in journey_returns.figures(found)]
    assert names[1][2] == "no price is set for: E-mail"
    assert names[2][1] == "—"
