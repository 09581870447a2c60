"""Who sends a push: a key pair of the company, and a signed word for each push service (RFC 8292).

A subscription holds for the key it was made with. With another key all of them are void, so the
key is made once and kept with the backups.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from pusula.channels.port import ChannelError
from pusula.channels.webpush.encryption import encoded
from pusula.lib import clock

_HOLDS = 12 * clock.HOUR  # the services take at most 24; Apple refuses more outright
_RENEWED = 1 * clock.HOUR  # this long before its end


@dataclass
class Vapid:
    """The company's key and how to reach whoever runs this (``mailto:`` or an https address)."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    subject: str
    _words: dict[str, tuple[int, str]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        """Refuse a subject that Apple would refuse with every message."""
        is_good = self.subject.startswith(("mailto:", "https://")) and "@localhost" not in (
            self.subject
        )
        if not is_good:
            raise ChannelError(
                f"webpush: subject {self.subject!r} is neither mailto:name@company nor https://"
            )

    @property
    def public_key(self) -> str:
        """What the snippet of a site is given, as base64url."""
        return public_key(self.key)

    def authorization(self, endpoint: str, *, at: int) -> str:
        """Return the header for the push service of ``endpoint``; signed once for some hours."""
        parts = urlsplit(endpoint)
        audience = f"{parts.scheme}://{parts.netloc}"
        ends_at, word = self._words.get(audience, (0, ""))
        if not at + _RENEWED < ends_at <= at + _HOLDS:
            ends_at = at + _HOLDS
            word = self._signed(audience, ends_at)
            self._words[audience] = (ends_at, word)
        return f"vapid t={word}, k={self.public_key}"

    def _signed(self, audience: str, ends_at: int) -> str:
        head = encoded(_json({"typ": "JWT", "alg": "ES256"}))
        told = {"aud": audience, "exp": ends_at // clock.SECOND, "sub": self.subject}
        body = f"{head}.{encoded(_json(told))}"
        r, s = decode_dss_signature(self.key.sign(body.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{body}.{encoded(r.to_bytes(32) + s.to_bytes(32))}"


def public_key(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the public half of ``key`` as base64url."""
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return encoded(point)


def make_key(file: Path) -> None:
    """Write a new key to ``file``, which must not be there yet; raise ``ChannelError``."""
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise ChannelError(
            f"{file} is there already: a new key would make every subscription void"
        ) from error
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(pem)


def read_key(file: Path) -> ec.EllipticCurvePrivateKey:
    """Return the key in ``file``; raise ``ChannelError``."""
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise ChannelError(
            f"{file} holds no key for web push: make one with `pusula webpush keys`"
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise ChannelError(f"{file} holds a key of another kind than web push needs (P-256)")
    return key


def _json(told: dict[str, object]) -> bytes:
    return json.dumps(told, separators=(",", ":")).encode()
