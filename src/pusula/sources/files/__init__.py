"""Files of every format as batches of columns; a module for each format, ``reading`` the door."""

from pusula.sources.files.lines import start as json_start
from pusula.sources.files.parquet import names as parquet_names
from pusula.sources.files.reading import format_of, read
from pusula.sources.files.sheets import start as sheet_start
from pusula.sources.files.table import MAX_CELL, Batch, Column, called, code, too_long
from pusula.sources.files.text import start as csv_start

__all__ = [
    "MAX_CELL",
    "Batch",
    "Column",
    "called",
    "code",
    "csv_start",
    "format_of",
    "json_start",
    "parquet_names",
    "read",
    "sheet_start",
    "too_long",
]
