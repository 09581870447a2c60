"""Mails shown inside pages: made safe to frame, their links opening outside the frame."""

from __future__ import annotations

import re
from pathlib import Path

from django.conf import settings
from django.http import HttpResponse

from pusula.web.middleware import as_framed_mail

_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
_OPENING = re.compile(r"\A\s*(?:<!doctype[^>]*>)?\s*(?:<html\b[^>]*>)?", re.IGNORECASE)
_SCHEME = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)", re.IGNORECASE)
_BASE = '<base target="_blank">'
_ALWAYS, _NEVER = "(min-width: 0)", "(max-width: 0)"


def folder() -> Path:
    """Return where the mail catcher of this home keeps what it caught."""
    home: Path = settings.PUSULA_HOME
    return home / "mailbox"


def framed(html: str, scheme: str = "") -> HttpResponse:
    """Return ``html`` as a document of its own for a sandboxed frame; its links open a new tab.

    ``scheme`` ("light" or "dark") decides the mail's own theme: a browser asks its window, not
    the frame.
    """
    place = _HEAD.search(html) or _OPENING.search(html)
    at = place.end() if place else 0
    document = html[:at] + _BASE + html[at:]
    if scheme in {"light", "dark"}:
        document = _SCHEME.sub(
            lambda found: _ALWAYS if found[1].lower() == scheme else _NEVER, document
        )
    return as_framed_mail(HttpResponse(document, content_type="text/html; charset=utf-8"))
