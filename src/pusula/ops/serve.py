"""``pusula serve``: the web server, live step, full runs and sender, watched over."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence

import click
from django.conf import settings
from django.utils.translation import gettext

from pusula.outbox.providers import POSTED

LOOK_S = 0.5
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
STOP_PATIENCE_S = 10.0
# Time windows move by the live step; a full run publishes cut-points and finds what drifted.
RUN_EVERY_MINUTES = 360


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="0 takes any free port.")
def serve(host: str, port: int) -> None:
    """Serve the pages, send due messages and keep segments current until interrupted."""
    port = port or free_port(host)
    words = {"address": f"http://{host}:{port}"}
    click.echo(gettext("Pusula is on %(address)s (stop with Ctrl+C)") % words)
    commands = [web_command(host, port), live_command(), run_command(), publish_command()]
    commands += [poll_command(), import_command(), privacy_command(), calls_command()]
    commands += [begin_command(), grade_command(), reports_command()]
    if settings.PUSULA_SMTP_URL:
        commands.append(sender_command())
    else:
        said = gettext("Nothing is sent: PUSULA_SMTP_URL names no mail server.")
        click.secho(said, fg="yellow", err=True)
    commands += [post_command(channel) for channel in POSTED if channel in settings.PUSULA_CHANNELS]
    supervise(commands, os.environ.copy())


def web_command(host: str, port: int) -> list[str]:
    """Return the command line of the web server."""
    return [
        *(sys.executable, "-m", "granian", "--interface", "asginl", "--host", host),
        *("--port", str(port), "--workers", "1", "--no-ws", "--log-level", "warning"),
        "pusula.config.asgi:application",
    ]


def sender_command() -> list[str]:
    """Return the command line of the sender."""
    return [sys.executable, "-m", "pusula.ops.main", "sender", "run"]


def post_command(channel: str) -> list[str]:
    """Return the command line of the sender of a channel spoken over HTTP."""
    return [sys.executable, "-m", "pusula.ops.main", "send", "--channel", channel]


def live_command() -> list[str]:
    """Return the command line that keeps memberships true as events and moments come."""
    return [sys.executable, "-m", "pusula.ops.main", "live"]


def run_command() -> list[str]:
    """Return the command line that measures populations anew and checks everybody, now and then."""
    minutes = str(RUN_EVERY_MINUTES)
    return [sys.executable, "-m", "pusula.ops.main", "run", "--every", minutes]


def publish_command() -> list[str]:
    """Return the command line that evaluates and shows the segments changed on the pages."""
    return [sys.executable, "-m", "pusula.ops.main", "segments", "publish"]


def privacy_command() -> list[str]:
    """Return the command line that ends erasures and deletes what is too old."""
    minutes = str(RUN_EVERY_MINUTES)
    return [sys.executable, "-m", "pusula.ops.main", "privacy", "tend", "--every", minutes]


def poll_command() -> list[str]:
    """Return the command line that asks the systems which have to be asked."""
    return [sys.executable, "-m", "pusula.ops.main", "sources", "poll"]


def import_command() -> list[str]:
    """Return the command line that looks at, checks, imports and undoes files for the pages."""
    return [sys.executable, "-m", "pusula.ops.main", "import", "worker"]


def calls_command() -> list[str]:
    """Return the command line that tells other programs what journeys ask for."""
    return [sys.executable, "-m", "pusula.ops.main", "journeys", "post"]


def begin_command() -> list[str]:
    """Return the command line that starts scheduled campaigns when their moment comes."""
    return [sys.executable, "-m", "pusula.ops.main", "campaigns", "begin"]


def grade_command() -> list[str]:
    """Return the command line that brings changed rules of RFM into force, and re-runs them."""
    return [sys.executable, "-m", "pusula.ops.main", "rfm", "due", "--watch"]


def reports_command() -> list[str]:
    """Return the command line that computes reports for the pages and sends those that are due."""
    return [sys.executable, "-m", "pusula.ops.main", "reports", "work"]


def free_port(host: str, preferred: int = 0) -> int:
    """Return ``preferred`` if nobody listens there, else a port that is free now."""
    for candidate in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError:
                continue
            port: int = probe.getsockname()[1]
            return port
    raise click.ClickException(gettext("no free port on %(host)s") % {"host": host})


def supervise(commands: Sequence[list[str]], environment: dict[str, str]) -> None:
    """Keep every command running until SIGINT or SIGTERM, then stop all of them.

    One that ends is started again, later each time it does not last.
    """
    environment = {**environment, "PUSULA_HOME": str(settings.PUSULA_HOME)}
    stopping = False

    def stop(_signal: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    children = [_Child(command, environment) for command in commands]
    while not stopping:
        time.sleep(LOOK_S)
        for child in children:
            if not stopping:
                child.keep_running()
    for child in children:
        child.process.terminate()
    for child in children:
        child.end()


class _Child:
    """A command and the process that runs it."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.command = command
        self.environment = environment
        self.pause_s = FIRST_PAUSE_S
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        self.started = time.monotonic()
        # A group of its own: Ctrl+C reaches the children through us, once, in order.
        return subprocess.Popen(  # noqa: S603 - our own commands
            self.command, env=self.environment, start_new_session=True
        )

    def keep_running(self) -> None:
        """Start the command again if it has ended and its pause is over."""
        status = self.process.poll()
        lasted = time.monotonic() - self.started
        if status is None:
            if lasted > LONGEST_PAUSE_S:
                self.pause_s = FIRST_PAUSE_S
        elif lasted >= self.pause_s:
            words = {"name": " ".join(self.command[2:4]), "status": status}
            said = gettext("%(name)s ended with status %(status)s; starting it again")
            click.echo(said % words, err=True)
            self.pause_s = min(self.pause_s * 2, LONGEST_PAUSE_S)
            self.process = self._start()

    def end(self) -> None:
        """Wait for the process to end, with patience but not for ever."""
        try:
            self.process.wait(STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
