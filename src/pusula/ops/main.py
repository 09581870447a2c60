"""The ``pusula`` command: one group per area, loaded only when it is called."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from typing import NoReturn

import click
import django
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext

from pusula import __version__
from pusula.lib.errors import PusulaError

# name: where the click command stands. A command's imports are paid for when it runs.
COMMANDS = {
    "ask": "pusula.ops.send:ask",
    "audit": "pusula.ops.audit:audit",
    "bi": "pusula.ops.bi:bi",
    "bounce": "pusula.ops.send:bounce",
    "campaigns": "pusula.ops.campaigns:campaigns",
    "consent": "pusula.ops.consent:consent",
    "demo": "pusula.ops.demo:demo",
    "events": "pusula.ops.events:events",
    "experiments": "pusula.ops.experiments:experiments",
    "identity": "pusula.ops.identity:identity",
    "import": "pusula.ops.imports:import_",
    "init": "pusula.config.commands:init",
    "journeys": "pusula.ops.journeys:journeys",
    "lists": "pusula.ops.lists:lists",
    "iys": "pusula.ops.iys:iys",
    "live": "pusula.ops.live:live",
    "lake": "pusula.ops.lake:lake",
    "login-link": "pusula.web.commands:login_link",
    "mailbox": "pusula.ops.mailbox:mailbox",
    "orders": "pusula.ops.orders:orders",
    "pilot": "pusula.ops.pilot:pilot",
    "passwd": "pusula.config.commands:passwd",
    "predict": "pusula.ops.predict:predict",
    "privacy": "pusula.ops.privacy:privacy",
    "reports": "pusula.ops.reports:reports",
    "rfm": "pusula.ops.rfm:rfm",
    "run": "pusula.ops.run:run",
    "segments": "pusula.ops.segments:segments",
    "send": "pusula.ops.send:send",
    "sender": "pusula.ops.sender:sender",
    "sending": "pusula.ops.sending:sending",
    "serve": "pusula.ops.serve:serve",
    "sources": "pusula.ops.sources:sources",
    "tasks": "pusula.ops.tasks:tasks",
    "team": "pusula.ops.team:team",
    "users": "pusula.ops.users:users",
    "webpush": "pusula.ops.send:webpush",
}


class _Commands(click.Group):
    """A click group that finds its commands in ``COMMANDS``."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pusula")
def cli() -> None:
    """Pusula: from a company's own data to measured campaigns.

    Everything lives in the home folder that PUSULA_HOME names (default: ./pusula-home).
    """


def main() -> None:
    """Run the command line; what a person can act on becomes a sentence and exit status 1."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pusula.config.settings")
    try:
        django.setup()
        # What is loaded now stays; decisions about many people make little that is garbage.
        gc.freeze()
        gc.set_threshold(20_000, 10, 10)
        cli(prog_name="pusula")
    except PusulaError as error:
        _fail(error.said(gettext))
    except DatabaseError as error:
        if (reason := _why_the_database_fails()) is None:
            raise
        _fail(f"{reason} ({error})")


def _fail(message: str) -> NoReturn:
    click.secho(f"pusula: {message}", fg="red", err=True)
    sys.exit(1)


def _why_the_database_fails() -> str | None:
    """Return what to do if the database is out of reach or not up to date, else ``None``."""
    for database in connections.all():
        try:
            executor = MigrationExecutor(database)
        except DatabaseError:
            return "the database cannot be reached: check PUSULA_DATABASE_URL and the home folder"
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return "tables of this home are missing or older than the program: run `pusula init`"
    return None


if __name__ == "__main__":
    main()
