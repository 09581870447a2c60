"""What mail providers tell over HTTP: Amazon SES, SendGrid, Mailgun, Postmark; each verified.

A signature says who speaks; the moment in it, that it is not dug out much later; and the key of a
report, which is unique for good, that what is told again changes nothing.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from pusula.channels.email.bounces import classified
from pusula.channels.email.tokens import Tokens
from pusula.channels.port import ForgedError, Report, ReportKind, words
from pusula.lib import clock

OLDEST = 2 * clock.DAY  # providers try again for hours when we are not there
_AHEAD = 10 * clock.MINUTE
_AMAZON = re.compile(
    r"https://sns\.[a-z0-9-]{3,30}\.amazonaws\.com(\.cn)?/SimpleNotificationService-[0-9a-f]{1,64}\.pem"
)
_AMAZON_CONFIRM = re.compile(r"https://sns\.[a-z0-9-]{3,30}\.amazonaws\.com(\.cn)?/\?[\x21-\x7e]+")
_SNS_FIELDS = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type",
    ),
}  # fmt: skip
Fetch = Callable[[str], bytes]


def parsed(body: bytes) -> Any:
    """Return the JSON of ``body``; raise ``ForgedError`` if it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise ForgedError("the report is no JSON") from None


# Amazon SES, through SNS


def verified_sns(body: bytes, *, topic: str, fetch: Fetch, at: int) -> dict[str, Any]:
    """Return the SNS message in ``body``.

    ``fetch`` gets the certificate, whose address is one of Amazon's. Raises ``ForgedError``.
    """
    told = parsed(body)
    if not isinstance(told, dict) or told.get("TopicArn") != topic or not topic:
        raise ForgedError("the report is not of our SNS topic")
    fields = _SNS_FIELDS.get(str(told.get("Type")))
    where = told.get("SigningCertURL")
    if fields is None or not isinstance(where, str) or not _AMAZON.fullmatch(where):
        raise ForgedError("the report is not signed as SNS signs")
    if told.get("SignatureVersion") not in ("1", "2"):  # of any type
        raise ForgedError("the report is signed in a way we do not know")
    signed = _bytes("".join(f"{name}\n{told[name]}\n" for name in fields if name in told))
    algorithm = hashes.SHA256() if told["SignatureVersion"] == "2" else hashes.SHA1()  # noqa: S303 - SNS signs so unless told otherwise
    try:
        key = x509.load_pem_x509_certificate(fetch(where)).public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise ForgedError("the certificate of SNS is of another kind")
        key.verify(_decoded(told.get("Signature")), signed, padding.PKCS1v15(), algorithm)
    except (InvalidSignature, ValueError):
        raise ForgedError("the report is not signed by SNS") from None
    _check_age(_moment(told.get("Timestamp")), at)
    return told


def confirmation(told: Mapping[str, Any]) -> str:
    """Return the address by which a subscription is confirmed, empty if none is asked for."""
    where = str(told.get("SubscribeURL") or "")
    is_asked = told.get("Type") == "SubscriptionConfirmation"
    return where if is_asked and _AMAZON_CONFIRM.fullmatch(where) else ""


def ses(told: Mapping[str, Any], tokens: Tokens) -> Iterator[Report]:
    """Yield the reports in a verified SNS notification of SES."""
    event = parsed(str(told.get("Message", "")).encode())
    if not isinstance(event, dict):
        return
    sort = str(event.get("eventType") or event.get("notificationType") or "").lower()
    mail = _dict(event, "mail")
    told_of = _dict(event, sort)
    token = tokens.of_address(str(mail.get("source", "")))
    for header in _list(mail, "headers"):
        if not token and str(header.get("name", "")).lower() == "message-id":
            token = tokens.of_message_id(str(header.get("value", "")))
    said, kind = "", _SES.get(sort)
    if sort == "bounce":
        who = next(iter(_list(told_of, "bouncedRecipients")), {})
        said = f"{who.get('status', '')} {who.get('diagnosticCode', '')}"
        kind = _ses_bounce(str(told_of.get("bounceType")), str(who.get("status", "")), said)
    if kind is None or not token:
        return
    number = told_of.get("feedbackId") or f"{mail.get('messageId')}:{sort}"
    yield Report(
        kind=kind, key=f"ses:{number}"[:200], token=token, at=_moment(told_of.get("timestamp")),
        words=words(said),
    )  # fmt: skip


_SES = {
    "complaint": ReportKind.COMPLAINED,
    "delivery": ReportKind.DELIVERED,
    "reject": ReportKind.REJECTED,
    "bounce": ReportKind.REJECTED,
}


def _ses_bounce(sort: str, status: str, said: str) -> ReportKind:
    found = classified(status, said)
    # On Amazon's own list of addresses that bounced it gives no status.
    if sort == "Permanent" and found is ReportKind.REJECTED and not status.strip():
        return ReportKind.BOUNCED
    return ReportKind.SOFT_BOUNCED if sort == "Transient" else found


# SendGrid


def verify_sendgrid(headers: Mapping[str, str], body: bytes, public_key: str, *, at: int) -> None:
    """Raise ``ForgedError`` unless ``body`` is signed for ``public_key`` (base64, DER)."""
    moment = headers.get("x-twilio-email-event-webhook-timestamp", "")
    mark = _decoded(headers.get("x-twilio-email-event-webhook-signature"))
    try:
        key = load_der_public_key(base64.b64decode(public_key))
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise ForgedError("the public key of SendGrid is of another kind")
        key.verify(mark, moment.encode() + body, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError, binascii.Error):
        raise ForgedError("the report is not signed by SendGrid") from None
    _check_age(_seconds(moment), at)


def sendgrid(body: bytes, tokens: Tokens) -> Iterator[Report]:
    """Yield the reports in the body of a webhook of SendGrid."""
    told = parsed(body)
    for one in told if isinstance(told, list) else []:
        if not isinstance(one, dict):
            continue
        sort, said = str(one.get("event")), f"{one.get('status', '')} {one.get('reason', '')}"
        kind = _SENDGRID.get(sort)
        if sort == "bounce":
            is_blocked = one.get("type") == "blocked"
            found = classified(str(one.get("status", "")), said)
            kind = ReportKind.POLICY if is_blocked and found is ReportKind.BOUNCED else found
        token = tokens.of_message_id(str(one.get("smtp-id", "")))
        if kind is None or not token:
            continue
        yield Report(
            kind=kind, key=f"sendgrid:{one.get('sg_event_id')}"[:200], token=token,
            at=_seconds(one.get("timestamp")), words=words(said), url=str(one.get("url") or ""),
            is_machine=bool(one.get("sg_machine_open")),
        )  # fmt: skip


_SENDGRID = {
    "delivered": ReportKind.DELIVERED,
    "dropped": ReportKind.REJECTED,
    "spamreport": ReportKind.COMPLAINED,
    "unsubscribe": ReportKind.OPTED_OUT,
    "group_unsubscribe": ReportKind.OPTED_OUT,
    "bounce": ReportKind.REJECTED,
}


# Mailgun


def verified_mailgun(body: bytes, key: str, *, at: int) -> dict[str, Any]:
    """Return the event in ``body``; raise ``ForgedError`` unless it is signed with ``key``."""
    told = parsed(body)
    mark = _dict(told, "signature") if isinstance(told, dict) else {}
    moment, nonce = str(mark.get("timestamp", "")), str(mark.get("token", ""))
    good = hmac.new(key.encode(), _bytes(f"{moment}{nonce}"), "sha256").hexdigest()
    if not key or not hmac.compare_digest(_bytes(str(mark.get("signature", ""))), good.encode()):
        raise ForgedError("the report is not signed by Mailgun")
    _check_age(_seconds(moment), at)
    return _dict(told, "event-data")


def mailgun(event: Mapping[str, Any], tokens: Tokens) -> Iterator[Report]:
    """Yield the report in a verified event of Mailgun."""
    sort, outcome = str(event.get("event")), _dict(event, "delivery-status")
    status = str(outcome.get("enhanced-code") or "")
    said = f"{outcome.get('code', '')} {status} {outcome.get('message') or event.get('reason', '')}"
    kind = _MAILGUN.get(sort)
    if sort == "failed":
        if event.get("severity") == "temporary":
            return  # it goes on trying
        kind = classified(status, said)
    headers = _dict(_dict(event, "message"), "headers")
    token = tokens.of_message_id(str(headers.get("message-id", "")))
    if kind is None or not token:
        return
    yield Report(
        kind=kind, key=f"mailgun:{event.get('id')}"[:200], token=token,
        at=_seconds(event.get("timestamp")), words=words(said), url=str(event.get("url") or ""),
    )  # fmt: skip


_MAILGUN = {
    "delivered": ReportKind.DELIVERED,
    "complained": ReportKind.COMPLAINED,
    "unsubscribed": ReportKind.OPTED_OUT,
    "failed": ReportKind.REJECTED,
}


# Postmark: nothing is signed; its address holds a secret


def postmark(body: bytes) -> Iterator[Report]:
    """Yield the report in the body of a webhook of Postmark; the token is in its metadata."""
    told = parsed(body)
    if not isinstance(told, dict):
        return
    sort, type_ = str(told.get("RecordType")), str(told.get("Type", ""))
    kind = _POSTMARK.get(sort)
    if sort == "Bounce":
        kind = _POSTMARK_BOUNCES.get(type_, ReportKind.REJECTED)
    elif sort == "SubscriptionChange" and not told.get("SuppressSending"):
        return
    token = str(_dict(told, "Metadata").get("token") or "")
    if kind is None or not token:
        return
    moment = told.get("BouncedAt") or told.get("DeliveredAt") or told.get("ChangedAt")
    number = f"{told.get('MessageID')}:{sort}:{type_}"
    yield Report(
        kind=kind, key=f"postmark:{number}"[:200], token=token[:32], at=_moment(moment),
        words=words(f"{type_} {told.get('Description') or ''} {told.get('Details') or ''}"),
    )  # fmt: skip


_POSTMARK = {
    "Bounce": ReportKind.REJECTED,
    "SpamComplaint": ReportKind.COMPLAINED,
    "Delivery": ReportKind.DELIVERED,
    "SubscriptionChange": ReportKind.OPTED_OUT,
}
_POSTMARK_BOUNCES = {
    "HardBounce": ReportKind.BOUNCED,
    "BadEmailAddress": ReportKind.BOUNCED,
    "SoftBounce": ReportKind.SOFT_BOUNCED,
    "Transient": ReportKind.SOFT_BOUNCED,
    "DnsError": ReportKind.SOFT_BOUNCED,
    "SpamNotification": ReportKind.POLICY,
    "Blocked": ReportKind.POLICY,
    "DMARCPolicy": ReportKind.POLICY,
    "SpamComplaint": ReportKind.COMPLAINED,
    "Unsubscribe": ReportKind.OPTED_OUT,
}


def _check_age(moment: int, at: int) -> None:
    if not at - OLDEST <= moment <= at + _AHEAD:
        raise ForgedError("the report is signed, but not of these days")


def _bytes(text: str) -> bytes:
    """Return ``text`` as bytes; JSON may hold halves of characters, which no signature is of."""
    return text.encode("utf-8", "surrogatepass")


def _decoded(text: object) -> bytes:
    try:
        return base64.b64decode(str(text or ""), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _seconds(told: object) -> int:
    try:
        return int(float(str(told)) * clock.SECOND)
    except (ValueError, OverflowError):
        return 0


def _moment(told: object) -> int:
    try:
        return clock.from_datetime(datetime.fromisoformat(str(told)))
    except (ValueError, OverflowError):
        return 0


def _dict(told: Any, name: str) -> dict[str, Any]:
    found = told.get(name) if isinstance(told, Mapping) else None
    return found if isinstance(found, dict) else {}


def _list(told: Any, name: str) -> list[dict[str, Any]]:
    found = told.get(name) if isinstance(told, Mapping) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
