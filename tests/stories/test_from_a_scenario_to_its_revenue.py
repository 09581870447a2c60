"""Each ready scenario: an event, a decision, a mail that arrives, an order, revenue credited."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.stories.company import START, Company, at_work

from pusula.journeys.models import Enrollment
from pusula.lib import clock
from pusula.profiles.models import Identifier

N = 24
PRICE = 4_800_00
MINUTE = 1 / 1440
Line = dict[str, Any]
Lines = Callable[[str], list[Line]]


def micros(days: float) -> int:
    return clock.from_datetime(START + dt.timedelta(days))


def date(days: float) -> str:
    return (START + dt.timedelta(days)).date().isoformat()


def stay(number: str, status: str, *, ordered: float, arrives: float, nights: int = 4) -> Lines:
    return lambda email: [
        {
            "kind": "order", "email": email, "source_id": f"{email}:{number}", "status": status,
            "ordered_at": micros(ordered), "net_minor": PRICE, "starts_on": date(arrives),
            "ends_on": date(arrives + nights),
        }
    ]  # fmt: skip


def purchase(number: str, *, ordered: float) -> Lines:
    return lambda email: [
        {
            "kind": "order", "email": email, "source_id": f"{email}:{number}",
            "status": "completed", "ordered_at": micros(ordered), "net_minor": PRICE,
        }
    ]  # fmt: skip


def born(on: str) -> Lines:
    return lambda email: [{"kind": "trait", "email": email, "traits": {"birth_date": {"day": on}}}]


def track(name: str, **properties: Any) -> Lines:
    """Return what a program of the site sends: it stands apart by its key "event"."""
    return lambda email: [
        {"event": name, "properties": properties, "userId": email, "context": {
            "traits": {"email": email}
        }}
    ]  # fmt: skip


def booked_online(email: str) -> list[Line]:
    said = {"booking_id": f"web:{email}", "revenue": PRICE / 100, "currency": "TRY"}
    stay_ = {"check_in": date(90), "check_out": date(94)}
    return track("Booking Completed", **said, **stay_)(email)


def bought_online(email: str, number: str = "web") -> list[Line]:
    said = {"order_id": f"{number}:{email}", "revenue": PRICE / 100, "currency": "TRY"}
    return track("Order Completed", **said)(email)


@dataclass
class Story:
    """What customers do day by day; the mails that come then; who then buys, and how.

    ``mails`` are pairs of a day and the subject of the mail that has come by then. Half of those
    who got the first mail buy on the day ``buys``; it is credited to ``step``.
    """

    pack: str
    flavour: str
    language: str
    acts: list[tuple[float, Lines]]
    mails: list[tuple[float, str]]
    buys: float
    order: Lines
    step: str
    before: list[Lines] = field(default_factory=list)
    segments: bool = False
    is_goal: bool = True  # to buy is what the journey is for


STORIES = [
    Story(
        "abandoned-booking", "hotel", "tr",
        [(1, track("Booking Started", check_in=date(60), hotel="Lodos Bodrum"))],
        [(1 + 45 * MINUTE, "Rezervasyonunuz sizi bekliyor"),
         (2 + 45 * MINUTE, "Odanız hâlâ müsait olabilir")],
        1.2, booked_online, "reminder",
    ),
    Story(
        "abandoned-booking", "shop", "en",
        [(1, track("Product Added", sku="COFFEE-1")), (1.001, track("Checkout Started"))],
        [(1.03, "Your basket is waiting for you"), (2.03, "Before your choices are sold out")],
        1.2, bought_online, "reminder",
    ),
    Story(
        "abandoned-search", "hotel", "tr",
        [(1, track("Stay Searched", region="Bodrum")), (1.1, track("Hotel Searched", nights=7))],
        [(1.3, "Aradığınız konaklamayı birlikte bulalım"),
         (4.3, "Tatil planınız için birkaç öneri")],
        2, booked_online, "help",
    ),
    Story(
        "price-drop", "shop", "tr",
        [(1, track("Product Viewed", sku="COFFEE-1")),
         (1.1, track("Price Dropped", sku="COFFEE-1", discount_percent=20))],
        [(1.11, "Beğendiğiniz ürünün fiyatı düştü"), (2.12, "Yeni fiyatlı ürün tükenmeden")],
        1.5, bought_online, "news",
    ),
    Story(
        "onboarding", "hotel", "en",
        [(1, track("Signed Up")), (1.5, track("Stay Viewed", region="Çeşme"))],
        [(1.01, "Welcome to us"), (4, "Our choice for a holiday by the sea"),
         (9, "We are ready for your first stay")],
        2, booked_online, "welcome",
    ),
    Story(
        "pre-arrival-upsell", "hotel", "en",
        [(1, stay("trip", "confirmed", ordered=1, arrives=30))],
        [(16, "Make your stay more comfortable"),
         (27, "Small things we can arrange before you come")],
        18, purchase("spa", ordered=18), "upgrade",
    ),
    Story(
        "in-stay-cross-sell", "hotel", "tr",
        [(1, stay("trip", "confirmed", ordered=1, arrives=5)),
         (5, stay("trip", "in_house", ordered=1, arrives=5))],
        [(5.25, "Bu akşam için yerinizi ayıralım"), (6, "Çevreyi keşfetmek için üç öneri"),
         (8.2, "Yarın acele etmeyin")],
        5.4, purchase("spa", ordered=5.4), "evening",
    ),
    Story(
        "post-stay-review", "hotel", "tr",
        [(4, stay("trip", "completed", ordered=1, arrives=2, nights=2))],
        [(5, "Konaklamanız nasıldı"), (10, "Bir dakikanız var mı")],
        11, stay("again", "confirmed", ordered=11, arrives=60), "again",
        is_goal=False,
    ),
    Story(
        "next-order", "shop", "tr",
        [(1, bought_online)],
        [(21.1, "İkinci siparişiniz için birkaç öneri"),
         (36.2, "İkinci siparişiniz için hatırlatma")],
        22, lambda email: bought_online(email, "second"), "second",
    ),
    Story(
        "birthday", "hotel", "tr", [],
        [(10, "Doğum gününüz kutlu olsun"), (31.1, "Doğum günü ayrıcalığınız sona eriyor")],
        12, booked_online, "wishes",
        before=[born("1985-06-11"), stay("old", "completed", ordered=-120, arrives=-100)],
    ),
    Story(
        "seasonal-return", "hotel", "en", [],
        [(9, "A year has passed already"), (30, "Rooms for this season are going")],
        12, booked_online, "a-year-ago",
        before=[stay("old", "completed", ordered=-320, arrives=-295)],
    ),
    Story(
        "win-back", "hotel", "tr", [],
        [(11, "Sizi yeniden ağırlamak isteriz"),
         (25, "Dönüşünüz için size özel bir teklif")],
        13, booked_online, "miss-you",
        before=[stay("one", "completed", ordered=-400, arrives=-380),
                stay("two", "completed", ordered=-200, arrives=-174)],
        segments=True,
    ),
]  # fmt: skip


@pytest.fixture
def company(tmp_path, settings) -> Iterator[Company]:
    with at_work(tmp_path, settings) as found:
        yield found


def tell(company: Company, emails: list[str], lines: Lines) -> None:
    found = [line for email in emails for line in lines(email)]
    if "event" in found[0]:
        company.track(*found)
    else:
        company.tell(*found)


def consents(email: str) -> list[Line]:
    decision = {"channel": "email", "purpose": "marketing", "status": "granted"}
    return [{"kind": "consent", "email": email, "evidence": "form 7", **decision}]


def held_out() -> set[str]:
    """Return the addresses of the journey's control group."""
    people = Enrollment.objects.filter(is_holdout=True).values("profile")
    return set(Identifier.objects.filter(kind="email", profile__in=people).values_list(
        "value", flat=True
    ))  # fmt: skip


@pytest.mark.django_db(transaction=True, databases=["default", "log"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.pack}-{story.flavour}")
def test_a_scenario_goes_from_an_event_to_revenue_credited(company, story):
    emails = [f"misafir{n}@example.com" for n in range(N)]
    refuser = "istemez@example.com"  # never agreed to anything
    with company.day(0):
        tell(company, emails, consents)
        for lines in story.before:
            tell(company, [*emails, refuser], lines)
        company.pusula("live", "--once")
        if story.segments:
            company.pusula("segments", "apply", "--shipped", "--yes")
            company.pusula("run")
        key = company.go_live(story.pack, story.flavour, story.language)
    things: list[tuple[float, int, Any]] = [
        *((day, 0, lines) for day, lines in story.acts),
        *((day, 1, subject) for day, subject in story.mails),
        (story.buys, 2, None),
    ]
    buyers: list[str] = []
    staying = sorted(emails)
    for day, kind, what in sorted(things, key=lambda one: one[:2]):
        with company.day(day):
            if kind == 0:
                tell(company, [*emails, refuser], what)
                company.pusula("live", "--once")
                continue
            if kind == 2:
                buyers = [one for one in staying if one not in held_out()][::2]
                tell(company, [*buyers, *sorted(held_out())[:1]], story.order)
                assert not company.work()
                continue
            mails = company.work()
        goers = set(buyers) if story.is_goal else set()
        assert sorted(mail["To"] for mail in mails) == sorted(set(staying) - held_out() - goers)
        assert {mail["Subject"] for mail in mails} == {what}
        body = mails[0].get_body(("html",)).get_content()
        assert "lodos.example" not in body, "links are counted"
        assert "/u/" in mails[0]["List-Unsubscribe"]
    with company.day(story.mails[-1][0] + 40):
        said = company.pusula("journeys", "result", key, "--days", "60", "--json")
        result = json.loads(said.output)
        assert result["holdout"]["n"] == len(held_out())
        assert result["treated"]["n"] == N + 1 - len(held_out())
        assert result["treated"]["n_conversions"] == len(buyers)
        assert result["n_goals"] == (len(buyers) if story.is_goal else 0)
        assert result["treated"]["revenue_minor"] == len(buyers) * PRICE
        credited = {"n_orders": len(buyers), "revenue_minor": len(buyers) * PRICE}
        assert result["credited"] == {story.step: credited}
        assert story.step in company.pusula("journeys", "result", key, "--days", "60").output
