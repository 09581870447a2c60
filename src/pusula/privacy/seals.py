"""Signed heads of the audit log: a line a day in a file apart from the database.

Whoever cuts off the end of the chain, or writes a new one, contradicts the last line. A copy of
the file kept elsewhere proves it even against somebody who has the home's secret.
"""

from __future__ import annotations

import hmac
import json
import os
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from pusula.lib import clock

_PURPOSE = b"pusula audit head\0"


@dataclass(frozen=True)
class Seal:
    """A signed head: the chain had ``n`` entries, the last with ``digest``, at ``at``."""

    n: int
    digest: str
    at: int
    is_signed: bool  # whether its signature is ours

    @property
    def day(self) -> str:
        """The day it was written, in UTC."""
        return clock.day_of(self.at, "UTC").isoformat()


def file() -> Path:
    """Return where the heads are."""
    return Path(settings.PUSULA_HOME) / "audit" / "heads"


def seal(n: int, digest: str, at: int, *, is_now: bool = False) -> bool:
    """Write the head of the chain, once a day or, with ``is_now``, whenever it is newer.

    Returns whether it was written.
    """
    last = _last()
    if last and (n <= last.n or (not is_now and last.day == clock.day_of(at, "UTC").isoformat())):
        return False
    path = file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    line = json.dumps({"n": n, "digest": digest, "at": at, "mac": _mac(n, digest, at)})
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, line.encode() + b"\n")
        os.fsync(handle)
    finally:
        os.close(handle)
    return True


def seals() -> list[Seal]:
    """Return all heads in the order they were written; a line that cannot be read is unsigned."""
    path = file()
    if not path.exists():
        return []
    return [_read(line) for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]


def _last() -> Seal | None:
    found = seals()
    return found[-1] if found else None


def _read(line: str) -> Seal:
    try:
        told = json.loads(line)
        n, digest, at = int(told["n"]), str(told["digest"]), int(told["at"])
        is_signed = hmac.compare_digest(str(told["mac"]), _mac(n, digest, at))
    except (ValueError, KeyError, TypeError):
        return Seal(0, "", 0, is_signed=False)
    return Seal(n, digest, at, is_signed)


def _mac(n: int, digest: str, at: int) -> str:
    message = _PURPOSE + f"{n}:{digest}:{at}".encode()
    return hmac.digest(settings.SECRET_KEY.encode(), message, "sha256").hex()
