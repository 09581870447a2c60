"""Parquet files by pyarrow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from django.utils.translation import gettext as _

from pusula.sources.errors import FileError
from pusula.sources.files import table
from pusula.sources.files.table import Batch, Job, arrow_column, batch


def names(path: Path) -> list[str]:
    """Return the names of the columns."""
    try:
        with pq.ParquetFile(path) as file:
            found: list[str] = file.schema_arrow.names
            return found
    except (pa.ArrowException, OSError) as error:
        message = _("not a Parquet file: %(error)s") % {"error": error}
        raise FileError(f"{path.name}: {message}") from error


def read(job: Job) -> Iterator[Batch]:
    """Yield the batches of a Parquet file, whatever size its own row groups have."""
    try:
        with pq.ParquetFile(job.path) as file:
            job.positions(file.schema_arrow.names, 1)
            total = file.metadata.num_rows
            done = 0
            for rows in file.iter_batches(table.BATCH_ROWS, columns=job.wanted):
                lines = np.arange(done + 1, done + rows.num_rows + 1, dtype=np.int64)
                done += rows.num_rows
                columns = {name: arrow_column(rows.column(name)) for name in job.wanted}
                yield batch(lines, columns, [], done / max(total, 1))
    except (pa.ArrowException, OSError) as error:
        raise job.error(_("not a Parquet file: %(error)s") % {"error": error}) from error
