"""Everybody as linkage compares them: names, contacts, documents and addresses, folded."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from django.db import connection

from pusula.lake import arrow
from pusula.lib.text import person_key
from pusula.profiles import rules
from pusula.profiles.linkage.records import NAMES, VALUES, records, split
from pusula.profiles.models import IdentifierKind

_PEOPLE = "select id, first_name, last_name from profiles_profile order by id"
_IDENTIFIERS = """
select profile_id, kind, value from profiles_identifier
where kind in ('email', 'phone', 'national_id', 'document', 'loyalty') order by id
"""
# The traits that say the same of a person, whatever their source calls them.
TRAITS = {
    "birth_date": "born", "born_on": "born", "birthday": "born",
    "city": "city", "postal_code": "postcode", "street": "street", "address_street": "street",
    "nationality": "country", "country": "country",
}  # fmt: skip
_FIELDS = {IdentifierKind.NATIONAL_ID.value: "national"}


def everybody() -> pa.Table:
    """Return one record for each profile of whom something is known; see ``linkage.engine.link``.

    Addresses of an office say nothing of a person and are left out.
    """
    values = pa.concat_tables([_identifiers(), _traits()])
    return records(_names(), values)


def _names() -> pa.Table:
    with connection.cursor() as cursor:
        told = arrow.fetch(cursor, _PEOPLE, [], NAMES)
    parts = [
        split(person_key(first or ""), person_key(last or ""))
        for first, last in zip(_texts(told["given"]), _texts(told["family"]), strict=True)
    ]
    names = [pa.array([part[i] for part in parts], pa.string()) for i in range(2)]
    return pa.Table.from_arrays([told["id"], *names], schema=NAMES)


def _identifiers() -> pa.Table:
    with connection.cursor() as cursor:
        held = arrow.fetch(cursor, _IDENTIFIERS, [], VALUES)
    kinds = held["field"].to_pylist()
    kept = [
        None if kind == IdentifierKind.EMAIL and rules.is_role(value) else value
        for kind, value in zip(kinds, _texts(held["value"]), strict=True)
    ]
    fields = pa.array([_FIELDS.get(kind, kind) for kind in kinds], pa.string())
    return pa.Table.from_arrays([held["id"], fields, pa.array(kept, pa.string())], schema=VALUES)


def _traits() -> pa.Table:
    marks = ", ".join(["%s"] * len(TRAITS))
    day = "day" if connection.vendor == "sqlite" else "to_char(day, 'YYYY-MM-DD')"
    sql = (
        f"select profile_id, name, case when kind = 'day' then {day} else text end"
        f" from profiles_trait where name in ({marks}) and kind in ('day', 'text') order by id"
    )
    with connection.cursor() as cursor:
        held = arrow.fetch(cursor, sql, list(TRAITS), VALUES)
    fields = [TRAITS[name] for name in held["field"].to_pylist()]
    said = zip(fields, _texts(held["value"]), strict=True)
    kept = [value if field == "born" else person_key(value or "") for field, value in said]
    columns = [held["id"], pa.array(fields, pa.string()), pa.array(kept, pa.string())]
    return pa.Table.from_arrays(columns, schema=VALUES)


def _texts(column: pa.ChunkedArray) -> Iterator[str]:
    """Yield the values without holding all of them as Python's."""
    for chunk in column.chunks:
        yield from chunk.to_pylist()
