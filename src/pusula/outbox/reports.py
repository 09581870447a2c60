"""What providers tell of messages, applied once, in whatever order it comes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import IntegrityError, OperationalError, transaction

from pusula.channels.port import Report, ReportKind, storable
from pusula.consent import actions as consent
from pusula.consent.models import Channel, Scope
from pusula.consent.models import Reason as Closed
from pusula.lib import clock
from pusula.outbox import actions, receipts
from pusula.outbox.models import Message, Receipt, ReceiptKind, channel_hold

# A mailbox that is full today may be read tomorrow: so many in so many days, and nothing good
# between, before nobody writes there any more.
MOST_SOFT = 3
SOFT_WINDOW = 15 * clock.DAY
_TRIES = 3
_LATEST = 5 * clock.MINUTE  # ahead of our clock a provider may be
_KINDS = {
    ReportKind.DELIVERED: ReceiptKind.DELIVERED,
    ReportKind.OPENED: ReceiptKind.OPENED,
    ReportKind.CLICKED: ReceiptKind.CLICKED,
    ReportKind.BOUNCED: ReceiptKind.BOUNCED,
    ReportKind.SOFT_BOUNCED: ReceiptKind.SOFT_BOUNCED,
    ReportKind.REJECTED: ReceiptKind.REJECTED,
    ReportKind.POLICY: ReceiptKind.REJECTED,
    ReportKind.COMPLAINED: ReceiptKind.COMPLAINED,
    ReportKind.OPTED_OUT: ReceiptKind.UNSUBSCRIBED,
}
_GOOD = (ReceiptKind.DELIVERED, ReceiptKind.OPENED, ReceiptKind.CLICKED)


@dataclass
class Applied:
    """What became of reports."""

    n_new: int = 0
    n_same: int = 0  # told before
    n_unknown: int = 0  # of no message of ours


def apply(reports: Iterable[Report], *, channel: str, at: int) -> Applied:
    """Write down ``reports`` of ``channel`` and do what they ask for, each in one transaction.

    Whatever closes an address or a consent is committed when this returns.
    """
    done = Applied()
    for report in map(storable, reports):
        message = _message(report, channel)
        if message is None:
            done.n_unknown += 1
        elif _once(message, report, at):
            done.n_new += 1
        else:
            done.n_same += 1
    return done


def opt_out(message_id: int, *, evidence: str, at: int) -> None:
    """Record that the person of a message told the provider that they want no more."""
    message = Message.objects.filter(pk=message_id).first()
    if message is not None:
        with transaction.atomic():
            _refuse(message, evidence, at)


def _message(report: Report, channel: str) -> Message | None:
    mine = Message.objects.filter(channel=channel)
    if report.token and (found := mine.filter(token=report.token).first()):
        return found
    if not report.provider_id:
        return None
    return mine.filter(provider_id=report.provider_id).order_by("-pk").first()


def _once(message: Message, report: Report, at: int) -> bool:
    """Apply ``report`` if it is new; return whether it was."""
    for n_try in range(1, _TRIES + 1):
        try:
            with transaction.atomic():
                return _apply(message, report, at)
        except (IntegrityError, OperationalError):
            # The same report at the same moment, or another decision of the same person.
            if n_try == _TRIES:
                raise
    return False


def _apply(message: Message, report: Report, at: int) -> bool:
    happened_at = report.at if 0 < report.at <= at + _LATEST else at
    # Whatever is told of a message, the provider knows it: a doubt is none any more.
    was_refused = report.kind in {ReportKind.REJECTED, ReportKind.POLICY}
    evidence = actions.Evidence(has_arrived=not was_refused, detail=report.words)
    was_in_doubt = actions.resolve(message.pk, evidence, at=at)
    kind = _KINDS.get(report.kind)
    if kind is not None:
        _receipt, is_new = Receipt.objects.get_or_create(
            key=report.key[:200],
            defaults={
                "message": message,
                "kind": kind,
                "at": happened_at,
                "is_machine": report.is_machine,
                "url": report.url[:2000],
                "detail": report.words[:400],
            },
        )
        if not is_new:
            return False
        if not report.is_machine:
            receipts.tell(message, kind, at=happened_at, url=report.url)
    _follow(message, report, happened_at, at)
    return kind is not None or was_in_doubt


def _follow(message: Message, report: Report, happened_at: int, at: int) -> None:
    said = report.words[:400]
    match report.kind:
        case ReportKind.BOUNCED:
            _suppress(message, Closed.HARD_BOUNCE, said, at)
        case ReportKind.SOFT_BOUNCED:
            if _n_soft(message, happened_at) >= MOST_SOFT:
                _suppress(message, Closed.HARD_BOUNCE, f"{MOST_SOFT} in 15 days: {said}", at)
        case ReportKind.COMPLAINED:
            _suppress(message, Closed.COMPLAINT, said, at, scope=Scope.COMMERCIAL)
            _refuse(message, f"complaint: {said}", at)
        case ReportKind.OPTED_OUT:
            _refuse(message, f"told the provider: {said}", at)
        case ReportKind.POLICY:
            # By mail anybody can say so; an account without credit is a matter of the channel.
            if message.channel != Channel.EMAIL:
                actions.hold(channel_hold(message.channel), reason="policy", detail=said, at=at)


def _n_soft(message: Message, at: int) -> int:
    """Return how many messages to this address came back in the window, since a good one."""
    heard = Receipt.objects.filter(
        message__channel=message.channel,
        message__address=message.address,
        at__gt=at - SOFT_WINDOW,
        is_machine=False,
    )
    good_at = heard.filter(kind__in=_GOOD).order_by("-at").values_list("at", flat=True).first()
    soft = heard.filter(kind=ReceiptKind.SOFT_BOUNCED, at__gt=good_at or 0)
    return soft.values("message_id").distinct().count()


def _suppress(
    message: Message, reason: str, detail: str, at: int, *, scope: str = Scope.ALL
) -> None:
    if message.address:
        consent.suppress(
            message.channel, message.address, reason=reason, detail=detail, scope=scope, at=at
        )


def _refuse(message: Message, evidence: str, at: int) -> None:
    consent.refuse(
        [message.profile_id],
        channel=message.channel,
        purpose=message.purpose,
        source=receipts.SOURCE,
        evidence=f"{evidence[:300]}, message {message.token}",
        at=at,
        addresses=[message.address] if message.address else [],
    )
