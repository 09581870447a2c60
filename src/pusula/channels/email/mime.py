"""A rendered message as the bytes of a mail (RFC 5322, 2045, 2047, 2369, 8058)."""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from email.utils import format_datetime
from functools import lru_cache

from pusula.channels.email.address import AddressError, on_the_wire, split_sender
from pusula.lib import clock

_LINE = 76
_MAX_LINE = 998  # RFC 5322
_WORD_BYTES = 45  # of UTF-8 in one encoded word: 60 characters of base64


@dataclass(frozen=True)
class Mail:
    """What one person gets, and what their mail program needs to know about it."""

    sender: str  # "Name <address>"
    to: str
    subject: str
    text: str
    html: str  # empty for text only
    token: str  # opaque name of the message; becomes the Message-ID
    at: int  # of the Date line
    unsubscribe_url: str
    feedback: str = ""  # which mailing this is, for the complaint figures of Gmail


def composed(mail: Mail) -> bytes:
    """Return ``mail`` as bytes with CRLF line ends; raise ``AddressError``.

    Nothing a header holds can begin another: texts are encoded, addresses checked, tokens ours.
    """
    head, domain = _head(mail.sender)
    lines = [
        head,
        f"To: {on_the_wire(mail.to)}",
        f"Subject: {encoded(mail.subject)}",
        f"Message-ID: <{_word(mail.token)}@{domain}>",
        f"Date: {_date(mail.at // clock.SECOND)}",
        f"List-Unsubscribe: <{_word(mail.unsubscribe_url)}>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "Precedence: bulk",
    ]
    if mail.feedback:
        feedback = mail.feedback.replace(":", ".")
        lines.append(f"Feedback-ID: {_word(feedback)}:{domain}:pusula")
    lines.append("MIME-Version: 1.0")
    return "\r\n".join(lines).encode("ascii") + b"\r\n" + _body(mail)


def encoded(text: str) -> str:
    """Return ``text`` as a header value: as it is if short ASCII, else in encoded words."""
    if text.isascii() and text.isprintable() and len(text) < _LINE and "=?" not in text:
        return text
    words: list[str] = []
    chunk = b""
    for letter in text:
        piece = letter.encode("utf-8", "replace")
        if len(chunk) + len(piece) > _WORD_BYTES:
            words.append(_encoded_word(chunk))
            chunk = b""
        chunk += piece
    words.append(_encoded_word(chunk))
    return "\r\n ".join(words)


def _encoded_word(chunk: bytes) -> str:
    return f"=?utf-8?b?{binascii.b2a_base64(chunk, newline=False).decode()}?="


@lru_cache(maxsize=256)
def _head(sender: str) -> tuple[str, str]:
    """Return the From line of ``sender`` and the domain it writes from."""
    name, address = split_sender(sender)
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    shown = f'"{quoted}"' if name == encoded(name) else encoded(name)
    line = f"From: {shown} <{address}>" if name else f"From: {address}"
    return line, address.rpartition("@")[2]


@lru_cache(maxsize=4)
def _date(second: int) -> str:
    return format_datetime(clock.to_datetime(second * clock.SECOND))


def _word(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text or "<" in text or ">" in text:
        raise AddressError(f"{text[:80]!r} cannot stand in a header")
    return text


def _body(mail: Mail) -> bytes:
    """Return the Content-Type line and all that follows it."""
    if not mail.html:
        return _part("plain", mail.text)
    boundary = f"=_{mail.token}".encode()
    parts = [_part("plain", mail.text), _part("html", mail.html)]
    mark = b"--" + boundary
    return b"".join(
        [
            b'Content-Type: multipart/alternative; boundary="' + boundary + b'"\r\n\r\n',
            *(mark + b"\r\n" + part + b"\r\n" for part in parts),
            mark + b"--\r\n",
        ]
    )


def _part(subtype: str, text: str) -> bytes:
    encoding, body = _transfer(text)
    head = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}"
    return head.encode() + b"\r\n\r\n" + body


def _transfer(text: str) -> tuple[str, bytes]:
    """Return ``text`` as bytes no hop needs to change: short ASCII lines, else base64."""
    lines = text.splitlines()
    if text.isascii() and "\0" not in text and all(len(line) < _MAX_LINE for line in lines):
        return "7bit", "".join(f"{line}\r\n" for line in lines).encode()
    raw = "\r\n".join(lines).encode("utf-8", "replace")
    whole = binascii.b2a_base64(raw, newline=False)
    return "base64", b"".join(
        whole[at : at + _LINE] + b"\r\n" for at in range(0, len(whole), _LINE)
    )
