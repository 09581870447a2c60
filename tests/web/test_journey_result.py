"""What a journey brought, as its page says it: nothing is claimed that the numbers do not say."""

from __future__ import annotations

import re

import pytest
from tests.web import company as made_up
from tests.web import rides

from pusula.journeys.models import Enrollment, Journey
from pusula.orders.models import Order
from pusula.outbox.models import Message

pytestmark = pytest.mark.django_db
PATH = "/journeys/abandoned/result/"


def page(client, path: str = PATH, language: str = "en", **headers: str) -> str:
    client.cookies["django_language"] = language
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


@pytest.fixture
def journey(company) -> Journey:
    """Return a journey before whose first guest nobody has booked since."""
    Order.objects.filter(ordered_at__gte=made_up.moment(20)).delete()
    return rides.under_way()


def order(ride: Enrollment, number: int) -> None:
    """Let somebody book a day after they came in."""
    ago = (made_up.NOW - ride.entered_at) / 86_400_000_000 - 1
    made = made_up.stay(ride.profile, f"J-{number}", 0, 2, 1000)
    made.ordered_at = made_up.moment(ago)
    made.save(update_fields=["ordered_at"])
    made.changes.update(ordered_at=made.ordered_at, changed_at=made.ordered_at)


def test_with_few_orders_no_difference_is_claimed(deniz, journey):
    shown = page(deniz)
    assert "Too few orders so far" in shown
    assert "95% confidence" not in shown


@pytest.mark.parametrize("language", ["tr", "en"])
def test_orders_are_compared_with_the_control_group_and_ascribed_to_messages(
    deniz, journey, language
):
    treated = list(journey.enrollments.filter(is_holdout=False).order_by("pk")[:8])
    for number, ride in enumerate(treated):
        order(ride, number)
    mine = Message.objects.filter(origin=journey.origin, profile_id=treated[0].profile_id)
    mine.update(state="sent", settled_at=treated[0].entered_at + 1, reason="")
    context = deniz.get(f"{PATH}?days=7").context
    assert context["found"].treated.n_conversions == len(treated)
    assert sum(one.credit.n_orders for one in context["credited"]) == 1
    assert context["range"]
    page(deniz, f"{PATH}?days=7", language)


def test_the_interval_holds_however_often_one_looks(deniz, journey):
    treated = journey.enrollments.filter(is_holdout=False).order_by("pk")[:8]
    for number, ride in enumerate(treated):
        order(ride, number)
    deniz.cookies["django_language"] = "en"
    context = deniz.get(f"{PATH}?days=7").context
    low, high = (float(end) for end in re.findall(r"-?[\d.]+", context["range"].replace("−", "-")))
    fixed = context["found"].rates.interval
    assert low < fixed.low * 100 < fixed.high * 100 < high


def test_without_a_control_group_nothing_is_said_of_what_it_caused(deniz, journey):
    journey.enrollments.filter(is_holdout=True).delete()
    assert "Too few orders so far" in page(deniz)  # one is planned, and nobody drew it yet
    version = journey.versions.get()
    version.definition["holdout"] = "0 %"
    version.save(update_fields=["definition"])
    assert "Nobody is held out" in page(deniz)


def test_htmx_gets_the_part_alone_and_odd_lengths_are_left_out(deniz, journey):
    assert "<html" not in page(deniz, f"{PATH}?days=9999", **{"HX-Request": "true"})
    assert deniz.get(f"{PATH}?days=x").context["days"] == 14
    assert deniz.get("/journeys/gone/result/").status_code == 404


def test_a_box_of_the_tree_says_what_is_credited_and_leads_to_these_orders(deniz, journey):
    mine = Message.objects.filter(origin=journey.origin, step="last").order_by("pk")
    sent = list(mine[:2])
    rides_ = [Enrollment.objects.get(pk=one.dedupe_key.rsplit(":", 1)[1]) for one in sent]
    for number, (message, ride) in enumerate(zip(sent, rides_, strict=True)):
        order(ride, number)
        Message.objects.filter(pk=message.pk).update(
            state="sent", settled_at=ride.entered_at + 1, gated_at=ride.entered_at + 1,
            due_at=ride.entered_at + 1, reason="",
        )  # fmt: skip
    shown = page(deniz, "/journeys/abandoned/")
    tree = deniz.get("/journeys/abandoned/").context["tree"]
    cards = {card.key: card for card in tree.cards}
    assert cards["last"].came.n_sent == 2
    assert cards["pause"].came is None
    revenue = cards["last"].came.revenue_minor
    assert revenue > 0
    [link] = re.findall(r'href="(/reports/attribution/orders/[^"]*step=last)"', shown)
    rows = deniz.get(link.replace("&amp;", "&")).context["rows"]
    assert len(rows) == 2
    assert "Last touch" in shown
