"""The addresses in a message that lead back to us, signed so that nobody can make one up.

Each kind has a key of its own: a click cannot be turned into an unsubscription. A click carries its
target signed too, so the redirect leads where one of our mails said and nowhere else. Message and
target are signed apart: a target that is the same for everybody is signed once.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from functools import cached_property, lru_cache

from django.conf import settings

from pusula.content.template import InertLinks
from pusula.lib import ids

_OPEN, _CLICK, _TARGET, _UNSUBSCRIBE = "open", "click", "target", "unsubscribe"
_PREFERENCES = "preferences.1"  # another number makes all links that were sent worthless
_WEB = ("http://", "https://")
PREVIEW = "preview"  # stands for a token where there is no message


@dataclass(frozen=True)
class MessageLinks:
    """The links of the message called ``token``; what ``content`` asks for."""

    token: str

    @cached_property
    def unsubscribe_url(self) -> str:
        """Where the person stops these messages; also the one-click address."""
        return f"{settings.PUSULA.public_url}/u/{ids.sign(_key(_UNSUBSCRIBE), self.token)}/"

    @cached_property
    def preferences_url(self) -> str:
        """Where the person chooses which messages to get."""
        return f"{settings.PUSULA.public_url}/p/{ids.sign(_key(_PREFERENCES), self.token)}/"

    @cached_property
    def pixel_url(self) -> str:
        """The image that tells of an opening."""
        return f"{settings.PUSULA.public_url}/o/{ids.sign(_key(_OPEN), self.token)}.gif"

    def click(self, url: str) -> str:
        """Return the address that notes the click and leads on; what is no web page stays."""
        if not url.startswith(_WEB) or url in {self.unsubscribe_url, self.preferences_url}:
            return url
        return f"{self._clicks}{_signed_target(_key(_TARGET), url)}"

    @cached_property
    def _clicks(self) -> str:
        return f"{settings.PUSULA.public_url}/c/{ids.sign(_key(_CLICK), self.token)}."


def preview_links() -> InertLinks:
    """Return the links of previews and test mails, which change nothing."""
    base = settings.PUSULA.public_url
    return InertLinks(f"{base}/u/{PREVIEW}/", preferences_url=f"{base}/p/{PREVIEW}/")


def opened(signed: str) -> str | None:
    """Return the token of the message whose pixel this is, ``None`` if we did not sign it."""
    return _token(_OPEN, signed)


def clicked(signed: str) -> tuple[str, str] | None:
    """Return the token of the message and the target of its link, ``None`` if we did not sign."""
    message, _, rest = signed.partition(".")
    mac, _, target = rest.partition(".")
    token = _token(_CLICK, f"{message}.{mac}")
    parts = ids.verify(_key(_TARGET), target)
    if token is None or parts is None:
        return None
    return token, base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4)).decode()


def unsubscribing(signed: str) -> str | None:
    """Return the token of the message this unsubscribe address is of, ``None`` if not signed."""
    return _token(_UNSUBSCRIBE, signed)


def preferring(signed: str) -> str | None:
    """Return the token of the message this preference address is of, ``None`` if not signed."""
    return _token(_PREFERENCES, signed)


def _token(kind: str, signed: str) -> str | None:
    parts = ids.verify(_key(kind), signed)
    return parts[0] if parts is not None else None


@lru_cache(maxsize=4_096)
def _signed_target(key: bytes, url: str) -> str:
    return ids.sign(key, base64.urlsafe_b64encode(url.encode()).rstrip(b"=").decode())


@lru_cache(maxsize=8)
def _derived(secret: str, kind: str) -> bytes:
    return hmac.digest(secret.encode(), f"pusula.links.{kind}".encode(), "sha256")


def _key(kind: str) -> bytes:
    return _derived(settings.SECRET_KEY, kind)
