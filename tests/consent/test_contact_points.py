"""A consent opens the address it was given for, a refusal closes it for whoever holds it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from pusula.consent import digests, merging, proofs, purposes, queries, relations, texts
from pusula.consent import suppressions as blocked
from pusula.consent.actions import (
    Decision,
    forget,
    lift,
    record,
    refuse,
    suppress,
)  # fmt: skip
from pusula.consent.models import Consent, ConsentEntry, ConsentText, Purpose, Scope, Suppression
from pusula.lake.as_of import AsOf
from pusula.profiles.models import Identifier, Profile

pytestmark = pytest.mark.django_db

NOW = 1_000
OLD, NEW = "old@example.com", "new@example.com"


def person(*emails: str) -> int:
    profile = Profile.objects.create(created_at=0, recorded_at=0)
    for at, value in enumerate(emails):
        Identifier.objects.create(
            profile=profile, kind="email", value=value, source="pms", recorded_at=at
        )
    return profile.pk


def decide(profile_id: int, status: str, at: int, address: str = "", **told) -> None:
    common = {"channel": "email", "purpose": "marketing", "source": "pms", "evidence": "form"}
    decision = Decision(
        **{**common, **told}, profile_id=profile_id, status=status, decided_at=at, address=address
    )
    record([decision], at=NOW)


def state(profile_id: int, purpose: str = "marketing", as_of: AsOf | None = None) -> str:
    found = relations.reach(np.array([profile_id]), [("email", purpose)], as_of)
    return found["state"][0].as_py()


def test_a_consent_for_one_address_does_not_open_another():
    ayse = person(OLD, NEW)
    decide(ayse, "granted", 10, OLD)
    assert state(ayse) == "no_consent", "the newest address counts, and nobody was asked about it"
    assert queries.uncovered([ayse], "email", "marketing") == {(ayse, NEW)}
    decide(ayse, "granted", 5, NEW)
    assert state(ayse) == "reachable"
    assert queries.uncovered([ayse], "email", "marketing") == set(), "each by its own consent"


def test_a_consent_without_an_address_speaks_of_the_person():
    ayse = person(OLD, NEW)
    decide(ayse, "granted", 10)
    assert state(ayse) == "reachable"


def test_a_refusal_by_one_address_ends_earlier_consents_for_the_others():
    ayse = person(OLD, NEW)
    decide(ayse, "granted", 10, NEW)
    decide(ayse, "refused", 20, OLD)
    assert state(ayse) == "no_consent"
    decide(ayse, "granted", 30, OLD)
    assert state(ayse) == "no_consent", "only the old address was agreed to again"


def test_a_closed_address_stays_closed_for_whoever_gets_it_later():
    ayse = person(OLD)
    decide(ayse, "refused", 10, OLD)
    Identifier.objects.filter(profile_id=ayse).delete()  # the address has changed hands
    ali = person(OLD)
    decide(ali, "granted", 5)
    assert state(ali) == "no_consent"
    assert queries.refused_inboxes([ali], "email", "marketing") == {(ali, OLD)}
    decide(ali, "granted", 20, OLD, evidence="")
    assert state(ali) == "no_consent", "nothing proves it"
    decide(ali, "granted", 21, OLD)
    assert state(ali) == "reachable"


def test_who_refused_and_agrees_again_opens_the_address_for_others_too():
    ayse, ali = person(OLD), person(OLD)
    decide(ali, "granted", 1)
    refuse([ayse], channel="email", purpose="marketing", source="web", evidence="", at=10,
           addresses=[OLD])  # fmt: skip
    assert state(ali) == "no_consent"
    for one in (ayse, ali):
        decide(one, "granted", 20, OLD)
    assert state(ali) == "reachable"


def test_the_past_knows_contact_points_too():
    ayse = person(OLD, NEW)
    decide(ayse, "granted", 10, NEW)
    decide(ayse, "refused", 20, NEW)
    assert state(ayse, as_of=AsOf(15, NOW)) == "reachable"
    assert state(ayse, as_of=AsOf(25, NOW)) == "no_consent"


def test_legacy_rows_and_new_ones_are_one_ledger():
    ayse = person(OLD)
    decide(ayse, "granted", 10)
    key = ConsentEntry.objects.get().dedupe_key
    decide(ayse, "granted", 10, OLD)
    assert ConsentEntry.objects.exclude(dedupe_key=key).count() == 1
    decide(ayse, "granted", 10)
    assert ConsentEntry.objects.count() == 2, "the key of a decision without address is as it was"


@pytest.mark.parametrize("slug", ["marketng", "news", ""])
def test_a_purpose_nobody_set_up_is_refused(slug):
    with pytest.raises(purposes.UnknownPurposeError, match="marketing, surveys"):
        decide(person(OLD), "granted", 1, purpose=slug)
    assert not ConsentEntry.objects.exists()


@pytest.mark.usefixtures("english")
@pytest.mark.parametrize("slug", ["membership", "marketing,surveys", "membership+marketing"])
def test_a_bundle_of_purposes_is_refused_with_its_reason(slug):
    with pytest.raises(purposes.BundledError, match="apart from membership"):
        decide(person(OLD), "granted", 1, purpose=slug)


def test_a_company_adds_purposes_of_its_own():
    Purpose.objects.create(slug="spa", title_tr="Spa", title_en="Spa", created_at=0)
    decide(person(OLD), "granted", 1, purpose="spa")
    assert purposes.title("spa") == "Spa"
    assert purposes.is_commercial("spa")
    assert not purposes.is_commercial("service")
    assert purposes.is_commercial("who knows")


def test_a_proof_has_known_parts_and_names_no_household():
    assert proofs.network("203.0.113.77") == "203.0.113.0/24"
    assert proofs.network("2001:db8:1:2:3::4") == "2001:db8:1::/48"
    assert proofs.network("::ffff:203.0.113.77") == "203.0.113.0/24"
    assert proofs.network("nobody") == ""
    assert proofs.checked({"form": " web ", "note": ""}) == {"form": "web"}
    for wrong in ({"ip": "1"}, {"note": "x" * 401}, {"note": 1}, {"note": "a\0"}):
        with pytest.raises(proofs.BadProofError, match="proof"):
            proofs.checked(wrong)


def test_a_text_is_kept_in_versions_that_never_change():
    first = texts.publish("marketing", "email", "tr", "Kabul ediyorum.", by="deniz", at=1)
    assert texts.publish("marketing", "email", "tr", "Kabul ediyorum.", by="deniz", at=2) == first
    second = texts.publish("marketing", "email", "tr", "Kabul ederim.", by="deniz", at=3)
    assert (first.version, second.version) == (1, 2)
    assert texts.shown("marketing", "email", "tr") == "Kabul ederim."
    assert texts.proof_of("marketing", "email", "tr")["text"] == "marketing/email/tr/2"
    assert ConsentText.objects.get(version=1).text == "Kabul ediyorum."
    assert "writes to me" in texts.shown("marketing", "email", "en")


def test_an_erased_persons_address_stays_closed_without_being_kept():
    ayse = person(OLD)
    decide(ayse, "granted", 10)
    suppress("email", OLD, reason="complaint", detail="asked by old@example.com", at=1)
    forget("email", [OLD, NEW], at=2)
    assert not Suppression.objects.filter(address__gt="").exists()
    assert not Suppression.objects.filter(detail__gt="").exists()
    assert queries.suppressed("email", [OLD, NEW, "c@example.com"]) == {OLD, NEW}
    assert state(ayse) == "suppressed"
    assert state(ayse, as_of=AsOf(NOW, NOW)) == "suppressed"
    assert queries.suppressed("sms", [OLD]) == set()


def test_a_suppression_is_lifted_by_hand_only_and_its_past_stays():
    suppress("email", OLD, reason="hard_bounce", at=1)
    one = Suppression.objects.get()
    assert lift(one.pk, by="deniz", reason="mailbox is back", at=5)
    assert not lift(one.pk, by="deniz", reason="again", at=6)
    assert queries.suppressed("email", [OLD]) == set()
    assert suppress("email", OLD, reason="hard_bounce", at=9)
    assert Suppression.objects.count() == 2
    ayse = person(OLD)
    decide(ayse, "granted", 0)
    then = [state(ayse, as_of=AsOf(at, NOW + 9)) for at in (2, 7)]
    assert then == ["suppressed", "reachable"]
    assert state(ayse) == "suppressed"


def test_what_stops_commercial_messages_lets_news_of_a_booking_through():
    suppress("email", OLD, reason="manual", scope=Scope.COMMERCIAL, at=1)
    assert queries.suppressed("email", [OLD]) == {OLD}
    assert queries.suppressed("email", [OLD], is_commercial=False) == set()
    suppress("email", OLD, reason="hard_bounce", at=2)
    assert queries.suppressed("email", [OLD], is_commercial=False) == {OLD}, "it only widens"
    ayse = person(OLD)
    decide(ayse, "granted", 1, purpose="service")
    assert state(ayse, "service") == "suppressed"


def test_suppressions_go_out_and_come_back_and_a_list_unblocks_nobody():
    suppress("email", OLD, reason="complaint", scope=Scope.COMMERCIAL, at=1)
    forget("email", [NEW], at=1)
    suppress("sms", "+905321234567", reason="manual", at=1)
    rows = list(blocked.exported())
    assert any(row[1] == "'+905321234567" for row in rows), "no formula in a table"
    lines = [",".join(row) for row in rows]
    Suppression.objects.all().delete()
    done = blocked.take_over([*lines, "yok", "plain@example.com"], "email", at=2)
    assert (done.n_new, done.n_same, done.n_bad) == (4, 0, 1)
    assert queries.suppressed("email", [OLD, NEW, "plain@example.com"]) == {
        OLD, NEW, "plain@example.com",
    }  # fmt: skip
    assert blocked.take_over(lines, "email", at=3).n_same == 3
    assert blocked.find("email", "PLAIN@example.com").reason == "imported"
    assert len(digests.of("email", OLD)) == 43


# -- no import, entry, pull or merge turns a refusal back on

_CHANGE = st.one_of(
    st.tuples(
        st.just("decide"), st.integers(0, 2), st.sampled_from(["granted", "refused"]),
        st.integers(0, 6), st.sampled_from(["", "form"]), st.sampled_from(["", OLD, NEW]),
    ),
    st.tuples(st.just("suppress"), st.sampled_from([OLD, NEW])),
    st.tuples(st.just("merge"), st.integers(0, 2), st.integers(0, 2)),
)  # fmt: skip


class AnyHistory(TestCase):
    """However decisions arrive and people are merged, who refused is not written to."""

    @settings(max_examples=40, deadline=None)
    @given(st.lists(_CHANGE, max_size=10))
    def test_a_refusal_is_outweighed_by_a_newer_proved_consent_and_nothing_else(self, changes):
        people = [person(OLD), person(OLD, NEW), person(NEW)]
        told: list[tuple[int, str, int, str, str]] = []
        suppressed: set[str] = set()
        for kind, *rest in changes:
            if kind == "suppress":
                suppress("email", rest[0], reason="hard_bounce", at=NOW)
                suppressed.add(rest[0])
            elif kind == "decide":
                who, status, at, evidence, address = rest
                decide(people[who], status, at, address, evidence=evidence)
                told.append((who, status, at, evidence, address))
            elif rest[0] != rest[1] and people[rest[0]] != people[rest[1]]:
                self.merge(people, rest[0], rest[1])
        assert queries.suppressed("email", [OLD, NEW]) == suppressed
        for who, profile_id in enumerate(people):
            if state(profile_id) != "reachable":
                continue
            same = {w for w, other in enumerate(people) if other == profile_id}
            refusals = [at for w, status, at, _e, _a in told if w in same and status == "refused"]
            proved = [
                at for w, status, at, evidence, _a in told
                if w in same and status == "granted" and evidence
            ]  # fmt: skip
            assert not refusals or any(at > max(refusals) for at in proved), who
            assert any(status == "granted" for w, status, *_r in told if w in same), who

    def merge(self, people: list[int], winner: int, loser: int) -> None:
        gone, stays = people[loser], people[winner]
        for one in Identifier.objects.filter(profile_id=gone):
            if Identifier.objects.filter(profile_id=stays, value=one.value).exists():
                one.delete()
            else:
                Identifier.objects.filter(pk=one.pk).update(profile_id=stays)
        merging.move(gone, stays)
        assert not Consent.objects.filter(profile_id=gone).exists()
        people[:] = [stays if one == gone else one for one in people]
