"""Imports: which file was read, what became of its rows."""

from __future__ import annotations

from django.db import models


class ImportState(models.TextChoices):
    """How far an import came."""

    READING = "reading"
    DONE = "done"
    FAILED = "failed"


class Import(models.Model):
    """One file brought in; its effects and this row's ``done`` are one transaction."""

    kind = models.CharField(max_length=12)  # orders, profiles, events, consents
    file_name = models.CharField(max_length=260)
    digest = models.CharField(max_length=64)  # SHA-256 of file and mapping
    source = models.CharField(max_length=60)
    state = models.CharField(max_length=8, choices=ImportState.choices)
    n_rows = models.IntegerField(default=0)
    n_new = models.IntegerField(default=0)
    n_changed = models.IntegerField(default=0)
    n_same = models.IntegerField(default=0)
    n_rejected = models.IntegerField(default=0)
    n_filtered = models.IntegerField(default=0)  # left out by the mapping's filter
    reject_file = models.CharField(max_length=260, blank=True)
    # The most frequent reasons of rejects: column, reason, n, line and value of the first.
    reasons = models.JSONField(default=list)
    notes = models.JSONField(default=list)  # what had to be guessed, in sentences
    error = models.TextField(blank=True)
    started_at = models.BigIntegerField()
    finished_at = models.BigIntegerField(null=True)
