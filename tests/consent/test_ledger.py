"""The ledger keeps every decision; nothing but a newer, evidenced grant ends a refusal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from pusula.consent import queries
from pusula.consent.actions import Decision, record, refuse, suppress
from pusula.consent.models import Consent, ConsentEntry, Suppression
from pusula.profiles.models import Identifier, Profile

pytestmark = pytest.mark.django_db

NOW = 1_000


def person(**contacts: str) -> int:
    profile = Profile.objects.create(created_at=0, recorded_at=0)
    for kind, value in contacts.items():
        Identifier.objects.create(
            profile=profile, kind=kind, value=value, source="pms", recorded_at=0
        )
    return profile.id


def decide(profile_id: int, status: str, at: int, evidence: str = "", **told) -> Decision:
    common = {"channel": "email", "purpose": "marketing", "source": "pms"}
    return Decision(
        profile_id=profile_id, status=status, decided_at=at, evidence=evidence, **common, **told
    )


def status_of(profile_id: int) -> str:
    return Consent.objects.get(profile_id=profile_id, channel="email").status


def granted() -> list[int]:
    held = Consent.objects.filter(channel="email", purpose="marketing", status="granted")
    return list(held.order_by("profile_id").values_list("profile_id", flat=True))


def test_the_newest_decision_holds_in_whatever_order_they_arrive():
    ayse = person()
    record([decide(ayse, "refused", 20), decide(ayse, "granted", 10, "form")], at=NOW)
    assert status_of(ayse) == "refused"
    record([decide(ayse, "granted", 5, "older form")], at=NOW)
    assert status_of(ayse) == "refused"
    assert queries.present(ayse, "marketing")["email"].decided_at == 20
    assert [entry.decided_at for entry in queries.ledger_of(ayse)] == [20, 10, 5]


@pytest.mark.parametrize(
    ("at", "evidence", "status"),
    [(21, "form 7", "granted"), (21, "", "refused"), (20, "form 7", "refused")],
)
def test_a_refusal_ends_only_by_a_newer_grant_with_evidence(at, evidence, status):
    ayse = person()
    record([decide(ayse, "refused", 20)], at=NOW)
    record([decide(ayse, "granted", at, evidence)], at=NOW)
    assert status_of(ayse) == status


def test_the_same_decision_twice_is_one_entry():
    ayse = person()
    one = decide(ayse, "granted", 10, "form")
    assert record([one, one], at=NOW).new == [0]
    assert record([one], at=NOW + 1).new == []
    numbered = decide(ayse, "granted", 10, "form", dedupe_key="pms:77")
    assert record([numbered, numbered], at=NOW).new == [0]
    assert ConsentEntry.objects.count() == 2


def test_only_those_whose_consent_changed_are_named():
    ayse, ali = person(), person()
    first = record([decide(ayse, "granted", 10, "f"), decide(ali, "refused", 10)], at=NOW)
    assert list(first.changed) == [ayse, ali]
    second = record([decide(ayse, "refused", 11), decide(ali, "granted", 12)], at=NOW)
    assert list(second.changed) == [ayse]


def test_who_leaves_by_an_address_refuses_for_everybody_who_holds_it():
    mother, child = person(email="family@example.com"), person(email="family@example.com")
    other = person(email="other@example.com")
    record([decide(one, "granted", 10, "form") for one in (mother, child, other)], at=NOW)
    assert granted() == [mother, child, other]

    refuse(
        [mother],
        channel="email",
        purpose="marketing",
        source="web",
        evidence="unsubscribe page",
        at=NOW,
    )

    assert [status_of(one) for one in (mother, child, other)] == ["refused", "refused", "granted"]
    assert granted() == [other]
    assert queries.statuses([mother, other], "marketing") == {
        mother: {"email": "refused"},
        other: {"email": "granted"},
    }


def test_a_refusal_by_phone_reaches_who_shares_the_phone_and_not_the_mail():
    one = person(phone="+905321234567", email="a@example.com")
    two = person(phone="+905321234567")
    three = person(email="a@example.com")
    refuse([one], channel="sms", purpose="marketing", source="call", evidence="", at=NOW)
    assert set(Consent.objects.values_list("profile_id", "channel")) == {(one, "sms"), (two, "sms")}
    assert three not in Consent.objects.values_list("profile_id", flat=True)


def test_an_address_is_suppressed_once_with_its_first_reason():
    assert suppress("email", "a@example.com", reason="hard_bounce", detail="550", at=1)
    assert not suppress("email", "a@example.com", reason="complaint", at=2)
    held = Suppression.objects.get()
    assert (held.reason, held.since_at) == ("hard_bounce", 1)
    asked = ["a@example.com", "b@example.com"]
    assert queries.suppressed("email", asked) == {"a@example.com"}
    assert queries.suppressed("sms", asked) == set()


def oracle(entries: list[tuple[int, str, str]]) -> str | None:
    """What holds, told in the plainest way: the last refusal, unless evidence came after it."""
    refusals = [at for at, status, _evidence in entries if status == "refused"]
    if not refusals:
        return "granted" if entries else None
    later = [at for at, status, evidence in entries if status == "granted" and evidence]
    return "granted" if any(at > max(refusals) for at in later) else "refused"


class AnyHistory(TestCase):
    """However decisions arrive, what holds is what the plain rule says."""

    @given(
        st.lists(
            st.lists(
                st.tuples(
                    st.integers(0, 6),
                    st.sampled_from(["granted", "refused"]),
                    st.sampled_from(["", "form"]),
                ),
                max_size=4,
            ),
            max_size=4,
        )
    )
    def test_what_holds_is_what_the_rule_says(self, batches):
        ayse = person()
        for batch in batches:
            record([decide(ayse, status, at, evidence) for at, status, evidence in batch], at=NOW)
        held = Consent.objects.filter(profile_id=ayse).first()
        told = oracle([entry for batch in batches for entry in batch])
        assert (held.status if held else None) == told
