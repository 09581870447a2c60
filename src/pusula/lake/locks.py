"""Waiting for one's turn inside a transaction."""

from __future__ import annotations

import time
import zlib

from pusula.lake.rows import Connection

# SQLite asks again every tenth of a second whether its turn has come: so long it must be free.
REST_S = 0.12


def rest() -> None:
    """Let others have their turn, between two of many transactions."""
    time.sleep(REST_S)


def take(connection: Connection, name: str) -> None:
    """Wait until nobody else is in a transaction that took the lock ``name``; hold it to the end.

    SQLite has one writer at a time anyway: its transactions begin with the write lock.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(%s)", [zlib.crc32(name.encode())])
