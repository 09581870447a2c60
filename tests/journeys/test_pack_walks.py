"""Every ready scenario, walked along each of its ways by made-up customers in the live step."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from tests.journeys.lives import (
    SITE,
    Act,
    World,
    agrees,
    answers,
    born,
    does,
    orders,
)

from pusula.journeys import packs
from pusula.journeys.models import Enrollment

pytestmark = pytest.mark.django_db(databases=["default", "log"])

MINUTE = 1 / 1440


@dataclass
class Life:
    """Somebody's life, how it has to end on the journey, and what they have to be asked.

    ``ended`` is how each of their enrollments ends: none for somebody who is kept out.
    """

    name: str
    acts: list[Act]
    ended: list[str]
    asked: list[str] = field(default_factory=list)

    @property
    def email(self) -> str:
        return f"{self.name}@example.com"


def life(name: str, ended: list[str], asked: list[str], *acts) -> Life:
    email = f"{name}@example.com"
    made = [act(email) for act in acts]
    return Life(name, [agrees(email), *made], ended, asked)


def do(days: float, name: str, **properties):
    return lambda email: does(email, days, name, **properties)


def order(days: float, number: object, status: str = "completed", **more):
    return lambda email: orders(email, days, f"{email}:{number}", status, **more)


def answer(days: float, outcome: str):
    return lambda email: answers(email, days, outcome)


def birthday(on: str):
    return lambda email: born(email, 0.01, on)


def stays(n: int, *, last: float, gap: float = 100, status: str = "completed"):
    """Return ``n`` stays in the past, the last of which began ``last`` days ago."""
    return [
        order(0.01 + k / 1000, f"past{k}", status, ordered=-last - 20 - k * gap,
              arrives=-last - k * gap)
        for k in range(n)
    ]  # fmt: skip


def bought(n: int):
    """Return ``n`` orders, one each ten days, the last of them ten days ago."""
    return [order(0.01 + k / 1000, f"past{k}", ordered=-10 - 10 * k) for k in range(n)]


UP_TO = 130  # days
WALKS: dict[tuple[str, str], tuple[float, list[Life]]] = {
    ("abandoned-booking", "hotel"): (10, [
        life("both", ["done"], ["reminder", "second"], do(1, "Booking Started")),
        life("anew", ["restarted", "done"], ["reminder", "second"],
             do(1, "Booking Started"), do(1 + 20 * MINUTE, "Booking Step Viewed", step=2)),
        life("books", ["goal"], [], do(1, "Booking Started"),
             order(1 + 20 * MINUTE, 1, "confirmed", arrives=30)),
        life("phones", ["goal"], ["reminder"], do(1, "Booking Started"),
             order(1.5, 1, "confirmed", arrives=30)),
        life("has-booked", [], [], order(0.9, 1, "confirmed", arrives=30),
             do(1, "Booking Started")),
    ]),
    ("abandoned-booking", "shop"): (10, [
        life("both", ["done"], ["reminder", "second"], do(1, "Product Added")),
        life("buys", ["goal"], [], do(1, "Checkout Started"), order(1 + 20 * MINUTE, 1)),
        life("later", ["goal"], ["reminder"], do(1, "Product Added"), order(1.5, 1)),
        life("has-bought", [], [], order(0.9, 1), do(1, "Product Added")),
        life("empty", [], [], do(1, "Cart Viewed")),
    ]),
    ("abandoned-search", "hotel"): (12, [
        life("both", ["done"], ["help", "again"],
             do(1, "Stay Searched"), do(1.1, "Hotel Searched")),
        life("once", [], [], do(1, "Stay Searched")),
        life("starts", ["exited"], ["help"], do(1, "Stay Searched"), do(1.1, "Stay Searched"),
             do(1.5, "Booking Started")),
        life("books", ["goal"], [], do(1, "Stay Searched"), do(1.1, "Stay Searched"),
             order(1.2, 1, "confirmed", arrives=30)),
        life("comes", [], [], order(0.5, 1, "confirmed", arrives=30), do(1, "Stay Searched"),
             do(1.1, "Stay Searched")),
        life("again-soon", ["done"], ["help", "again"], do(1, "Stay Searched"),
             do(1.1, "Stay Searched"), do(10, "Stay Searched"), do(10.1, "Stay Searched")),
    ]),
    ("abandoned-search", "shop"): (12, [
        life("both", ["done"], ["help", "again"], do(1, "Product Viewed"),
             do(1.1, "Products Searched"), do(1.2, "Product Viewed")),
        life("twice", [], [], do(1, "Product Viewed"), do(1.1, "Product Viewed")),
        life("adds", ["exited"], [], do(1, "Product Viewed"), do(1.1, "Product Viewed"),
             do(1.2, "Product Viewed"), do(1.25, "Product Added")),
        life("buys", ["goal"], ["help"], do(1, "Product Viewed"), do(1.1, "Product Viewed"),
             do(1.2, "Product Viewed"), order(2, 1)),
        life("bought", [], [], order(0.5, 1), do(1, "Product Viewed"), do(1.1, "Product Viewed"),
             do(1.2, "Product Viewed")),
    ]),
    ("price-drop", "hotel"): (6, [
        life("both", ["done"], ["news", "last-call"], do(1, "Stay Viewed"),
             do(1.1, "Price Dropped", discount_percent=15)),
        life("little", [], [], do(1, "Stay Viewed"), do(1.1, "Price Dropped", discount_percent=5)),
        life("never-looked", [], [], do(1.1, "Price Dropped", discount_percent=15)),
        life("books", ["goal"], ["news"], do(1, "Price Alert Set"),
             do(1.1, "Price Dropped", discount_percent=15),
             order(1.3, 1, "confirmed", arrives=30)),
        life("has-booked", [], [], do(1, "Stay Viewed"), order(1.05, 1, "confirmed", arrives=30),
             do(1.1, "Price Dropped", discount_percent=15)),
    ]),
    ("price-drop", "shop"): (6, [
        life("both", ["done"], ["news", "last-call"], do(1, "Product Added to Wishlist"),
             do(1.1, "Price Dropped", discount_percent=10)),
        life("buys", ["goal"], ["news"], do(1, "Product Viewed"),
             do(1.1, "Price Dropped", discount_percent=30), order(1.3, 1)),
        life("has-bought", [], [], do(1, "Product Viewed"), order(1.05, 1),
             do(1.1, "Price Dropped", discount_percent=30)),
    ]),
    ("onboarding", "hotel"): (20, [
        life("sea", ["done"], ["welcome", "sea", "first-stay"], do(1, "Signed Up"),
             do(2, "Stay Searched", region="Bodrum")),
        life("lake", ["done"], ["welcome", "nature", "first-stay"], do(1, "Signed Up"),
             do(2, "Hotel Viewed", city="Sapanca")),
        life("anywhere", ["done"], ["welcome", "any-destination", "first-stay"],
             do(1, "Signed Up")),
        life("books", ["goal"], ["welcome"], do(1, "Signed Up"),
             order(2, 1, "confirmed", arrives=30)),
        life("known", [], [], order(0.5, 1, "confirmed", arrives=30), do(1, "Signed Up")),
        life("twice", ["done"], ["welcome", "any-destination", "first-stay"], do(1, "Signed Up"),
             do(18, "Signed Up")),
    ]),
    ("onboarding", "shop"): (20, [
        life("shoes", ["done"], ["welcome", "fashion", "first-order"], do(1, "Signed Up"),
             do(2, "Product Viewed", category="Ayakkabı")),
        life("sofa", ["done"], ["welcome", "home", "first-order"], do(1, "Signed Up"),
             do(2, "Product List Viewed", category="Mobilya")),
        life("anything", ["done"], ["welcome", "any-category", "first-order"], do(1, "Signed Up")),
        life("buys", ["goal"], ["welcome"], do(1, "Signed Up"), order(2, 1)),
        life("known", [], [], order(0.5, 1), do(1, "Signed Up")),
    ]),
    ("pre-arrival-upsell", "hotel"): (35, [
        life("early", ["done"], ["upgrade", "extras"], order(1, 1, "confirmed", arrives=30)),
        life("late", ["done"], ["upgrade", "extras"], order(1, 1, "confirmed", arrives=10)),
        life("last-minute", ["done"], ["extras"], order(1, 1, "confirmed", arrives=3)),
        life("buys", ["goal"], ["upgrade"], order(1, 1, "confirmed", arrives=30),
             order(20, "spa", "completed")),
        life("early-bird", ["exited"], ["upgrade"], order(1, 1, "confirmed", arrives=30),
             order(25, 1, "in_house", ordered=1, arrives=30)),
        life("cancels", ["cancelled"], ["upgrade"], order(1, 1, "confirmed", arrives=30),
             order(20, 1, "cancelled", ordered=1, arrives=30)),
        life("was-here", [], [], order(1, 1, "completed", ordered=-30, arrives=-10)),
    ]),
    ("in-stay-cross-sell", "hotel"): (16, [
        life("long", ["done"], ["evening", "tours", "late-checkout"],
             order(1, 1, "confirmed", arrives=5, nights=5),
             order(5, 1, "in_house", ordered=1, arrives=5, nights=5)),
        life("short", ["done"], ["evening", "late-checkout"],
             order(1, 1, "confirmed", arrives=5, nights=2),
             order(5, 1, "in_house", ordered=1, arrives=5, nights=2)),
        life("spa", ["goal"], ["evening"], order(5, 1, "in_house", ordered=1, arrives=5),
             order(5.5, "spa")),
        life("leaves", ["exited"], ["evening", "tours"],
             order(5, 1, "in_house", ordered=1, arrives=5, nights=5),
             order(6.5, 1, "completed", ordered=1, arrives=5, nights=1)),
        life("never-came", [], [], order(1, 1, "confirmed", arrives=5),
             order(6, 1, "no_show", ordered=1, arrives=5)),
    ]),
    ("post-stay-review", "hotel"): (30, [
        life("happy", ["done"], ["ask", "thanks"],
             order(4.5, 1, "completed", ordered=1, arrives=2, nights=2),
             do(7, "Review Submitted", score=9)),
        life("solved", ["done"], ["ask"],
             order(4.5, 1, "completed", ordered=1, arrives=2, nights=2),
             do(7, "Review Submitted", score=3), answer(8, "solved")),
        life("offered", ["done"], ["ask"],
             order(4.5, 1, "completed", ordered=1, arrives=2, nights=2),
             do(7, "Review Submitted", score=6), answer(8, "offered")),
        life("unreachable", ["done"], ["ask"],
             order(4.5, 1, "completed", ordered=1, arrives=2, nights=2),
             do(7, "Review Submitted", score=1), answer(8, "unreachable")),
        life("nobody-called", ["done"], ["ask"],
             order(4.5, 1, "completed", ordered=1, arrives=2, nights=2),
             do(7, "Review Submitted", score=1)),
        life("late", ["done"], ["ask", "again"],
             order(4.5, 1, "completed", ordered=1, arrives=2, nights=2),
             do(14, "Review Submitted", score=8)),
        life("silent", ["done"], ["ask", "again"],
             order(4.5, 1, "completed", ordered=1, arrives=2, nights=2)),
        life("complained", [], [], do(3, "Complaint Received"),
             order(4.5, 1, "completed", ordered=1, arrives=2, nights=2)),
        life("complains", ["exited"], ["ask"],
             order(4.5, 1, "completed", ordered=1, arrives=2, nights=2),
             do(7, "Complaint Received")),
    ]),
    ("post-stay-review", "shop"): (40, [
        life("happy", ["done"], ["ask", "thanks"], order(1, 1),
             do(13, "Product Reviewed", rating=5)),
        life("solved", ["done"], ["ask"], order(1, 1), do(13, "Product Reviewed", rating=1),
             answer(14, "solved")),
        life("returned", ["done"], ["ask"], order(1, 1), do(13, "Product Reviewed", rating=2),
             answer(14, "returned")),
        life("unreachable", ["done"], ["ask"], order(1, 1), do(13, "Product Reviewed", rating=2),
             answer(14, "unreachable")),
        life("nobody-called", ["done"], ["ask"], order(1, 1),
             do(13, "Product Reviewed", rating=1)),
        life("late", ["done"], ["ask", "again"], order(1, 1), do(20, "Product Reviewed", rating=4)),
        life("silent", ["done"], ["ask", "again"], order(1, 1)),
        life("sent-back", [], [], order(1, 1), order(5, 1, "cancelled", ordered=1)),
        life("complains", ["exited"], ["ask"], order(1, 1), do(13, "Complaint Received")),
    ]),
    ("next-order", "hotel"): (UP_TO, [
        life("first", ["done"], ["second", "second-again"],
             order(2, 1, "completed", ordered=-20, arrives=-2)),
        life("second", ["done"], ["third"], *stays(1, last=200),
             order(2, 2, "completed", ordered=-20, arrives=-2)),
        life("third", ["done"], ["fourth"], *stays(2, last=200),
             order(2, 3, "completed", ordered=-20, arrives=-2)),
        life("regular", ["exited"], [], *stays(3, last=200),
             order(2, 4, "completed", ordered=-20, arrives=-2)),
        life("climbs", ["goal", "done"], ["second", "third"],
             order(2, 1, "completed", ordered=-20, arrives=-2),
             order(40, 2, "confirmed", arrives=45),
             order(50, 2, "completed", ordered=40, arrives=45)),
        life("comes-anyway", [], [], order(1, 2, "confirmed", arrives=45),
             order(2, 1, "completed", ordered=-20, arrives=-2)),
    ]),
    ("next-order", "shop"): (UP_TO, [
        life("first", ["done"], ["second", "second-again"], order(2, 1)),
        life("climbs", ["goal", "goal", "goal", "exited"], ["second", "third", "fourth"],
             order(2, 1), order(25, 2), order(60, 3), order(100, 4)),
        life("waits", ["goal", "goal", "done"], ["third", "fourth"], order(2, 1), order(3, 2),
             order(40, 3)),
        life("third-done", ["goal", "done"], ["third"], order(2, 1), order(3, 2)),
        life("cancels", ["cancelled"], [], order(2, 1), order(5, 1, "cancelled", ordered=2)),
    ]),
    ("birthday", "hotel"): (60, [
        life("june", ["done"], ["wishes", "ends-soon"], *stays(1, last=100),
             birthday("1985-06-11")),
        life("books", ["goal"], ["wishes"], *stays(1, last=100), birthday("1985-06-11"),
             order(15, 9, "confirmed", arrives=90)),
        life("stranger", [], [], birthday("1985-06-11")),
        life("winter", [], [], *stays(1, last=100), birthday("1985-12-11")),
    ]),
    ("birthday", "shop"): (60, [
        life("june", ["done"], ["wishes", "ends-soon"], order(0.02, 1, ordered=-100),
             birthday("1985-06-11")),
        life("leap", [], [], order(0.02, 1, ordered=-100), birthday("1988-02-29")),
        life("buys", ["goal"], ["wishes"], order(0.02, 1, ordered=-100), birthday("1985-06-11"),
             order(15, 9)),
        life("stranger", [], [], birthday("1985-06-11")),
    ]),
    ("seasonal-return", "hotel"): (90, [
        life("once", ["done"], ["a-year-ago", "last-rooms"], *stays(1, last=295)),
        life("returns", ["done"], ["your-season", "last-rooms"], *stays(2, last=295, gap=365)),
        life("books", ["goal"], ["a-year-ago"], *stays(1, last=295),
             order(20, 9, "confirmed", arrives=90)),
        life("has-booked", [], [], *stays(1, last=295), order(2, 9, "confirmed", arrives=90)),
        life("came-since", [], [], *stays(2, last=100, gap=195)),
    ]),
    ("seasonal-return", "shop"): (90, [
        life("once", ["done"], ["a-year-ago", "new-season"], order(0.02, 1, ordered=-325)),
        life("buys", ["goal"], ["a-year-ago"], order(0.02, 1, ordered=-325), order(30, 2)),
        life("came-since", [], [], order(0.02, 1, ordered=-325), order(0.03, 2, ordered=-50)),
    ]),
    ("win-back", "hotel"): (70, [
        life("call-none", ["done"], ["miss-you", "come-back"], *stays(3, last=170)),
        life("call-booked", ["goal"], ["miss-you", "come-back"], *stays(3, last=170),
             answer(37, "booked"), order(38, 9, "confirmed", arrives=90)),
        life("call-later", ["done"], ["miss-you", "come-back"], *stays(3, last=170),
             answer(37, "later")),
        life("call-never", ["done"], ["miss-you", "come-back"], *stays(3, last=170),
             answer(37, "never")),
        life("no-call", ["done"], ["miss-you", "come-back"], *stays(2, last=170)),
        life("books", ["goal"], ["miss-you"], *stays(3, last=170),
             order(22, 9, "confirmed", arrives=90)),
        life("comes", [], [], *stays(3, last=170), order(2, 9, "confirmed", arrives=90)),
        life("new", [], [], *stays(1, last=170)),
    ]),
    ("win-back", "shop"): (70, [
        life("call-none", ["done"], ["miss-you", "come-back"], *bought(6)),
        life("call-ordered", ["goal"], ["miss-you", "come-back"], *bought(6),
             answer(32, "ordered"), order(33, 9)),
        life("call-later", ["done"], ["miss-you", "come-back"], *bought(6), answer(32, "later")),
        life("call-never", ["done"], ["miss-you", "come-back"], *bought(6), answer(32, "never")),
        life("no-call", ["done"], ["miss-you", "come-back"], *bought(3)),
        life("buys", ["goal"], ["miss-you"], *bought(3), order(15, 9)),
        life("waits-for-one", [], [], *bought(3), order(4, 9, "confirmed")),
        life("new", [], [], *bought(2)),
    ]),
}  # fmt: skip


def ids(walk: tuple[str, str]) -> str:
    return "-".join(walk)


@pytest.mark.parametrize("walk", WALKS, ids=ids)
def test_a_scenario_is_walked_along_every_way(walk):
    until, lives = WALKS[walk]
    world = World(packs.load(*walk, "tr", site=SITE))
    world.live_through([one.acts for one in lives], until=until)
    found = {one.name: (world.outcomes(one.email), world.asked(one.email)) for one in lives}
    assert found == {one.name: (one.ended, one.asked) for one in lives}
    walked = world.walked()
    steps = {step for step, _result in walked}
    missed = {
        (step, result)
        for step, result in world.ways()
        if (step, result) not in walked and not (result == "" and step in steps)
    }
    assert not missed
    assert not Enrollment.objects.exclude(error="").exists()
