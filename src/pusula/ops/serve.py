"""``pusula serve``: the web server and the sender, watched over as child processes."""

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

RESTART_PAUSE_S = 1.0
STOP_PATIENCE_S = 10.0


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, help="0 takes any free port.")
def serve(host: str, port: int) -> None:
    """Serve the pages and send due messages until interrupted."""
    port = port or free_port(host)
    click.echo(f"Pusula is on http://{host}:{port} (stop with Ctrl+C)")
    supervise([web_command(host, port), sender_command()], os.environ.copy())


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
    raise click.ClickException(f"no free port on {host}")


def supervise(commands: Sequence[list[str]], environment: dict[str, str]) -> None:
    """Keep every command running until SIGINT or SIGTERM, then stop all of them."""
    environment = {**environment, "PUSULA_HOME": str(settings.PUSULA_HOME)}
    stopping = False

    def stop(_signal: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    children = [_start(command, environment) for command in commands]
    while not stopping:
        time.sleep(RESTART_PAUSE_S)
        for index, child in enumerate(children):
            if child.poll() is not None and not stopping:
                name = commands[index][2]
                click.echo(
                    f"{name} ended with status {child.returncode}; starting it again", err=True
                )
                children[index] = _start(commands[index], environment)
    for child in children:
        child.terminate()
    for child in children:
        try:
            child.wait(STOP_PATIENCE_S)
        except subprocess.TimeoutExpired:
            child.kill()


def _start(command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    # A group of its own: Ctrl+C reaches the children through us, once, in order.
    return subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603 - ours
