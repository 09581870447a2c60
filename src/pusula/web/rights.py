"""What not everybody who signs in may do, and who may."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext

from pusula.lib.errors import PusulaError
from pusula.web.request import signed_in

# Whoever may do it: an administrator, or somebody whom `pusula users grant` gave the right.
EXPORT, ERASE, AUDIT = "privacy.add_export", "privacy.add_erasure", "privacy.view_auditentry"
SUPERVISE, DECIDE = "journeys.supervise_calls", "journeys.decide_approvals"
PUBLISH = "journeys.change_journey"  # lets a version bring people in
PRICES = "outbox.add_price"
WRITE = "outbox.write_from_card"
FETCH_TABLES, CHANGE_TABLES = "destinations.view_bifolder", "destinations.change_bisettings"


class NotAllowedError(PusulaError):
    """The user has no right to do this."""

    code = "not_allowed"
    status = 403


def may(request: HttpRequest, right: str) -> bool:
    """Return whether the user has a right."""
    return signed_in(request).has_perm(right)


def demand(request: HttpRequest, right: str) -> str:
    """Return the login of a user who has a right; raise ``NotAllowedError`` for others."""
    if not may(request, right):
        raise NotAllowedError(gettext("You have no right to do this: ask an administrator."))
    return signed_in(request).get_username()
