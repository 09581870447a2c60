"""Long work that takes turns without a transaction around it."""

from __future__ import annotations

import fcntl
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pusula.lake.rows import Connection


@contextmanager
def turn(connection: Connection, name: str, folder: Path) -> Iterator[None]:
    """Wait until nobody else has the turn ``name``, and keep it meanwhile.

    It ends with its process or its connection, however these end. On PostgreSQL it holds for all
    machines of a database; SQLite serves one machine, and a file in ``folder`` is enough.
    """
    if connection.vendor != "postgresql":
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{name}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        return
    key = zlib.crc32(name.encode())
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s)", [key])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_unlock(%s)", [key])
