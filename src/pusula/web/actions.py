"""What the pages write: login links, and the record of addresses that were shown."""

from __future__ import annotations

import hashlib

from django.contrib.auth.models import User
from django.db import transaction

from pusula.lib import clock, ids
from pusula.profiles.models import IdentifierKind
from pusula.web.models import Disclosure, LoginLink


def issue_login_link(user: User, valid_for: int) -> str:
    """Return the token of a new link that logs ``user`` in once within ``valid_for`` microseconds."""
    token = ids.random_id()
    now = clock.now()
    LoginLink.objects.create(
        user=user, digest=_digest(token), created_at=now, expires_at=now + valid_for
    )
    return token


def redeem_login_link(token: str) -> User | None:
    """Return the user of a link that holds now, and spend it; ``None`` if it is void or spent.

    Of two that come at once exactly one wins: the update names the state it expects.
    """
    now = clock.now()
    holds = LoginLink.objects.filter(
        digest=_digest(token), used_at=None, expires_at__gt=now, user__is_active=True
    )
    with transaction.atomic():
        if not holds.update(used_at=now):
            return None
        return LoginLink.objects.select_related("user").get(digest=_digest(token)).user


def record_disclosure(user: User, profile_id: int, kind: IdentifierKind) -> None:
    """Write down that ``user`` was shown the profile's identifiers of ``kind`` in full."""
    Disclosure.objects.create(user=user, profile_id=profile_id, kind=kind, at=clock.now())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
