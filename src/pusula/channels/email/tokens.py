"""Which message a bounce, complaint or webhook speaks of: by its return path, or its Message-ID.

The return path of a mail is ``base+TOKEN.MAC@domain`` in lower case letters and digits, since some
servers change the case. Without the right MAC it names nobody: a forged bounce suppresses no one.
The Message-ID holds the token itself, which only the mail tells: who knows it had the mail.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from dataclasses import dataclass, field

from pusula.channels.email.address import AddressError, on_the_wire
from pusula.channels.port import ChannelError

_MAC_BYTES = 10
_TOKEN_BYTES = 16
_SIGNED = re.compile(r"\+([a-z2-7]{26})\.([a-z2-7]{16})$")
_MESSAGE_ID = re.compile(r"<?([A-Za-z0-9_-]{22})@")


@dataclass(frozen=True)
class Tokens:
    """Names messages in addresses. ``base`` is where bounces go; empty: to the sender."""

    key: bytes = field(repr=False)
    base: str = ""

    def __post_init__(self) -> None:
        """Raise ``ChannelError`` for a base on which no return path fits."""
        local, _at, _domain = self.base.partition("@")
        try:
            fits = not self.base or (
                on_the_wire(self.base) == self.base and len(local) <= 20 and "+" not in local  # noqa: PLR2004 - 64 less the token
            )
        except AddressError:
            fits = False
        if not fits:
            raise ChannelError(
                f"bounce_address {self.base!r}: a short address such as b@b.otel.com"
            )

    def return_path(self, token: str) -> str:
        """Return the envelope sender of the message ``token``; empty without a base."""
        local, _at, domain = self.base.partition("@")
        if not local:
            return ""
        name = _base32(base64.urlsafe_b64decode(f"{token}=="))
        return f"{local}+{name}.{self._mac(name)}@{domain}"

    def of_address(self, address: str) -> str:
        """Return the token of a return path of ours, empty if it is none."""
        local, _at, _domain = address.strip().strip("<>").lower().rpartition("@")
        found = _SIGNED.search(local)
        if found is None or not hmac.compare_digest(found[2], self._mac(found[1])):
            return ""
        try:
            raw = base64.b32decode(f"{found[1].upper()}======")
        except binascii.Error:
            return ""
        return base64.urlsafe_b64encode(raw[:_TOKEN_BYTES]).rstrip(b"=").decode()

    def of_message_id(self, text: str) -> str:
        """Return the token that a Message-ID of ours holds, empty if it has another shape."""
        found = _MESSAGE_ID.match(text.strip())
        return found[1] if found else ""

    def _mac(self, name: str) -> str:
        return _base32(hmac.digest(self.key, name.encode(), "sha256")[:_MAC_BYTES])


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).rstrip(b"=").decode().lower()
