"""The customer card tells who somebody was before, and takes a merge back."""

from __future__ import annotations

import pytest
from django.utils import translation
from tests.web import company as made_up

from pusula.pipeline import identity, live
from pusula.privacy.models import AuditEntry
from pusula.profiles.models import Identifier, Merge, Profile
from pusula.web.templatetags import ui

pytestmark = pytest.mark.django_db(databases=["default", "log"])


@pytest.fixture
def twin(company) -> Profile:
    """Return somebody who was merged into Elif: a record with a number and a device."""
    twin = made_up.profile("Elif", "Dogan", created=1)
    for kind, value in (("key", "crm:77"), ("anonymous", "web:0123456789ab")):
        Identifier.objects.create(profile=twin, kind=kind, value=value, source="crm", recorded_at=1)
    identity.merge(
        company.elif_.pk, twin.pk, actor="ayse", evidence={"rule": "national_id", "note": "desk"}
    )
    live.step()
    return twin


def text_of(response) -> str:
    return " ".join(response.content.decode().split())


def test_the_card_says_who_was_merged_why_and_by_whom(deniz, company, twin):
    page = text_of(deniz.get(f"/customers/{company.elif_.pk}/"))
    assert "Elif Dogan" in page
    assert "ayse" in page
    assert "desk" in page
    assert "77" in page
    assert "…6789ab" in page
    assert "0123456789ab" not in page


def test_the_old_number_leads_to_the_person(deniz, company, twin):
    response = deniz.get(f"/customers/{twin.pk}/")
    assert response.status_code == 302
    assert response["Location"] == f"/customers/{company.elif_.pk}/"
    assert deniz.get("/customers/999999/").status_code == 404


def test_a_merge_is_undone_after_its_consequences_were_shown(deniz, company, twin):
    merge = Merge.objects.get()
    page = text_of(deniz.get(f"/customers/merges/{merge.pk}/undo/"))
    assert ">2 " in page, "two identifiers go back"
    response = deniz.post(f"/customers/merges/{merge.pk}/undo/", {"reason": "iki kişi"})
    assert response["Location"] == f"/customers/{company.elif_.pk}/"
    assert Profile.objects.filter(pk=twin.pk).count() == 0, "the step has not come yet"
    again = deniz.post(f"/customers/merges/{merge.pk}/undo/")
    assert again.status_code == 302
    live.step()
    assert Profile.objects.filter(pk=twin.pk).count() == 1
    merge.refresh_from_db()
    assert (merge.undone_by, merge.undone_reason) == (company.user.get_username(), "iki kişi")
    [told] = AuditEntry.objects.filter(verb="profile.unmerged")
    assert told.object == f"customer:{twin.pk}"
    assert "iki kişi" in text_of(deniz.get(f"/customers/{company.elif_.pk}/"))


def test_values_that_identify_a_person_are_masked_or_left_out(deniz, company):
    digest = "d" * 64
    Identifier.objects.create(
        profile=company.elif_, kind="national_id", value=digest, source="pms", recorded_at=1
    )
    page = text_of(deniz.get(f"/customers/{company.elif_.pk}/"))
    assert digest not in page
    for held in Identifier.objects.filter(profile=company.elif_, kind__in=["email", "phone"]):
        assert held.value not in page


def test_who_merged_is_said_in_words():
    with translation.override("en"):
        assert ui.actor("cli:root") == "root on the command line"
        assert ui.actor("deniz") == "deniz"
