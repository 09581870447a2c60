"""Hearing back: what people, and their mail programs, did with a message."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from django.db import IntegrityError, OperationalError, transaction

from pusula.consent import actions as consent
from pusula.consent.models import Channel
from pusula.content.template import TRAP
from pusula.events import actions as events
from pusula.events.actions import NewEvent
from pusula.lib import clock
from pusula.outbox.models import Message, Receipt, ReceiptKind
from pusula.profiles import unheard

SOURCE = "pusula"  # of the events written here
UNSUBSCRIBE_LINK = "unsubscribe link"
# Mail gateways follow every link as a mail arrives; people need longer.
TOO_FAST = 2 * clock.SECOND
BURST = 2 * clock.SECOND
SCAN = 20 * clock.SECOND  # how long a scanner takes for all links of a mail
# What one message may write: a pixel fetched for ever must not fill the disk.
MOST = 100
_TRIES = 3
_HITS = (ReceiptKind.OPENED, ReceiptKind.CLICKED)
_SUBJECTS = {
    Channel.EMAIL: "Email",
    Channel.SMS: "SMS",
    Channel.WHATSAPP: "WhatsApp",
    Channel.WEBPUSH: "Push Notification",
}
_VERBS = {
    ReceiptKind.DELIVERED: "Delivered",
    ReceiptKind.OPENED: "Opened",
    ReceiptKind.CLICKED: "Clicked",
    ReceiptKind.UNSUBSCRIBED: "Unsubscribed",
    ReceiptKind.BOUNCED: "Bounced",
    ReceiptKind.COMPLAINED: "Marked as Spam",
}
# Apple's privacy proxy calls itself this and nothing more, and fetches whether opened or not.
_BARE_AGENT = "Mozilla/5.0"
_MACHINE = re.compile(
    r"bot\b|crawl|spider|scan|preview|prefetch|proxy|monitor|curl/|wget/|python-|java/|go-http"
    r"|headless|barracuda|proofpoint|mimecast|safelinks|messagelabs|symantec|trendmicro|fortinet",
    re.IGNORECASE,
)


def is_machine(message: Message, *, method: str, agent: str, at: int) -> bool:
    """Return whether a hit at ``at`` was made by a program rather than a person."""
    left_at = message.gated_at or message.settled_at
    return (
        method == "HEAD"
        or agent.strip() in {"", _BARE_AGENT}
        or bool(_MACHINE.search(agent))
        or (left_at is not None and at - left_at < TOO_FAST)
    )


def note(message: Message, kind: ReceiptKind, *, at: int, machine: bool, url: str = "") -> None:
    """Keep what happened to ``message``; a person's first open, or click of a link, is an event."""
    if kind == ReceiptKind.CLICKED and _is_burst(message, url, at):
        machine = True
    if kind in _HITS and _is_trapped(message, at):
        machine = True
    if Receipt.objects.filter(message=message, kind=kind).count() < MOST:
        Receipt.objects.create(
            message=message, kind=kind, at=at, is_machine=machine, url=url[:2000]
        )
    if not machine:
        tell(message, kind, at=at, url=url)


def _is_burst(message: Message, url: str, at: int) -> bool:
    """Return whether another link of ``message`` was followed just now, and mark that click too.

    Scanners follow all links of a mail at once; nobody reads two pages in two seconds.
    """
    near = Receipt.objects.filter(
        message=message, kind=ReceiptKind.CLICKED, at__gt=at - BURST, at__lt=at + BURST
    ).exclude(url=url[:2000])
    return bool(near.update(is_machine=True))


def trapped(message: Message, *, at: int) -> None:
    """Keep that somebody followed the link of ``message`` that no person can see.

    It is a scanner: what it followed before and will in the next moments is marked. The link is
    the first of the mail, so one that goes through it in order becomes no event at all.
    """
    near = message.receipts.filter(kind__in=_HITS, at__gt=at - SCAN, at__lt=at + SCAN)
    near.update(is_machine=True)
    if message.receipts.filter(kind=ReceiptKind.CLICKED).count() < MOST:
        Receipt.objects.create(
            message=message, kind=ReceiptKind.CLICKED, at=at, is_machine=True, url=TRAP
        )


def _is_trapped(message: Message, at: int) -> bool:
    """Return whether a scanner is going through the links of ``message`` just now."""
    return message.receipts.filter(
        kind=ReceiptKind.CLICKED, url=TRAP, at__gt=at - SCAN, at__lt=at + SCAN
    ).exists()


def unsubscribe(message: Message, *, at: int) -> None:
    """Record that the person of ``message`` refuses its channel and purpose; again is no change.

    Whoever holds an address of theirs, or the one the message went to, refuses with them: it is
    one inbox, and its owner has spoken. Of somebody who is erased meanwhile nothing is written: the
    erasure has closed the address for good.
    """
    for n_try in range(1, _TRIES + 1):
        try:
            with transaction.atomic():
                standing = Message.objects.filter(pk=message.pk).first()
                if standing is not None:
                    _unsubscribe(standing, at)
        except (IntegrityError, OperationalError):
            # Another decision, or the erasure, of the same person at the same moment: look again.
            if n_try == _TRIES:
                raise
        else:
            return


def _unsubscribe(message: Message, at: int) -> None:
    recorded = consent.refuse(
        [message.profile_id],
        channel=message.channel,
        purpose=message.purpose,
        source=SOURCE,
        evidence=f"{UNSUBSCRIBE_LINK}, message {message.token}",
        at=at,
        addresses=[message.address],
    )
    if recorded.new:
        note(message, ReceiptKind.UNSUBSCRIBED, at=at, machine=False)


def tell(message: Message, kind: ReceiptKind, *, at: int, url: str) -> None:
    """Append the event, once for each message and link; what has no name of its own has none."""
    if kind not in _VERBS or message.channel not in _SUBJECTS:
        return
    if message.channel == Channel.WEBPUSH and kind != ReceiptKind.UNSUBSCRIBED:
        return  # the browser has told it as an event of its own
    name = f"{_SUBJECTS[Channel(message.channel)]} {_VERBS[kind]}"
    properties: dict[str, Any] = {"origin": message.origin}
    key = f"{SOURCE}:{kind}:{message.token}"
    if url:
        properties["url"] = url
        key += ":" + hashlib.blake2b(url.encode(), digest_size=8).hexdigest()
    event = NewEvent(message.profile_id, name, at, key, properties)
    try:
        with transaction.atomic():
            events.append([event], source=SOURCE, at=at)
            unheard.tell([message.profile_id], at=at)  # no entry of the log tells the live step
    except IntegrityError:
        return  # the same was told at the same moment
