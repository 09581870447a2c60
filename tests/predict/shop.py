"""A made-up shop of two circles of customers, each buying only the things of its own."""

from __future__ import annotations

import numpy as np

from pusula.lib import clock
from pusula.orders.models import Order, OrderChange, OrderItem
from pusula.profiles.models import Profile

LAST_AT = 1_788_000_000_000_000  # 2026-08-29, some weeks before the clock of the tests


def people(n: int) -> list[Profile]:
    made = [Profile(created_at=0, recorded_at=0) for _ in range(n)]
    return Profile.objects.bulk_create(made)


def order(who: Profile, number: str, at: int, items=(), *, status="completed", **more) -> Order:
    """Make an order as an import does: the order, its history, its lines (sku, name, quantity)."""
    amounts = {"gross_base_minor": 1_000, "net_base_minor": 1_000}
    made = Order.objects.create(
        profile=who, source="shop", source_id=number, status=status, ordered_at=at, status_at=at,
        currency="TRY", gross_minor=1_000, net_minor=1_000, recorded_at=at, **amounts, **more,
    )  # fmt: skip
    OrderChange.objects.create(
        order=made, profile=who, changed_at=at, recorded_at=at, status=status, ordered_at=at,
        **amounts, **more,
    )  # fmt: skip
    OrderItem.objects.bulk_create(
        OrderItem(order=made, line_no=i, sku=sku, name=name, quantity=n, amount_minor=1_000)
        for i, (sku, name, n) in enumerate(items)
    )
    return made


def item(circle: str, n: int) -> tuple[str, str, int]:
    return f"{circle}{n:02}", f"Ürün {circle}{n}", 1


def fill(n_people: int = 260, *, days: int = 120, seed: int = 1) -> list[Profile]:
    """Let everybody buy five of the twelve things of their circle, two of them in one order."""
    rng = np.random.default_rng(seed)
    everybody = people(n_people)
    made, lines = [], []
    for number, who in enumerate(everybody):
        chosen = rng.choice(12, 5, replace=False).tolist()
        circle = "ab"[number % 2]
        for serial, n in enumerate(chosen[1:]):
            at = LAST_AT - int(rng.integers(0, days)) * clock.DAY
            made.append(_order(who, f"{who.pk}-{serial}", at))
            lines.append([item(circle, n)] + ([item(circle, chosen[0])] if not serial else []))
    made = Order.objects.bulk_create(made)
    OrderChange.objects.bulk_create(
        OrderChange(
            order=each, profile_id=each.profile_id, changed_at=each.ordered_at,
            recorded_at=each.ordered_at, status="completed", ordered_at=each.ordered_at,
            gross_base_minor=1_000, net_base_minor=1_000,
        )
        for each in made
    )  # fmt: skip
    OrderItem.objects.bulk_create(
        OrderItem(order=each, line_no=i, sku=sku, name=name, quantity=n, amount_minor=1_000)
        for each, items in zip(made, lines, strict=True)
        for i, (sku, name, n) in enumerate(items)
    )
    return everybody


def _order(who: Profile, number: str, at: int) -> Order:
    return Order(
        profile=who, source="shop", source_id=number, status="completed", ordered_at=at,
        status_at=at, currency="TRY", gross_minor=1_000, net_minor=1_000, recorded_at=at,
        gross_base_minor=1_000, net_base_minor=1_000,
    )  # fmt: skip
