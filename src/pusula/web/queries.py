"""What the pages read of their own tables."""

from __future__ import annotations

from pusula.lib import clock
from pusula.web import tokens
from pusula.web.models import LoginLink


def is_open_login_link(token: str) -> bool:
    """Return whether the link of ``token`` would sign somebody in now."""
    links = LoginLink.objects.filter(digest=tokens.digest(token), used_at=None)
    return links.filter(expires_at__gt=clock.now(), user__is_active=True).exists()
