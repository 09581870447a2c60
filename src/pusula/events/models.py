"""The append-only log of what happened."""

from __future__ import annotations

from django.db import models

from pusula.profiles.models import Profile


class Event(models.Model):
    """Something that happened at ``at`` and was written down at ``recorded_at``; never changed."""

    profile = models.ForeignKey(Profile, models.CASCADE, related_name="events", db_index=False)
    origin_id = models.BigIntegerField(null=True)  # see profiles.models.Identifier
    name = models.CharField(max_length=100)  # "Object Verbed": Hotel Searched
    at = models.BigIntegerField()
    recorded_at = models.BigIntegerField()
    # The sender's own id of the event, unique for the life of the log.
    dedupe_key = models.CharField(max_length=200, unique=True)
    source = models.CharField(max_length=60)
    properties = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["profile", "at"], name="event_by_profile"),
            models.Index(fields=["name", "at"], name="event_by_name"),
        ]
