"""Waiting for one's turn inside a transaction."""

from __future__ import annotations

import zlib

from pusula.lake.rows import Connection


def take(connection: Connection, name: str) -> None:
    """Wait until nobody else is in a transaction that took the lock ``name``; hold it to the end.

    SQLite has one writer at a time anyway: its transactions begin with the write lock.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(%s)", [zlib.crc32(name.encode())])
