"""What a table for analysts is: columns defined once, for files, views and the dictionary."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import pyarrow as pa
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pusula.lib import money
from pusula.profiles.relations import Ids

# Makes a condition of an expression that names a profile: "these profiles", or "everybody".
Owned = Callable[[str], str]
_LONGEST = 60  # PostgreSQL cuts names at 63 bytes
_AMOUNT = pa.decimal128(22, 3)  # of whatever currency a row has: three decimals hold every one
LOCAL = "_local"


class Kind(StrEnum):
    """What a column holds; it decides how the database's value becomes that of a file."""

    KEY = "key"  # the number of a row of ours
    COUNT = "count"
    NUMBER = "number"
    TEXT = "text"
    BOOL = "bool"  # read as 0 or 1
    DAY = "day"
    MOMENT = "moment"  # UTC microseconds; written as UTC and as the company's wall time
    MONEY = "money"  # minor units of the company's currency
    AMOUNT = "amount"  # minor units of the currency in the column ``currency``


RAW: dict[Kind, pa.DataType] = {
    Kind.KEY: pa.int64(),
    Kind.COUNT: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.TEXT: pa.string(),
    Kind.BOOL: pa.int64(),
    Kind.DAY: pa.date32(),
    Kind.MOMENT: pa.int64(),
    Kind.MONEY: pa.int64(),
    Kind.AMOUNT: pa.int64(),
}


@dataclass(frozen=True)
class Company:
    """What the meaning of amounts and wall times depends on."""

    currency: str
    time_zone: str


@dataclass(frozen=True)
class Column:
    """One column: its name, the SQL that reads it, and what it means.

    ``source`` names where it comes from, ``unit`` in what it is counted. A column that is
    ``counted`` from profile numbers by Python has no SQL, and no view has it.
    """

    name: str
    kind: Kind
    sql: str
    meaning: str | Promise
    source: str = ""
    unit: str | Promise = ""
    counted: Callable[[Ids], pa.Array] | None = None

    def written(self, company: Company) -> list[tuple[str, pa.DataType]]:
        """Return the columns of a file that this one becomes, with their types."""
        match self.kind:
            case Kind.MOMENT:
                utc, local = pa.timestamp("us", tz="UTC"), pa.timestamp("us")
                return [(self.name, utc), (local_name(self.name), local)]
            case Kind.MONEY:
                return [(self.name, pa.decimal128(19, money.EXPONENTS[company.currency]))]
            case Kind.AMOUNT:
                return [(self.name, _AMOUNT)]
            case Kind.BOOL:
                return [(self.name, pa.bool_())]
            case _:
                return [(self.name, RAW[self.kind])]


@dataclass(frozen=True)
class Table:
    """Rows of one sort: what one row stands for, where it is read, whose it is.

    ``rows`` returns the SQL behind ``from``; ``owner`` is the SQL of the profile a row belongs to,
    and rows are written in the order of it and of ``order``.
    """

    name: str
    grain: str | Promise
    rows: Callable[[Owned], str]
    owner: str
    order: str
    columns: tuple[Column, ...]

    @property
    def read(self) -> tuple[Column, ...]:
        """The columns that are read from the database."""
        return tuple(column for column in self.columns if column.counted is None)

    def schema(self, company: Company) -> pa.Schema:
        """Return the columns of a file of this table."""
        return pa.schema([field for column in self.columns for field in column.written(company)])


def select(table: Table, columns: Iterable[str], owned: Owned) -> str:
    """Return a statement for ``columns`` (SQL expressions) of the rows that are ``owned``."""
    return (
        f"select {', '.join(columns)}\nfrom {table.rows(owned)}\n"
        f"where {owned(table.owner)}\norder by {table.owner}, {table.order}"
    )


def everybody(_owner: str) -> str:
    """Return a condition that holds for every row."""
    return "1 = 1"


def between(first: int, last: int) -> Owned:
    """Return what picks the rows of the profiles from ``first`` to ``last``, both included."""
    return lambda owner: f"{owner} between {first:d} and {last:d}"


def local_name(name: str) -> str:
    """Return how the wall time beside the moment ``name`` is called: ordered_at, ordered_local."""
    return name.removesuffix("_at") + LOCAL


def literal(text: str) -> str:
    """Return ``text`` as a literal of SQL, in a statement that is formatted with parameters."""
    return "'" + text.replace("\0", "").replace("'", "''").replace("%", "%%") + "'"


class Names:
    """Names of columns made of words from outside: small letters, digits, underscores, no two."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)

    def of(self, prefix: str, word: str) -> str:
        """Return a new name that begins with ``prefix`` and reads like ``word``."""
        plain = unicodedata.normalize("NFKD", word.replace("ı", "i").replace("İ", "i"))
        plain = plain.encode("ascii", "ignore").decode().lower()
        base = f"{prefix}{re.sub(r'[^a-z0-9]+', '_', plain).strip('_') or 'x'}"[:_LONGEST]
        name = next(name for name in _tries(base) if name not in self._taken)
        self._taken.add(name)
        return name


def _tries(base: str) -> Iterator[str]:
    yield base
    number = 2
    while True:
        tail = f"_{number}"
        yield base[: _LONGEST - len(tail)] + tail
        number += 1


# Words that many columns share.
PROFILE = _("Number of the customer in Pusula; says nothing outside it")
CURRENCY = _("Currency of the amounts of this row, ISO 4217")


def profile(sql: str) -> Column:
    """Return the column that says whose a row is."""
    table, _dot, _name = sql.partition(".")
    return Column("profile_id", Kind.KEY, sql, PROFILE, source=f"{table}.profile_id")


class Maker:
    """Makes columns that are columns of one table of the database."""

    def __init__(self, alias: str, table: str) -> None:
        self._alias, self._table = alias, table

    def __call__(
        self,
        name: str,
        kind: Kind,
        meaning: str | Promise,
        *,
        of: str = "",
        sql: str = "",
        unit: str | Promise = "",
    ) -> Column:
        """Return the column ``name``, of the column ``of`` (else of the same name) or ``sql``."""
        stored = of or name
        told = sql or f"{self._alias}.{stored}"
        return Column(name, kind, told, meaning, source=f"{self._table}.{stored}", unit=unit)

    def flag(self, name: str, meaning: str | Promise) -> Column:
        """Return a column that says yes or no."""
        sql = f"case when {self._alias}.{name} then 1 else 0 end"
        return Column(name, Kind.BOOL, sql, meaning, source=f"{self._table}.{name}")


def same(sql: str) -> Callable[[Owned], str]:
    """Return rows that are the same whoever's are asked for: ``where`` alone narrows them."""
    return lambda _owned: sql
