"""Tables read block by block of customers, as the columns that files have."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection

from pusula.destinations.bi.tables import RAW, Column, Company, Kind, Table, between, select
from pusula.lake import arrow
from pusula.lib import clock, money
from pusula.profiles.models import Profile

# Customers whose rows are in memory together.
SPAN = 16_384
_PLACES = 3  # decimals of an amount in the currency of its row


def blocks(
    table: Table, company: Company, on_block: Callable[[], None] = lambda: None
) -> Iterator[pa.Table]:
    """Yield the rows of ``table`` in the order of their customers; ``on_block`` hears of each."""
    raw = pa.schema([(column.name, RAW[column.kind]) for column in table.read])
    for first, last in parts():
        sql = select(table, [column.sql for column in table.read], between(first, last))
        with connection.cursor() as cursor:
            found = arrow.fetch(cursor, sql, [], raw)
        yield shaped(table, found, company)
        on_block()


def parts() -> list[tuple[int, int]]:
    """Return the ranges of ids, ``SPAN`` wide, in which there are customers."""
    found: list[tuple[int, int]] = []
    start = 0
    while True:
        ahead = Profile.objects.filter(pk__gte=start).order_by("pk").values_list("pk", flat=True)
        first = ahead.first()
        if first is None:
            return found
        begin = first // SPAN * SPAN
        start = begin + SPAN
        found.append((begin, start - 1))


def shaped(table: Table, found: pa.Table, company: Company) -> pa.Table:
    """Return the columns of a file from those that the database gave."""
    arrays: list[pa.Array | pa.ChunkedArray] = []
    for column in table.columns:
        if column.counted is not None:
            arrays.append(column.counted(found["profile_id"].to_numpy()))
        else:
            arrays += _written(column, found, company)
    return pa.Table.from_arrays(arrays, schema=table.schema(company))


def _written(column: Column, found: pa.Table, company: Company) -> list[pa.Array]:
    values = found[column.name].combine_chunks()
    match column.kind:
        case Kind.MOMENT:
            utc = values.cast(pa.timestamp("us", tz="UTC"))
            return [utc, _local(values, company.time_zone)]
        case Kind.MONEY:
            return [_decimal(values, money.EXPONENTS[company.currency])]
        case Kind.AMOUNT:
            return [_amounts(values, found["currency"].combine_chunks())]
        case Kind.BOOL:
            return [values.cast(pa.bool_())]
        case _:
            return [values]


def _local(values: pa.Array, zone: str) -> pa.Array:
    """Return moments as the clocks in ``zone`` showed them."""
    since, shifts = zip(*clock.shifts(zone), strict=True)
    moments = pc.fill_null(values, 0).to_numpy(zero_copy_only=False)
    place = np.maximum(np.searchsorted(np.array(since), moments, side="right") - 1, 0)
    shown = moments + np.array(shifts, np.int64)[place]
    mask = values.is_null().to_numpy(zero_copy_only=False)
    return pa.array(shown, pa.int64(), mask=mask).cast(pa.timestamp("us"))


def _decimal(minor: pa.Array, places: int) -> pa.Array:
    """Return minor units as exact amounts: the same digits with the point set ``places`` deep."""
    whole = minor.cast(pa.decimal128(19, 0))
    kind = pa.decimal128(19, places)
    return pa.Array.from_buffers(kind, len(whole), whole.buffers(), whole.null_count, whole.offset)


def _amounts(minor: pa.Array, currencies: pa.Array) -> pa.Array:
    """Return minor units, each of its own currency, as exact amounts with three decimals."""
    kind = pa.decimal128(22, _PLACES)
    result = pa.nulls(len(minor), kind)
    for code in pc.unique(currencies).to_pylist():
        if code is not None:
            amounts = _decimal(minor, money.EXPONENTS[code]).cast(kind)
            result = pc.if_else(pc.equal(currencies, code), amounts, result)
    return result
