"""What providers tell of messages, applied once, in whatever order it comes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from django.db import IntegrityError, OperationalError, transaction

from pusula.channels.port import Report, ReportKind, storable
from pusula.consent import actions as consent
from pusula.consent.models import Channel, Scope
from pusula.consent.models import Reason as Closed
from pusula.lib import clock
from pusula.outbox import actions, receipts, spikes
from pusula.outbox.models import Message, Receipt, ReceiptKind, channel_hold
from pusula.outbox.spikes import Watch

# A mailbox that is full today may be read tomorrow: so many in so many days, and nothing good
# between, before nobody writes there any more.
MOST_SOFT = 3
SOFT_WINDOW = 15 * clock.DAY
_TRIES = 3
_Written = TypeVar("_Written")
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
_CLOSING = (ReportKind.BOUNCED, ReportKind.SOFT_BOUNCED, ReportKind.COMPLAINED)
_GOOD = (ReceiptKind.DELIVERED, ReceiptKind.OPENED, ReceiptKind.CLICKED)


@dataclass
class Applied:
    """What became of reports."""

    n_new: int = 0
    n_same: int = 0  # told before
    n_unknown: int = 0  # of no message of ours


def apply(reports: Iterable[Report], *, channel: str, at: int) -> Applied:
    """Write down ``reports`` of ``channel`` and do what they ask for, each in one transaction.

    Whatever closes an address or a consent is committed when this returns, and the channel, or the
    campaign, held if that became too much.
    """
    done = Applied()
    watch = Watch()
    is_closing = False
    for report in map(storable, reports):
        match _once(report, channel, watch, at):
            case None:
                done.n_unknown += 1
            case True:
                done.n_new += 1
                is_closing = is_closing or report.kind in _CLOSING
            case False:
                done.n_same += 1
    if is_closing:
        spikes.look(channel, at=at)
    return done


def opt_out(message_id: int, *, evidence: str, at: int) -> None:
    """Record that the person of a message told the provider that they want no more."""
    _settled(lambda: _opt_out(message_id, evidence, at))


def _opt_out(message_id: int, evidence: str, at: int) -> None:
    message = Message.objects.filter(pk=message_id).first()
    if message is not None:
        _refuse(message, evidence, at)


def _message(report: Report, channel: str) -> Message | None:
    mine = Message.objects.filter(channel=channel)
    if report.token and (found := mine.filter(token=report.token).first()):
        return found
    if not report.provider_id:
        return None
    return mine.filter(provider_id=report.provider_id).order_by("-pk").first()


def _once(report: Report, channel: str, watch: Watch, at: int) -> bool | None:
    """Apply ``report``; return whether it was new, ``None`` if it is of no message of ours."""

    def apply_it() -> bool | None:
        message = _message(report, channel)
        return None if message is None else _apply(message, report, watch, at)

    return _settled(apply_it)


def _settled(write: Callable[[], _Written]) -> _Written:
    """Do ``write`` in a transaction and return what it does.

    The same report at the same moment, another decision of the same person, or their erasure may
    stand in the way: then anew, with what is there now.
    """
    n_try = 1
    while True:
        try:
            with transaction.atomic():
                return write()
        except (IntegrityError, OperationalError):
            if n_try == _TRIES:
                raise
            n_try += 1


def _apply(message: Message, report: Report, watch: Watch, at: int) -> bool:
    happened_at = report.at if 0 < report.at <= at + _LATEST else at
    # Whatever is told of a message, the provider knows it: a doubt is none any more.
    was_refused = report.kind in {ReportKind.REJECTED, ReportKind.POLICY}
    evidence = actions.Evidence(has_arrived=not was_refused, detail=report.words)
    was_in_doubt = actions.resolve(message.pk, evidence, at=at)
    kind = _KINDS.get(report.kind)
    if kind is not None:
        receipt, is_new = Receipt.objects.get_or_create(
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
    if report.kind in _CLOSING:
        watch.look([receipt.pk], at=at)
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
