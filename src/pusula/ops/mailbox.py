"""``pusula mailbox``: a local mail server that keeps mails in the home folder, to be read there."""

from __future__ import annotations

import signal
import threading

import click
from django.conf import settings
from django.utils.translation import gettext

from pusula.channels.email.catcher import catching

FOLDER = "mailbox"


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=2525, show_default=True, help="0 takes any free port.")
def mailbox(host: str, port: int) -> None:
    """Catch mails instead of delivering them; the pages show them under Sent mail."""
    folder = settings.PUSULA_HOME / FOLDER
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: ended.set())
    with catching(folder, host, port) as bound:
        words = {"address": f"smtp://{host}:{bound}", "folder": folder}
        said = gettext("Catching mails on %(address)s into %(folder)s (stop with Ctrl+C)")
        click.echo(said % words)
        ended.wait()
