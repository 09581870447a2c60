"""Pilots, what was registered before they began, and the points of their list that people tick."""

from __future__ import annotations

from django.db import models

PLANNED = "planned"  # its journeys are drafts
RUNNING = "running"  # begun, or beginning on its first day
STOPPED = "stopped"
STATES = (PLANNED, RUNNING, STOPPED)


class Pilot(models.Model):
    """One pilot. From its start on, definition, digest and expectations are never changed."""

    key = models.SlugField(max_length=40, unique=True)
    definition = models.JSONField()
    digest = models.CharField(max_length=64)  # of the definition as it was registered
    state = models.CharField(max_length=8, choices=[(s, s) for s in STATES], default=PLANNED)
    # What was known and expected when it was counted last, at the latest when it was started: see
    # plan.Expected, by scenario.
    expected = models.JSONField(default=dict)
    counted_at = models.BigIntegerField(null=True)
    agreed_n = models.IntegerField(null=True)  # to how many people
    registered_at = models.BigIntegerField(null=True)
    registered_by = models.CharField(max_length=150, blank=True)
    stopped_at = models.BigIntegerField(null=True)
    created_at = models.BigIntegerField()


class Tick(models.Model):
    """A point of the list that somebody says is done."""

    pilot = models.ForeignKey(Pilot, models.CASCADE, related_name="ticks")
    item = models.CharField(max_length=40)
    by = models.CharField(max_length=150, blank=True)
    at = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pilot", "item"], name="pilot_tick_once")]
