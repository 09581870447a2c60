"""Segments, their versions, memberships as intervals, and published cut-points."""

from __future__ import annotations

from django.db import models

from pusula.profiles.models import Profile


class Segment(models.Model):
    """A named condition over customers."""

    key = models.SlugField(max_length=80, unique=True)
    created_at = models.BigIntegerField()
    archived_at = models.BigIntegerField(null=True)
    # The version whose members are shown; null until the first evaluation is complete.
    version = models.ForeignKey("SegmentVersion", models.PROTECT, null=True, related_name="+")
    n_members = models.IntegerField(default=0)
    evaluated_at = models.BigIntegerField(null=True)  # for everybody, the last time
    # Set while the members shown are older than they should be, with the reason.
    stale_since_at = models.BigIntegerField(null=True)
    error = models.TextField(blank=True)


class SegmentVersion(models.Model):
    """One definition of a segment; never changed."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="versions")
    number = models.IntegerField()
    definition = models.JSONField()
    created_at = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["segment", "number"], name="segment_version_once"),
        ]


class Membership(models.Model):
    """A profile in a segment from ``entered_at`` until ``left_at`` (null: still in)."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="memberships", db_index=False)
    profile = models.ForeignKey(Profile, models.CASCADE, related_name="memberships")
    version = models.ForeignKey(SegmentVersion, models.CASCADE, related_name="+")
    entered_at = models.BigIntegerField()
    left_at = models.BigIntegerField(null=True)
    cause = models.CharField(max_length=20)  # import, run, definition

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["segment", "profile"],
                condition=models.Q(left_at__isnull=True),
                name="membership_open_once",
            ),
        ]
        indexes = [models.Index(fields=["segment", "left_at"], name="membership_open")]


class SegmentSize(models.Model):
    """How many members a segment had when it was evaluated; the line of its size chart."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="sizes", db_index=False)
    at = models.BigIntegerField()
    n_members = models.IntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["segment", "at"], name="segment_size_once")]


class CutPoint(models.Model):
    """A limit set by the data ("top 10 %"), as published for everybody to compare with."""

    key = models.CharField(max_length=200)  # what is measured, over whom, at which quantile
    value = models.FloatField()
    n_population = models.IntegerField()
    published_at = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["key", "-published_at"], name="cut_point_newest")]


class Debt(models.Model):
    """New facts that no evaluation has seen yet; written with them, paid by the evaluation."""

    cause = models.CharField(max_length=80)  # "import 12"
    since_at = models.BigIntegerField()
