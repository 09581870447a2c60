"""A real server on a home folder of its own, as ``pusula serve`` runs it; to be killed."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0

# Makes a source with a write key and a server key, and prints them with the server's command.
PREPARE = """
import json, django
from django.core.management import call_command
django.setup()
from django.conf import settings
for name in settings.DATABASES:
    call_command("migrate", database=name, verbosity=0)
from pusula.ops import serve
from pusula.sources import keys, known
from pusula.sources.models import KeyKind, SourceKind
web = known.add("web", SourceKind.WEBSITE)
told = {kind: keys.issue(web, kind)[1] for kind in (KeyKind.WRITE, KeyKind.SERVER)}
print(json.dumps(told | {"command": serve.web_command("127.0.0.1", 0)}))
"""


class Served:
    """An installation, its one server, and eyes that look at its log from outside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self._server = os.environ.get("PUSULA_DATABASE_URL", "")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PUSULA_", "DJANGO_"))}
        self.environment = kept | {
            "PUSULA_HOME": str(folder),
            "DJANGO_SETTINGS_MODULE": "pusula.config.settings",
            "PYTHONPATH": f"{ROOT / 'src'}",
        }
        self.url = ""
        if self._server.startswith("postgres"):
            name = f"pusula_intake_{uuid.uuid4().hex[:12]}"
            self._on_server(f'create database "{name}"')
            self.url = urlsplit(self._server)._replace(path=f"/{name}").geturl()
            self.environment["PUSULA_DATABASE_URL"] = self.url
        done = subprocess.run(
            [sys.executable, "-c", PREPARE], env=self.environment, capture_output=True,
            text=True, check=False, timeout=120, cwd=ROOT,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        self.write, self.server = told["write"], told["server"]
        self._command = told["command"]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._command[self._command.index("--port") + 1] = str(self.port)

    def start(self) -> None:
        """Serve, in a process group of its own; return when it answers."""
        self.process = subprocess.Popen(
            self._command, env=self.environment, cwd=ROOT, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            with suppress(OSError, http.client.HTTPException):
                if self.ask("GET", f"/v1/projects/{self.write}/settings")[0] == 200:
                    return
            time.sleep(0.05)
        raise AssertionError("the server does not answer")

    def kill(self) -> None:
        """End every process of the server with -9."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(30)
        self.process = None

    def close(self) -> None:
        """End the server, forget the database."""
        if self.process is not None:
            self.kill()
        if self.url:
            name = urlsplit(self.url).path.lstrip("/")
            self._on_server(f'drop database "{name}" with (force)')

    def workers(self) -> list[int]:
        """Return the processes that answer requests."""
        assert self.process is not None
        told = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.process.pid)], capture_output=True, check=True
        )
        return [int(one) for one in told.stdout.split()]

    def ask(
        self, method: str, path: str, body: Any = None, **named: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Call the server through a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            return ask(connection, method, path, body, self.write, **named)
        finally:
            connection.close()

    def logged(self) -> list[tuple[int, str]]:
        """Return id and message of all that the log holds, in its order."""
        sql = "select id, message_id from pipeline_logentry order by id"
        if self.url:
            with psycopg.connect(self.url) as database:
                return [(int(i), str(m)) for i, m in database.execute(sql).fetchall()]
        file = sqlite3.connect(self.folder / "log.db", timeout=30)
        try:
            return file.execute(sql).fetchall()
        finally:
            file.close()

    def _on_server(self, sql: str) -> None:
        url = urlsplit(self._server)._replace(path="/postgres").geturl()
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(sql)


def ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: Any,
    key: str,
    **named: str,
) -> tuple[int, dict[str, str], bytes]:
    """Call through ``connection``; ``named`` are headers with underscores for dashes."""
    raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    basic = base64.b64encode(f"{key}:".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"} | {
        name.replace("_", "-"): value for name, value in named.items()
    }
    connection.request(method, path, raw, headers)
    answer = connection.getresponse()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
