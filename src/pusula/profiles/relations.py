"""Profiles and traits as columns, and how every owner narrows its rows to some profiles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection

from pusula.lake import arrow, as_of
from pusula.lake.as_of import Span
from pusula.profiles.models import Profile

Ids = npt.NDArray[np.int64]

# Below this many profiles their numbers go into the statement; above, their range does.
LISTED = 500

_TRAITS = pa.schema(
    [
        ("profile_id", pa.int64()),
        ("name", pa.string()),
        ("text", pa.string()),
        ("number", pa.float64()),
        ("day", pa.date32()),
    ]
)


def blocks(size: int, *, after: int = 0) -> Iterator[Ids]:
    """Yield the ids of all profiles behind ``after``, ascending, ``size`` at a time."""
    last = after
    while True:
        page = (
            Profile.objects.filter(id__gt=last).order_by("id").values_list("id", flat=True)[:size]
        )
        ids = np.fromiter(page, np.int64)
        if not len(ids):
            return
        yield ids
        last = int(ids[-1])


def fetch(
    table: str,
    columns: Sequence[str],
    schema: pa.Schema,
    ids: Ids,
    *,
    condition: str = "",
    params: Sequence[Any] = (),
    table_params: Sequence[Any] = (),
) -> pa.Table:
    """Return the rows of ``table`` that belong to ``ids`` (ascending) and meet ``condition``.

    ``columns`` are SQL expressions in the order of ``schema``, whose first field is
    ``profile_id``; they, ``table`` and ``condition`` come from our own code, never from outside.
    ``table_params`` are the parameters of a ``table`` that is a query.
    """
    if not len(ids):
        return schema.empty_table()
    where, bounds = narrowed(ids)
    if condition:
        where = f"{where} and {condition}"
    sql = f"select {', '.join(columns)} from {table} where {where}"
    with connection.cursor() as cursor:
        rows = arrow.fetch(cursor, sql, [*table_params, *bounds, *params], schema)
    return _only(rows, ids)


def fetch_versions(
    table: str,
    columns: Sequence[str],
    schema: pa.Schema,
    ids: Ids,
    span: Span,
    *,
    of: Sequence[str],
    order: Sequence[str],
    things: str = "{owned}",
    condition: str = "",
    params: Sequence[Any] = (),
    changed: str = "changed_at",
    recorded: str = "recorded_at",
) -> pa.Table:
    """Return the versions of ``ids`` (ascending) in ``table`` that hold at a moment of ``span``.

    As ``fetch``, and as ``lake.as_of.versions``, whose two columns stand behind those of
    ``schema``. Where a version can pass from one profile to another, ``things`` is a condition on
    all versions of one thing, with ``{owned}`` for the condition that a row belongs to ``ids``.
    """
    schema = schema.append(pa.field(as_of.SINCE, pa.int64()))
    schema = schema.append(pa.field(as_of.UNTIL, pa.int64()))
    if not len(ids):
        return schema.empty_table()
    owned, bounds = narrowed(ids)
    where = things.format(owned=owned)
    if condition:
        where = f"{where} and {condition}"
    sql = as_of.versions(
        span,
        table=table,
        columns=columns,
        of=of,
        order=order,
        condition=where,
        changed=changed,
        recorded=recorded,
    )
    with connection.cursor() as cursor:
        rows = arrow.fetch(cursor, sql, as_of.parameters(span, [*bounds, *params]), schema)
    return _only(rows, ids)


def narrowed(ids: Ids) -> tuple[str, list[int]]:
    """Return a condition that picks the rows of ``ids``, or of some more, and its parameters."""
    if len(ids) <= LISTED:
        return f"profile_id in ({', '.join(['%s'] * len(ids))})", ids.tolist()
    return "profile_id between %s and %s", [int(ids[0]), int(ids[-1])]


def _only(rows: pa.Table, ids: Ids) -> pa.Table:
    """Return those of ``rows`` that belong to ``ids``."""
    owners = rows["profile_id"].to_numpy()
    if len(ids) == ids[-1] - ids[0] + 1 and (
        not len(owners) or (owners.min() >= ids[0] and owners.max() <= ids[-1])
    ):
        return rows
    return rows.filter(pa.array(np.isin(owners, ids)))


def traits(ids: Ids, names: Sequence[str]) -> pa.Table:
    """Return the traits ``names`` of ``ids``: profile_id, name, text (folded), number, day."""
    if not names:
        return _TRAITS.empty_table()
    columns = ("profile_id", "name", "text_fold", "number", "day")
    condition = f"name in ({', '.join(['%s'] * len(names))})"
    return fetch("profiles_trait", columns, _TRAITS, ids, condition=condition, params=list(names))


_SCORES = pa.schema(
    [
        ("profile_id", pa.int64()),
        ("model", pa.string()),
        ("value", pa.float64()),
        ("decile", pa.int64()),
        ("scored_at", pa.int64()),
    ]
)


def scores(ids: Ids, models: Sequence[str]) -> pa.Table:
    """Return the newest scores by ``models``: profile_id, model, value, decile, scored_at."""
    if not models:
        return _SCORES.empty_table()
    newest = """not exists(select 1 from profiles_score later
  where later.profile_id = scored.profile_id and later.model = scored.model
    and later.scored_at > scored.scored_at)"""
    condition = f"model in ({', '.join(['%s'] * len(models))}) and {newest}"
    return fetch(
        "profiles_score scored", _SCORES.names, _SCORES, ids,
        condition=condition, params=list(models),
    )  # fmt: skip


def scores_during(ids: Ids, models: Sequence[str], span: Span) -> pa.Table:
    """Return the scores that were the newest at the moments of ``span``, as ``scores`` does.

    Behind these columns stand those of the spans in which a score was the newest.
    """
    return fetch_versions(
        "profiles_score",
        _SCORES.names,
        _SCORES,
        ids,
        span,
        of=("profile_id", "model"),
        order=("scored_at", "id"),
        condition=f"model in ({', '.join(['%s'] * len(models))})" if models else "1 = 0",
        params=list(models),
        changed="scored_at",
        recorded="scored_at",
    )


def created(ids: Ids) -> pa.Table:
    """Return when ``ids`` came to be: profile_id, at."""
    schema = pa.schema([("profile_id", pa.int64()), ("at", pa.int64())])
    table = "(select id as profile_id, created_at from profiles_profile) known"
    return fetch(table, ("profile_id", "created_at"), schema, ids)


def traits_during(ids: Ids, names: Sequence[str], span: Span) -> pa.Table:
    """Return the traits ``names`` that ``ids`` had at the moments of ``span``, as ``traits`` does.

    Behind these columns stand those of the spans in which a value held.
    """
    condition = f"name in ({', '.join(['%s'] * len(names))})" if names else "1 = 0"
    table = fetch_versions(
        "profiles_traitchange",
        ("profile_id", "name", "text_fold", "number", "day", "kind"),
        _TRAITS.append(pa.field("kind", pa.string())),
        ids,
        span,
        of=("profile_id", "name"),
        order=("changed_at", "recorded_at", "id"),
        condition=condition,
        params=list(names),
    )
    return table.filter(pc.not_equal(table["kind"], "")).drop_columns(["kind"])


def met(ids: Ids, span: Span) -> tuple[Ids, Ids]:
    """Return who of ``ids`` (ascending) is known, and the moment since when each of them is.

    With what was known at one moment that is when a system says they came, or when their record
    was written; with what was known at each moment, only the latter.
    """
    schema = pa.schema([("profile_id", pa.int64()), (as_of.SINCE, pa.int64())])
    columns = ("profile_id", span.since("created_at", "recorded_at"))
    table = "(select id as profile_id, created_at, recorded_at from profiles_profile) known"
    condition = "recorded_at <= %s"
    found = fetch(table, columns, schema, ids, condition=condition, params=[span.told_by])
    found = found.sort_by("profile_id")
    return found["profile_id"].to_numpy(), found[as_of.SINCE].to_numpy()


def earliest(table: str, time: str, ids: Ids, told_by: int) -> tuple[Ids, Ids]:
    """Return who of ``ids`` (ascending) has rows in ``table`` and each one's first ``time``.

    Rows recorded after ``told_by`` do not exist.
    """
    if not len(ids):
        return ids, ids
    owned, bounds = narrowed(ids)
    schema = pa.schema([("profile_id", pa.int64()), ("first_at", pa.int64())])
    sql = f"""select profile_id, min({time}) from {table}
        where {owned} and recorded_at <= %s group by profile_id"""
    with connection.cursor() as cursor:
        found = _only(arrow.fetch(cursor, sql, [*bounds, told_by], schema), ids)
    return found["profile_id"].to_numpy(), found["first_at"].to_numpy()


# Moments are added up by their rest: sums of whole microseconds do not fit into 64 bits.
_REST = 1_000_000_007


def summary(
    table: str, sums: Sequence[str], first: int, last: int, *, owner: str = "profile_id"
) -> tuple[int, ...]:
    """Return how many rows of ``table`` belong to the profiles from ``first`` to ``last``.

    Behind it stand the sums of the columns ``sums``, of moments (``*_at``) the sums of their rests:
    together they change with every insert, update and delete that matters to a mirror.
    """
    asked = [f"{each} %% {_REST}" if each.endswith("_at") else each for each in sums]
    if owner == "profile_id":  # a merge changes nothing but whose the rows are
        asked.append(f"(profile_id %% 65521) * ({sums[0]} %% 65519)")
    columns = ", ".join(["count(*)", *(f"coalesce(sum({each}), 0)" for each in asked)])
    with connection.cursor() as cursor:
        cursor.execute(
            f"select {columns} from {table} where {owner} between %s and %s", [first, last]
        )
        return tuple(int(value) for value in cursor.fetchone())


def marks(first: int, last: int) -> dict[str, tuple[int, ...]]:
    """Return by relation what changes whenever the rows of these profiles do."""
    return {
        "created": summary("profiles_profile", ["id", "created_at"], first, last, owner="id"),
        "traits": summary("profiles_trait", ["id", "updated_at"], first, last)
        + summary("profiles_traitchange", ["id"], first, last),
        "scores": summary("profiles_score", ["id"], first, last),
    }
