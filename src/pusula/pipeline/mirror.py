"""The lake brought up to date: what the kernel reads of every profile, as files.

Bucket by bucket and relation by relation, only where the database's mark is another than the one
the lake was written with. Stopped anywhere and begun again it ends in the same state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
from django.conf import settings
from django.db import connection

from pusula.lake.delta import Lake, Table
from pusula.lake.turns import turn
from pusula.orders import relations as orders
from pusula.profiles.relations import Ids
from pusula.segments import actions, catalog, evaluate
from pusula.segments.everybody import means, mirrored
from pusula.segments.everybody.compare import ids_between
from pusula.segments.everybody.files import RELATIONS
from pusula.segments.everybody.mirrored import Snapshot
from pusula.segments.kernel import Requirements

# Every version of every order: only for who asks for the past of all customers, so it is not there
# before somebody does.
HISTORY = "order_versions"
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Mirrored:
    """What a mirroring did: the tables it had to throw away, buckets written and looked at."""

    lost: tuple[str, ...]
    n_written: int
    n_buckets: int
    snapshot: Snapshot
    history: tuple[str, ...] = ()  # places of the files of ``HISTORY``, by bucket


def run(
    on_progress: OnProgress = lambda _done, _all: None,
    *,
    forget_at_once: bool = False,
    with_history: bool = False,
) -> Mirrored:
    """Bring every bucket of the lake up to date; ``on_progress`` hears how many are done.

    Old files go after a day, for the sake of those who are reading them, or ``forget_at_once``.
    ``with_history``: all versions of orders too; once they are there, always.
    """
    lake = Lake(settings.PUSULA_LAKE)
    with turn(connection, "pipeline.mirror", settings.PUSULA_HOME / "run"):
        names = [*RELATIONS, HISTORY]
        lost = lake.repair(names)
        spec = _spec()
        tables = {relation: lake.table(relation) for relation in names}
        if not with_history and HISTORY not in lost and tables[HISTORY].version < 0:
            del tables[HISTORY]
        # Also those from which the last profile is gone.
        buckets = {first // mirrored.SPAN for first, _ in means.parts()}
        buckets.update(bucket for table in tables.values() for bucket in table.files())
        n_written = 0
        for done, bucket in enumerate(sorted(buckets), 1):
            n_written += _write(bucket, tables, spec)
            on_progress(done, len(buckets))
        if n_written or forget_at_once:
            for table in tables.values():
                table.forget(at_once=forget_at_once)
            lake.seal(tables)
        held = mirrored.snapshot(lake, spec, buckets)
        past = lake.table(HISTORY).files() if HISTORY in tables else {}
    places = [place for bucket in sorted(past) for place in past[bucket]]
    return Mirrored(tuple(lost), n_written, len(buckets), held, tuple(places))


def _versions(ids: Ids) -> pa.Table:
    return orders.versions(ids).sort_by([("profile_id", "ascending"), ("id", "ascending")])


def _spec() -> Requirements:
    """Return what the definitions in use ask for, and more (``mirrored.spec_of``)."""
    plan, _ = evaluate.plan(actions.newest_versions())
    return mirrored.spec_of(plan.requirements, catalog.schema())


def _write(bucket: int, tables: dict[str, Table], spec: Requirements) -> int:
    """Write the relations of ``bucket`` that are not as the database has them; return how many.

    The mark is taken before the rows are read: rows may be newer than their mark, which costs
    another writing, but never older.
    """
    first, last = bucket * mirrored.SPAN, (bucket + 1) * mirrored.SPAN - 1
    marks = mirrored.marks(first, last, spec)
    if HISTORY in tables:
        # As orders: what changes an order changes its versions.
        marks[HISTORY] = mirrored.mark_of(orders.marks(first, last)["orders"], HISTORY)
    changed = [relation for relation in tables if tables[relation].mark(bucket) != marks[relation]]
    if not changed:
        return 0
    ids = ids_between(first, last)
    for relation in changed:
        rows = _versions(ids) if relation == HISTORY else mirrored.rows(relation, ids, spec)
        tables[relation].replace(bucket, rows, marks[relation])
    return len(changed)
