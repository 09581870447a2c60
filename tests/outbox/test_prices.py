"""What messages cost: prices from a moment on, parts of an SMS, channels without a price."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.outbox.people import in_line, profiles

from pusula.lib import clock
from pusula.outbox import prices
from pusula.outbox.models import Message, Price

pytestmark = pytest.mark.django_db
NOON = 1_790_000_000_000_000


def sent(n: int, *, at: int, channel: str = "sms", **columns: object) -> None:
    """Let ``n`` messages have left at ``at``."""
    made = in_line(profiles(n), origin=f"journey:{Message.objects.count()}")
    told = {"state": "sent", "gated_at": at, "channel": channel, **columns}
    Message.objects.filter(pk__in=[one.pk for one in made]).update(**told)


def cost() -> prices.Spent:
    return prices.spent(Message.objects.all())


def test_a_price_holds_from_its_moment_on_and_what_was_sent_before_keeps_the_earlier_one():
    prices.change({"sms": Decimal("0.10")}, by="ece", at=NOON)
    prices.change({"sms": Decimal("0.25")}, by="ece", at=NOON + clock.DAY)
    sent(3, at=NOON)
    sent(2, at=NOON + clock.DAY)
    assert cost() == prices.Spent(30 + 50)


def test_what_was_sent_before_the_first_price_costs_that_one():
    sent(4, at=NOON - clock.DAY)
    prices.change({"sms": Decimal("0.1325")}, by="ece", at=NOON)
    assert cost() == prices.Spent(53), "0.53 exactly: the sum is rounded, not each message"


def test_each_part_of_an_sms_is_paid_for():
    prices.change({"sms": Decimal("0.20")}, by="ece", at=NOON)
    sent(1, at=NOON, n_parts=3)
    sent(1, at=NOON)
    assert cost() == prices.Spent(80)


def test_what_never_left_costs_nothing_and_what_may_have_left_does():
    prices.change({"sms": Decimal(1)}, by="ece", at=NOON)
    for state in ("pending", "skipped", "failed", "unknown"):
        sent(1, at=NOON, state=state)
    assert cost() == prices.Spent(100)


def test_a_channel_without_a_price_is_named_and_counts_nothing():
    prices.change({"sms": Decimal(1)}, by="ece", at=NOON)
    sent(1, at=NOON)
    sent(1, at=NOON, channel="whatsapp")
    assert cost() == prices.Spent(100, ("whatsapp",))


def test_the_same_price_again_is_no_change():
    prices.change({"email": Decimal("0.01")}, by="ece", at=NOON)
    assert prices.change({"email": Decimal("0.010")}, by="ece", at=NOON + 1) == {}
    assert Price.objects.count() == 1


@pytest.mark.parametrize("typed", ["-1", "1e3", "NaN", "0,1234567", "100001", "", "a", "٣"])
def test_what_is_no_price_is_refused(typed):
    with pytest.raises(prices.PriceError):
        prices.read(typed)


@pytest.mark.parametrize("typed", ["0,1325", "0.1325", " 0.1325 "])
def test_a_price_is_read_with_comma_or_point(typed):
    assert prices.read(typed) == Decimal("0.1325")
