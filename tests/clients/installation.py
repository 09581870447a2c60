"""A real installation on a home folder of its own: the web server, the live process, and eyes."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0
_LOOK_S = 0.05

# Makes a source with a write key and a server key, and prints them.
SOURCE = """
import json, sys, django
django.setup()
from pusula.sources import keys
from pusula.sources.models import KeyKind, Source
from pusula.lib import clock
slug, kind, settings = json.loads(sys.argv[1])
source, _ = Source.objects.get_or_create(
    slug=slug, defaults={"kind": kind, "settings": settings, "created_at": clock.now()}
)
print(json.dumps({kind: keys.issue(source, kind)[1] for kind in (KeyKind.SERVER, KeyKind.WRITE)}))
"""

ALLOW = """
import sys, django
django.setup()
from pusula.sources import keys
from pusula.sources.models import WriteKey
row = WriteKey.objects.get(digest=keys.digest(sys.argv[1]))
keys.allow(row, origins=sys.argv[2:], quota_per_minute=None)
"""

REVOKE = """
import sys, django
django.setup()
from pusula.sources import keys
from pusula.sources.models import WriteKey
keys.revoke(WriteKey.objects.get(digest=keys.digest(sys.argv[1])))
"""


@dataclass(frozen=True)
class Keys:
    """The keys of a source."""

    slug: str
    write: str
    server: str


@dataclass(frozen=True)
class Told:
    """An entry of the log as a client told it."""

    entry_id: int
    message_id: str
    kind: str
    envelope: dict[str, Any]
    recorded_at: int

    @property
    def message(self) -> dict[str, Any]:
        """The message inside its envelope."""
        return self.envelope["message"]


@dataclass(frozen=True)
class Event:
    """An event as the live step wrote it."""

    profile_id: int
    name: str
    at: int
    properties: dict[str, Any]


class Installation:
    """Everything a client meets, and nothing that stands in for it."""

    def __init__(self, folder: Path, server_url: str = "") -> None:
        self.folder = folder
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("PUSULA_", "DJANGO_"))}
        self.environment = kept | {
            "PUSULA_HOME": str(folder),
            "DJANGO_SETTINGS_MODULE": "pusula.config.settings",
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        }
        self._server_url = server_url
        self._database = ""
        self._processes: list[subprocess.Popen[bytes]] = []
        self.url = ""

    def start(self) -> None:
        """Make the databases, serve, and let the live process run."""
        if self._server_url:
            name = f"pusula_clients_{uuid.uuid4().hex[:12]}"
            self._on_server(f'create database "{name}"')
            self._database = urlsplit(self._server_url)._replace(path=f"/{name}").geturl()
            self.environment["PUSULA_DATABASE_URL"] = self._database
        self.run("-m", "pusula.ops.main", "init")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.environment["PUSULA_PUBLIC_URL"] = "http://pusula.example"
        self._serve(f"web_command('127.0.0.1', {port})")
        self._serve("live_command()")
        self._wait(self._answers, "the server does not answer")

    def stop(self) -> None:
        """End the processes; forget the database."""
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            process.wait(30)
        if self._database:
            name = urlsplit(self._database).path.lstrip("/")
            self._on_server(f'drop database "{name}" with (force)')

    def run(self, *arguments: str) -> str:
        """Run Python with ``arguments`` on this installation and return what it prints."""
        done = subprocess.run(
            [sys.executable, *arguments], env=self.environment, cwd=ROOT, capture_output=True,
            text=True, check=False, timeout=240,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def source(self, slug: str, kind: str = "website", **settings: object) -> Keys:
        """Make a source and return its keys."""
        told = json.dumps([slug, kind, settings])
        found = json.loads(self.run("-c", SOURCE, told))
        keys = Keys(slug, found["write"], found["server"])
        address = f"/v1/projects/{keys.write}/settings"  # the key that was issued last
        self._wait(lambda: self._answers(address), "the server does not hear of a key")
        return keys

    def allow(self, key: str, *origins: str) -> None:
        """Take a key from pages of these origins only, and wait until the server does."""
        self.run("-c", ALLOW, key, *origins)
        self._wait(lambda: self._refuses_strangers(key), "the server takes a key from anywhere")

    def revoke(self, key: str) -> None:
        """End a key, and wait until the server knows."""
        self.run("-c", REVOKE, key)
        address = f"/v1/projects/{key}/settings"
        self._wait(lambda: not self._answers(address), "the server still takes a key that ended")

    def ask(self, sql: str, *given: object, of_log: bool = False) -> list[tuple[Any, ...]]:
        """Return rows of the main database, or of the log's; parameters are ``%s``."""
        if self._database:
            with psycopg.connect(self._database) as database:
                return [tuple(row) for row in database.execute(sql, given).fetchall()]
        file = sqlite3.connect(self.folder / ("log.db" if of_log else "pusula.db"), timeout=30)
        try:
            return file.execute(sql.replace("%s", "?"), given).fetchall()
        finally:
            file.close()

    def told(self, slug: str) -> list[Told]:
        """Return what the log holds of a source, in its order."""
        rows = self.ask(
            "select id, message_id, kind, body, recorded_at from pipeline_logentry"
            " where source = %s order by id",
            slug, of_log=True,
        )  # fmt: skip
        return [Told(i, message_id, kind, json.loads(body), at)
                for i, message_id, kind, body, at in rows]  # fmt: skip

    def events(self, slug: str) -> list[Event]:
        """Return the events of a source after the live step has read all of the log."""
        self.settle()
        rows = self.ask(
            "select profile_id, name, at, properties from events_event where source = %s"
            " order by id", slug,
        )  # fmt: skip
        return [Event(p, name, at, json.loads(held) if isinstance(held, str) else held)
                for p, name, at, held in rows]  # fmt: skip

    def traits(self, profile_id: int) -> dict[str, Any]:
        """Return the traits and names of a profile."""
        rows = self.ask(
            "select name, text, number, day, kind from profiles_trait where profile_id = %s",
            profile_id,
        )
        names = self.ask("select first_name, last_name from profiles_profile where id = %s",
                         profile_id)  # fmt: skip
        found: dict[str, Any] = {
            name: number if kind in {"number", "bool"} else str(day) if kind == "day" else text
            for name, text, number, day, kind in rows
        }
        found["first_name"], found["last_name"] = names[0]
        return found

    def leads_to(self, kind: str, value: str) -> set[int]:
        """Return the profiles that an identifier leads to."""
        rows = self.ask(
            "select profile_id from profiles_identifier where kind = %s and value = %s", kind, value
        )
        return {row[0] for row in rows}

    def quarantined(self, slug: str) -> list[str]:
        """Return why entries of a source could not be taken over."""
        self.settle()
        return [row[0] for row in self.ask(
            "select reason from pipeline_quarantine where source = %s", slug)]  # fmt: skip

    def settle(self) -> None:
        """Wait until the live step has read all of the log."""
        self._wait(self._is_read, "the live step does not catch up")

    def arrived(self, slug: str, n: int) -> list[Told]:
        """Wait until the log holds ``n`` entries of a source, and return them."""
        self._wait(lambda: len(self.told(slug)) >= n, lambda: (
            f"{len(self.told(slug))} of {n} arrived: "
            f"{[(one.envelope['type'], one.message.get('event')) for one in self.told(slug)]}"
        ))  # fmt: skip
        return self.told(slug)

    def _is_read(self) -> bool:
        head = self.ask("select n from pipeline_loghead", of_log=True)
        read = self.ask("select entry_id from pipeline_offset where consumer = 'live'")
        return not head or (bool(read) and read[0][0] >= head[0][0])

    def _serve(self, which: str) -> None:
        command = self.run(
            "-c",
            f"import django; django.setup(); from pusula.ops import serve; print(*serve.{which})",
        ).split()
        self._processes.append(
            subprocess.Popen(command, env=self.environment, cwd=ROOT, stdin=subprocess.DEVNULL)
        )

    def _answers(self, path: str = "/login/") -> bool:
        with (
            suppress(OSError, urllib.error.URLError),
            urllib.request.urlopen(self.url + path, timeout=30) as answer,  # noqa: S310 - ours
        ):
            return bool(answer.status == 200)
        return False

    def _refuses_strangers(self, key: str) -> bool:
        """Say whether nothing is taken with ``key`` from a page that nobody allowed."""
        request = urllib.request.Request(  # noqa: S310 - ours
            f"{self.url}/v1/batch",
            data=json.dumps({"writeKey": key, "batch": []}).encode(),
            headers={"Origin": "https://stranger.invalid"},
        )
        try:
            urllib.request.urlopen(request, timeout=5).close()  # noqa: S310 - ours
        except urllib.error.HTTPError as error:
            with error:
                return error.code == 403
        return False

    def _on_server(self, sql: str) -> None:
        url = urlsplit(self._server_url)._replace(path="/postgres").geturl()
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(sql)

    @staticmethod
    def _wait(is_so: Any, otherwise: Any) -> None:
        end = time.monotonic() + PATIENCE_S
        while not is_so():
            if time.monotonic() > end:
                raise AssertionError(otherwise() if callable(otherwise) else otherwise)
            time.sleep(_LOOK_S)


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
