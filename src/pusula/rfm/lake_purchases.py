"""What each profile bought, counted over the lake's files: the same SQL, by DuckDB, in parts.

The files hold every version of every order with the moments at which it held, by bucket of
profiles, so a few files at a time are enough and memory does not grow with the customers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb
import numpy as np
import pyarrow as pa
from django.conf import settings
from django.db import connection

from pusula.lake import arrow, rows
from pusula.lib import clock, text
from pusula.rfm.purchases import Purchases, bought_before, columns, counted
from pusula.rfm.rules import Config

# As ``orders.history.AS_OF``, with its parameters, of versions that know until when they hold.
_AS_OF = """
SELECT id, profile_id, ordered_at, starts_on, status, net_base_minor, gross_base_minor
FROM versions WHERE changed_at < %s AND until_at >= {as_of_at}
  AND ordered_at >= %s AND ordered_at < %s
"""
_NEEDED = ("profile_id", "ever", "frequency", "monetary_minor", "last")
_TOGETHER = 8  # buckets
_TRAITS = pa.schema([("profile_id", pa.int64()), ("name", pa.string()), ("text_fold", pa.string())])


def purchases(places: Sequence[str], as_of_on: date, config: Config) -> Purchases:
    """Return what ``rfm.purchases.purchases`` does, out of the files at ``places``, by bucket."""
    return counted(_table(places, as_of_on, config), as_of_on, config)


def _table(places: Sequence[str], as_of_on: date, config: Config) -> pa.Table:
    as_of_at = clock.start_of(as_of_on, settings.PUSULA.time_zone)
    source = _AS_OF.format(as_of_at=as_of_at)
    sql, params = bought_before(as_of_on, config, source)
    # What only time will change nobody asks for here.
    schema = pa.schema([columns(config).field(name) for name in _NEEDED])
    needed = f"SELECT {', '.join(_NEEDED)} FROM ({sql}) bought".replace("%s", "?")
    found: list[pa.Table] = []
    with duckdb.connect() as lake:
        lake.register("profiles_trait", _excluded(config))
        for part in rows.parts(places, _TOGETHER):
            lake.register("versions", lake.read_parquet(part))
            answer = lake.sql(needed, params=params).to_arrow_table()
            found.append(_ascending(answer.cast(schema)))
    return _whole(pa.concat_tables(found) if found else schema.empty_table())


def _whole(table: pa.Table) -> pa.Table:
    """Return ``table`` ascending by profile, each column in one piece, one after the other.

    Files stand in the order of their buckets, so mostly it is ascending already.
    """
    for index, name in enumerate(table.column_names):
        table = table.set_column(index, name, table.column(index).combine_chunks())
    return _ascending(table)


def _ascending(table: pa.Table) -> pa.Table:
    owners = table["profile_id"].to_numpy()
    if np.all(owners[:-1] < owners[1:]):
        return table
    # In one piece first: Arrow sorts and takes several times slower out of many.
    return table.combine_chunks().take(pa.array(np.argsort(owners)))


def _excluded(config: Config) -> pa.Table:
    """Return the traits by which the rules leave profiles out; the lake need not have them."""
    found = [_TRAITS.empty_table()]
    with connection.cursor() as cursor:
        for exclude in config.pool.exclude:
            words = [text.fold(word) for word in exclude.is_]
            marks = ", ".join(["%s"] * len(words)) or "NULL"
            sql = (
                "SELECT profile_id, name, text_fold FROM profiles_trait "
                f"WHERE name = %s AND text_fold IN ({marks})"
            )
            found.append(arrow.fetch(cursor, sql, [exclude.trait, *words], _TRAITS))
    return pa.concat_tables(found)
