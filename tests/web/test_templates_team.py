"""The pages of the team's addresses, and of the link that verifies one."""

from __future__ import annotations

import pytest
from django.test import Client

from pusula.campaigns import team
from pusula.campaigns.models import TeamAddress, Trial
from pusula.lib import clock
from pusula.privacy.models import AuditEntry

pytestmark = pytest.mark.django_db

ADDRESS = "ece@ajans.example"
TYPED = {"channel": "email", "name": "x", "subject": "Bahar", "text": "Merhaba", "test": "1"}


def page(client, path: str, language: str = "en", status: int = 200) -> str:
    client.cookies["django_language"] = language
    answer = client.get(path)
    assert answer.status_code == status, path
    return " ".join(answer.content.decode().split())


def link() -> str:
    team.invite(ADDRESS, by="deniz", at=clock.now())
    found = team.take_invitation(at=clock.now())
    assert found is not None
    return f"/team/{found[1]}/"


@pytest.mark.parametrize("language", ["tr", "en"])
def test_an_address_is_added_and_taken_off_again(deniz, language):
    page(deniz, "/templates/+team/", language)
    deniz.post("/templates/+team/", {"address": ADDRESS})
    one = TeamAddress.objects.get()
    assert ADDRESS in page(deniz, "/templates/+team/", language)
    deniz.post(f"/templates/+team/{one.pk}/revoke/")
    assert ADDRESS not in page(deniz, "/templates/+team/", language)
    verbs = AuditEntry.objects.order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["team.asked", "team.revoked"]


def test_what_is_no_address_is_said_beside_its_field(deniz):
    deniz.cookies["django_language"] = "en"
    answer = deniz.post("/templates/+team/", {"address": "a@b.example\nBcc: c@d.example"})
    assert answer.status_code == 422
    assert "Write one e-mail address" in answer.content.decode()


@pytest.mark.parametrize("language", ["tr", "en"])
def test_opening_the_link_alone_verifies_nothing(db, language):
    stranger, address = Client(), link()
    for _ in range(2):
        page(stranger, address, language)
        stranger.head(address)
    assert TeamAddress.objects.get().verified_at is None
    assert stranger.post(address).status_code == 200
    assert TeamAddress.objects.get().verified_at is not None
    assert stranger.post(address).status_code == 410
    page(stranger, address, language, status=410)


def test_without_the_token_of_the_form_nothing_is_verified(db):
    stranger, address = Client(enforce_csrf_checks=True), link()
    assert stranger.post(address).status_code == 403
    assert TeamAddress.objects.get().verified_at is None


def test_a_test_mail_of_what_stands_in_the_form_is_put_in_line_and_noted(deniz, company):
    Client().post(link())
    one = TeamAddress.objects.get()
    asked = {**TYPED, "address": str(one.pk), "person": str(company.elif_.pk)}
    answer = deniz.post("/templates/+new/", asked)
    assert answer.status_code == 200
    assert 'value="Bahar"' in answer.content.decode()
    trial = Trial.objects.get()
    assert (trial.content.subject, trial.asked_by) == ("Bahar", "deniz")
    entry = AuditEntry.objects.get(verb="template.tested")
    assert ADDRESS not in f"{entry.object}{entry.detail}"


@pytest.mark.parametrize("address", ["", "0", "999", "x", ADDRESS])
def test_a_test_mail_to_anything_else_is_refused(deniz, company, address):
    team.invite(ADDRESS, by="deniz", at=clock.now())
    deniz.cookies["django_language"] = "en"
    asked = {**TYPED, "address": address, "person": str(company.elif_.pk)}
    assert (
        "verified addresses of your team only"
        in deniz.post("/templates/+new/", asked).content.decode()
    )
    asked["address"] = str(TeamAddress.objects.get().pk)
    deniz.post("/templates/+new/", asked)
    assert not Trial.objects.exists()
