"""Sending a message anew of which nobody knows whether it arrived: only a person decides that."""

from __future__ import annotations

from django.db import transaction

from pusula.lib import clock
from pusula.outbox import machine
from pusula.outbox.candidates import Candidate, Decision, Way
from pusula.outbox.decisions import decide
from pusula.outbox.models import Message
from pusula.outbox.reasons import Reason

SENT_WITHIN = 24 * clock.HOUR  # of what is sent anew


def resend(message_id: int, *, by: str, at: int) -> Decision | None:
    """Ask for an unknown message once more; return the decision, ``None`` if it is settled.

    The old one counts no longer, and the new one passes everything that any message passes.
    """
    with transaction.atomic():
        doubtful = Message.objects.select_for_update().filter(pk=message_id, state=machine.UNKNOWN)
        old = doubtful.first()
        if old is None:
            return None
        doubtful.update(state=machine.FAILED, reason=Reason.RESENT, detail=by[:400], settled_at=at)
        [decision] = decide([_anew(old, at)], at=at)
    return decision


def _anew(old: Message, at: int) -> Candidate:
    return Candidate(
        dedupe_key=f"anew:{old.pk}",
        origin=old.origin,
        step=old.step,
        profile_id=old.profile_id,
        order_id=old.order_id,
        ways=(Way(old.channel, old.content_id),),
        purpose=old.purpose,
        is_commercial=old.is_commercial,
        priority=old.priority,
        due_at=at,
        not_after_at=at + SENT_WITHIN,
        variables=old.variables,
    )
