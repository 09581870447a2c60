"""The form in which tokens of login links are kept."""

from __future__ import annotations

import hashlib


def digest(token: str) -> str:
    """Return the SHA-256 of ``token`` in hex: a random token needs no salt and no stretching."""
    return hashlib.sha256(token.encode()).hexdigest()
