"""Decisions that come through the log: of which contact point they speak, and which are refused."""

from __future__ import annotations

import json

import pytest
from tests.pipeline.company import told

from pusula.consent.models import Consent, ConsentEntry
from pusula.pipeline import live, queries
from pusula.pipeline.appender import Entry
from pusula.profiles.models import Identifier

pytestmark = pytest.mark.django_db(databases=["default", "log"])
CONSENT = {"channel": "email", "purpose": "marketing", "status": "granted"}


def entry(number: int, **body) -> Entry:
    return Entry("consent", "web", f"web:{number}", json.dumps({**CONSENT, **body}))


@pytest.mark.parametrize(
    ("who", "address"),
    [
        ({"email": "Elif@Example.com"}, "elif@example.com"),
        ({"key": "10027", "email": "elif@example.com"}, ""),
        ({"phone": "0532 123 45 67"}, ""),
        ({"phone": "0532 123 45 67", "channel": "sms"}, "+905321234567"),
        ({"email": "elif@example.com", "channel": "sms"}, ""),
    ],
)
def test_a_decision_speaks_of_the_address_that_names_its_person(company, who, address):
    told(entry(1, **who))
    assert live.step().n_quarantined == 0
    assert ConsentEntry.objects.get().address == address


def test_a_proof_is_kept_in_parts(company):
    told(entry(1, email="elif@example.com", proof={"form": "web", "recording": "K-7"}))
    live.step()
    assert ConsentEntry.objects.get().proof == {"form": "web", "recording": "K-7"}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"purpose": "marketng"}, "there is no purpose"),
        ({"purpose": "membership"}, "apart from membership"),
        ({"proof": {"ip": "203.0.113.7"}}, "is no part of a proof"),
        ({"proof": {"form": "x" * 81}}, "at most 80"),
    ],
)
def test_what_is_no_decision_is_put_aside_and_holds_nobody_back(company, settings, body, reason):
    settings.LANGUAGE_CODE = "en"
    told(
        entry(1, email="ali@example.com"),
        entry(2, email="elif@example.com", **body),
        entry(3, email="can@example.com", status="refused"),
    )
    assert live.step().n_quarantined == 1
    (aside,) = queries.quarantined()
    assert aside.entry_id == 2
    assert reason in str(aside.why)
    assert sorted(Consent.objects.values_list("status", flat=True)) == ["granted", "refused"]


def test_a_phone_that_is_none_costs_a_booking_neither_its_email_nor_its_number(company):
    bad = {"phone": "+49 151 2", "name": "Hotel Searched"}
    told(
        Entry("event", "web", "web:1", json.dumps({"email": "max@example.com", **bad})),
        Entry("event", "web", "web:2", json.dumps({"key": "7", "email": "eva@example.com", **bad})),
        Entry("event", "web", "web:3", json.dumps(bad)),
        entry(4, email="max@example.com", phone="+49 151 2"),
    )
    assert live.step().n_quarantined == 2
    held = set(Identifier.objects.filter(kind="email").values_list("value", flat=True))
    assert held >= {"max@example.com", "eva@example.com"}
    assert [one.entry_id for one in queries.quarantined()] == [3, 4]
    assert all(str(one.why).startswith("phone: ") for one in queries.quarantined())
