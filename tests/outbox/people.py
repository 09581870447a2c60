"""People, their consents and a mailing, for tests of the outbox."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction

from pusula.consent.actions import Decision, record
from pusula.lib import clock
from pusula.outbox import actions
from pusula.outbox.models import Content, Message
from pusula.privacy import stores
from pusula.profiles.models import Identifier, IdentifierKind, Profile

HTML = (
    "<html><body><p>Merhaba {{ profile.first_name }}</p>"
    '<p><a href="https://otel.example/oda?kod={{ profile.last_name }}">Odalar</a></p>'
    '<p><a href="{{ unsubscribe_url }}">Listeden çıkın</a></p></body></html>'
)


def profiles(n: int) -> list[Profile]:
    """Make ``n`` guests, each with an e-mail address of their own: p<id>@example.com."""
    now = clock.now()
    made = [
        Profile(first_name="Ayşe", last_name=f"Y{i}", created_at=now, recorded_at=now)
        for i in range(n)
    ]
    made = Profile.objects.bulk_create(made, batch_size=2_000)
    Identifier.objects.bulk_create(
        [
            Identifier(
                profile=person,
                kind=IdentifierKind.EMAIL,
                value=f"p{person.pk}@example.com",
                source="test",
                recorded_at=now,
            )
            for person in made
        ],
        batch_size=2_000,
    )
    return made


def consented(people: Iterable[Profile]) -> None:
    """Let all of them say yes to marketing e-mails."""
    now = clock.now()
    record(
        [
            Decision(
                profile_id=person.pk,
                channel="email",
                purpose="marketing",
                status="granted",
                source="test",
                decided_at=now - clock.DAY,
                evidence="form",
            )
            for person in people
        ],
        at=now,
    )


def mailing(html: str = HTML, subject: str = "Merhaba {{ profile.last_name }}") -> Content:
    """Freeze what a campaign says."""
    return actions.freeze(
        channel="email", sender="Deniz Otel <otel@deniz.example>", subject=subject, text="",
        html=html,
    )  # fmt: skip


def in_line(
    people: Sequence[Profile], *, origin: str = "campaign:1", content: Content | None = None
) -> list[Message]:
    """Reserve one message for each of ``people``, due now; return them in that order."""
    content = content or mailing()
    now = clock.now()
    actions.reserve(
        actions.Draft(
            dedupe_key=f"{origin}:{person.pk}",
            origin=origin,
            profile_id=person.pk,
            content_id=content.pk,
            channel="email",
            purpose="marketing",
            address=f"p{person.pk}@example.com",
            due_at=now,
            not_after_at=now + clock.DAY,
        )
        for person in people
    )
    return list(Message.objects.filter(origin=origin).order_by("profile_id"))


def erased(profile_id: int) -> None:
    """Delete all rows of somebody, as an erasure does; no file is looked at."""
    with transaction.atomic():
        for owner in stores.OWNERS:
            owner.erase([profile_id])
