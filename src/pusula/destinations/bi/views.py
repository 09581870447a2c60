"""The tables as views of the database itself: always as of now, for programs that speak SQL.

A view hangs on the columns it reads: the tables beneath cannot be changed while it stands. So
whoever migrates takes them down before and puts them up again.
"""

from __future__ import annotations

from django.conf import settings
from django.db import connection, transaction

from pusula.destinations.bi import actions, catalog, queries
from pusula.destinations.bi.dictionary import view_name
from pusula.destinations.bi.tables import Column, Kind, Table, everybody
from pusula.destinations.models import BiSettings, ZoneShift
from pusula.lib import clock, money

Reader = tuple[str, str]  # a view and the role that may read it
_USUAL = 2  # decimals


def install(*, at: int) -> list[str]:
    """Make the views anew and return their names; who could read them still can."""
    tables = catalog.tables(with_identifiers=queries.chosen().with_identifiers)
    names = [view_name(table.name) for table in tables]
    with transaction.atomic():
        actions.remember(views_at=at, readers=sorted({*_readers(), *queries.readers()}))
        _drop()
        _tell_zone()
        with connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f"create view {view_name(table.name)} as {_sql(table)}", [])
            for view, role in queries.readers():
                if view in names:
                    cursor.execute(f"grant select on {view} to {_role(role)}")
    return names


def drop() -> int:
    """Take the views out of the database for good; return how many there were."""
    with transaction.atomic():
        n = _drop()
        actions.remember(views_at=None, readers=[])
    return n


def stand_aside() -> None:
    """Take the views down while tables change; who could read them is remembered."""
    if installed():
        with transaction.atomic():
            # Before a migration, so no other column of the row may be asked for.
            BiSettings.objects.update(readers=sorted({*_readers(), *queries.readers()}))
            _drop()


def stand_again(*, at: int) -> None:
    """Put the views up again where they are meant to be."""
    if queries.chosen().views_at is not None:
        install(at=at)


def installed() -> list[str]:
    """Return the names of our views that are in the database."""
    sql = (
        "select name from sqlite_master where type = 'view'"
        if connection.vendor == "sqlite"
        else "select viewname from pg_views where schemaname = current_schema()"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql)
        there = {name for (name,) in cursor.fetchall()}
    return [name for name in map(view_name, catalog.NAMES) if name in there]


def _drop() -> int:
    names = installed()
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f"drop view {name}")
    return len(names)


def _readers() -> list[Reader]:
    """Return who was given the right to read which of our views."""
    if connection.vendor == "sqlite":
        return []
    sql = """select distinct table_name, grantee from information_schema.role_table_grants
        where privilege_type = 'SELECT' and table_schema = current_schema()
          and grantee <> current_user"""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        ours = set(map(view_name, catalog.NAMES))
        return [(view, role) for view, role in cursor.fetchall() if view in ours]


def _role(name: str) -> str:
    return "public" if name == "PUBLIC" else '"' + name.replace('"', '""') + '"'


def _tell_zone() -> None:
    shifts = clock.shifts(settings.PUSULA.time_zone)
    ZoneShift.objects.all().delete()
    ZoneShift.objects.bulk_create(ZoneShift(since_at=at, shift=by) for at, by in shifts)


def _sql(table: Table) -> str:
    shown = _on_postgresql if connection.vendor == "postgresql" else _on_sqlite
    currency = next((c.sql for c in table.columns if c.name == "currency"), "''")
    columns = [
        f"{sql} as {name}"
        for column in table.read
        for name, sql in zip(
            [name for name, _type in column.written(catalog.company())],
            shown(column, currency),
            strict=True,
        )
    ]
    return f"select {', '.join(columns)}\nfrom {table.rows(everybody)}"


def _on_postgresql(column: Column, currency: str) -> list[str]:
    sql = column.sql
    match column.kind:
        case Kind.MOMENT:
            micros = "interval '1 microsecond'"
            return [
                f"timestamptz '1970-01-01 00:00:00+00' + ({sql}) * {micros}",
                f"timestamp '1970-01-01 00:00:00' + ({sql} + {_shift(sql)}) * {micros}",
            ]
        case Kind.MONEY:
            places = money.EXPONENTS[settings.PUSULA.currency]
            return [f"cast(({sql}) / 1{'0' * places}.0 as numeric(19, {places}))"]
        case Kind.AMOUNT:
            return [f"cast(({sql}) / {_units(currency)} as numeric(22, 3))"]
        case Kind.BOOL:
            return [f"({sql}) = 1"]
        case _:
            return [sql]


def _on_sqlite(column: Column, currency: str) -> list[str]:
    sql = column.sql
    match column.kind:
        case Kind.MOMENT:
            return [_sqlite_time(sql), _sqlite_time(f"({sql} + {_shift(sql)})")]
        case Kind.MONEY:
            return [f"({sql}) / 1{'0' * money.EXPONENTS[settings.PUSULA.currency]}.0"]
        case Kind.AMOUNT:
            return [f"({sql}) / {_units(currency)}"]
        case _:
            return [sql]


def _sqlite_time(sql: str) -> str:
    return f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', ({sql}) / 1000000.0, 'unixepoch')"


def _shift(sql: str) -> str:
    """Return SQL for how far the company's clocks stand before UTC at a moment."""
    return (
        f"(select z.shift from destinations_zoneshift z where z.since_at <= {sql} "
        "order by z.since_at desc limit 1)"
    )


def _units(currency: str) -> str:
    """Return SQL for how many minor units make one of ``currency``."""
    others = sorted({places for places in money.EXPONENTS.values() if places != _USUAL})
    cases = "".join(
        f" when {currency} in ({', '.join(_codes(places))}) then 1{'0' * places}.0"
        for places in others
    )
    return f"(case{cases} else 1{'0' * _USUAL}.0 end)"


def _codes(places: int) -> list[str]:
    return [f"'{code}'" for code, own in money.EXPONENTS.items() if own == places]
