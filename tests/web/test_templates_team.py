"""The pages of the team's addresses, and of the link that verifies one."""

from __future__ import annotations

import pytest
from django.test import Client
from tests.campaigns.test_posted_trials import ENDPOINT, keys, number

from pusula.campaigns import team
from pusula.campaigns.models import TeamAddress, Trial
from pusula.lib import clock
from pusula.privacy.models import AuditEntry
from pusula.web.templatetags.ui import with_code

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


def test_what_is_to_be_typed_is_set_as_code_and_values_stay_harmless(deniz):
    assert "<code>pusula webpush keys</code>" in page(deniz, "/templates/+team/")
    assert with_code("run `a <b>` or ` alone") == "run <code>a &lt;b&gt;</code> or ` alone"


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


def test_a_number_is_added_and_verified_by_its_code(deniz, settings):
    settings.PUSULA_CHANNELS = {"sms": {"provider": "netgsm"}}
    page(deniz, "/templates/+team/")
    deniz.post("/templates/+team/", {"number": "0532 123 45 67"})
    one, code = team.take_code(at=clock.now())
    assert f"/templates/+team/{one.pk}/code/" in page(deniz, "/templates/+team/", "tr")
    deniz.post(f"/templates/+team/{one.pk}/code/", {"code": "x"})
    assert TeamAddress.objects.get().verified_at is None
    deniz.post(f"/templates/+team/{one.pk}/code/", {"code": code})
    assert TeamAddress.objects.get().verified_at is not None
    verbs = AuditEntry.objects.order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["team.asked", "team.verified"]


def test_what_is_no_number_is_said_beside_its_field(deniz):
    deniz.cookies["django_language"] = "en"
    answer = deniz.post("/templates/+team/", {"number": "deniz"})
    assert answer.status_code == 422


def test_a_browser_is_added_by_whoever_uses_it(deniz):
    told = {"endpoint": ENDPOINT, **keys()}
    agent = {"User-Agent": "Mozilla/5.0 (X11) Gecko/20100101 Firefox/140.0"}
    deniz.post("/templates/+team/browser/", told, headers=agent)
    assert str(TeamAddress.objects.get()) == "deniz – Firefox"
    assert "Firefox" in page(deniz, "/templates/+team/")
    assert ENDPOINT not in page(deniz, "/templates/+team/")
    assert Client().post("/templates/+team/browser/", told).status_code == 302
    assert TeamAddress.objects.count() == 1


def test_a_test_sms_of_what_stands_in_the_form_is_put_in_line(deniz, company):
    one = number()
    asked = {
        "channel": "sms", "name": "x", "text": "Bahar", "test": "1", "address": str(one.pk),
        "person": str(company.elif_.pk),
    }  # fmt: skip
    answer = deniz.post("/templates/+new/?channel=sms", asked)
    assert answer.status_code == 200
    assert (Trial.objects.get().channel, Trial.objects.get().content.text) == ("sms", "Bahar")
