"""The lake brought up to date: what the kernel reads of every profile, as files.

Bucket by bucket and relation by relation, only where the database's mark is another than the one
the lake was written with. Stopped anywhere and begun again it ends in the same state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from pusula.lake.delta import Lake, Table
from pusula.lake.turns import turn
from pusula.segments import actions, catalog, evaluate
from pusula.segments.everybody import means, mirrored
from pusula.segments.everybody.compare import ids_between
from pusula.segments.everybody.files import RELATIONS
from pusula.segments.everybody.mirrored import Snapshot
from pusula.segments.kernel import Requirements

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Mirrored:
    """What a mirroring did: the tables it had to throw away, buckets written and looked at."""

    lost: tuple[str, ...]
    n_written: int
    n_buckets: int
    snapshot: Snapshot


def run(
    on_progress: OnProgress = lambda _done, _all: None, *, forget_at_once: bool = False
) -> Mirrored:
    """Bring every bucket of the lake up to date; ``on_progress`` hears how many are done.

    Old files go after a day, for the sake of those who are reading them, or ``forget_at_once``.
    """
    lake = Lake(settings.PUSULA_LAKE)
    with turn(connection, "pipeline.mirror", settings.PUSULA_HOME / "run"):
        lost = lake.repair(RELATIONS)
        spec = _spec()
        tables = {relation: lake.table(relation) for relation in RELATIONS}
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
            lake.seal(RELATIONS)
        held = mirrored.snapshot(lake, spec, buckets)
    return Mirrored(tuple(lost), n_written, len(buckets), held)


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
    changed = [
        relation for relation in RELATIONS if tables[relation].mark(bucket) != marks[relation]
    ]
    if not changed:
        return 0
    ids = ids_between(first, last)
    for relation in changed:
        tables[relation].replace(bucket, mirrored.rows(relation, ids, spec), marks[relation])
    return len(changed)
