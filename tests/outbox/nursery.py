"""A process with the application loaded that brings up senders in milliseconds, to be killed.

It reads one command a line from its standard input and answers with one line of JSON each. All
that touches the database happens here or in the senders; the test only looks on.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

ROOT = Path(__file__).resolve().parents[2]


class Nursery:
    """The test's end of the line; safe to call from several threads."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=ROOT,
        )

    def ask(self, command: str, **values: Any) -> Any:
        with self._lock:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(json.dumps({"command": command, **values}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        assert line, "the nursery has died"
        return json.loads(line)

    def close(self) -> None:
        self._process.communicate(timeout=30)


def environment(home: Path, database_url: str) -> dict[str, str]:
    """Return what a process needs to work on ``home`` and its database."""
    made = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PUSULA_")},
        "PUSULA_HOME": str(home),
        "PUSULA_PUBLIC_URL": "https://p.test.example",
        "DJANGO_SETTINGS_MODULE": "pusula.config.settings",
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
    }
    return made | ({"PUSULA_DATABASE_URL": database_url} if database_url else {})


@contextmanager
def nursery(environment: dict[str, str]) -> Iterator[Nursery]:
    """Run a nursery for the time of the block."""
    running = Nursery(environment)
    try:
        yield running
    finally:
        running.close()


@contextmanager
def nursery_of_its_own(home: Path) -> Iterator[Nursery]:
    """Run a nursery on an empty database: SQLite, or PostgreSQL where PUSULA_DATABASE_URL says."""
    url = os.environ.get("PUSULA_DATABASE_URL", "")
    if not url.startswith("postgres"):
        with nursery(environment(home, "")) as running:
            running.ask("migrate")
            yield running
        return
    name = f"pusula_nursery_{uuid.uuid4().hex[:12]}"
    server = urlsplit(url)
    admin = server._replace(path="/postgres").geturl()
    with psycopg.connect(admin, autocommit=True) as admins:
        admins.execute(f'create database "{name}"')
    try:
        with nursery(environment(home, server._replace(path=f"/{name}").geturl())) as running:
            running.ask("migrate")
            yield running
    finally:
        with psycopg.connect(admin, autocommit=True) as admins:
            admins.execute(f'drop database "{name}" with (force)')


def serve() -> None:
    """Answer the commands that come in, until there are no more."""
    import django  # noqa: PLC0415 - only in the process of its own

    django.setup()
    from tests.outbox import nursing  # noqa: PLC0415

    for line in sys.stdin:
        asked = json.loads(line)
        answer = getattr(nursing, asked.pop("command"))(**asked)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve()
