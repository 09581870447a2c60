"""What the database knows of its tables, so that it picks the right index."""

from __future__ import annotations

from pusula.lake.rows import Connection

# Rows looked at of each index: a good guess at once, whatever the size.
_LOOKED_AT = 1_000


def refresh(connection: Connection) -> None:
    """Let SQLite look at its tables; PostgreSQL does so by itself.

    It takes milliseconds, and the write lock: raises what the connection does where that is taken.
    """
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute(f"pragma analysis_limit = {_LOOKED_AT}")
        cursor.execute("analyze")  # "pragma optimize" leaves out what this connection did not ask
