"""``pusula users``: who may sign in, and what beyond the everyday pages each may do."""

from __future__ import annotations

import click
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.utils.translation import gettext as _
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pusula.lib.errors import PusulaError
from pusula.privacy import audit

# Everybody who signs in sees customers, segments, campaigns and journeys; these are asked beyond.
RIGHTS = {
    "export-people": "privacy.add_export",
    "erase-people": "privacy.add_erasure",
    "read-audit": "privacy.view_auditentry",
    "supervise-calls": "journeys.supervise_calls",
    "decide-approvals": "journeys.decide_approvals",
    "publish-journeys": "journeys.change_journey",
    "change-prices": "outbox.add_price",
    "write-to-customers": "outbox.write_from_card",
    "download-tables": "destinations.view_bifolder",
    "change-tables": "destinations.change_bisettings",
}
_LONGEST = 150
_RIGHT = click.Choice(list(RIGHTS))


class UserError(PusulaError):
    """There is no such user, or it would lock everybody out."""

    code = "user"


@click.group()
def users() -> None:
    """Users: add, list, grant rights, disable."""


@users.command()
@click.argument("login")
@click.option("--right", "rights", type=_RIGHT, multiple=True, help="May be given several times.")
@click.option("--all-rights", is_flag=True, help="An administrator.")
def add(login: str, rights: tuple[str, ...], all_rights: bool) -> None:
    """Add LOGIN. The way in is `pusula login-link LOGIN`, or `pusula passwd LOGIN`."""
    if not (1 <= len(login) <= _LONGEST and login.isprintable() and " " not in login):
        raise UserError(_("A login has 1 to 150 visible characters and no space."))
    if User.objects.filter(username__iexact=login).exists():
        raise UserError(_("There is a user %(login)s already.") % {"login": login})
    with transaction.atomic():
        made = User(username=login, is_superuser=all_rights, is_staff=all_rights)
        made.set_unusable_password()
        made.save()
        made.user_permissions.set([_permission(right) for right in rights])
        _record("user.created", made, rights=sorted(rights))
    click.echo(_("%(login)s may sign in: `pusula login-link %(login)s`") % {"login": login})


@users.command("list")
def list_() -> None:
    """Show who there is and what each may do."""
    table = Table(box=box.SIMPLE_HEAD)
    for heading in (_("User name"), _("State"), _("Rights")):
        table.add_column(heading)
    for user in User.objects.order_by("username").prefetch_related("user_permissions"):
        state = _("may sign in") if user.is_active else _("disabled")
        table.add_row(escape(user.get_username()), state, ", ".join(_rights(user)))
    Console().print(table)


@users.command()
@click.argument("login")
@click.argument("right", type=_RIGHT)
def grant(login: str, right: str) -> None:
    """Let LOGIN do RIGHT."""
    user = _user(login)
    with transaction.atomic():
        user.user_permissions.add(_permission(right))
        _record("user.granted", user, right=right)


@users.command()
@click.argument("login")
@click.argument("right", type=_RIGHT)
def revoke(login: str, right: str) -> None:
    """Let LOGIN do RIGHT no more."""
    user = _user(login)
    if user.is_superuser:
        raise UserError(_("%(login)s is an administrator and has all rights.") % {"login": login})
    with transaction.atomic():
        user.user_permissions.remove(_permission(right))
        _record("user.revoked", user, right=right)


@users.command()
@click.argument("login")
def disable(login: str) -> None:
    """Let LOGIN in no more; whoever is signed in as LOGIN is out with the next click."""
    with transaction.atomic():
        user = _user(login)
        others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=user.pk)
        if user.is_superuser and not others.exists():
            raise UserError(_("%(login)s is the only administrator.") % {"login": login})
        User.objects.filter(pk=user.pk).update(is_active=False)
        _record("user.disabled", user)


@users.command()
@click.argument("login")
def enable(login: str) -> None:
    """Let LOGIN in again."""
    user = _user(login)
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(is_active=True)
        _record("user.enabled", user)


def _user(login: str) -> User:
    found = User.objects.filter(username=login).first()
    if found is None:
        raise UserError(
            _("There is no user %(login)s: `pusula users list` shows them.") % {"login": login}
        )
    return found


def _permission(right: str) -> Permission:
    app, _dot, codename = RIGHTS[right].partition(".")
    return Permission.objects.get(content_type__app_label=app, codename=codename)


def _rights(user: User) -> list[str]:
    if user.is_superuser:
        return [_("all")]
    held = {one.codename for one in user.user_permissions.all()}
    return [right for right, name in RIGHTS.items() if name.partition(".")[2] in held]


def _record(verb: str, user: User, **detail: object) -> None:
    audit.record(audit.operator(), verb, f"user:{user.get_username()}", **detail)
