"""From records to pairs that may be one person, each with what speaks for and against it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from pusula.profiles.linkage import model, records, training
from pusula.profiles.linkage.pair import Pair
from pusula.profiles.linkage.scoring import Scorer

BUCKET = 20_000


def link(
    told: pa.Table,
    *,
    least: float = model.PROPOSED,
    memory: str = "1GB",
    folder: Path | None = None,
    bucket: int = BUCKET,
) -> Iterator[Pair]:
    """Yield the pairs of ``told`` that weigh at least ``least``, in the order of their numbers.

    Those that share a number of ``model.ALWAYS`` come whatever else they say. ``told``: ``id``
    (int64, unique) and any of ``model.FIELDS`` (string). DuckDB takes at most ``memory`` and then
    goes on in ``folder``. The same records give the same pairs, whatever the size of a ``bucket``.
    """
    with records.opened(memory, folder) as db:
        db.register("records", told)
        columns = records.clean(db)
        if told.num_rows < 2 or not model.blocks(columns):  # noqa: PLR2004  a pair takes two
            return
        records.digests(db, columns, "")
        scorer = Scorer(db, columns, training.trained(db, columns, told.num_rows))
        for ids in records.buckets(db, bucket):
            yield from scorer.pairs(ids.keys(), least=least)
