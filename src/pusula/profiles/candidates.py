"""Everybody as linkage compares them: names, contacts, documents and addresses, folded."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from django.db import connection

from pusula.lake import arrow
from pusula.lib.text import person_key
from pusula.profiles import rules
from pusula.profiles.linkage.records import NAMES, VALUES, Part, split
from pusula.profiles.models import IdentifierKind

_PEOPLE = """
select id, first_name, last_name from profiles_profile where id > %s order by id limit %s
"""
_IDENTIFIERS = """
select profile_id, kind, value from profiles_identifier
where profile_id between %s and %s
  and kind in ('email', 'phone', 'national_id', 'document', 'loyalty') order by id
"""
_TRAITS = """
select profile_id, name, case when kind = 'day' then {day} else text end from profiles_trait
where profile_id between %s and %s and name in ({marks}) and kind in ('day', 'text') order by id
"""
_PART = 20_000  # people
# The traits that say the same of a person, whatever their source calls them.
TRAITS = {
    "birth_date": "born", "born_on": "born", "birthday": "born",
    "city": "city", "postal_code": "postcode", "street": "street", "address_street": "street",
    "nationality": "country", "country": "country",
}  # fmt: skip
_FIELDS = {IdentifierKind.NATIONAL_ID.value: "national"}


def parts() -> Iterator[Part]:
    """Yield everybody, some thousand at a time: their names, and what is told of them by its age.

    Addresses of an office say nothing of a person and are left out.
    """
    last = 0
    while True:
        with connection.cursor() as cursor:
            people = arrow.fetch(cursor, _PEOPLE, [last, _PART], NAMES)
        if not people.num_rows:
            return
        first, last = people["id"][0].as_py(), people["id"][-1].as_py()
        values = [_identifiers(first, last), _traits(first, last)]
        yield _names(people), pa.concat_tables(values)


def _names(told: pa.Table) -> pa.Table:
    parts_ = [
        split(person_key(first or ""), person_key(last or ""))
        for first, last in zip(_texts(told["given"]), _texts(told["family"]), strict=True)
    ]
    names = [pa.array([part[i] for part in parts_], pa.string()) for i in range(2)]
    return pa.Table.from_arrays([told["id"], *names], schema=NAMES)


def _identifiers(first: int, last: int) -> pa.Table:
    with connection.cursor() as cursor:
        held = arrow.fetch(cursor, _IDENTIFIERS, [first, last], VALUES)
    kinds = held["field"].to_pylist()
    kept = [
        None if kind == IdentifierKind.EMAIL and rules.is_role(value) else value
        for kind, value in zip(kinds, _texts(held["value"]), strict=True)
    ]
    fields = pa.array([_FIELDS.get(kind, kind) for kind in kinds], pa.string())
    return pa.Table.from_arrays([held["id"], fields, pa.array(kept, pa.string())], schema=VALUES)


def _traits(first: int, last: int) -> pa.Table:
    marks = ", ".join(["%s"] * len(TRAITS))
    day = "day" if connection.vendor == "sqlite" else "to_char(day, 'YYYY-MM-DD')"
    with connection.cursor() as cursor:
        sql = _TRAITS.format(day=day, marks=marks)
        held = arrow.fetch(cursor, sql, [first, last, *TRAITS], VALUES)
    fields = [TRAITS[name] for name in held["field"].to_pylist()]
    said = zip(fields, _texts(held["value"]), strict=True)
    kept = [value if field == "born" else person_key(value or "") for field, value in said]
    columns = [held["id"], pa.array(fields, pa.string()), pa.array(kept, pa.string())]
    return pa.Table.from_arrays(columns, schema=VALUES)


def _texts(column: pa.ChunkedArray) -> Iterator[str]:
    """Yield the values without holding all of them as Python's."""
    for chunk in column.chunks:
        yield from chunk.to_pylist()
