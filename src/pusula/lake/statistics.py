"""What the database knows of its tables, so that it picks the right index and join."""

from __future__ import annotations

from pusula.lake.rows import Connection

# Rows SQLite looks at of each index: a good guess at once, whatever the size.
_LOOKED_AT = 1_000
# PostgreSQL's tables that have grown by a fifth, and by more than a few pages, since it looked.
# Until it does, which can take a minute, it plans for the size of before.
_GROWN = """
select relname from pg_class
where relkind = 'r' and relnamespace = current_schema()::regnamespace
  and pg_relation_size(oid) / current_setting('block_size')::int > 1.2 * relpages + 100
"""


def refresh(connection: Connection) -> None:
    """Let the database look at its tables: to be called after many rows were written.

    It takes milliseconds, on PostgreSQL some for each table that has grown. On SQLite it takes the
    write lock: raises what the connection does where that is taken.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"pragma analysis_limit = {_LOOKED_AT}")
            # "pragma optimize" leaves out what this connection did not ask for.
            cursor.execute("analyze")
            return
        cursor.execute(_GROWN)
        for (table,) in cursor.fetchall():
            cursor.execute(f'analyze "{table}"')
