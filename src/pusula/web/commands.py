"""``pusula login-link``: the way in for a person who has no password yet."""

from __future__ import annotations

import click
from django.conf import settings
from django.contrib.auth.models import User
from django.urls import reverse

from pusula.lib import clock
from pusula.lib.errors import PusulaError
from pusula.privacy import audit
from pusula.web.actions import issue_login_link

LINK_HOURS = 24


class UnknownUserError(PusulaError):
    """There is no user of that name."""

    code = "unknown_user"


@click.command("login-link")
@click.argument("user", default="admin")
def login_link(user: str) -> str:
    """Print a link that signs USER in once, within a day."""
    found = User.objects.filter(username=user, is_active=True).first()
    if found is None:
        raise UnknownUserError(
            f"there is no user {user!r}: make one with `pusula users add {user}`"
        )
    token = issue_login_link(found, valid_for=LINK_HOURS * clock.HOUR)
    audit.record(audit.operator(), "user.link_issued", f"user:{found.get_username()}")
    link: str = settings.PUSULA.public_url + reverse("login-link", args=[token])
    click.echo(link)
    return link
