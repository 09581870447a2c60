"""A push service with a browser behind it: checks the key, decrypts, shows what it was told.

Written from RFC 8188, 8291 and 8292 apart from the product's own code.
"""

from __future__ import annotations

import base64
import json
import os
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.simulators.channel_http import Asked, Told


def unpadded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def padded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _hmac(key: bytes, told: bytes) -> bytes:
    mac = hmac.HMAC(key, hashes.SHA256())
    mac.update(told)
    return mac.finalize()


@dataclass
class Browser:
    """One subscription: its keys, and what it was shown."""

    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = field(default_factory=lambda: os.urandom(16))
    shown: list[dict] = field(default_factory=list)

    @property
    def point(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def keys(self) -> dict[str, str]:
        return {"p256dh": unpadded(self.point), "auth": unpadded(self.auth)}

    def read(self, body: bytes) -> bytes:
        salt, length = body[:16], body[20]
        theirs_raw, box = body[21 : 21 + length], body[21 + length :]
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs_raw)
        shared = self.key.exchange(ec.ECDH(), theirs)
        info = b"WebPush: info\x00" + self.point + theirs_raw
        material = _hmac(_hmac(self.auth, shared), info + b"\x01")
        once = _hmac(salt, material)
        key = _hmac(once, b"Content-Encoding: aes128gcm\x00\x01")[:16]
        nonce = _hmac(once, b"Content-Encoding: nonce\x00\x01")[:12]
        plain = AESGCM(key).decrypt(nonce, box, None).rstrip(b"\x00")
        assert plain.endswith(b"\x02")
        return plain[:-1]


@dataclass
class PushService:
    """Takes pushes for browsers by the name at the end of their endpoint."""

    public_key: str
    origin: str = ""
    next_result: str = "accepted"
    browsers: dict[str, Browser] = field(default_factory=dict)
    taken: list[Asked] = field(default_factory=list)
    statuses = {"bad_address": 410, "policy": 403, "rejected": 413}

    def subscribe(self, name: str) -> dict[str, str]:
        """Return what a browser tells of a new subscription."""
        browser = self.browsers[name] = Browser()
        return {"endpoint": f"{self.origin}/push/{name}", **browser.keys}

    def __call__(self, asked: Asked) -> Told:
        if self.next_result == "later":
            return Told(429, b"", {"Retry-After": "77"})
        if status := self.statuses.get(self.next_result):
            return Told(status, b"no")
        if trouble := self._trouble(asked):
            return Told(403, trouble.encode())
        browser = self.browsers.get(asked.path.rpartition("/")[2])
        if browser is None:
            return Told(404)
        if len(asked.body) > 4_096:
            return Told(413)
        browser.shown.append(json.loads(browser.read(asked.body)))
        self.taken.append(asked)
        return Told(201, b"", {"Location": f"{self.origin}/m/{len(self.taken)}"})

    def _trouble(self, asked: Asked) -> str:  # noqa: PLR0911 - one for each rule
        scheme, _space, rest = asked.headers.get("authorization", "").partition(" ")
        told = dict(part.strip().split("=", 1) for part in rest.split(","))
        if scheme != "vapid" or told.get("k") != self.public_key:
            return "key"
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), padded(told["k"]))
        head, body, signed = told["t"].split(".")
        mark = padded(signed)
        pair = encode_dss_signature(int.from_bytes(mark[:32]), int.from_bytes(mark[32:]))
        try:
            key.verify(pair, f"{head}.{body}".encode(), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return "BadJwtToken signature"
        claims = json.loads(padded(body))
        if json.loads(padded(head))["alg"] != "ES256" or claims["aud"] != self.origin:
            return "BadJwtToken aud"
        if not 0 < claims["exp"] - time.time() <= 86_400:
            return "BadJwtToken exp"
        if not claims["sub"].startswith(("mailto:", "https://")) or "localhost" in claims["sub"]:
            return "BadJwtToken sub"
        if not asked.headers.get("ttl", "").isdecimal():
            return "TTL"
        if asked.headers.get("content-encoding") != "aes128gcm" or not urlsplit(asked.path).path:
            return "Content-Encoding"
        return ""
