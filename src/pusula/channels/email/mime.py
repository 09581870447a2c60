"""A rendered message as the bytes of a mail (RFC 5322, 2045, 2047, 2369, 8058).

What is the same for every mail of a mailing is written once; for a person only the lines and parts
that are theirs are made.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from email.utils import format_datetime
from functools import lru_cache

import numpy as np
import pybase64

from pusula.channels.email.address import AddressError, on_the_wire, split_sender
from pusula.channels.email.dkim import Signer
from pusula.lib import clock
from pusula.lib.sayings import Saying

_LINE = 76
_MAX_LINE = 998  # RFC 5322
_7BIT = "7bit"
_KIND = "Content-Type: text/{}; charset=utf-8\r\nContent-Transfer-Encoding: {}"
_WORD_BYTES = 39  # of UTF-8 in one encoded word: with "Subject: " before it still a line


class Stuffed(bytes):
    """A mail as DATA wants it, its dots doubled and the final dot behind."""

    __slots__ = ()


@dataclass(slots=True)
class Mail:
    """What one person gets, and what their mail program needs to know about it.

    Text and HTML may be UTF-8 already.
    """

    sender: str  # "Name <address>"
    to: str
    subject: str
    text: str | bytes
    html: str | bytes  # empty for text only
    token: str  # opaque name of the message; becomes the Message-ID
    at: int  # of the Date line
    unsubscribe_url: str
    feedback: str = ""  # which mailing this is, for the complaint figures of Gmail


def composed(mail: Mail, signer: Signer | None = None) -> bytes:
    """Return ``mail`` as bytes with CRLF line ends; raise ``AddressError``.

    Nothing a header holds can begin another: texts are encoded, addresses checked, tokens ours.
    """
    return b"".join(_written(mail, signer)[0])


def wired(mail: Mail, signer: Signer | None = None) -> Stuffed:
    """Return ``mail`` as DATA wants it; raise ``AddressError``."""
    pieces, may_begin_with_dots = _written(mail, signer)
    if may_begin_with_dots:
        pieces = [b"".join(pieces).replace(b"\r\n.", b"\r\n..")]
    return Stuffed(b"".join([*pieces, b".\r\n"]))


def _written(mail: Mail, signer: Signer | None) -> tuple[list[bytes], bool]:
    """Return the mail in pieces, and whether a line of it might begin with a dot."""
    first, domain, last = _frame(mail.sender, mail.feedback)
    lines = (
        f"{first}To: {on_the_wire(mail.to)}\r\n"
        f"Subject: {encoded(mail.subject)}\r\n"
        f"Message-ID: <{_word(mail.token)}@{domain}>\r\n"
        f"Date: {_date(mail.at // clock.SECOND)}\r\n"
        f"List-Unsubscribe: <{_word(mail.unsubscribe_url)}>\r\n"
        f"{last}"
    )
    kind, parts, has_words = _body(mail)
    head = f"{lines}{kind}\r\n".encode("ascii")
    if signer is not None:
        # Base64 has no spaces, and our own lines about the parts none too many.
        is_relaxed = not has_words and len(parts) > 1
        signature = signer.signature(head, parts, is_relaxed=is_relaxed)
        return [signature, head, b"\r\n", *parts], has_words
    return [head, b"\r\n", *parts], has_words


def encoded(text: str) -> str:
    """Return ``text`` as a header value: as it is if short ASCII, else in encoded words."""
    if text.isascii() and text.isprintable() and len(text) < _LINE - 10 and "=?" not in text:
        return text
    raw = text.encode("utf-8", "replace")
    words: list[str] = []
    while raw:
        end = min(_WORD_BYTES, len(raw))
        while end < len(raw) and raw[end] & 0xC0 == 0x80:  # noqa: PLR2004 - inside a letter
            end -= 1
        words.append(_encoded_word(raw[:end]))
        raw = raw[end:]
    return "\r\n ".join(words) or _encoded_word(b"")


def _encoded_word(chunk: bytes) -> str:
    return f"=?utf-8?b?{binascii.b2a_base64(chunk, newline=False).decode()}?="


@lru_cache(maxsize=256)
def _frame(sender: str, feedback: str) -> tuple[str, str, str]:
    """Return the lines before a person's own, the domain it is sent from, and the lines behind."""
    name, address = split_sender(sender)
    domain = address.rpartition("@")[2]
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    shown = f'"{quoted}"' if name == encoded(name) else encoded(name)
    space = " " if len(shown) + len(address) < _LINE - len("From:  <>") else "\r\n "
    first = f"From: {shown}{space}<{address}>\r\n" if name else f"From: {address}\r\n"
    last = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nPrecedence: bulk\r\n"
    if feedback:
        last += f"Feedback-ID: {_word(feedback.replace(':', '.'))}:{domain}:pusula\r\n"
    return first, domain, f"{last}MIME-Version: 1.0\r\n"


@lru_cache(maxsize=4)
def _date(second: int) -> str:
    return format_datetime(clock.to_datetime(second * clock.SECOND))


def _word(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text or "<" in text or ">" in text:
        raise AddressError(Saying("%(text)r cannot stand in a header", {"text": text[:80]}))
    return text


def _body(mail: Mail) -> tuple[str, list[bytes], bool]:
    """Return the lines of the head about the body, the body in pieces, and if it has plain words.

    A body in base64 has no line that begins with a dot.
    """
    encoding, text = _transfer(mail.text)
    if not mail.html:
        return _KIND.format("plain", encoding), [text], encoding == _7BIT
    other, html = _transfer(mail.html)
    mark = f"=_{mail.token}"
    first, second = _between(encoding, other)
    line = mark.encode("ascii")
    return (
        f'Content-Type: multipart/alternative; boundary="{mark}"',
        [b"--", line, first, text, b"\r\n--", line, second, html, b"\r\n--", line, b"--\r\n"],
        _7BIT in (encoding, other),
    )


@lru_cache(maxsize=4)
def _between(plain: str, html: str) -> tuple[bytes, bytes]:
    """Return what stands between the line that begins a part and its text, for both parts."""
    kinds = _KIND.format("plain", plain), _KIND.format("html", html)
    first, second = (f"\r\n{kind}\r\n\r\n".encode("ascii") for kind in kinds)
    return first, second


def _transfer(text: str | bytes) -> tuple[str, bytes]:
    """Return ``text`` as bytes no hop needs to change: short ASCII lines, else base64."""
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    if raw.isascii() and b"\0" not in raw:
        lines = raw.splitlines()
        if not lines or max(map(len, lines)) < _MAX_LINE:
            return _7BIT, b"".join([b"%b\r\n" % line for line in lines])
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    raw = raw.removesuffix(b"\n").replace(b"\n", b"\r\n")
    return "base64", _folded(pybase64.b64encode(raw))


def _folded(whole: bytes) -> bytes:
    """Return base64 in lines of 76; numpy copies them all at once."""
    n_lines, n_left = divmod(len(whole), _LINE)
    lines = np.empty((n_lines, _LINE + 2), np.uint8)
    lines[:, :_LINE] = np.frombuffer(whole, np.uint8, n_lines * _LINE).reshape(n_lines, _LINE)
    lines[:, _LINE] = 13
    lines[:, _LINE + 1] = 10
    return lines.tobytes() + (whole[-n_left:] + b"\r\n" if n_left else b"")
