"""What binds at once is written beside the log; the next live step looks at whom it touched."""

from __future__ import annotations

import pytest
from tests.outbox.people import consented, in_line, profiles
from tests.pipeline.company import define, members

from pusula.consent import actions, preferences
from pusula.consent.actions import Decision
from pusula.consent.iys import actions as iys
from pusula.consent.iys.actions import Heard
from pusula.consent.models import Suppression
from pusula.lib import clock
from pusula.outbox import receipts
from pusula.outbox.models import ReceiptKind
from pusula.pipeline import batch, live
from pusula.pipeline.loop import Loop
from pusula.profiles import unheard
from pusula.profiles.models import Identifier, Profile, Unheard
from pusula.segments.everybody import rebuild
from pusula.segments.models import Drift, Membership

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "log"])
EMAIL = {"channel": "email", "purpose": "marketing"}


@pytest.fixture
def guest() -> Profile:
    """Return a guest who agreed to e-mails, in the segments of those who did and are reached."""
    [one] = profiles(1)
    consented([one])
    define("granted", {"consent": {**EMAIL, "is": "granted"}})
    define("reachable", {"reach": {**EMAIL, "is": "reachable"}})
    define("opened", {"events": {"name": "Email Opened", "count": {"at_least": 1}}})
    batch.run()
    assert where(one) == {"granted", "reachable"}
    assert not unheard.is_any(), "the run has looked at everybody"
    return one


def where(one: Profile) -> set[str]:
    return {key for key in ("granted", "reachable", "opened") if one.pk in members(key)}


def address_of(one: Profile) -> str:
    return f"p{one.pk}@example.com"


def by_hand(one: Profile) -> None:
    decision = Decision(
        profile_id=one.pk, **EMAIL, status="refused", source="operator", decided_at=clock.now()
    )
    actions.record([decision], at=clock.now())


def by_link(one: Profile) -> None:
    receipts.unsubscribe(in_line([one])[0], at=clock.now())


def by_page(one: Profile) -> None:
    person = preferences.Reached(one.pk, "email", address_of(one), "marketing")
    assert preferences.choose(person, set(), "tr", {}, source="pusula", at=clock.now())


@pytest.mark.parametrize("refuses", [by_hand, by_link, by_page])
def test_the_next_step_knows_of_a_refusal_that_no_entry_of_the_log_tells(guest, refuses):
    refuses(guest)
    stepped = live.step()
    assert where(guest) == set()
    assert stepped.n_entries == 0
    assert set(Membership.objects.values_list("cause", "left_at")) == {("definition", stepped.at)}
    assert not unheard.is_any()
    before = Membership.objects.count()
    live.step()
    assert Membership.objects.count() == before


def test_a_blocked_address_counts_from_the_next_step_and_so_does_its_release(guest):
    actions.suppress("email", address_of(guest), reason="manual", at=clock.now())
    live.step()
    assert where(guest) == {"granted"}
    actions.lift(Suppression.objects.get().pk, by="ayşe", reason="asked us", at=clock.now())
    live.step()
    assert where(guest) == {"granted", "reachable"}


def test_a_blocked_address_that_is_blocked_for_more_counts_too(guest):
    for scope in ("commercial", "commercial", "all", "commercial"):
        actions.suppress("email", address_of(guest), reason="manual", scope=scope, at=clock.now())
    assert Unheard.objects.count() == 2, "the first time, and when it was widened"


def test_what_iys_says_counts_from_the_next_step_once_it_is_asked(guest):
    said = Heard("EPOSTA", address_of(guest), "BIREYSEL", "ONAY", "HS_WEB", 1, 1)
    iys.open_account("iys", at=clock.now())
    iys.hear([said], at=clock.now())
    assert not unheard.is_any(), "nobody asks it"
    iys.open_account("iys", at=clock.now(), is_enforced=True)
    iys.hear([Heard(*(*said.key[1:2], said.recipient, "BIREYSEL", "RET", "HS_WEB", 2, 2))], at=9)
    live.step()
    assert where(guest) == {"granted"}
    iys.compared("EPOSTA", "BIREYSEL", [said.recipient], {said.recipient: 0}, at=clock.now())
    live.step()
    assert where(guest) == {"granted", "reachable"}


def test_who_shares_an_inbox_is_looked_at_with_the_one_who_refuses(guest):
    [other] = profiles(1)
    consented([other])
    Identifier.objects.filter(profile=other).update(value=address_of(guest))
    batch.run()
    assert where(other) == {"granted", "reachable"}
    by_hand(guest)
    live.step()
    assert where(other) == {"granted"}, "the inbox is closed to both"


def test_an_opened_mail_counts_from_the_next_step(guest):
    message = in_line([guest])[0]
    receipts.note(message, ReceiptKind.OPENED, at=clock.now(), machine=False)
    live.step()
    assert where(guest) == {"granted", "reachable", "opened"}


def test_the_loop_hears_of_it_by_itself(guest):
    by_hand(guest)
    Loop().run(once=True)
    assert where(guest) == set()


def test_what_waits_for_the_next_step_is_no_drift(guest):
    by_hand(guest)
    for share in range(2):
        rebuild.check(at=clock.now(), share=share, n_shares=2)
    batch.run()
    assert where(guest) == set()
    assert not Drift.objects.exists()
    assert not unheard.is_any()


def test_a_step_that_fails_hears_of_it_again(guest, monkeypatch):
    by_hand(guest)
    monkeypatch.setattr(live, "_move_offset", lambda *_told: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        live.step()
    monkeypatch.undo()
    assert where(guest) == {"granted", "reachable"}
    live.step()
    assert where(guest) == set()


def test_a_note_of_somebody_who_is_gone_is_taken_away(guest):
    unheard.tell([guest.pk + 1_000], at=clock.now())
    live.step()
    assert not unheard.is_any()
