"""The pages about consents: numbers, every decision, İYS, blocked addresses."""

from __future__ import annotations

import re

import pytest
from django.utils import translation

from pusula.consent import actions
from pusula.consent.iys import actions as iys
from pusula.consent.models import Consent, ConsentEntry, IysSubmission, Suppression
from pusula.lib import clock
from pusula.privacy.models import AuditEntry
from pusula.web import consent_words

pytestmark = pytest.mark.django_db
PAGES = ["/consents/", "/consents/ledger/", "/consents/blocked/", "/consents/iys/"]


@pytest.mark.parametrize("language", ["tr", "en"])
@pytest.mark.parametrize("path", PAGES)
def test_each_page_can_be_seen_empty_and_filled(deniz, company, path, language):
    deniz.cookies["django_language"] = language
    assert deniz.get(path).status_code == 200
    elif_ = company.elif_.pk
    address = company.elif_.identifiers.filter(kind="email").first().value
    iys.open_account("iys", at=1)
    actions.suppress("email", address, reason="complaint", at=1)
    now = clock.now()
    for status, at in (("granted", now - clock.DAY), ("refused", now)):
        actions.record(
            [
                actions.Decision(
                    profile_id=elif_, channel="email", purpose="marketing", status=status,
                    source="web", decided_at=at, evidence="form", address=address,
                    proof={"form": "web", "network": "203.0.113.0/24"},
                )
            ],
            at=at,
        )  # fmt: skip
    page = deniz.get(path)
    assert page.status_code == 200
    assert address not in page.content.decode(), "shown masked"


def test_a_decision_made_by_phone_is_written_down_with_its_proof(deniz, company):
    path = f"/customers/{company.elif_.pk}/consents/"
    form = {"channel": "call", "purpose": "marketing", "status": "granted"}
    assert deniz.post(path, form).status_code == 422, "nothing proves it"
    assert deniz.post(path, {**form, "purpose": "marketng"}).status_code == 422
    assert deniz.post(path, {**form, "note": "asked", "recording": "K-77"}).status_code == 302
    entry = ConsentEntry.objects.latest("pk")
    assert (entry.status, entry.evidence, entry.source) == ("granted", "asked", "operator")
    assert entry.proof["recording"] == "K-77"
    assert entry.proof["operator"] == company.user.get_username()
    assert Consent.objects.get(profile=company.elif_, channel="call").status == "granted"
    assert AuditEntry.objects.filter(verb="consent.recorded").exists()
    page = deniz.get(path).content.decode()
    assert "K-77" in page


def test_decisions_are_found_by_whose_they_are_and_narrowed(deniz, company):
    found = deniz.get("/consents/ledger/?q=elif&channel=email").content.decode()
    assert f"/customers/{company.elif_.pk}/consents/" in found
    assert deniz.get("/consents/ledger/?channel=pigeon&before=x").status_code == 200
    nobody = deniz.get("/consents/ledger/?q=Elf+Dogan").content.decode()
    assert "<tbody>" not in nobody


def test_an_address_is_blocked_and_unblocked_with_a_reason(deniz, company):
    form = {"channel": "email", "address": "Bad@Example.com", "scope": "commercial", "note": "x"}
    assert deniz.post("/consents/blocked/", form).status_code == 302
    one = Suppression.objects.get()
    assert (one.address, one.scope, one.reason) == ("bad@example.com", "commercial", "manual")
    assert "bad@example.com" not in deniz.get("/consents/blocked/").content.decode()
    lift = f"/consents/blocked/{one.pk}/lift/"
    assert deniz.get(lift).status_code == 405
    deniz.post(lift, {"reason": ""})
    assert Suppression.objects.filter(lifted_at=None).exists(), "no reason, no change"
    deniz.post(lift, {"reason": "mailbox is back"})
    one.refresh_from_db()
    assert one.lifted_at
    assert one.lifted_by == company.user.get_username()
    verbs = set(AuditEntry.objects.values_list("verb", flat=True))
    assert {"suppression.added", "suppression.lifted"} <= verbs
    again = deniz.get("/consents/blocked/?q=bad@example.com").content.decode()
    assert "mailbox is back" in again


@pytest.mark.parametrize(
    "form", [{}, {"channel": "email", "address": "x", "scope": "all"}, {"channel": "pigeon"}]
)
def test_what_is_no_address_is_not_blocked(deniz, company, form):
    assert deniz.post("/consents/blocked/", form).status_code == 422
    assert not Suppression.objects.exists()


def test_the_registry_page_says_what_is_urgent_and_what_was_not_taken(deniz, company):
    iys.open_account("iys", at=1)
    common = {
        "type": "EPOSTA", "recipient_type": "BIREYSEL", "status": "ONAY", "source": "HS_WEB",
        "decided_at": 1, "due_at": 2, "created_at": 1,
    }  # fmt: skip
    IysSubmission.objects.create(dedupe_key="a", recipient="late@example.com", **common)
    IysSubmission.objects.create(
        dedupe_key="b", recipient="not@example.com", state="rejected", code="H174",
        detail="first record", settled_at=5, **common,
    )  # fmt: skip
    page = deniz.get("/consents/iys/").content.decode()
    assert "la•••@example.com" in page
    assert "H174 first record" in page


def test_a_button_pressed_twice_writes_one_decision_down(deniz, company):
    path = f"/customers/{company.elif_.pk}/consents/"
    once = re.search(r'name="once" value="([^"]+)"', deniz.get(path).content.decode())
    assert once
    form = {"channel": "call", "purpose": "marketing", "status": "granted", "note": "asked"}
    before = ConsentEntry.objects.count()
    for _twice in range(2):
        assert deniz.post(path, {**form, "once": once[1]}).status_code == 302
    assert ConsentEntry.objects.count() == before + 1
    assert AuditEntry.objects.filter(verb="consent.recorded").count() == 1
    wrong = deniz.post(path, {**form, "note": "", "once": once[1]})
    assert once[1] in wrong.content.decode(), "the page with the mistake is still the same page"


def test_codes_of_the_ledger_are_words_on_the_page(deniz, company):
    deniz.cookies["django_language"] = "en"
    elif_ = company.elif_.pk
    now = clock.now()
    told = [
        ("operator", "asked", {"operator": "deniz", "iys_source": "HS_CAGRI_MERKEZI"}),
        ("pusula", "preference page", {"form": "preference page"}),
        ("pusula", "unsubscribe link, message t0k3n", {}),
        ("pms", "form bulten, confirmed by mail", {"form": "bulten"}),
    ]
    actions.record(
        [
            actions.Decision(
                profile_id=elif_, channel="sms", purpose="marketing", status="refused",
                source=source, decided_at=now + number, evidence=evidence, proof=proof,
            )
            for number, (source, evidence, proof) in enumerate(told)
        ],
        at=now,
    )  # fmt: skip
    page = deniz.get(f"/customers/{elif_}/consents/").content.decode()
    assert ">operator<" not in page
    assert "Written down by hand" in page
    assert "Call centre (HS_CAGRI_MERKEZI)" in page
    assert ">pms<" in page, "a system goes by its own name"
    with translation.override("tr"):
        words = {consent_words.evidence(evidence) for _source, evidence, _proof in told}
    assert "asked" in words
