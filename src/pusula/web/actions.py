"""What the pages write: login links, and the record of addresses that were shown."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction

from pusula.lib import clock, ids
from pusula.profiles.models import IdentifierKind
from pusula.web import tokens
from pusula.web.models import Disclosure, LoginLink


def issue_login_link(user: User, valid_for: int) -> str:
    """Return the token of a new link that logs ``user`` in once, within ``valid_for`` µs."""
    token = ids.random_id()
    now = clock.now()
    LoginLink.objects.create(
        user=user, digest=tokens.digest(token), created_at=now, expires_at=now + valid_for
    )
    return token


def redeem_login_link(token: str) -> User | None:
    """Return the user of a link that holds now, and spend it; ``None`` if it is void or spent.

    Of two that come at once exactly one wins: the update names the state it expects.
    """
    now = clock.now()
    links = LoginLink.objects.filter(digest=tokens.digest(token))
    with transaction.atomic():
        if not links.filter(used_at=None, expires_at__gt=now).update(used_at=now):
            return None
        user = links.select_related("user").get().user
    return user if user.is_active else None


def record_disclosure(user: User, profile_id: int, kind: IdentifierKind) -> None:
    """Write down that ``user`` was shown the profile's identifiers of ``kind`` in full."""
    Disclosure.objects.create(user=user, profile_id=profile_id, kind=kind, at=clock.now())
