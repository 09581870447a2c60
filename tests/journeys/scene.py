"""A company with journeys, told what happens at moments of our choosing."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.pipeline.company import NOW, TITLE, event, told

from pusula.campaigns.models import Template
from pusula.journeys import versions
from pusula.journeys.models import Enrollment, Journey, Passage
from pusula.lib import clock
from pusula.outbox.models import Message
from pusula.pipeline import live
from pusula.pipeline.appender import Entry
from pusula.pipeline.live import Live, Stepped
from pusula.profiles.models import Identifier

MAIL = {"message": {"ways": [{"channel": "email", "template": "hello"}]}}
_numbers = iter(range(10**9))


def templates(*names: str) -> None:
    for name in names or ("hello",):
        Template.objects.get_or_create(
            name=name,
            defaults={
                "subject": "Merhaba",
                "text": "Merhaba\n{{ unsubscribe_url }}",
                "html": '<p>Merhaba <a href="{{ unsubscribe_url }}">Çıkın</a></p>',
                "updated_at": NOW,
            },
        )


def mail(step: str = "mail") -> dict[str, Any]:
    return {"id": step, **MAIL}


def wait(step: str, length: str) -> dict[str, Any]:
    return {"id": step, "wait": {"for": length}}


def document(key: str = "hello", **parts: Any) -> dict[str, Any]:
    return {
        "journey": key, "title": TITLE, "class": "service", "holdout": 0,
        "entry": [{"event": {"name": "Hotel Searched"}}],
        "steps": [mail()],
        **parts,
    }  # fmt: skip


def publish(key: str = "hello", *, at: int = NOW, **parts: Any) -> Journey:
    """Publish a journey ``at``; parts replace those of the plain one."""
    templates()
    (definition,) = versions.read([("journey.yaml", document(key, **parts))]).values()
    versions.publish(versions.save(definition, at=at), at=at)
    return Journey.objects.get(key=key)


def say(email: str, name: str = "Hotel Searched", *, at: int, **more: Any) -> None:
    """Tell the log of an event."""
    told(event(next(_numbers), email, name, at, **more))


def book(number: object, email: str, *, at: int, **more: Any) -> None:
    """Tell the log what an order is like as of ``at``."""
    body = {
        "email": email, "source_id": str(number), "status": "confirmed", "ordered_at": at,
        "net_minor": 1000_00, **more,
    }  # fmt: skip
    told(Entry("order", "pms", f"pms:{next(_numbers)}", json.dumps(body), at))


def step(at: int, runner: Live | None = None) -> Stepped:
    """Let the live step run until nothing is left to do at this moment."""
    runner = runner or Live()
    while (stepped := runner.step(live.LIMIT, at=at)).is_full:
        at += 1
    return stepped


def where(key: str = "hello") -> list[tuple[str, str]]:
    """Return (node or outcome, state) of everybody on a journey, by their number."""
    rides = Enrollment.objects.filter(journey__key=key).order_by("pk")
    return [(ride.outcome or ride.node, ride.state) for ride in rides]


def passed(ride: Enrollment) -> list[tuple[str, str]]:
    found = Passage.objects.filter(enrollment=ride).order_by("pk")
    return list(found.values_list("step", "result"))


def messages(key: str = "hello") -> list[Message]:
    journey = Journey.objects.get(key=key)
    return list(Message.objects.filter(origin=journey.origin).order_by("due_at", "pk"))


def profile_of(email: str) -> int:
    return Identifier.objects.get(kind="email", value=email).profile_id


def conserved() -> Counter[str]:
    """Check that everybody who came in is in one state, and passed each step once; count them."""
    found: Counter[str] = Counter()
    for ride in Enrollment.objects.all():
        is_waiting = ride.state == "waiting"
        assert is_waiting == (ride.outcome == "") == (ride.finished_at is None)
        assert is_waiting == (ride.due_at is not None), ride.pk
        steps = [s for s, r in passed(ride) if s and r != "migrated"]
        assert len(steps) == len(set(steps)) or ride.outcome, steps
        found[ride.outcome or ride.state] += 1
    return found


def hours(n: float) -> int:
    return NOW + round(n * clock.HOUR)


def only(found: Sequence[Any]) -> Any:
    (one,) = found
    return one
