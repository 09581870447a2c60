"""What reports of the made-up company need: messages that left when they were due, and a mail."""

from __future__ import annotations

from django.db.models import F

from pusula.campaigns.models import TeamAddress
from pusula.lib import clock
from pusula.measurement.reports import letters, schedules
from pusula.measurement.reports.models import Issue
from pusula.outbox.models import Message, Receipt, ReceiptKind


def messages_left() -> None:
    """Let the messages of ``plans`` have left at their moment, and some be clicked."""
    Message.objects.filter(settled_at=1).update(settled_at=F("due_at"), gated_at=F("due_at"))
    for opened in list(Receipt.objects.filter(kind=ReceiptKind.OPENED).select_related("message")):
        Receipt.objects.create(
            message=opened.message, kind=ReceiptKind.CLICKED, at=opened.at + clock.MINUTE
        )


def mailed(address: str = "deniz@otel.example") -> Issue:
    """Schedule a daily report and make the one of today; it waits for the sender."""
    now = clock.now()
    to, _new = TeamAddress.objects.get_or_create(
        address=address,
        defaults={"asked_by": "deniz", "asked_at": 1, "mailed_at": 1, "verified_at": 1},
    )
    schedules.create(
        title="Haftalık rapor", parts=["kpi", "rates"], days=28, language="tr", weekday=None,
        hour=0, to=[to.pk], by="deniz", at=now - 2 * clock.DAY,
    )  # fmt: skip
    (issue,) = letters.prepare(at=now)
    return issue
