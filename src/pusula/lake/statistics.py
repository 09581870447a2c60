"""What the database knows of its tables, so that it picks the right index and join."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pusula.lake.rows import Connection

# Rows SQLite looks at of each index: a good guess at once, whatever the size.
_LOOKED_AT = 1_000
# PostgreSQL's tables of more than a few pages. Until it looks at them by itself, which can take a
# minute after a large import, it plans for the size of before.
_LARGE = """
select relname from pg_class
where relkind = 'r' and relnamespace = current_schema()::regnamespace
  and pg_relation_size(oid) / current_setting('block_size')::int > 100
"""


def refresh(connection: Connection) -> None:
    """Let the database look at its tables: to be called after many rows were written.

    It takes milliseconds, on PostgreSQL a tenth of a second for each large table. On SQLite it
    takes the write lock: raises what the connection does where that is taken.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"pragma analysis_limit = {_LOOKED_AT}")
            # "pragma optimize" leaves out what this connection did not ask for.
            cursor.execute("analyze")
            return
        cursor.execute(_LARGE)
        for (table,) in cursor.fetchall():
            cursor.execute(f'analyze "{table}"')


@contextmanager
def about_everybody(connection: Connection) -> Iterator[None]:
    """Let the statements of the block join whole tables; within a transaction.

    PostgreSQL plans for what it last saw of a table. Where the transaction itself has filled it,
    that may be nothing, and it would walk along one table for every row of the other: minutes for
    thousands of rows, days for a million.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("set local enable_nestloop = off")
        yield  # what raises ends the transaction, and the setting with it
        cursor.execute("set local enable_nestloop to default")
