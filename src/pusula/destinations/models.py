"""How analysts get their tables, where these were written, and the company's clock as rows."""

from __future__ import annotations

from django.db import models


class BiFormat(models.TextChoices):
    """What kind of files analysts get."""

    PARQUET = "parquet", "Parquet"
    CSV = "csv", "CSV"


class BiSettings(models.Model):
    """Whether and how the batch run writes the files; one row."""

    is_on = models.BooleanField(default=False)
    folder = models.CharField(max_length=400, blank=True)  # empty: ``bi`` in the home folder
    format = models.CharField(max_length=8, choices=BiFormat.choices, default=BiFormat.PARQUET)
    has_bom = models.BooleanField(default=False)  # of CSV, for Excel
    # Names, addresses and numbers of other systems: else a customer is a number of ours.
    with_identifiers = models.BooleanField(default=False)
    every_hours = models.SmallIntegerField(default=1)  # not more often than that
    # Set while the views are meant to be in the database; ``readers`` may read them: [view, role].
    views_at = models.BigIntegerField(null=True)
    readers = models.JSONField(default=list)


class BiFolder(models.Model):
    """A folder that holds an export, and what the newest one in it is.

    As long as there is a row the folder is searched when a person is erased.
    """

    folder = models.CharField(max_length=400, unique=True)
    format = models.CharField(max_length=8, choices=BiFormat.choices)
    with_identifiers = models.BooleanField(default=False)
    began_at = models.BigIntegerField()
    finished_at = models.BigIntegerField(null=True)
    # Of the newest whole export: [{"name", "file", "n_rows", "n_bytes"}, ...].
    tables = models.JSONField(default=list)
    error = models.CharField(max_length=400, blank=True)  # why the last one failed


class ZoneShift(models.Model):
    """From a moment on, how far clocks in the company's zone stand before UTC, in microseconds.

    Written by ``lib.clock`` for the views: a database would ask its own time zones.
    """

    since_at = models.BigIntegerField(primary_key=True)
    shift = models.BigIntegerField()
