"""A person with a row of every kind, in a home folder of the test's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.utils import translation

from pusula.consent import actions as consents
from pusula.consent.actions import Decision
from pusula.events.models import Event
from pusula.lib import clock
from pusula.orders.models import Order, OrderItem
from pusula.outbox.models import Content, Message, Receipt
from pusula.pipeline.appender import Entry, append
from pusula.profiles.models import Identifier, Profile, Score, Trait, TraitChange
from pusula.segments.models import Membership, Segment, SegmentVersion

AT = 1_780_000_000_000_000


@pytest.fixture(autouse=True)
def home(settings, tmp_path: Path):
    """Give the test a home folder, and English sentences."""
    settings.PUSULA_HOME = tmp_path
    settings.PUSULA_LAKE = str(tmp_path / "lake")
    with translation.override("en"):
        yield tmp_path


def person(name: str, number: str, email: str, phone: str) -> Profile:
    """Return somebody with identifiers, a trait, an event, an order, a consent, a message."""
    made = Profile.objects.create(
        first_name=name, last_name="Sınar", name_key=f"{name} sinar", created_at=AT, recorded_at=AT
    )
    pairs = (("key", f"pms:{number}"), ("email", email), ("phone", phone))
    for kind, value in pairs:
        Identifier.objects.create(
            profile=made, kind=kind, value=value, source="pms", recorded_at=AT
        )
    trait = {"name": "note", "kind": "text", "text": f"{name} note", "source": "pms"}
    Trait.objects.create(profile=made, updated_at=AT, **trait)
    TraitChange.objects.create(profile=made, changed_at=0, recorded_at=AT, **trait)
    Score.objects.create(profile=made, model="churn", value=0.5, scored_at=AT)
    Event.objects.create(
        profile=made, name="Page Viewed", at=AT, recorded_at=AT, dedupe_key=f"pms:{number}:e",
        source="pms", properties={"q": f"{name} looked"},
    )  # fmt: skip
    order = Order.objects.create(
        profile=made, source="pms", source_id=f"r{number}", status="completed", ordered_at=AT,
        status_at=AT, currency="TRY", gross_minor=1, net_minor=1, gross_base_minor=1,
        net_base_minor=1, recorded_at=AT,
    )  # fmt: skip
    OrderItem.objects.create(order=order, line_no=1, quantity=1, amount_minor=1)
    consents.record(
        [
            Decision(
                profile_id=made.pk, channel="email", purpose="marketing", status="granted",
                source="pms", decided_at=AT, evidence=f"{name} form",
            )
        ],
        at=AT,
    )  # fmt: skip
    content = Content.objects.create(
        channel="email", sender="x <x@y.example>", subject="s", text="t", html="h", created_at=AT
    )
    message = Message.objects.create(
        dedupe_key=f"m{number}", origin="campaign:1", profile=made, content=content,
        channel="email", purpose="marketing", address=email, token=f"t{number}", state="sent",
        due_at=AT, not_after_at=AT, created_at=AT, settled_at=AT,
    )  # fmt: skip
    Receipt.objects.create(message=message, kind="clicked", at=AT)
    segment = Segment.objects.get_or_create(key="all", defaults={"created_at": AT})[0]
    version = SegmentVersion.objects.get_or_create(
        segment=segment, number=1, defaults={"definition": {"where": {}}, "created_at": AT}
    )[0]
    Membership.objects.create(
        segment=segment, profile=made, version=version, entered_at=AT, cause="run"
    )
    Segment.objects.filter(pk=segment.pk).update(n_members=segment.memberships.count())
    append([Entry("event", "pms", f"pms:{number}:e", json.dumps({"key": number, "name": "A"}))])
    return made


@pytest.fixture
def elif_() -> Profile:
    """Return who is going to be erased."""
    return person("Elif", "10027", "elif@ornek.example", "+905329876541")


@pytest.fixture
def stays() -> Profile:
    """Return who stays."""
    return person("Kemal", "20031", "kemal@ornek.example", "+905331112233")


@pytest.fixture
def now() -> int:
    """Return the present moment."""
    return clock.now()
