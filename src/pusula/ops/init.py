"""``pusula init``: the home folder, the tables and the first user."""

from __future__ import annotations

import click
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command


@click.command()
@click.option("--user", default="admin", show_default=True, help="First user, with all rights.")
def init(user: str) -> None:
    """Create the database tables and the first user; safe to repeat.

    The home folder and its settings file exist from the first command on: edit HOME/pusula.toml
    to set the company's name, currency, time zone and addresses before the first import.
    """
    call_command("migrate", verbosity=0, interactive=False)
    if not User.objects.filter(username=user).exists():
        # No password: the way in is a login link until the person sets one.
        User.objects.create_superuser(username=user)
    click.echo(f"Ready: {settings.PUSULA_HOME}")
    click.echo(f"Settings: {settings.PUSULA_HOME / 'pusula.toml'}")
