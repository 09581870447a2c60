"""Campaigns of the made-up company: a draft, one being sent, one that has ended."""

from __future__ import annotations

from tests.web import company as made_up

from pusula.campaigns import actions, definitions
from pusula.campaigns.models import Arm, Assignment, Campaign
from pusula.lib import clock
from pusula.orders.models import Order
from pusula.outbox import machine
from pusula.outbox.models import Message, Receipt, ReceiptKind

HTML = (
    "<!doctype html><html><head><title>Bahar</title></head><body>"
    "<h1>Merhaba {{ profile.first_name }}</h1>"
    "<p>Odanız hazır. <a href='https://lodos.example/bahar'>Yerinizi ayırın</a></p>"
    "<p><a href='{{ unsubscribe_url }}'>Bu iletileri istemiyorum</a></p></body></html>"
)


def definition(key: str = "bahar", **changes: object) -> definitions.Definition:
    given: dict[str, object] = {
        "campaign": key,
        "title": "Bahar daveti",
        "goal": "loyalty",
        "audience": ["repeat-guests"],
        "exclusions": ["lapsing"],
        "holdout": "20%",
        "window_days": 14,
        "cost": {"message": "0.05", "fixed": "1500"},
        "margin": "40%",
        "template": {"subject": "{{ profile.first_name }}, bahar geldi", "html": HTML},
    }
    return definitions.parse(given | changes, "test")


def draft(key: str = "bahar", **changes: object) -> Campaign:
    return actions.create(definition(key, **changes), made_up.moment(3))


def started(key: str = "bahar", ago: float = 0.1, **changes: object) -> Campaign:
    return actions.start(draft(key, **changes), made_up.moment(ago))


def settle(campaign: Campaign, n_pending: int = 0) -> list[Message]:
    """Let all messages but ``n_pending`` arrive, the first of them refused."""
    messages = list(Message.objects.filter(origin=campaign.origin).order_by("pk"))
    done = messages[: len(messages) - n_pending]
    for place, message in enumerate(done):
        state, reason = (machine.FAILED, "hard_bounce") if place == 0 else (machine.SENT, "")
        Message.objects.filter(pk=message.pk).update(state=state, reason=reason, settled_at=1)
    return done


def finished(key: str = "bahar") -> Campaign:
    """Return a campaign whose window is over and whose readers booked more than the others."""
    campaign = started(key, ago=20)
    for place, message in enumerate(settle(campaign)[1:]):
        if place % 2 == 0:
            Receipt.objects.create(
                message=message, kind=ReceiptKind.OPENED, at=made_up.moment(19.9)
            )
        if place % 5 == 0:
            book(message.profile_id, f"{key}-{place}", campaign)
    return campaign


def book(profile_id: int, number: str, campaign: Campaign) -> None:
    """Let a customer book three days after the campaign began."""
    at = (campaign.started_at or 0) + 3 * clock.DAY
    order = Order.objects.create(
        profile_id=profile_id,
        source="pms",
        source_id=number,
        status="confirmed",
        ordered_at=at,
        status_at=at,
        currency="TRY",
        gross_minor=2_000_000,
        net_minor=1_800_000,
        gross_base_minor=2_000_000,
        net_base_minor=1_800_000,
        recorded_at=at,
    )
    order.changes.create(
        profile_id=profile_id,
        ordered_at=at,
        changed_at=at,
        recorded_at=at,
        status="confirmed",
        gross_base_minor=2_000_000,
        net_base_minor=1_800_000,
    )


def adopted(profiles: list[int], key: str = "yaz", n_treated: int = 40) -> Campaign:
    """Return a campaign that ran elsewhere; the first ``n_treated`` of ``profiles`` got it."""
    at = made_up.moment(60)
    campaign = Campaign.objects.create(
        key=key,
        title="Yaz bülteni",
        goal="upsell",
        state="finished",
        is_adopted=True,
        currency="TRY",
        holdout_share=0.5,
        created_at=at,
        started_at=at,
        window_ends_at=at + 14 * clock.DAY,
    )
    Assignment.objects.bulk_create(
        Assignment(
            campaign=campaign,
            profile_id=profile_id,
            arm=Arm.TREATED if place < n_treated else Arm.HOLDOUT,
            assigned_at=at,
        )
        for place, profile_id in enumerate(profiles)
    )
    return campaign
