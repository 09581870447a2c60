"""Where bounces of our mails go, and which message one of them is of."""

from __future__ import annotations

import hmac
from functools import lru_cache

from django.conf import settings

from pusula.channels.email.tokens import Tokens
from pusula.outbox import providers


def tokens() -> Tokens:
    """Return what names messages in return paths; raise ``ChannelError`` for a bad base."""
    base = providers.told("email").text("bounce_address", "")
    return _tokens(settings.SECRET_KEY, base)


@lru_cache(maxsize=8)
def _tokens(secret: str, base: str) -> Tokens:
    return Tokens(hmac.digest(secret.encode(), b"pusula.return_path", "sha256"), base)
