"""DKIM signatures of our own mails (RFC 6376, 8463): relaxed/relaxed, with keys from files.

Signing here is for hops that do not sign; for large mailings the relay does it better.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from pusula.lib.errors import PusulaError

# What a receiver must be able to rely on; From twice, so that nobody can put another before it.
SIGNED = (
    "from", "to", "subject", "date", "message-id", "mime-version", "content-type",
    "list-unsubscribe", "list-unsubscribe-post", "feedback-id",
)  # fmt: skip
_SIGNED = tuple(name.encode() for name in SIGNED)
_LEAST_BITS = 1024
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
_SELECTOR = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_FOLD = re.compile(rb"\r\n(?=[ \t])")
_SPACES = re.compile(rb"[ \t]+")
_LINE_ENDS = re.compile(rb"[ \t]+\r\n")
_PADDING = padding.PKCS1v15()
_SHA256 = hashes.SHA256()


class DkimError(PusulaError):
    """A key cannot be used for signing."""

    code = "dkim"


@dataclass(frozen=True)
class Signer:
    """A domain's key under a selector."""

    domain: str
    selector: str
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

    @classmethod
    def from_file(cls, domain: str, selector: str, path: Path) -> Signer:
        """Read the private key in PEM at ``path``; raise ``DkimError``."""
        if not _DOMAIN.fullmatch(domain) or not _SELECTOR.fullmatch(selector):
            raise DkimError(f"DKIM: {selector}._domainkey.{domain} is no name in DNS")
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        except OSError as error:
            raise DkimError(f"DKIM: the key {path} cannot be read: {error.strerror}") from error
        except (ValueError, TypeError) as error:
            raise DkimError(f"DKIM: {path} holds no private key in PEM without password") from error
        if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= _LEAST_BITS:
            return cls(domain, selector, key)
        if isinstance(key, ed25519.Ed25519PrivateKey):
            return cls(domain, selector, key)
        raise DkimError(f"DKIM: {path} must hold an RSA key of 1024 bits or more, or Ed25519")

    @property
    def name(self) -> str:
        """The DNS name of the record that receivers look for."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """What the TXT record under ``name`` must say."""
        public = self.key.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            kind, form = "rsa", serialization.PublicFormat.SubjectPublicKeyInfo
            raw = public.public_bytes(serialization.Encoding.DER, form)
        else:
            kind, raw = "ed25519", public.public_bytes_raw()
        return f"v=DKIM1; k={kind}; p={base64.b64encode(raw).decode()}"

    def signature(self, head: bytes, body: Iterable[bytes], *, is_relaxed: bool = False) -> bytes:
        """Return the DKIM-Signature line for a mail of these header lines and this body, in pieces.

        Both have CRLF line ends; ``head`` is without the empty line behind it. A body that
        ``is_relaxed`` has single spaces only, none before a line end, and ends with a line.
        """
        present = _relaxed_headers(head)
        names = tuple([name for name in _SIGNED if name in present])
        hashed = hashlib.sha256()
        for piece in body if is_relaxed else [_relaxed_body(b"".join(body))]:
            hashed.update(piece)
        ours = self._told(names) + binascii.b2a_base64(hashed.digest(), newline=False) + b";\r\n b="
        lines = [b"%b:%b" % (name, present[name]) for name in names]
        lines.append(b"dkim-signature:" + ours.replace(b"\r\n", b""))
        made = binascii.b2a_base64(self._signed(b"\r\n".join(lines)), newline=False)
        folded = b"\r\n ".join([made[at : at + 72] for at in range(0, len(made), 72)])
        return b"DKIM-Signature: %b%b\r\n" % (ours, folded)

    @lru_cache(maxsize=16)  # noqa: B019 - a process has few keys, and keeps them
    def _told(self, names: tuple[bytes, ...]) -> bytes:
        """Return what the line says before the hash of the body."""
        kind = "rsa" if isinstance(self.key, rsa.RSAPrivateKey) else "ed25519"
        told = f"v=1; a={kind}-sha256; c=relaxed/relaxed; d={self.domain}; s={self.selector};"
        signed = b":".join([*names, b"from"])
        return told.encode("ascii") + b"\r\n h=" + signed + b";\r\n bh="

    def _signed(self, data: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(data, _PADDING, _SHA256)
        return self.key.sign(hashlib.sha256(data).digest())


def signers(told: str) -> dict[str, Signer]:
    """Return the keys of ``PUSULA_DKIM`` by domain: ``selector@domain=/path/key.pem``, by spaces.

    Raises ``DkimError``.
    """
    found: dict[str, Signer] = {}
    for one in told.split():
        name, is_there, path = one.partition("=")
        selector, _, domain = name.partition("@")
        if not is_there:
            raise DkimError(f"PUSULA_DKIM: {one!r} is not selector@domain=/path/to/key.pem")
        found[domain] = Signer.from_file(domain, selector, Path(path))
    return found


def signer_of(address: str, keys: Mapping[str, Signer]) -> Signer | None:
    """Return the key for mail from ``address``: its domain's, or that of one it belongs to."""
    domain = address.rpartition("@")[2].lower()
    while domain:
        if domain in keys:
            return keys[domain]
        domain = domain.partition(".")[2]
    return None


def _relaxed_headers(head: bytes) -> dict[bytes, bytes]:
    if b"\r\n " in head or b"\r\n\t" in head:
        head = _FOLD.sub(b"", head)
    if b"\t" in head or b"  " in head:
        head = _SPACES.sub(b" ", head)
    pairs = [line.partition(b":") for line in head.split(b"\r\n") if line]
    return {name.strip().lower(): value.strip(b" ") for name, _, value in pairs}


def _relaxed_body(body: bytes) -> bytes:
    if b"\t" in body or b"  " in body or b" \r\n" in body:
        body = _SPACES.sub(b" ", _LINE_ENDS.sub(b"\r\n", body))
    stripped = body.rstrip(b"\r\n")
    return stripped + b"\r\n" if stripped else b""
