"""An address that the person proved to be theirs: by whom that can be said, and what it decides."""

from __future__ import annotations

import pytest
from tests.pipeline.company import NOW
from tests.pipeline.sent import come_in, holder, identify

from pusula.consent import sign_ups
from pusula.lib import clock
from pusula.pipeline import live
from pusula.profiles.models import Identifier, IdentifierKind, Merge, Profile

pytestmark = pytest.mark.django_db(databases=["default", "log"])

MAIL = "elif@example.com"
ELIF = {"email": MAIL, "name": "Elif Yılmaz"}


def proved(value: str = MAIL) -> list[int]:
    """Return who proved an address to be theirs."""
    held = Identifier.objects.filter(
        kind=IdentifierKind.EMAIL, value=value, verified_at__isnull=False
    )
    return list(held.values_list("profile_id", flat=True))


@pytest.mark.parametrize("name", ["email_verified", "emailVerified"])
def test_a_server_says_that_an_address_is_proved(company, name):
    come_in(NOW, identify({**ELIF, name: True}, source="crm", trusted=True, userId="1"))
    assert proved() == [holder("key", "crm:1")]


@pytest.mark.parametrize("said", [False, "true", 1, None])
def test_only_a_plain_yes_is_one(company, said):
    come_in(NOW, identify({**ELIF, "email_verified": said}, source="crm", trusted=True, userId="1"))
    assert proved() == []


def test_a_browser_proves_nothing(company):
    come_in(NOW, identify(ELIF, source="crm", trusted=True, userId="1"))
    come_in(NOW + 1, identify({**ELIF, "email_verified": True}, userId="1", source="crm"))
    come_in(NOW + 2, identify({**ELIF, "email_verified": True}, anonymousId="evil"))
    assert proved() == []


def test_a_confirmed_sign_up_proves_the_address(company, client):
    come_in(NOW, identify(ELIF, source="crm", trusted=True, userId="1"))
    form = sign_ups.add_form("bulten", "Bülten", ["marketing"], at=clock.now())
    asked = sign_ups.Asked(MAIL, "tr", (), "203.0.113.0/24")
    sign_ups.ask(form, asked, at=clock.now())
    live.step()
    assert proved() == []
    token = form.sign_ups.get().token
    assert client.post(f"/s/{token}/").status_code == 200
    live.step()
    assert proved() == [holder("key", "crm:1")]


def test_two_numbers_with_one_proved_address_and_one_name_are_one_person(company):
    come_in(NOW, identify(ELIF, source="crm", trusted=True, userId="1"))
    come_in(NOW + 1, identify({"name": "ELİF YILMAZ"}, source="crm", trusted=True, userId="2"))
    first, second = holder("key", "crm:1"), holder("key", "crm:2")

    come_in(NOW + 2, identify(ELIF, source="crm", trusted=True, userId="2"))
    assert Profile.objects.filter(pk__in=[first, second]).count() == 2, "a family may share it"

    said = {**ELIF, "email_verified": True}
    come_in(NOW + 3, identify(said, source="crm", trusted=True, userId="2"))
    merge = Merge.objects.get()
    assert (merge.winner_id, merge.loser_id, merge.evidence) == (first, second, {"rule": "email"})


def test_a_proved_address_of_an_office_joins_nobody(company):
    said = {"email": "info@otel.com", "name": "Elif Yılmaz", "email_verified": True}
    for user in ("1", "2"):
        come_in(NOW, identify(said, source="crm", trusted=True, userId=user))
    come_in(NOW + 1, identify(said, source="crm", trusted=True, userId="2"))
    assert holder("key", "crm:1") != holder("key", "crm:2")
    assert not Merge.objects.exists()
