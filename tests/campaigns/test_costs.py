"""What a campaign costs, before it is sent and afterwards, by its own figure or the prices."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from pusula.campaigns import actions, checklist, costs, templates
from pusula.campaigns.checklist import Level
from pusula.campaigns.errors import CampaignError
from pusula.campaigns.templates import Says
from pusula.consent.models import Consent, ConsentEntry
from pusula.lib import clock
from pusula.outbox import prices
from pusula.outbox.models import Message

NOON = 1_790_000_000_000_000
SAID = "What it costs is said in TRY, and the company counts in EUR: save it anew."


@pytest.fixture
def guests(hotel):
    """Four who may get an SMS; the first has a long name."""
    made = [hotel.guest(name) for name in ("Ada" * 20, "Ece", "Gül", "Can")]
    for n, guest in enumerate(made):
        hotel.identify(guest, "phone", f"+90532000000{n}")
    ConsentEntry.objects.update(channel="sms")
    Consent.objects.update(channel="sms")
    return made


def by_sms(hotel, guests, text: str, **more):
    templates.save(None, name="bahar", channel="sms", says={"": Says(text=text)}, by="ece", at=NOON)
    hotel.segment("lapsing", *guests)
    return hotel.campaign(channel="sms", template="bahar", **more)


def told(campaign) -> list[tuple[Level, str]]:
    found = checklist.preflight(campaign, clock.now())
    return [(item.level, item.text) for item in found.items if item.code == "cost"]


def test_the_sms_of_its_people_are_counted_before_it_is_sent(hotel, guests):
    prices.change({"sms": Decimal("0.25")}, by="ece", at=NOON)
    campaign = by_sms(hotel, guests, "{{ profile.first_name }} " + "a" * 140, cost={"fixed": 10})
    plan = checklist.preflight(campaign, clock.now()).plan
    found = costs.foresee(campaign, plan)
    assert (found.parts.n_people, found.parts.n_parts, found.parts.most) == (4, 5, 2)
    assert found.minor == 5 * 25 + 1_000
    (n_sms, _all) = told(campaign)
    assert n_sms[0] is Level.WARNING
    assert "5" in n_sms[1]
    assert "2" in n_sms[1]


def test_letters_that_make_the_texts_dearer_are_named(hotel, guests):
    prices.change({"sms": Decimal("0.25")}, by="ece", at=NOON)
    campaign = by_sms(hotel, guests, "ş" * 100 + "{{ profile.first_name | default: '' }}")
    assert any("ş" in text for _level, text in told(campaign))


def test_a_cost_of_its_own_goes_before_the_price(hotel, guests):
    prices.change({"sms": Decimal(9)}, by="ece", at=NOON)
    campaign = by_sms(hotel, guests, "Merhaba", cost={"message": "0.05"})
    plan = checklist.preflight(campaign, clock.now()).plan
    assert costs.foresee(campaign, plan).minor == 20
    assert costs.spent(campaign, 3).minor == 15


def test_without_a_price_somebody_is_told_what_is_missing(hotel, guests):
    campaign = by_sms(hotel, guests, "Merhaba", cost={"fixed": 7})
    levels = [level for level, _text in told(campaign)]
    assert Level.WARNING in levels
    assert Level.ERROR not in levels
    plan = checklist.preflight(campaign, clock.now()).plan
    assert costs.foresee(campaign, plan).minor == 700


def test_what_was_sent_is_counted_by_the_prices_of_its_moment(hotel, guests):
    prices.change({"sms": Decimal("0.25")}, by="ece", at=NOON)
    campaign = by_sms(hotel, guests, "Merhaba")
    content = templates.freeze(campaign.template)[""]
    Message.objects.create(
        dedupe_key="x", origin=campaign.origin, profile=guests[0], content_id=content,
        channel="sms", purpose="marketing", address="+905320000000", token="t", state="sent",
        n_parts=2, gated_at=NOON, due_at=NOON, not_after_at=NOON, created_at=NOON,
    )  # fmt: skip
    assert costs.spent(campaign, 1).minor == 50


def test_a_campaign_of_another_currency_does_not_begin_and_takes_no_price_of_this_one(
    hotel, guests, settings, english
):
    prices.change({"sms": Decimal("0.25")}, by="ece", at=NOON)
    campaign = by_sms(hotel, guests, "Merhaba", cost={"fixed": 7})
    settings.PUSULA = replace(settings.PUSULA, currency="EUR")
    assert (Level.ERROR, SAID) in told(campaign)
    assert costs.spent(campaign, 3) == prices.Spent(700, ("sms",))
    with pytest.raises(CampaignError, match="TRY"):
        actions.start(campaign, at=clock.now())
