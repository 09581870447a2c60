"""Uncertain messages: settled by what a provider says, sent anew by a person and nobody else."""

from __future__ import annotations

import pytest
from tests.outbox.asking import NOW, asked, limits
from tests.outbox.people import consented, profiles

from pusula.lib import clock
from pusula.outbox.actions import Evidence, resolve
from pusula.outbox.decisions import decide
from pusula.outbox.doubts import resend
from pusula.outbox.models import Message
from pusula.outbox.reasons import Reason

pytestmark = pytest.mark.django_db


@pytest.fixture
def doubtful() -> Message:
    [person] = profiles(1)
    consented([person])
    decide([asked(person.pk, variables={"coupon": "A1"}, priority=3)], at=NOW)
    Message.objects.update(state="unknown", reason=Reason.SENDER_DIED, gated_at=NOW)
    return Message.objects.get()


@pytest.mark.parametrize(
    ("has_arrived", "state", "reason"), [(True, "sent", ""), (False, "failed", "rejected")]
)
def test_what_the_provider_says_settles_a_doubt_once(doubtful, has_arrived, state, reason):
    evidence = Evidence(has_arrived=has_arrived, detail="said the provider")
    assert resolve(doubtful.pk, evidence, at=NOW + 1)
    assert not resolve(doubtful.pk, Evidence(not has_arrived, "later"), at=NOW + 2)
    doubtful.refresh_from_db()
    assert (doubtful.state, doubtful.reason, doubtful.settled_at) == (state, reason, NOW + 1)
    assert doubtful.detail == "said the provider"


@pytest.mark.parametrize("state", ["pending", "sending", "sent", "skipped", "failed"])
def test_what_is_no_doubt_is_neither_settled_nor_sent_anew(doubtful, state):
    Message.objects.update(state=state)
    assert not resolve(doubtful.pk, Evidence(has_arrived=True, detail=""), at=NOW)
    assert resend(doubtful.pk, by="deniz", at=NOW) is None
    assert Message.objects.get().state == state


def test_what_is_sent_anew_says_the_same_and_the_old_one_counts_no_longer(doubtful):
    limits("caps: [{most: 1, in: 7d}]")
    decided = resend(doubtful.pk, by="deniz", at=NOW + clock.HOUR)
    assert decided is not None
    assert decided.state == "pending"
    anew = Message.objects.get(dedupe_key=f"anew:{doubtful.pk}")
    assert (anew.variables, anew.priority, anew.content_id) == (
        {"coupon": "A1"}, 3, doubtful.content_id,
    )  # fmt: skip
    doubtful.refresh_from_db()
    assert (doubtful.state, doubtful.reason, doubtful.detail) == ("failed", "resent", "deniz")
    assert resend(doubtful.pk, by="deniz", at=NOW + clock.HOUR) is None


def test_an_uncertain_message_of_a_mailing_can_be_sent_anew_to_the_same_inbox(doubtful):
    Message.objects.update(step="", origin="campaign:1")
    decided = resend(doubtful.pk, by="deniz", at=NOW)
    assert decided is not None
    assert decided.state == "pending"
