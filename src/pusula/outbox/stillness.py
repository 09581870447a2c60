"""Whether anything was written to the database since a moment: asked at every turn of the gate.

SQLite tells in microseconds. PostgreSQL does not; there everything is looked at again.
"""

from __future__ import annotations

from django.db import connection

# The changes of others, and our own; ``None`` where nobody can tell.
Mark = tuple[int, int] | None


def mark() -> Mark:
    """Return what stays the same as long as nothing is written.

    Within a transaction that writes, nobody else can; its mark holds beyond its commit.
    """
    if connection.vendor != "sqlite":
        return None
    with connection.cursor() as cursor:
        cursor.execute("pragma data_version")
        (others,) = cursor.fetchone()
    return others, connection.connection.total_changes
