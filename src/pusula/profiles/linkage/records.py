"""From what is told of people to one record each, as linkage compares them."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from pusula.profiles.linkage import model

NAMES = pa.schema([("id", pa.int64()), ("given", pa.string()), ("family", pa.string())])
VALUES = pa.schema([("id", pa.int64()), ("field", pa.string()), ("value", pa.string())])

# Of several addresses of one person the one that also leads to another counts, then the newest:
# what two people share is what there is to find.
_RECORDS = """
with held as (
    select id, field, value, row_number() over () as row,
        count(*) over (partition by field, value) > 1 as shared
    from told where value <> ''
), chosen as (
    select id, field, arg_max(value, (shared, row)) as value from held group by id, field
)
select n.id, nullif(n.given, '') as given, nullif(n.family, '') as family, {fields}
from names n left join chosen c on c.id = n.id
group by n.id, n.given, n.family
having n.given <> '' or n.family <> '' or count(c.value) > 0
order by n.id
"""


def records(names: pa.Table, values: pa.Table) -> pa.Table:
    """Return the records of people (``NAMES``, folded) with what is told of them (``VALUES``).

    ``values`` stand in the order of their age. People of whom nothing is known are left out.
    """
    fields = ", ".join(
        f"max(c.value) filter (where c.field = '{field}') as {field}"
        for field in model.FIELDS
        if field not in {"given", "family"}
    )
    with duckdb.connect(config={"threads": 1}) as db:
        db.register("names", names)
        db.register("told", values)
        return db.sql(_RECORDS.format(fields=fields)).to_arrow_table()


def split(given: str, family: str) -> tuple[str, str]:
    """Return given and family name where one field holds both: the last word is the family's."""
    words = (given or family).split()
    if (given and family) or len(words) < 2:  # noqa: PLR2004  a name and a family's name
        return given, family
    return " ".join(words[:-1]), words[-1]
