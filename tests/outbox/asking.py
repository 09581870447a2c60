"""Asking for messages in few words, for tests of decisions."""

from __future__ import annotations

from pusula.lib import clock
from pusula.outbox import policies
from pusula.outbox.candidates import Candidate, Way
from pusula.outbox.models import Content
from pusula.outbox.rules import policy as rules

NOW = 1_790_000_000_000_000  # 2026-09-21 14:13:20 UTC, 17:13:20 in Istanbul


def content(channel: str = "email") -> Content:
    """Freeze a message of a channel without asking whether it could be sent."""
    return Content.objects.create(
        channel=channel, sender="Deniz Otel <otel@deniz.example>", subject="Merhaba",
        text="Merhaba {{ unsubscribe_url }}", html="", created_at=0,
    )  # fmt: skip


def limits(text: str) -> int:
    """Let the policy in YAML hold; return its number."""
    return policies.apply(rules.read(text, "test"), by="test", at=NOW).number


def asked(profile_id: int, **changes) -> Candidate:
    """Return a candidate for a marketing mail that is due now, of a journey unless said."""
    told = {
        "origin": "journey:1",
        "step": "hello",
        "profile_id": profile_id,
        "purpose": "marketing",
        "due_at": NOW,
        "not_after_at": NOW + clock.DAY,
    } | changes
    told.setdefault("ways", (Way("email", content().pk),))
    key = f"{told['origin']}:{told['step']}:{profile_id}:{told['due_at']}"
    return Candidate(**({"dedupe_key": key} | told))
