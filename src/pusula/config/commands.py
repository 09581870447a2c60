"""``pusula init`` and ``pusula passwd``: the home folder, the tables, the people who may in."""

from __future__ import annotations

import click
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from pusula.config.home import SettingsError, configure
from pusula.destinations.bi import views
from pusula.lib import clock


@click.command()
@click.option("--user", default="admin", show_default=True, help="First user, with all rights.")
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting of the company: name, currency, time_zone, from_address, public_url ...",
)
def init(user: str, changes: tuple[str, ...]) -> None:
    """Create the database tables and the first user; safe to repeat.

    The home folder and its settings file exist from the first command on. Set the currency before
    the first import: amounts are converted to it as they come in.
    """
    if wrong := [change for change in changes if "=" not in change]:
        raise click.UsageError(f"--set {wrong[0]}: write KEY=VALUE")
    configure(settings.PUSULA_HOME, dict(change.split("=", 1) for change in changes))
    views.stand_aside()  # a table that a view reads cannot be changed
    for database in settings.DATABASES:
        call_command("migrate", database=database, verbosity=0, interactive=False)
    views.stand_again(at=clock.now())
    if not User.objects.filter(username=user).exists():
        # No password: the way in is a login link until the person sets one.
        User.objects.create_superuser(username=user)
    click.echo(f"Ready: {settings.PUSULA_HOME}")
    click.echo(f"Settings: {settings.PUSULA_HOME / 'pusula.toml'}")


@click.command()
@click.argument("user", default="admin")
def passwd(user: str) -> None:
    """Ask for a new password of USER, twice."""
    try:
        call_command("changepassword", user)
    except CommandError as error:
        raise SettingsError(str(error)) from error
