"""Who was erased and confirms a sign-up is a new customer; what was before stays refused."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from pusula.consent import sign_ups
from pusula.consent.models import Consent, ConsentEntry, SignUp, Suppression
from pusula.events.models import Event
from pusula.lib import clock
from pusula.orders.models import Order
from pusula.pipeline import appender, live
from pusula.pipeline.appender import Entry
from pusula.pipeline.models import Quarantine
from pusula.privacy import erasure, ledger
from pusula.privacy.models import AuditEntry
from pusula.profiles.models import Identifier, Profile

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "log"])
MAIL = "elif@example.com"


@pytest.fixture
def elif_was_erased(settings, tmp_path) -> int:
    """Erase a guest with a number of the PMS, and open a form; return when she was last heard."""
    settings.PUSULA_HOME, settings.PUSULA_LAKE = tmp_path, str(tmp_path / "lake")
    tell("1", "event", {"key": "10027", "email": MAIL, "name": "Stay Viewed"})
    live.step()
    number = Identifier.objects.get(value=MAIL).profile_id
    assert erasure.run(erasure.begin(number, actor="ayşe"))
    assert not Profile.objects.exists()
    sign_ups.add_form("bulten", "Bülten", ["marketing"], at=clock.now())
    return clock.now()


def tell(number: str, kind: str, body: dict[str, object], at: int | None = None) -> None:
    appender.append([Entry(kind, "pms", f"pms:{number}", json.dumps(body), at)])


def sign_up() -> None:
    Client().post("/forms/bulten/", {"email": MAIL})
    path = f"/s/{SignUp.objects.get(confirmed_at=None, is_muted=False).token}/"
    assert Client().post(path).status_code == 200


def test_somebody_who_was_erased_and_confirms_a_sign_up_is_a_new_customer(elif_was_erased):
    sign_up()
    live.step()
    [entry] = ConsentEntry.objects.all()
    assert (entry.status, entry.address) == ("granted", MAIL)
    assert Consent.objects.get().profile_id == Identifier.objects.get(value=MAIL).profile_id
    assert not Quarantine.objects.exists()
    assert not Suppression.objects.filter(channel="email", lifted_at=None).exists()
    [said] = AuditEntry.objects.filter(verb="erasure.readmitted")
    assert "bulten" in said.detail
    assert MAIL not in said.detail


def test_what_was_before_stays_refused_and_so_does_every_other_number(elif_was_erased):
    long_ago = elif_was_erased - 30 * clock.DAY
    sign_up()
    tell("2", "event", {"email": MAIL, "name": "Stay Viewed"}, long_ago)
    late = {"status": "completed", "ordered_at": long_ago, "net_minor": 100}
    tell("3", "order", {"email": MAIL, "source_id": "r1", **late})
    tell("4", "event", {"key": "10027", "name": "Stay Viewed"})
    tell("5", "event", {"key": "10027", "email": MAIL, "name": "Stay Viewed"})
    live.step()
    assert not Event.objects.exists()
    assert not Order.objects.exists()
    assert set(Quarantine.objects.values_list("entry_id", "reason")) == {
        (entry_id, "erased") for entry_id in range(3, 7)
    }
    tell("6", "event", {"email": MAIL, "name": "Stay Viewed"})
    live.step()
    assert Event.objects.count() == 1, "what happens from now on is theirs"
    assert Profile.objects.count() == 1


def test_a_restored_copy_is_still_cleaned_of_who_they_were(elif_was_erased):
    sign_up()
    live.step()
    back = Profile.objects.create(created_at=5, recorded_at=5)
    Identifier.objects.create(
        profile=back, kind="key", value="pms:10027", source="pms", recorded_at=5
    )
    assert ledger.people(ledger.standing()) == [back.pk]


def test_a_confirmation_that_died_halfway_is_repeated_without_harm(elif_was_erased, monkeypatch):
    monkeypatch.setattr(appender, "append", lambda _entries: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        sign_up()
    monkeypatch.undo()
    path = f"/s/{SignUp.objects.get(confirmed_at=None).token}/"
    assert Client().post(path).status_code == 200
    live.step()
    assert ConsentEntry.objects.count() == 1
    assert AuditEntry.objects.filter(verb="erasure.readmitted").count() == 1
