"""Many rows into database tables: few statements, and ids that are known before they are written.

SQLite takes them by ``executemany``, PostgreSQL by ``COPY``. Table and column names come from our
own code, never from outside; values are always parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import chain, islice
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

# How many values one statement asks for.
ASKED = 5_000

Value = TypeVar("Value")


class Connection(Protocol):
    """The part of a database connection that is needed."""

    @property
    def vendor(self) -> str:
        """``sqlite`` or ``postgresql``."""

    @property
    def wrap_database_errors(self) -> AbstractContextManager[Any]:
        """What turns the driver's errors into those that callers know."""

    def cursor(self) -> Any:
        """Open a cursor, to be used as a context manager."""


def reserve(connection: Connection, table: str, n: int) -> npt.NDArray[np.int64]:
    """Return ``n`` ascending ids of ``table`` that nobody else will get."""
    if not n:
        return np.empty(0, np.int64)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            return _reserve_sqlite(cursor, table, n)
        cursor.execute(
            "select nextval(pg_get_serial_sequence(%s, 'id')) from generate_series(1, %s)",
            [table, n],
        )
        return np.fromiter((row[0] for row in cursor.fetchall()), np.int64, n)


def _reserve_sqlite(cursor: Any, table: str, n: int) -> npt.NDArray[np.int64]:
    cursor.execute("select seq from sqlite_sequence where name = %s", [table])
    row = cursor.fetchone()
    if row is None:  # the table never held a row
        cursor.execute("insert into sqlite_sequence (name, seq) values (%s, %s)", [table, n])
        last = 0
    else:
        last = row[0]
        cursor.execute("update sqlite_sequence set seq = %s where name = %s", [last + n, table])
    return np.arange(last + 1, last + n + 1, dtype=np.int64)


def select(
    connection: Connection, sql: str, wanted: Iterable[Any], *, given: Sequence[Any] = ()
) -> Iterator[Any]:
    """Yield the rows of ``sql``, which ends with ``in``, for all that is ``wanted``.

    ``given`` are the values that ``sql`` asks for before. For thousands of ids on paths where the
    building of a query costs more than its answer.
    """
    for part in parts(wanted):
        marks = ", ".join(["%s"] * len(part))
        with connection.cursor() as cursor:
            cursor.execute(f"{sql} ({marks})", [*given, *part])
            yield from cursor.fetchall()


def insert(
    connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Insert ``rows``, each a sequence of values in the order of ``columns``."""
    iterator = iter(rows)
    first = next(iterator, None)
    if first is None:
        return
    rows = chain([first], iterator)
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            marks = ", ".join(["%s"] * len(columns))
            cursor.executemany(f"insert into {table} ({names}) values ({marks})", list(rows))
            return
        sql = f"copy {table} ({names}) from stdin"
        with connection.wrap_database_errors, cursor.copy(sql) as copy:
            for row in rows:
                copy.write_row(row)


def update(
    connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Set ``columns`` of existing rows; each of ``rows`` holds their values and, last, the id."""
    if not rows:
        return
    sets = ", ".join(f"{column} = %s" for column in columns)
    with connection.cursor() as cursor:
        cursor.executemany(f"update {table} set {sets} where id = %s", rows)


def upsert(
    connection: Connection,
    table: str,
    columns: Sequence[str],
    values: Sequence[Sequence[int | None]],
) -> None:
    """Insert rows of integers, or set their columns where the first of them is known already.

    ``values`` holds a sequence for each of ``columns``, all of one length.
    """
    if not len(values[0]):
        return
    names = ", ".join(columns)
    sets = ", ".join(f"{column} = excluded.{column}" for column in columns[1:])
    on_conflict = f"on conflict ({columns[0]}) do update set {sets}"
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            marks = ", ".join(["%s"] * len(columns))
            sql = f"insert into {table} ({names}) values ({marks}) {on_conflict}"
            cursor.executemany(sql, list(zip(*values, strict=True)))
            return
        arrays = ", ".join(["%s::bigint[]"] * len(columns))
        sql = f"insert into {table} ({names}) select * from unnest({arrays}) {on_conflict}"
        cursor.execute(sql, [list(column) for column in values])


def found(
    connection: Connection, sql: str, values: Iterable[Any], *more: Any
) -> Iterator[tuple[Any, ...]]:
    """Yield what ``sql`` finds of ``values``, which stand where it says ``{marks}``, part by part.

    ``more`` are the parameters behind them. Values come as the driver gives them. For questions
    about very many: an ORM spends more on each value than the database.
    """
    for part in parts(values):
        with connection.cursor() as cursor:
            cursor.execute(sql.format(marks=", ".join(["%s"] * len(part))), [*part, *more])
            yield from cursor.fetchall()


def parts(values: Iterable[Value], size: int = ASKED) -> Iterator[list[Value]]:
    """Yield ``values`` in lists of at most ``size``."""
    iterator = iter(values)
    while part := list(islice(iterator, size)):
        yield part
