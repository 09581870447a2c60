"""A small company whose tables analysts read, in a home folder of the test's own."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.web import company as made_up

from pusula.destinations.bi import exporting
from pusula.events.models import Event
from pusula.lib import clock
from pusula.orders.models import Order, OrderItem
from pusula.outbox.models import Content, Message, Receipt
from pusula.profiles.models import Profile, Score, Trait

# By their decimals: none, two, three.
CURRENCIES = ("TRY", "JPY", "KWD", "EUR")


@pytest.fixture(autouse=True)
def home(settings, tmp_path, monkeypatch, english):
    settings.PUSULA_HOME = tmp_path
    settings.PUSULA_LAKE = str(tmp_path / "lake")
    monkeypatch.setattr(clock, "now", lambda: made_up.NOW)
    return tmp_path


@pytest.fixture
def company(db) -> made_up.Company:
    """Return the company with orders in several currencies, scores, messages, odd words."""
    company = made_up.build()
    rng = random.Random(5)  # noqa: S311 - the same world every time
    for number, order in enumerate(Order.objects.order_by("pk")):
        code = rng.choice(CURRENCIES)
        Order.objects.filter(pk=order.pk).update(currency=code)
        OrderItem.objects.create(
            order=order, line_no=1, sku=f"S{number % 7}", name="=oda", quantity=number % 3,
            amount_minor=rng.randrange(-500, 90_000),
        )  # fmt: skip
    people = list(Profile.objects.order_by("pk"))
    content = Content.objects.create(
        channel="email", sender="x <x@y.example>", subject="s", text="t", html="h", created_at=1
    )
    for who in people:
        for ago in (30, 2):
            Score.objects.create(
                profile=who, model="churn", value=rng.random(), decile=rng.randrange(1, 11),
                scored_at=made_up.moment(ago),
            )  # fmt: skip
        message = Message.objects.create(
            dedupe_key=f"m{who.pk}", origin="campaign:1", profile=who, content=content,
            channel=rng.choice(["email", "sms"]), purpose="marketing", address="x@y.example",
            token=f"t{who.pk}", state=rng.choice(["sent", "skipped"]), due_at=made_up.NOW,
            not_after_at=made_up.NOW, created_at=made_up.NOW, settled_at=made_up.moment(3),
            step="a",
        )  # fmt: skip
        for is_machine in (True, False):
            at = made_up.NOW - rng.randrange(10**5) * clock.SECOND
            Receipt.objects.create(message=message, kind="clicked", at=at, is_machine=is_machine)
    Trait.objects.create(
        profile=people[1], name="açık not", kind="text", text="arayın: 0532", text_fold="x",
        source="crm", updated_at=1,
    )  # fmt: skip
    for who in people:
        Trait.objects.create(
            profile=who, name="'; drop table x --%s", kind="number", number=who.pk, source="crm",
            updated_at=1,
        )  # fmt: skip
    made_up.event(people[2], "Page Viewed", 1.5, q="=SUM(A1)")
    Event.objects.filter(name="Page Viewed").update(source='say "hi", there')
    return company


@pytest.fixture
def written(company, home) -> Path:
    """Return the folder in which the tables stand as Parquet."""
    exporting.run(home / "bi")
    return home / "bi"
