"""The same evaluation on Spark: its workers read the lake's files, this process the database.

Spark gives each worker a bucket and the kernel runs there unchanged (``everybody.bucket.InArrow``);
what comes back is compared and written as in any other run.
"""

from __future__ import annotations

import os
import pickle
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pusula.lib.errors import PusulaError
from pusula.pipeline import mirror
from pusula.segments import queries
from pusula.segments.everybody import bucket, rebuild
from pusula.segments.everybody.bucket import ANSWERS, Found, InArrow, Task, Values
from pusula.segments.everybody.means import Means
from pusula.segments.everybody.mirrored import Snapshot
from pusula.segments.everybody.rebuild import OnProgress, silent
from pusula.segments.everybody.settlement import Outcome

try:
    from pyspark import sql
except ImportError:  # an extra: pip install pusula[spark]
    sql = None  # type: ignore[assignment]

LOCAL = "local[*]"
# Buckets whose answers are in this process together: about 2 MB each.
_TOGETHER = 64
_ANSWERS = ", ".join(
    f"{field.name} {kind}" for field, kind in zip(ANSWERS, ("long", "binary"), strict=True)
)


class SparkMissingError(PusulaError):
    """Spark cannot be started here."""

    code = "no_spark"
    status = 501


def run(on_progress: OnProgress = silent, *, master: str = LOCAL) -> Outcome:
    """Bring the lake up to date and evaluate everybody on the Spark at ``master``.

    ``master`` is an address as Spark has them: ``local[*]`` (all cores of this machine),
    ``spark://host:7077``, ``yarn``, ``k8s://…``. Raises ``SparkMissingError`` where there is none.
    """
    _require()
    lake = mirror.run().snapshot
    with _session(master) as session:
        means = Means(lake=lake, engine=Spark(session))
        return rebuild.everybody(at=queries.moment(), means=means, on_progress=on_progress)


@dataclass(frozen=True)
class Spark:
    """Spark as an engine: see ``segments.everybody.means.Engine``."""

    session: Any

    def found(self, task: Task, lake: Snapshot) -> Iterator[tuple[int, Found]]:
        """Yield what ``task`` finds in each bucket of ``lake``."""
        for number, packed in self._answers(InArrow(pickle.dumps(task), bucket.found_in), lake):
            yield number, Found.unpacked(packed)

    def values(self, task: Task, lake: Snapshot) -> Iterator[tuple[int, Values]]:
        """Yield the values of the populations of ``task`` in each bucket of ``lake``."""
        for number, packed in self._answers(InArrow(pickle.dumps(task), bucket.values_in), lake):
            yield number, pickle.loads(packed)  # noqa: S301 - from our own workers

    def _answers(self, work: InArrow, lake: Snapshot) -> Iterator[tuple[int, bytes]]:
        rows = [(number, bytearray(pickle.dumps(lake.of(number)))) for number in lake.buckets]
        for start in range(0, len(rows), _TOGETHER):
            part = rows[start : start + _TOGETHER]
            # A slice per bucket: a core takes the next one as soon as it is free.
            spread = self.session.sparkContext.parallelize(part, len(part))
            table = self.session.createDataFrame(spread, "bucket long, files binary")
            for row in table.mapInArrow(work, _ANSWERS).collect():
                yield row["bucket"], bytes(row["found"])


@contextmanager
def _session(master: str) -> Iterator[Any]:
    """Open a session whose workers run the Python that runs us."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = sql.SparkSession.builder.master(master).appName("pusula")
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "1",
        "spark.log.level": "ERROR",
    }.items():
        builder = builder.config(name, value)
    if master.startswith("local"):
        builder = builder.config("spark.driver.host", "127.0.0.1")
        builder = builder.config("spark.driver.bindAddress", "127.0.0.1")
    session = builder.getOrCreate()
    try:
        yield session
    finally:
        session.stop()


def _require() -> None:
    """Raise ``SparkMissingError`` with the way out if there is no Spark or no Java."""
    if sql is None:
        raise SparkMissingError("Spark is not installed: pip install 'pusula[spark]'")
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        raise SparkMissingError(
            "Spark needs Java 17 or newer: install it (apt-get install default-jre-headless), or "
            "name its folder in JAVA_HOME"
        )
