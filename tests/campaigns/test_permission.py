"""What a campaign needs beside a consent: for this address, in İYS, unless it only informs."""

from __future__ import annotations

import pytest

from pusula.campaigns import audience, checklist
from pusula.campaigns.definitions import DefinitionError
from pusula.consent.actions import Decision, record, refuse, suppress
from pusula.consent.iys.actions import Heard, hear, open_account
from pusula.consent.models import Consent, ConsentEntry, Scope
from pusula.lib import clock

DAY = clock.DAY


def reasons(campaign) -> dict[str, int]:
    return audience.plan(campaign).reasons()


def heard(recipient: str, status: str, at: int) -> None:
    hear([Heard("EPOSTA", recipient, "BIREYSEL", status, "HS_WEB", at, at)], at=at)


def test_who_agreed_for_another_address_is_left_out_with_that_reason(hotel):
    ayse = hotel.guest("Ayse", consent=None)
    told = {"channel": "email", "purpose": "marketing", "source": "web", "evidence": "form"}
    record(
        [
            Decision(
                profile_id=ayse.pk, status="granted", decided_at=1, address="old@example.com",
                **told,
            )
        ],
        at=1,
    )  # fmt: skip
    hotel.segment("lapsing", ayse)
    assert reasons(hotel.campaign()) == {"other_address": 1}


def test_where_iys_is_asked_its_answer_is_a_reason(hotel):
    yes, no, unheard = hotel.guest("Yes"), hotel.guest("No"), hotel.guest("Unheard")
    hotel.segment("lapsing", yes, no, unheard)
    campaign = hotel.campaign()
    assert reasons(campaign) == {}
    now = clock.now()
    heard("yes@example.com", "ONAY", now)
    heard("no@example.com", "RET", now)
    open_account("iys", at=now, is_enforced=True)
    assert reasons(campaign) == {"not_in_iys": 2}
    said = [item.text for item in checklist.preflight(campaign, now).items]
    assert any("İYS" in text for text in said)


def test_what_only_informs_needs_no_consent_but_no_refusal_either(hotel):
    silent, refused, blocked, quiet = (
        hotel.guest(name, consent=None) for name in ("Silent", "Refused", "Blocked", "Quiet")
    )
    refuse([refused.pk], channel="email", purpose="service", source="web", evidence="", at=1)
    suppress("email", "blocked@example.com", reason="hard_bounce", at=1)
    suppress("email", "quiet@example.com", reason="manual", scope=Scope.COMMERCIAL, at=1)
    hotel.segment("lapsing", silent, refused, blocked, quiet)
    open_account("iys", at=1, is_enforced=True)
    campaign = hotel.campaign(purpose="service", message_class="informational")
    assert reasons(campaign) == {"refused": 1, "suppressed": 1}
    assert not any(
        item.code == "purpose" for item in checklist.preflight(campaign, clock.now()).items
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"purpose": "marketing", "message_class": "informational"},
        {"purpose": "marketng"},
    ],
)
def test_a_purpose_that_does_not_fit_forbids_the_start(hotel, changes):
    hotel.segment("lapsing", hotel.guest("Ayse"))
    found = checklist.preflight(hotel.campaign(**changes), clock.now())
    assert not found.may_start
    assert [item.code for item in found.items if item.code == "purpose"] == ["purpose"]


def test_a_message_is_commercial_or_informational_and_nothing_else(hotel):
    with pytest.raises(DefinitionError, match="message_class"):
        hotel.definition(message_class="friendly")
    assert ConsentEntry.objects.count() == Consent.objects.count() == 0
