"""The log of what came in, how far it has been read, and what could not be taken over."""

from __future__ import annotations

from django.db import models

from pusula.lib.sayings import Saying
from pusula.pipeline import refusals


class LogHead(models.Model):
    """The one row that counts the log: whoever appends takes ids here, and so waits in turn.

    Its lock makes id order commit order. A sequence would not: it hands numbers out before the
    commit, and a reader walks past those that commit late.
    """

    n = models.BigIntegerField()  # the id of the newest entry


class LogEntry(models.Model):
    """What somebody told us, as it came; never changed.

    ``id`` is counted by ``LogHead``: 1, 2, 3 ... in the order of the commits.
    """

    kind = models.CharField(max_length=20)  # event, order, trait, consent, message
    source = models.CharField(max_length=60)
    # The sender's own id with the source in front, unique for the life of the log.
    message_id = models.CharField(max_length=200, unique=True)
    body = models.TextField()  # JSON
    occurred_at = models.BigIntegerField(null=True)  # as told
    recorded_at = models.BigIntegerField()


class Offset(models.Model):
    """How far a consumer has read the log; moved together with the effects of what it read."""

    consumer = models.CharField(max_length=40, primary_key=True)
    entry_id = models.BigIntegerField()
    message_id = models.CharField(max_length=200, blank=True, default="")  # of that entry
    at = models.BigIntegerField()  # the moment of its last step


class NameSort(models.TextChoices):
    """What a name that programs send may name."""

    EVENT = "event"
    PROPERTY = "property"
    TRAIT = "trait"


class KnownName(models.Model):
    """The name of an event, property or trait that came through the tracking API."""

    sort = models.CharField(max_length=8, choices=NameSort.choices)
    name = models.CharField(max_length=64)
    source = models.CharField(max_length=60)  # who sent it first
    since_at = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sort", "name"], name="known_name_once"),
        ]


class Quarantine(models.Model):
    """A log entry that could not be taken over, and why; it waits for somebody to look at it."""

    entry_id = models.BigIntegerField(unique=True)
    kind = models.CharField(max_length=20)
    source = models.CharField(max_length=60)
    reason = models.TextField()  # as kept: see ``why``
    since_at = models.BigIntegerField()
    n_tries = models.IntegerField(default=1)

    @property
    def why(self) -> Saying | str:
        """The reason."""
        return refusals.found(self.reason)
