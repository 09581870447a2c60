"""The people and messages behind figures: those that plain counting finds, however looked for."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable

import pytest
from tests.measurement.messaging import at, bought, cancel
from tests.outbox.people import profiles

from pusula.events.models import Event
from pusula.lib import clock
from pusula.measurement.attribution.touches import Span
from pusula.measurement.reports import blocks, cohort, funnel, kpi
from pusula.measurement.reports.blocks import Page
from pusula.measurement.reports.funnel import ORDER
from pusula.orders import machine
from pusula.orders.models import Order

pytestmark = pytest.mark.django_db
ZONE = "Europe/Istanbul"
SPAN = Span(at(10), at(60))


@pytest.fixture(params=[1, 2, 3])
def history(request):
    """Twenty people, their orders, some cancelled or returned, and what they looked at."""
    rng = random.Random(request.param)  # noqa: S311 - a history from a seed
    people = profiles(20)
    for number in range(60):
        order = bought(rng.choice(people), rng.uniform(0, 100), rng.choice([100, 200, -50]))
        if number % 5 == 0:
            cancel(order)
    Event.objects.bulk_create(
        Event(
            profile=rng.choice(people), name=rng.choice("ABC"), at=at(rng.uniform(0, 100)),
            recorded_at=0, source="web", dedupe_key=str(number),
        )
        for number in range(200)
    )  # fmt: skip
    return people


@pytest.fixture(params=[blocks.LONGEST, -1], ids=["patient", "hasty"], autouse=True)
def _in_small_blocks(request, monkeypatch):
    monkeypatch.setattr(blocks, "_FIRST", 3)
    monkeypatch.setattr(blocks, "LONGEST", request.param)


def everybody(page: Callable[[int | None], Page]) -> list[int]:
    """Return the rows of all pages."""
    found: list[int] = []
    after = None
    while True:
        some = page(after)
        found, after = found + some.ids, some.after
        if after is None:
            return found


def living() -> list[Order]:
    alive = Order.objects.filter(status__in=machine.ALIVE, net_base_minor__gte=0)
    return list(alive.order_by("ordered_at"))


def month_of(order: Order) -> dt.date:
    return clock.day_of(order.ordered_at, ZONE).replace(day=1)


def test_people_of_a_cohort_are_who_ordered_first_and_again_then(history):
    first: dict[int, dt.date] = {}
    for order in living():
        first.setdefault(order.profile_id, month_of(order))
    counted = cohort.cohorts(5, at=at(100)).cohorts
    for one in counted:
        for later, n in enumerate(one.came):
            then = clock.add_months(one.month, later)
            came = {order.profile_id for order in living() if month_of(order) == then}
            wanted = sorted(pk for pk in came if first[pk] == one.month)

            def page(after, month=one.month, later=later):
                return cohort.people(month, later, after=after, limit=2)

            assert everybody(page) == wanted
            assert len(wanted) == n


def reached(steps: tuple[str, ...], window_days: int) -> list[set[int]]:
    """Walk every way of everybody, one step after the other."""
    did = [(one.profile_id, one.name, one.at) for one in Event.objects.order_by("at")]
    did += [(one.profile_id, ORDER, one.ordered_at) for one in living()]
    did.sort(key=lambda one: one[2])
    found: list[set[int]] = [set() for _ in steps]
    for who, name, began in did:
        if name != steps[0] or not SPAN.from_at <= began < SPAN.until_at:
            continue
        found[0].add(who)
        last = began
        for place, step in enumerate(steps[1:], start=1):
            until = began + window_days * clock.DAY
            behind = [t for w, n, t in did if w == who and n == step and last < t < until]
            if not behind:
                break
            last = behind[0]
            found[place].add(who)
    return found


@pytest.mark.parametrize(
    "steps", [("A", "B", ORDER), ("C", "A", "A"), (ORDER, "B"), ("A", "X", "B")]
)
def test_people_of_a_funnel_are_who_went_that_way(history, steps):
    wanted = [sorted(one) for one in reached(steps, 14)]
    assert funnel.funnel(steps, SPAN, 14).n == tuple(map(len, wanted))
    for place, people in enumerate(wanted):

        def page(after, place=place):
            return funnel.people(steps, SPAN, 14, place, after=after, limit=2)

        assert everybody(page) == people


@pytest.mark.parametrize("are_new", [False, True])
def test_buyers_are_who_ordered_in_the_period(history, are_new):
    first: dict[int, int] = {}
    for order in living():
        first.setdefault(order.profile_id, order.ordered_at)
    inside = [one for one in living() if SPAN.from_at <= one.ordered_at < SPAN.until_at]
    wanted = {one.profile_id for one in inside}
    if are_new:
        wanted = {pk for pk in wanted if first[pk] >= SPAN.from_at}
    page = lambda after: kpi.buyers(SPAN, are_new=are_new, after=after, limit=2)  # noqa: E731
    assert everybody(page) == sorted(wanted)
