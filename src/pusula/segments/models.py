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
    created_by = models.CharField(max_length=150, blank=True)  # a login; empty: the command line
    published_at = models.BigIntegerField(null=True)  # when its members began to be shown

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["segment", "number"], name="segment_version_once"),
        ]


class Membership(models.Model):
    """A profile in a segment from ``entered_at`` until ``left_at`` (null: still in)."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="memberships", db_index=False)
    profile = models.ForeignKey(Profile, models.CASCADE, related_name="memberships", db_index=False)
    origin_id = models.BigIntegerField(null=True)  # see profiles.models.Identifier
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
        indexes = [
            models.Index(fields=["segment", "left_at"], name="membership_open"),
            # With all that an evaluation asks for: the rows of one profile lie far apart.
            models.Index(
                fields=["profile", "left_at", "segment", "id"], name="membership_by_profile"
            ),
        ]


class Move(models.Model):
    """An entry or an exit; by ``id`` in the order in which everybody hears of them.

    Written under one lock, held to the commit: a reader who has seen an id has seen all before it.
    """

    membership = models.ForeignKey(Membership, models.CASCADE, related_name="moves")
    is_entry = models.BooleanField()
    cause = models.CharField(max_length=20)


class SegmentSize(models.Model):
    """How many members a segment had when it was evaluated; the line of its size chart."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="sizes", db_index=False)
    at = models.BigIntegerField()
    n_members = models.IntegerField()
    # Worked out later from history with the definition of then or of now: not what was shown.
    is_back_cast = models.BooleanField(default=False)

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


class Due(models.Model):
    """When a profile was last evaluated, and when it must be again though nothing happens to it."""

    profile = models.OneToOneField(Profile, models.CASCADE, primary_key=True, related_name="due")
    due_at = models.BigIntegerField(null=True)  # the next flip; null: never
    evaluated_at = models.BigIntegerField()

    class Meta:
        indexes = [
            models.Index(
                fields=["due_at"], condition=models.Q(due_at__isnull=False), name="due_next"
            ),
            models.Index(fields=["evaluated_at"], name="due_by_evaluation"),
        ]


class Publication(models.Model):
    """A version on its way to being shown: evaluated in the background, then published at once.

    A lease: whoever works on it writes ``owner`` and ``heartbeat_at``; another takes over when the
    heartbeat stops. ``confirmed_at`` is when somebody said to publish what the preview shows.
    """

    version = models.OneToOneField(SegmentVersion, models.CASCADE, related_name="publication")
    asked_at = models.BigIntegerField()
    asked_by = models.CharField(max_length=150, blank=True)
    confirmed_at = models.BigIntegerField(null=True)
    owner = models.CharField(max_length=80, blank=True)
    heartbeat_at = models.BigIntegerField(null=True)
    n_done = models.IntegerField(default=0)  # profiles evaluated, of
    n_all = models.IntegerField(default=0)
    previewed_at = models.BigIntegerField(null=True)
    n_members = models.IntegerField(null=True)
    n_entering = models.IntegerField(null=True)
    n_leaving = models.IntegerField(null=True)
    finished_at = models.BigIntegerField(null=True)
    error = models.TextField(blank=True)


class Drift(models.Model):
    """Members that a full evaluation found to be wrong: put right, and shown as an alarm."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="drifts")
    found_at = models.BigIntegerField()
    n_missing = models.IntegerField()  # should have been in
    n_surplus = models.IntegerField()  # should not
    profile_ids = models.JSONField()  # a few of them
    seen_at = models.BigIntegerField(null=True)


class ProfileSort(models.TextChoices):
    """What a set of profiles comes from."""

    LIST = "list"  # uploaded
    CAMPAIGN = "campaign"


class ProfileSet(models.Model):
    """Profiles picked by somebody: an uploaded list, or those a campaign chose."""

    sort = models.CharField(max_length=10, choices=ProfileSort.choices)
    key = models.SlugField(max_length=80)
    title = models.CharField(max_length=200, blank=True)
    created_at = models.BigIntegerField()
    # Of a campaign: the arms of its members, sorted.
    arms = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sort", "key"], name="profile_set_once"),
        ]


class SetMember(models.Model):
    """A profile in a set, in one arm of it where the set has arms."""

    set = models.ForeignKey(ProfileSet, models.CASCADE, related_name="members", db_index=False)
    profile = models.ForeignKey(Profile, models.CASCADE, related_name="sets")
    origin_id = models.BigIntegerField(null=True)
    arm = models.CharField(max_length=40, blank=True)
    since_at = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["set", "profile"], name="set_member_once"),
        ]


class Debt(models.Model):
    """New facts that no evaluation has seen yet; written with them, paid by the evaluation."""

    cause = models.CharField(max_length=80)  # "import 12"
    since_at = models.BigIntegerField()
