"""A journey that asks for calls, and people with phones who come in on it."""

from __future__ import annotations

import zlib
from typing import Any

from tests.journeys.scene import hours, profile_of, publish, say, step
from tests.pipeline.company import NOW, TITLE

from pusula.consent import actions as consent
from pusula.consent.models import Status
from pusula.journeys.models import Journey, Task

ELIF, CAN, NAZ = "elif@example.com", "can@example.com", "naz@example.com"
SCRIPT = {
    "tr": "Merhaba {{ profile.name | default: 'misafirimiz' }}, yazı konuşalım.",
    "en": "Hello {{ profile.name | default: 'our guest' }}, about the summer.",
}
PHONES = {ELIF: "+905321110001", CAN: "+905321110002", NAZ: "+905321110003"}


def call(**parts: Any) -> dict[str, Any]:
    """Return the step of a call."""
    return {"id": "call", "task": {
        "title": TITLE, "script": SCRIPT, "at_most": "2 days",
        "outcomes": [
            {"outcome": "sold", "title": {"tr": "Sattım", "en": "Sold"},
             "steps": [{"id": "won", "goal": True}]},
            {"outcome": "not_now", "title": {"tr": "Şimdi değil", "en": "Not now"}},
        ],
        "else": [{"id": "missed", "goal": True}],
        **parts,
    }}  # fmt: skip


def journey(*, after: tuple[Any, ...] = (), at: int = NOW, **parts: Any) -> Journey:
    return publish(steps=[call(), *after], at=at, **parts)


def come_in(*emails: str, at: int) -> None:
    for email in emails or (ELIF,):
        say(email, at=at, phone=phone_of(email))
    step(at + 1)


def phone_of(email: str) -> str:
    """Return a number of somebody's own."""
    return PHONES.get(email) or f"+90533{zlib.crc32(email.encode()) % 10**7:07}"


def allow_calls(*emails: str, at: int) -> None:
    consent.record(
        [
            consent.Decision(
                profile_id=profile_of(email), channel="call", purpose="marketing",
                status=Status.GRANTED, source="web", decided_at=at, evidence="form",
            )
            for email in emails
        ],
        at=at,
    )  # fmt: skip


def task_of(email: str) -> Task:
    return Task.objects.get(enrollment__profile_id=profile_of(email))


def asked(*emails: str) -> None:
    """Let people come to the call an hour after noon."""
    journey()
    come_in(*(emails or (ELIF, CAN)), at=hours(1))
