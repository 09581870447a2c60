"""The stage: a home in memory, one clock, one pair of dice; whatever the product asks is ours.

Import this before anything of the product. The product's own code runs unchanged; replaced is what
stands around it: the time, chance, waiting for a lock, and the hop at the other end of the wire.
On PostgreSQL (``tests/with_postgres.py``) every world has a database copied from the first.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import random
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

_MEMORY = Path("/dev/shm")  # noqa: S108 - files there are as fast as memory
ROOT = Path(
    tempfile.mkdtemp(prefix="pusula-simulation-", dir=_MEMORY if _MEMORY.is_dir() else None)
)
atexit.register(shutil.rmtree, ROOT, ignore_errors=True)
HOME, BEGINNING = ROOT / "home", ROOT / "beginning"
SERVER = os.environ.get("PUSULA_DATABASE_URL", "")  # of PostgreSQL, or nothing: SQLite
for _name in [name for name in os.environ if name.startswith("PUSULA_")]:
    os.environ.pop(_name)
os.environ["PUSULA_HOME"] = str(HOME)
os.environ["DJANGO_SETTINGS_MODULE"] = "pusula.config.settings"
IS_POSTGRES = SERVER.startswith("postgres")
_DATABASE = f"simulation_{os.getpid()}"
if IS_POSTGRES:
    os.environ["PUSULA_DATABASE_URL"] = urlsplit(SERVER)._replace(path=f"/{_DATABASE}").geturl()

import django  # noqa: E402 - reads where home is

django.setup()

import psycopg  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402

SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3_600 * SECOND, 86_400 * SECOND
START = 1_800_000_000 * SECOND
ALIASES = ("default", "log")


class Watch:
    """Two clocks: one that people set, and one that only runs on; microseconds."""

    def __init__(self) -> None:
        self.utc = START
        self.running = 3 * DAY

    def reset(self) -> None:
        self.utc, self.running = START, 3 * DAY

    def pass_(self, span: int) -> None:
        self.utc += span
        self.running += span

    def now(self) -> int:
        """Tell the time; nobody is told the same twice."""
        self.pass_(1)
        return self.utc


class Dice:
    """Chance: ``roll`` is the world's, ``secrets`` what the product draws."""

    def __init__(self) -> None:
        self.throw(0)

    def throw(self, seed: int) -> None:
        self.roll = random.Random(seed)  # noqa: S311 - chance that can be repeated
        self.secret = random.Random(f"secret {seed}")  # noqa: S311


watch = Watch()
dice = Dice()


class _Time(ModuleType):
    """Stands for the module ``time`` in the product."""

    CLOCK_BOOTTIME = CLOCK_MONOTONIC = 1

    @staticmethod
    def time_ns() -> int:
        return watch.now() * 1_000

    @staticmethod
    def monotonic() -> float:
        return watch.running / SECOND

    perf_counter = thread_time = monotonic

    @staticmethod
    def clock_gettime_ns(_which: int) -> int:
        return watch.running * 1_000

    @staticmethod
    def sleep(seconds: float) -> None:
        waiting(seconds)


class _Secrets(ModuleType):
    """Stands for the module ``secrets`` in the product."""

    @staticmethod
    def token_urlsafe(n: int) -> str:
        return "".join(
            dice.secret.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", k=n)
        )


class _Fcntl(ModuleType):
    """Stands for the module ``fcntl`` in the product: who waits for a lock lets others act."""

    LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN = (
        fcntl.LOCK_EX, fcntl.LOCK_NB, fcntl.LOCK_SH, fcntl.LOCK_UN,
    )  # fmt: skip

    @staticmethod
    def flock(file: Any, how: int) -> None:
        while True:
            try:
                fcntl.flock(file, how | fcntl.LOCK_NB)
            except BlockingIOError:
                if how & fcntl.LOCK_NB:
                    raise
                blocked()
            else:
                return


def waiting(seconds: float) -> None:
    """Let time pass for who waits; the company of actors puts its own way here."""
    watch.pass_(round(seconds * SECOND))


def blocked() -> None:
    """Let others act who hold what is waited for; theirs too."""
    message = "nobody is there who could give back a lock"
    raise RuntimeError(message)


_REPLACED: dict[ModuleType, ModuleType] = {
    time: _Time("time"), secrets: _Secrets("secrets"), fcntl: _Fcntl("fcntl"),
}  # fmt: skip


def take_over() -> None:
    """Give the product our clock, chance and locks instead of the machine's."""
    for name, module in list(sys.modules.items()):
        if name.startswith("pusula.") and module is not None:
            for key, value in list(vars(module).items()):
                if isinstance(value, ModuleType) and value in _REPLACED:
                    setattr(module, key, _REPLACED[value])


def keep_beginning() -> None:
    """Keep the home as it is now: every world begins there."""
    close()
    shutil.rmtree(BEGINNING, ignore_errors=True)
    shutil.copytree(HOME, BEGINNING)
    _copy_database(_DATABASE, to=f"{_DATABASE}_beginning")


def begin(seed: int) -> None:
    """Bring back the home as it was kept, and begin the dice and clocks anew."""
    close()
    shutil.rmtree(HOME, ignore_errors=True)
    shutil.copytree(BEGINNING, HOME)
    _copy_database(f"{_DATABASE}_beginning", to=_DATABASE)
    dice.throw(seed)


def close() -> None:
    for alias in ALIASES:
        connections[alias].close()


def migrate() -> None:
    if IS_POSTGRES:
        _on_server(f"create database {_DATABASE}")
        atexit.register(_drop_databases)
    for alias in ALIASES:
        call_command("migrate", database=alias, verbosity=0, interactive=False)


def _copy_database(name: str, *, to: str) -> None:
    if IS_POSTGRES:
        _on_server(
            f"drop database if exists {to} with (force)",
            f"create database {to} template {name} strategy file_copy",
        )


def _drop_databases() -> None:
    close()
    for name in (_DATABASE, f"{_DATABASE}_beginning"):
        _on_server(f"drop database if exists {name} with (force)")


def _on_server(*statements: str) -> None:
    with psycopg.connect(SERVER, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
