"""Mails that come back: delivery reports (RFC 3464) and complaints (RFC 5965), read as reports.

Anybody can write such a mail. What it says counts for the message it names by a token of ours, and
for no address that it names itself.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from email.message import Message
from email.policy import compat32

from pusula.channels.email.tokens import Tokens
from pusula.channels.port import Report, ReportKind, words

LARGEST = 2 * 2**20
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_CODE = re.compile(r"\b([45]\d\d)\b")
_HARD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4"})
_SOFT = frozenset({"5.2.2", "5.2.3", "5.4.7", "5.2.0", "5.3.1"})
_FULL = "552"
_ABUSE = frozenset({"abuse", "fraud", "virus", "other"})
_MOST_RECIPIENTS = 50
_RETURNED_TO = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To")


def classified(status: str, said: str = "") -> ReportKind:
    """Return what a bounce with the enhanced ``status`` (5.1.1) or else its words means.

    An address is called bad only by an enhanced status that says so: a bare 550 may be anything.
    """
    found = _STATUS.search(status) or _STATUS.search(said)
    if found is None:
        code = _CODE.search(said)
        is_soft = code is not None and (code[1].startswith("4") or code[1] == _FULL)
        return ReportKind.SOFT_BOUNCED if is_soft else ReportKind.REJECTED
    whole = found.group()
    if found[2] == "7":
        return ReportKind.POLICY
    if whole in _HARD:
        return ReportKind.BOUNCED
    if found[1] == "4" or whole in _SOFT:
        return ReportKind.SOFT_BOUNCED
    return ReportKind.REJECTED


def reports(raw: bytes, tokens: Tokens, *, recipient: str = "") -> list[Report]:
    """Return what the mail ``raw`` reports; ``recipient`` is whom it was delivered to, if known.

    Nothing, for a mail that is no report, or names no message of ours.
    """
    if len(raw) > LARGEST:
        return []
    mail = email.message_from_bytes(raw, policy=compat32)
    parts = list(mail.walk())
    token = _token(mail, parts, tokens, recipient)
    if not token:
        return []
    found: list[Report] = []
    for part in parts:
        match part.get_content_type():
            case "message/delivery-status":
                found += _bounces(part, token)
            case "message/feedback-report":
                found += _complaints(part, token)
    return list({one.key: one for one in found}.values())


def _token(mail: Message, parts: list[Message], tokens: Tokens, recipient: str) -> str:
    """Return which message it is about: by its return path, else by what is quoted of it."""
    returned = [
        recipient,
        *(str(value) for name in _RETURNED_TO for value in mail.get_all(name, [])),
    ]
    for part in parts:
        if part.get_content_type() == "message/feedback-report":
            returned += [str(block.get("Original-Mail-From", "")) for block in _blocks(part)]
    for address in returned:
        if token := tokens.of_address(address):
            return token
    for part in parts:
        for quoted in _quoted(part):
            if token := tokens.of_message_id(str(quoted.get("Message-ID", ""))):
                return token
    return ""


def _quoted(part: Message) -> Iterator[Message]:
    """Yield the mail, or its head alone, that a report sends back."""
    kind = part.get_content_type()
    if kind == "message/rfc822":
        yield from _blocks(part)
    elif kind == "text/rfc822-headers":
        raw = part.get_payload(decode=True)
        if isinstance(raw, bytes):
            yield email.message_from_bytes(raw, policy=compat32)


def _blocks(part: Message) -> list[Message]:
    told = part.get_payload()
    return [one for one in told if isinstance(one, Message)] if isinstance(told, list) else []


def _bounces(part: Message, token: str) -> Iterator[Report]:
    for block in _blocks(part)[: _MOST_RECIPIENTS + 1]:
        action = str(block.get("Action", "")).strip().lower()
        if action == "delivered":
            yield Report(kind=ReportKind.DELIVERED, key=f"dsn:{token}:delivered", token=token)
        if action != "failed":
            continue  # delayed: the server goes on trying
        status, said = str(block.get("Status", "")), str(block.get("Diagnostic-Code", ""))
        kind = classified(status, said)
        told = words(f"{status} {said}")
        yield Report(kind=kind, key=f"dsn:{token}:failed", token=token, words=told)


def _complaints(part: Message, token: str) -> Iterator[Report]:
    for block in _blocks(part):
        told = str(block.get("Feedback-Type", "")).strip().lower()
        said = words(f"{told} {block.get('User-Agent', '')}")
        if told in _ABUSE:
            yield Report(
                kind=ReportKind.COMPLAINED, key=f"arf:{token}:{told}", token=token, words=said
            )
        elif told == "opt-out":
            yield Report(
                kind=ReportKind.OPTED_OUT, key=f"arf:{token}:{told}", token=token, words=said
            )
