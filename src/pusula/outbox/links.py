"""The addresses in a message that lead back to us, signed so that nobody can make one up.

Each kind has a key of its own: a click cannot be turned into an unsubscription. A click carries
its target inside the signature, so the redirect leads where the mail said and nowhere else.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from functools import cached_property, lru_cache

from django.conf import settings

from pusula.content.template import InertLinks
from pusula.lib import ids

_OPEN, _CLICK, _UNSUBSCRIBE = "open", "click", "unsubscribe"
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
        target = base64.urlsafe_b64encode(url.encode()).rstrip(b"=").decode()
        return f"{settings.PUSULA.public_url}/c/{ids.sign(_key(_CLICK), self.token, target)}"


def preview_links() -> InertLinks:
    """Return the links of previews and test mails, which change nothing."""
    base = settings.PUSULA.public_url
    return InertLinks(f"{base}/u/{PREVIEW}/", preferences_url=f"{base}/p/{PREVIEW}/")


def opened(signed: str) -> str | None:
    """Return the token of the message whose pixel this is, ``None`` if we did not sign it."""
    return _token(_OPEN, signed)


def clicked(signed: str) -> tuple[str, str] | None:
    """Return the token of the message and the target of its link, ``None`` if we did not sign."""
    parts = ids.verify(_key(_CLICK), signed)
    if parts is None:
        return None
    token, target = parts
    return token, base64.urlsafe_b64decode(target + "=" * (-len(target) % 4)).decode()


def unsubscribing(signed: str) -> str | None:
    """Return the token of the message this unsubscribe address is of, ``None`` if not signed."""
    return _token(_UNSUBSCRIBE, signed)


def preferring(signed: str) -> str | None:
    """Return the token of the message this preference address is of, ``None`` if not signed."""
    return _token(_PREFERENCES, signed)


def _token(kind: str, signed: str) -> str | None:
    parts = ids.verify(_key(kind), signed)
    return parts[0] if parts is not None else None


@lru_cache(maxsize=8)
def _derived(secret: str, kind: str) -> bytes:
    return hmac.digest(secret.encode(), f"pusula.links.{kind}".encode(), "sha256")


def _key(kind: str) -> bytes:
    return _derived(settings.SECRET_KEY, kind)
