"""What the pages about calls and approvals share: who may, moments of forms."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext

from pusula.journeys.tasks.noting import OutcomeError
from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.web.request import signed_in

# Whoever may do it: an administrator, or somebody with the right by `pusula users grant`.
SUPERVISE, DECIDE = "journeys.supervise_calls", "journeys.decide_approvals"


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


def moment_of(text: str) -> int | None:
    """Return the moment a form's field names in the company's zone; raise ``OutcomeError``."""
    if not text:
        return None
    try:
        wall = datetime.fromisoformat(text)
        return clock.from_datetime(wall.replace(tzinfo=None), settings.PUSULA.time_zone)
    except (ValueError, OverflowError) as error:
        raise OutcomeError(gettext("Say when to call back: a day and a time.")) from error
