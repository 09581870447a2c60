"""The queue of customers who may be one person: looked at, decided, taken back."""

from __future__ import annotations

import pytest
from tests.web import company as made_up

from pusula.consent.models import Consent
from pusula.pipeline import live
from pusula.privacy.models import AuditEntry
from pusula.profiles.models import Merge, Profile, Proposal, ProposalState

pytestmark = pytest.mark.django_db(databases=["default", "log"])
ADDRESS = "/customers/+review/"


@pytest.fixture
def proposal(company) -> Proposal:
    """Return the proposal that Elif and a younger record of her are one person."""
    twin = made_up.profile("Elif", "Dogan", created=1)
    return Proposal.objects.create(
        one_id=company.elif_.pk, other_id=twin.pk, weight=14.2, certain=False,
        evidence={"given": ["same", 5.0], "family": ["close", 4.0], "phone": ["missing", 0.0]},
        group_id=company.elif_.pk, group_weight=14.2, state=ProposalState.OPEN, proposed_at=1,
    )  # fmt: skip


def text_of(response) -> str:
    return " ".join(response.content.decode().split())


def decide(client, held: Proposal, decision: str) -> None:
    response = client.post(f"{ADDRESS}{held.pk}/", {"decision": decision})
    assert (response.status_code, response["Location"]) == (302, ADDRESS)


def test_the_page_shows_both_with_what_agrees_and_what_would_happen(deniz, company, proposal):
    page = text_of(deniz.get(ADDRESS))
    assert f"/customers/{proposal.one_id}/" in page
    assert f"/customers/{proposal.other_id}/" in page
    assert page.count('aria-keyshortcuts="') == 3
    assert "badge--good" in page
    assert Consent.objects.filter(profile_id=proposal.one_id, status="refused").exists() == (
        "A refusal of either counts" in page or "reddi" in page
    )


def test_an_accepted_pair_becomes_one_customer_and_stands_in_the_audit(deniz, proposal):
    decide(deniz, proposal, "accept")
    live.step()
    merge = Merge.objects.get()
    assert (merge.winner_id, merge.loser_id) == (proposal.one_id, proposal.other_id)
    assert AuditEntry.objects.filter(verb="profile.merged").count() == 1
    assert f"/customers/merges/{merge.pk}/undo/" in text_of(deniz.get(ADDRESS))
    decide(deniz, proposal, "accept")  # a second click changes nothing
    assert AuditEntry.objects.filter(verb="profile.merged").count() == 1


def test_a_rejection_can_be_taken_back(deniz, proposal):
    decide(deniz, proposal, "reject")
    assert Proposal.objects.get().state == ProposalState.REJECTED
    assert Profile.objects.filter(pk__in=[proposal.one_id, proposal.other_id]).count() == 2
    decide(deniz, proposal, "reopen")
    assert Proposal.objects.get().state == ProposalState.OPEN
    verbs = set(AuditEntry.objects.values_list("verb", flat=True))
    assert verbs >= {"proposal.rejected", "proposal.reopened"}


def test_what_is_put_off_goes_behind_the_others(deniz, company, proposal):
    third = made_up.profile("Elif", "Dogan", created=1)
    lighter = Proposal.objects.create(
        one_id=proposal.other_id, other_id=third.pk, weight=3, certain=False, evidence={},
        group_id=third.pk, group_weight=3, state=ProposalState.OPEN, proposed_at=1,
    )  # fmt: skip
    action = 'action="{}{}/"'
    assert action.format(ADDRESS, proposal.pk) in text_of(deniz.get(ADDRESS))
    decide(deniz, proposal, "later")
    assert action.format(ADDRESS, lighter.pk) in text_of(deniz.get(ADDRESS))


def test_an_empty_queue_says_what_comes_next(deniz, company):
    assert "pusula identity propose" in text_of(deniz.get(ADDRESS))


def test_a_proposal_whose_other_is_gone_is_not_shown(deniz, proposal):
    Profile.objects.filter(pk=proposal.other_id).delete()
    assert deniz.get(ADDRESS).status_code == 200
    decide(deniz, proposal, "accept")
    assert Merge.objects.count() == 0


def test_where_more_than_two_hang_together_the_page_says_how_many(deniz, proposal):
    third = made_up.profile("Elif", "Doğan", created=2)
    Proposal.objects.create(
        one_id=proposal.other_id, other_id=third.pk, weight=13.0, certain=False,
        evidence={"given": ["same", 5.0]}, group_id=proposal.group_id, group_weight=14.2,
        state=ProposalState.OPEN, proposed_at=1,
    )  # fmt: skip
    deniz.cookies["django_language"] = "en"
    assert "3 customers hang together here; decide pair by pair." in text_of(deniz.get(ADDRESS))
