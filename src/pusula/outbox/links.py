"""The addresses in a message that lead back to us, signed so that nobody can make one up.

Each kind has a signature of its own: a click cannot be turned into an unsubscription. A click
carries its target signed too, so the redirect leads where one of our mails said and nowhere else.
Message and target are signed apart: a target that is the same for everybody is signed once.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from functools import lru_cache

from django.conf import settings
from markupsafe import escape

from pusula.content.running import WEB
from pusula.content.template import InertLinks
from pusula.lib import ids

_MESSAGE, _TARGET = "message", "target"
_FIRST_UNSUBSCRIBE = "unsubscribe"  # the key of the first mails
_OPEN, _CLICK, _UNSUBSCRIBE = range(ids.USES)  # which signature of a message is for what
_PREFERENCES = "preferences.1"  # another number makes all links that were sent worthless
PREVIEW = "preview"  # stands for a token where there is no message


class MessageLinks:
    """The links of the message called ``token``; what ``content`` asks for."""

    def __init__(self, token: str) -> None:
        """Sign what every message has."""
        self._token = token
        self._base = base = settings.PUSULA.public_url
        # Where the person stops these messages; also the one-click address.
        open_, click, unsubscribe = ids.sign_for_uses(_key(_MESSAGE), token)
        self.unsubscribe_url = f"{base}/u/{token}.{unsubscribe}/"
        self.pixel_url = f"{base}/o/{token}.{open_}.gif"  # tells of an opening
        self._clicks = f"{base}/c/{token}.{click}."

    @property
    def preferences_url(self) -> str:
        """Where the person chooses which messages to get."""
        return f"{self._base}/p/{ids.sign(_key(_PREFERENCES), self._token)}/"

    def click(self, url: str) -> str:
        """Return the address that notes the click and leads on; what is no web page stays."""
        if url in {self.unsubscribe_url, self.preferences_url}:
            return url
        signed = _signed_target(_key(_TARGET), url)
        return f"{self._clicks}{signed}" if signed else url

    def clicks(self, urls: tuple[str, ...]) -> tuple[bytes, Sequence[bytes]]:
        """Return as HTML what ``click`` does for web pages that a template names itself."""
        return escape(self._clicks).encode(), _ends(_key(_TARGET), urls)


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
    """Return the token of the message this unsubscribe address is of, ``None`` if not signed.

    Those of mails that left before one signature served all links hold for ever: whoever was
    written to may say no.
    """
    return _token(_UNSUBSCRIBE, signed) or _signed_alone(_FIRST_UNSUBSCRIBE, signed)


def preferring(signed: str) -> str | None:
    """Return the token of the message this preference address is of, ``None`` if not signed."""
    return _signed_alone(_PREFERENCES, signed)


def _signed_alone(kind: str, signed: str) -> str | None:
    parts = ids.verify(_key(kind), signed)
    return parts[0] if parts is not None else None


def _token(use: int, signed: str) -> str | None:
    token, _, mac = signed.rpartition(".")
    expected = ids.sign_for_uses(_key(_MESSAGE), token)[use]
    is_ours = hmac.compare_digest(mac.encode(), expected.encode())
    return token if is_ours and token else None


@lru_cache(maxsize=1_024)
def _ends(key: bytes, urls: tuple[str, ...]) -> tuple[bytes, ...]:
    """Return what stands behind the message in each click."""
    return tuple([_signed_target(key, url).encode() for url in urls])


@lru_cache(maxsize=4_096)
def _signed_target(key: bytes, url: str) -> str:
    """Return ``url`` signed as the target of a click; nothing where it is no web page."""
    if not url.startswith(WEB):
        return ""
    return ids.sign(key, base64.urlsafe_b64encode(url.encode()).rstrip(b"=").decode())


@lru_cache(maxsize=8)
def _derived(secret: str, kind: str) -> bytes:
    return hmac.digest(secret.encode(), f"pusula.links.{kind}".encode(), "sha256")


def _key(kind: str) -> bytes:
    return _derived(settings.SECRET_KEY, kind)
