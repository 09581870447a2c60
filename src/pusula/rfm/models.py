"""RFM: versions of the rules with the limits in force, runs, and each profile's score in them."""

from __future__ import annotations

from django.db import models

from pusula.profiles.models import Profile


class RfmRun(models.Model):
    """One scoring of the customer pool as of the start of a day."""

    as_of_on = models.DateField()
    config = models.JSONField()
    config_key = models.CharField(max_length=64)  # digest of config: one run per day and config
    groups = models.JSONField(default=list)  # all names, those of empty groups too, as shown
    edges = models.JSONField()
    # The same limits as anybody can be held against them later: ranks as count and tie.
    cuts = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    # Against the limits in force when it was made: {version, n_moved, flows: [[from, to, n]]}.
    drift = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    warnings = models.JSONField(default=list)
    # What pages show of everybody (``figures.Figures``), counted when it was made; null: not yet.
    figures = models.JSONField(null=True)
    n_profiles = models.IntegerField()
    currency = models.CharField(max_length=3)
    created_at = models.BigIntegerField()
    # Scores are written a few thousand at a time: until all are there nobody sees the run.
    is_whole = models.BooleanField(default=True, db_default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["as_of_on", "config_key"],
                condition=models.Q(is_whole=True),
                name="rfm_run_once",
            ),
        ]


class RfmScore(models.Model):
    """What one profile scored in one run; monetary in minor units of the run's currency."""

    run = models.ForeignKey(RfmRun, models.CASCADE, related_name="scores", db_index=False)
    profile = models.ForeignKey(Profile, models.CASCADE, related_name="rfm_scores")
    origin_id = models.BigIntegerField(null=True)  # see profiles.models.Identifier
    recency_days = models.IntegerField()
    frequency = models.IntegerField()
    monetary_minor = models.BigIntegerField()
    r = models.SmallIntegerField()
    f = models.SmallIntegerField()
    m = models.SmallIntegerField()
    group = models.CharField(max_length=40)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "profile"], name="rfm_score_once")]
        # In the order of lists; with the profile, so that who was in which group is read from the
        # index alone.
        indexes = [
            models.Index(
                fields=["run", "group", "-monetary_minor", "profile"], name="rfm_score_listed"
            )
        ]


class RfmWays(models.Model):
    """How many went through the groups of some runs, counted when the last of them was made."""

    last = models.ForeignKey(RfmRun, models.CASCADE, related_name="ways", db_index=False)
    runs = models.CharField(max_length=130)  # the numbers of all, the oldest run first
    ways = models.JSONField()  # [[n, group, group, …]], null for who was not scored

    class Meta:
        constraints = [models.UniqueConstraint(fields=["last", "runs"], name="rfm_ways_once")]


class AlertRule(models.Model):
    """What people want to be told of after a run, compared with the run before it."""

    kind = models.CharField(max_length=8)  # grew, shrank, moved
    group = models.CharField(max_length=40)
    to_group = models.CharField(max_length=40, blank=True)  # of moved
    share = models.FloatField(null=True)  # of grew and shrank: 0.2 is a fifth
    n = models.IntegerField(null=True)  # of moved: more than so many
    created_by = models.CharField(max_length=170)
    created_at = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "group", "to_group"], name="rfm_alert_rule_once"
            ),
            models.CheckConstraint(
                condition=models.Q(kind="moved", share=None, n__gte=0)
                | models.Q(kind__in=["grew", "shrank"], n=None, share__gt=0),
                name="rfm_alert_rule_says_how_much",
            ),
        ]


class Alert(models.Model):
    """A rule that a run met: how many it was about before and after."""

    rule = models.ForeignKey(AlertRule, models.CASCADE, related_name="alerts", db_index=False)
    run = models.ForeignKey(RfmRun, models.CASCADE, related_name="alerts")
    before = models.ForeignKey(RfmRun, models.CASCADE, related_name="+")
    n_before = models.IntegerField()
    n_after = models.IntegerField()  # of moved: how many moved
    seen_at = models.BigIntegerField(null=True)
    seen_by = models.CharField(max_length=170, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "run"], name="rfm_alert_once")]


class RfmVersion(models.Model):
    """Rules and limits by which every customer is graded from ``published_at`` on; never changed.

    It holds until the next one is published. Asked for and not published yet, ``published_at`` is
    null; ``error`` says why it never will be. From ``begun_at`` on whoever is graded is graded by
    it, and the others are, in the order of their numbers; when all are it is published.
    """

    number = models.IntegerField(unique=True)
    config = models.JSONField()
    rerun = models.JSONField(default=dict)
    cuts = models.JSONField(default=dict)  # empty until they are measured
    groups = models.JSONField(default=list)  # all names, in the order of the rules
    # What the limits come from; a run that is made again takes the place of that of the same day.
    run = models.ForeignKey(RfmRun, models.SET_NULL, null=True, related_name="+")
    as_of_on = models.DateField(null=True)  # the day of that run
    cause = models.CharField(max_length=10)  # settings, rerun, restored
    restored = models.IntegerField(null=True)  # the number of the version that came back
    asked_at = models.BigIntegerField()
    asked_by = models.CharField(max_length=150, blank=True)  # a login; empty: the command line
    begun_at = models.BigIntegerField(null=True)
    graded_to = models.BigIntegerField(default=0, db_default=0)  # everybody up to this number is
    n_done = models.IntegerField(default=0, db_default=0)  # how many those are
    n_all = models.IntegerField(default=0, db_default=0)  # and how many there were when it began
    published_at = models.BigIntegerField(null=True)
    n_graded = models.IntegerField(null=True)  # customers in a group when it was published
    n_moved = models.IntegerField(null=True)  # customers whose group it changed
    error = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(published_at=None) | models.Q(begun_at__isnull=False),
                name="rfm_version_is_begun_first",
            )
        ]


class RfmDue(models.Model):
    """When time alone could next change how a profile is graded."""

    profile = models.OneToOneField(
        Profile, models.CASCADE, primary_key=True, related_name="rfm_due"
    )
    due_at = models.BigIntegerField(db_index=True)
