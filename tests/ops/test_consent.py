"""The ledger and İYS from the command line."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result
from django.test import Client
from tests.simulators.iys import Simulator

from pusula.consent.models import ConsentEntry, Purpose, SignUpForm, Suppression
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.ops.consent import consent
from pusula.ops.iys import iys
from pusula.privacy.models import AuditEntry
from pusula.profiles.models import Identifier, Profile
from pusula.sources.iys import sync

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "log"])


def call(group, *words: str, told: str | None = None) -> Result:
    return CliRunner().invoke(group, list(words), input=told, catch_exceptions=False)


@pytest.fixture
def ayse() -> int:
    profile = Profile.objects.create(created_at=0, recorded_at=0)
    Identifier.objects.create(
        profile=profile, kind="email", value="ayse@example.com", source="pms", recorded_at=0
    )
    return profile.pk


def test_purposes_are_added_and_mistyped_ones_refused(ayse):
    assert "marketing" in call(consent, "purposes", "list").output
    assert call(consent, "purposes", "add", "spa", "--tr", "Spa", "--en", "Spa").exit_code == 0
    assert Purpose.objects.get().is_commercial
    for slug in ("spa", "membership", "a b"):
        with pytest.raises(PusulaError):
            call(consent, "purposes", "add", slug, "--tr", "x", "--en", "x")
    with pytest.raises(PusulaError, match="marketng"):
        call(consent, "record", str(ayse), "email", "marketng", "granted", "--note", "x")


def test_a_decision_is_written_down_with_its_proof_and_shown(ayse):
    with pytest.raises(PusulaError, match=r"proof|kanıt"):
        call(consent, "record", str(ayse), "call", "marketing", "granted")
    with pytest.raises(PusulaError):
        call(consent, "record", "999999", "call", "marketing", "refused")
    done = call(consent, "record", str(ayse), "call", "marketing", "granted", "--recording", "K-77")
    assert done.exit_code == 0
    [told] = json.loads(call(consent, "show", str(ayse), "--json").output)
    assert (told["status"], told["proof"]["recording"]) == ("granted", "K-77")
    assert "K-77" in call(consent, "show", str(ayse)).output
    assert AuditEntry.objects.filter(verb="consent.recorded", object=str(ayse)).exists()


def test_texts_and_forms(tmp_path):
    file = tmp_path / "metin.txt"
    file.write_text("Kabul ediyorum.", encoding="utf-8")
    for _ in range(2):
        made = call(consent, "texts", "publish", "marketing", "email", "tr", str(file))
        assert made.output.startswith("marketing/email/tr/1")
    assert "Kabul" in call(consent, "texts", "list").output
    page = call(consent, "forms", "add", "bulten", "--title", "Bülten").output
    assert "/forms/bulten/" in page
    assert 'name="website"' in page
    with pytest.raises(PusulaError):
        call(consent, "forms", "add", "bulten", "--title", "x")
    with pytest.raises(PusulaError):
        call(consent, "forms", "add", "uye", "--title", "x", "--purpose", "membership")
    assert "bulten" in call(consent, "forms", "list").output
    assert Client().get("/forms/bulten/").status_code == 200
    call(consent, "forms", "close", "bulten")
    assert not SignUpForm.objects.get().is_open


def test_addresses_are_blocked_exported_taken_over_and_unblocked(tmp_path):
    call(consent, "suppressions", "add", "email", "Bad@Example.com", "--note", "asked to")
    exported = call(consent, "suppressions", "export").output
    assert "bad@example.com" in exported
    call(consent, "suppressions", "lift", "email", "bad@example.com", "--because", "is back")
    with pytest.raises(PusulaError):
        call(consent, "suppressions", "lift", "email", "bad@example.com", "--because", "again")
    file = tmp_path / "liste.csv"
    file.write_text(exported, encoding="utf-8")
    assert call(consent, "suppressions", "import", str(file)).output.startswith("1")
    assert Suppression.objects.filter(lifted_at=None).count() == 1


def test_iys_is_set_up_told_asked_and_compared(ayse, monkeypatch):
    with pytest.raises(PusulaError, match="iys setup"):
        call(iys, "status")
    monkeypatch.setenv("PUSULA_IYS_USERNAME", "hotel")
    monkeypatch.setenv("PUSULA_IYS_PASSWORD", "geheim")
    registry = Simulator(clock.to_datetime(clock.now()))
    monkeypatch.setattr(sync, "client", lambda: sync.httpx.Client(transport=registry))
    call(consent, "record", str(ayse), "email", "marketing", "granted", "--note", "form")
    told = call(iys, "setup", "--iys-code", "7", "--brand-code", "9", "--take-up", "--enforce")
    assert told.output.startswith("1")
    assert json.loads(call(iys, "status", "--json").output)["states"]["pending"] == 1
    assert call(iys, "push").output.startswith("1")
    registry.tell("ayse@example.com", "EPOSTA", "RET")
    assert call(iys, "pull").output.startswith("1")
    found = json.loads(call(iys, "reconcile", "--json").output)
    assert [one["profile"] for one in found["disagreements"]] == [ayse], "the step has not run"
    assert call(iys, "status").exit_code == 0
    assert ConsentEntry.objects.count() == 1
