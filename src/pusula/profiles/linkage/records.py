"""From what is told of people to one record each, as linkage compares them, in a DuckDB."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pusula.profiles.linkage import model

NAMES = pa.schema([("id", pa.int64()), ("given", pa.string()), ("family", pa.string())])
VALUES = pa.schema([("id", pa.int64()), ("field", pa.string()), ("value", pa.string())])
Part = tuple[pa.Table, pa.Table]  # NAMES of some people, and all VALUES of theirs by age

# Of several addresses of one person the one that also leads to another counts, then the newest:
# what two people share is what there is to find.
_RECORDS = """
create table records as
with shared as (
    select field, value from held group by field, value having count(*) > 1
), chosen as (
    select id, field, arg_max(held.value, (shared.value is not null, held.rowid)) as value
    from held left join shared using (field, value) group by id, field
)
select n.id, nullif(n.given, '') as given, nullif(n.family, '') as family, {fields}
from names n left join chosen c on c.id = n.id
group by n.id, n.given, n.family
having n.given <> '' or n.family <> '' or count(c.value) > 0
order by n.id
"""


@contextmanager
def opened(memory: str, folder: Path | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB that takes at most ``memory`` and keeps its tables in ``folder``."""
    limits: dict[str, Any] = {"memory_limit": memory, "threads": 1}
    place = ":memory:"
    if folder is not None:
        limits["temp_directory"] = str(folder)
        place = str(folder / "records.duckdb")
    with duckdb.connect(place, config=limits) as db:
        yield db


def collect(db: duckdb.DuckDBPyConnection, parts: Iterable[Part]) -> None:
    """Make the table ``records``: ``id`` and ``model.FIELDS``, a row for each of whom we know.

    Values are folded; of people of whom nothing is known there is no row.
    """
    db.execute("create table names (id bigint, given varchar, family varchar)")
    db.execute("create table held (id bigint, field varchar, value varchar)")
    for names, values in parts:
        _append(db, "names", names)
        _append(db, "held", values.filter(pa.compute.not_equal(values["value"], "")))
    fields = ", ".join(
        f"max(c.value) filter (where c.field = '{field}') as {field}"
        for field in model.FIELDS
        if field not in {"given", "family"}
    )
    db.execute(_RECORDS.format(fields=fields))
    db.execute("drop table names")
    db.execute("drop table held")


def _append(db: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    db.register("part", rows)
    db.execute(f"insert into {table} select * from part")
    db.unregister("part")


def split(given: str, family: str) -> tuple[str, str]:
    """Return given and family name where one field holds both: the last word is the family's."""
    words = (given or family).split()
    if (given and family) or len(words) < 2:  # noqa: PLR2004  a name and a family's name
        return given, family
    return " ".join(words[:-1]), words[-1]


def clean(db: duckdb.DuckDBPyConnection) -> list[str]:
    """Make ``people`` from ``records``: nothing in it is known to be shared; return its fields.

    One blank document on thousands of guests, an agency's address: a value of many names says
    nothing of anybody. Fields that nobody has are left out.
    """
    there = {row[0] for row in db.execute("describe records").fetchall()}
    columns = [field for field in model.FIELDS if field in there and _is_told(db, field)]
    name = " || ' ' || ".join(f"coalesce({c}, '')" for c in ("given", "family") if c in columns)
    said = [_unshared(c, name or "id") if c in model.SINGULAR else c for c in columns]
    derived = [f"{sql} as {c}" for c, (of, sql) in model.DERIVED.items() if of in columns]
    kept = ", ".join(["id", *said])
    more = ", ".join(["*", *derived, "true as is_changed"])
    db.execute(
        f"create table people as select {more} from (select {kept} from records) order by id"
    )
    return columns


def _is_told(db: duckdb.DuckDBPyConnection, field: str) -> bool:
    found = db.execute(f"select 1 from records where {field} is not null limit 1")
    return found.fetchone() is not None


def _unshared(column: str, name: str) -> str:
    held = (
        f"select {column} from records where {column} is not null group by {column}"
        f" having count(distinct {name}) > {model.HOLDERS}"
    )
    return f"case when {column} not in ({held}) then {column} end as {column}"


def digests(db: duckdb.DuckDBPyConnection, columns: Iterable[str], salt: str) -> None:
    """Make ``digests``: for each of ``people`` a number that tells if their record is another."""
    said = ", ".join(columns)
    db.execute(
        f"create table digests as select id, (hash(?, {said}) >> 1)::bigint as digest from people",
        [salt],
    )


def mark_changed(db: duckdb.DuckDBPyConnection, known: pa.Table) -> int:
    """Have ``people.is_changed`` say whose record is not as in ``known`` (id, digest)."""
    db.register("known", known)
    db.execute(
        "update people set is_changed = false where id in"
        " (select id from digests join known using (id, digest))"
    )
    db.unregister("known")
    return int(_one(db, "select count(*) from people where is_changed"))


def n_people(db: duckdb.DuckDBPyConnection) -> int:
    """Return of how many people something is known."""
    return int(_one(db, "select count(*) from people"))


def gone(db: duckdb.DuckDBPyConnection, known: pa.Table) -> list[int]:
    """Return who is in ``known`` and has no record."""
    db.register("known", known)
    found = db.execute("select id from known where id not in (select id from people)").fetchall()
    db.unregister("known")
    return [one for (one,) in found]


def buckets(db: duckdb.DuckDBPyConnection, size: int) -> Iterator[Mapping[int, int]]:
    """Yield whose record changed, ascending, ``size`` at a time: number and digest."""
    last = -(2**62)
    while True:
        found = db.execute(
            "select id, digest from people join digests using (id)"
            " where is_changed and id > ? order by id limit ?",
            [last, size],
        ).fetchall()
        if not found:
            return
        yield dict(found)
        last = found[-1][0]


def _one(db: duckdb.DuckDBPyConnection, sql: str) -> Any:
    found = db.execute(sql).fetchone()
    return None if found is None else found[0]
