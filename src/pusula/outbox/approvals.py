"""What Meta says of the WhatsApp templates we use, and which messages wait because of it.

A message whose template is paused, rejected or not there any more stays in line, and so does one
that only informs once Meta calls its template marketing: another consent is needed then. What holds
it stands with the message; it is looked at again every few minutes, and at once when Meta tells
something better.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.db.models import Q

from pusula.channels.whatsapp.approvals import BLOCKED, CATEGORY, MARKETING, QUALITY, STATUS, Change
from pusula.consent.models import Channel
from pusula.lake import rows
from pusula.lib import clock
from pusula.outbox import machine
from pusula.outbox.models import Approval, Message
from pusula.outbox.reasons import Reason

AGAIN = 15 * clock.MINUTE


def apply(changes: Iterable[Change], *, at: int) -> int:
    """Keep what Meta told; return how much of it was new. What is older than what we know is not.

    Where a template may be used again, what waited for it is due at once.
    """
    return sum(_once(change, at=at) for change in changes)


def of(name: str, language: str) -> Approval | None:
    """Return what Meta has told of a template, ``None`` if nothing yet."""
    return Approval.objects.filter(name=name, language=language).first()


def in_the_way(name: str, language: str, *, is_commercial: bool) -> str:
    """Return why no message may leave with a template now, in Meta's words; empty if it may."""
    held = of(name, language)
    if held is None:
        return ""
    if held.status in BLOCKED:
        return f"{name} ({language}): {held.status} {held.reason}".strip()
    if held.category == MARKETING and not is_commercial:
        return f"{name} ({language}): {held.category}"
    return ""


def _once(change: Change, *, at: int) -> bool:
    told_at = min(change.at or at, at)  # a clock ahead of ours would bar what comes next
    try:
        with transaction.atomic():
            held, is_new = Approval.objects.select_for_update().get_or_create(
                name=change.name, language=change.language
            )
            if not is_new and told_at < getattr(held, f"{change.what}_at"):
                return False
            values = _values(change) | {f"{change.what}_at": told_at}
            if not is_new and all(getattr(held, name) == value for name, value in values.items()):
                return False
            Approval.objects.filter(pk=held.pk).update(**values)
            _let_go(change, at=at)
    except IntegrityError:  # somebody else heard of it first at the same moment
        return _once(change, at=at)
    return True


def _values(change: Change) -> dict[str, str]:
    return {
        STATUS: {"status": change.word, "reason": change.reason},
        CATEGORY: {"category": change.word, "next_category": change.following},
        QUALITY: {"quality": change.word},
    }[change.what]


def _let_go(change: Change, *, at: int) -> None:
    """Look at once again at what waits for a template."""
    waiting = Message.objects.filter(
        Q(content__details__template=change.name, content__details__language=change.language),
        channel=Channel.WHATSAPP,
        state=machine.PENDING,
        reason=Reason.TEMPLATE,
        due_at__gt=at,
    )
    for part in rows.parts(waiting.values_list("pk", flat=True)):
        mine = Message.objects.filter(pk__in=part, owner="", reason=Reason.TEMPLATE)
        # Some wait for the morning besides: their hour is asked for at the gate.
        mine.update(due_at=at, open_until_at=at)
