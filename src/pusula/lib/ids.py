"""Opaque identifiers, sticky buckets and signed tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

BUCKETS = 1_000_000
USES = 3  # signatures that one HMAC of 512 bits is good for


def random_id() -> str:
    """Return 22 URL-safe characters (128 bits) nobody can guess."""
    return secrets.token_urlsafe(16)


def bucket(*parts: str) -> int:
    """Return the sticky bucket of ``parts``, uniform in ``range(BUCKETS)``; the same for ever."""
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest()
    return int.from_bytes(digest) * BUCKETS >> 64


def sign(key: bytes, *parts: str) -> str:
    """Return ``parts`` joined by dots with a 128-bit HMAC-SHA256 behind them.

    Parts are URL-safe words without dots; raises ``ValueError`` for others.
    """
    if any(not part or "." in part for part in parts):
        message = f"parts of a token are words without dots, not {parts!r}"
        raise ValueError(message)
    body = ".".join(parts)
    return f"{body}.{_mac(key, body)}"


def sign_for_uses(key: bytes, word: str) -> list[str]:
    """Return ``USES`` signatures of ``word``, 144 bits each, by one HMAC-SHA512.

    They are parts of one output that nobody can guess: knowing one says nothing of the others.
    """
    digest = hmac.digest(key, word.encode(), "sha512")
    whole = base64.urlsafe_b64encode(digest[: USES * 18]).decode()
    return [whole[at : at + 24] for at in range(0, USES * 24, 24)]


def verify(key: bytes, token: str) -> tuple[str, ...] | None:
    """Return the parts of a token made by ``sign`` with ``key``, or ``None`` if it was not."""
    body, _, mac = token.rpartition(".")
    if not body or not hmac.compare_digest(mac.encode(), _mac(key, body).encode()):
        return None
    return tuple(body.split("."))


def _mac(key: bytes, body: str) -> str:
    digest = hmac.digest(key, body.encode(), "sha256")[:16]
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
