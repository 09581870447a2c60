"""A push message that only its browser can read (RFC 8188, RFC 8291: ``aes128gcm``)."""

from __future__ import annotations

import base64
import binascii
import os
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pusula.channels.port import ChannelError
from pusula.lib.sayings import Saying

LARGEST = 3_993  # bytes of plain text; with head, mark and tag 4,096: what every service takes
_RECORD = 4_096
_POINT = 65  # bytes of an uncompressed point on P-256
_SECRET = 16


class SubscriptionError(ChannelError):
    """What a browser said of its subscription cannot be used."""

    code = "push_subscription"


@dataclass(frozen=True, slots=True)
class Keys:
    """The two values a browser gives with its subscription, as base64url."""

    p256dh: str
    auth: str

    def checked(self) -> Keys:
        """Return itself; raise ``SubscriptionError`` if nothing could be encrypted for it."""
        _public(self.p256dh)
        _secret(self.auth)
        return self


def encrypted(plain: bytes, keys: Keys) -> bytes:
    """Return the body of a push request that says ``plain``.

    Raises ``SubscriptionError`` for keys that are none, ``ChannelError`` for too long a text.
    """
    return _encrypted(plain, keys, ec.generate_private_key(ec.SECP256R1()), os.urandom(16))


def _encrypted(plain: bytes, keys: Keys, ours: ec.EllipticCurvePrivateKey, salt: bytes) -> bytes:
    if len(plain) > LARGEST:
        raise ChannelError(
            Saying(
                "the push is %(n)s bytes long; at most %(largest)s fit",
                {"n": f"{len(plain):,}", "largest": f"{LARGEST:,}"},
            )
        )
    theirs = _public(keys.p256dh)
    our_point = ours.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    their_point = theirs.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = ours.exchange(ec.ECDH(), theirs)
    info = b"WebPush: info\0" + their_point + our_point
    material = _derived(shared, _secret(keys.auth), info, 32)
    key = _derived(material, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(material, salt, b"Content-Encoding: nonce\0", 12)
    head = salt + _RECORD.to_bytes(4) + bytes([_POINT]) + our_point
    return head + AESGCM(key).encrypt(nonce, plain + b"\x02", None)  # 2 marks the last record


def decoded(text: str) -> bytes:
    """Return what base64url ``text`` says, padded or not; raise ``SubscriptionError``."""
    try:
        raw = text.encode("ascii").rstrip(b"=")
        return base64.b64decode(raw + b"=" * (-len(raw) % 4), b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise SubscriptionError(Saying("a key of the subscription is not base64url")) from error


def encoded(raw: bytes) -> str:
    """Return ``raw`` as base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _derived(material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(material)


def _public(text: str) -> ec.EllipticCurvePublicKey:
    raw = decoded(text)
    try:
        if len(raw) != _POINT:
            raise SubscriptionError(Saying("the key of the subscription is no point on P-256"))
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
    except ValueError as error:
        raise SubscriptionError(
            Saying("the key of the subscription is no point on P-256")
        ) from error


def _secret(text: str) -> bytes:
    raw = decoded(text)
    if len(raw) != _SECRET:
        raise SubscriptionError(Saying("the secret of the subscription is not 16 bytes"))
    return raw
