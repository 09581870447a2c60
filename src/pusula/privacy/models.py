"""The audit log: what was changed or disclosed, by whom, each entry chained to the one before."""

from __future__ import annotations

from django.db import models


class AuditHead(models.Model):
    """The one row that counts the audit log; its lock makes the order of entries one chain."""

    n = models.BigIntegerField()  # the number of the newest entry
    digest = models.CharField(max_length=64)  # of the newest entry
    # What was forgotten by age: the chain begins behind this entry.
    kept_after = models.BigIntegerField(default=0)
    kept_after_digest = models.CharField(max_length=64)


class AuditEntry(models.Model):
    """That somebody changed or disclosed something; never changed, never about a person by name.

    ``id`` is counted by ``AuditHead``: 1, 2, 3 ... in the order of the commits.
    """

    at = models.BigIntegerField()
    actor = models.CharField(max_length=170)  # a login, "cli:" and a user of the machine, "system"
    verb = models.CharField(max_length=60, db_index=True)
    object = models.CharField(max_length=120, blank=True, db_index=True)
    detail = models.TextField()  # canonical JSON, as it was hashed
    digest = models.CharField(max_length=64)  # SHA-256 of this entry and the digest before it
