"""Long work that takes turns without a transaction around it."""

from __future__ import annotations

import fcntl
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pusula.lake.rows import Connection


def patient() -> None:
    """Hear that one has to wait and say nothing."""


@contextmanager
def turn(
    connection: Connection, name: str, folder: Path, on_wait: Callable[[], None] = patient
) -> Iterator[None]:
    """Wait until nobody else has the turn ``name``, and keep it meanwhile.

    It ends with its process or its connection, however these end. On PostgreSQL it holds for all
    machines of a database; SQLite serves one machine, and a file in ``folder`` is enough.
    ``on_wait`` hears of it if somebody else has it.
    """
    if connection.vendor != "postgresql":
        with _file(name, folder) as file:
            if not _is_ours(file):
                on_wait()
                fcntl.flock(file, fcntl.LOCK_EX)
            yield
        return
    key = zlib.crc32(name.encode())
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", [key])
        if cursor.fetchone() == (False,):
            on_wait()
            cursor.execute("select pg_advisory_lock(%s)", [key])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_unlock(%s)", [key])


def is_taken(connection: Connection, name: str, folder: Path) -> bool:
    """Return whether somebody has the turn ``name`` now."""
    if connection.vendor != "postgresql":
        with _file(name, folder) as file:
            return not _is_ours(file)
    key = zlib.crc32(name.encode())
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", [key])
        is_ours: bool = cursor.fetchone()[0]
        if is_ours:
            cursor.execute("select pg_advisory_unlock(%s)", [key])
    return not is_ours


def _file(name: str, folder: Path) -> IO[str]:
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / f"{name}.lock").open("w")


def _is_ours(file: IO[str]) -> bool:
    """Take the lock of ``file`` if nobody has it; return whether we have it now."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
