"""RFM runs and the score of each profile in them."""

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
    warnings = models.JSONField(default=list)
    n_profiles = models.IntegerField()
    currency = models.CharField(max_length=3)
    created_at = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["as_of_on", "config_key"], name="rfm_run_once"),
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
        indexes = [models.Index(fields=["run", "group"], name="rfm_score_by_group")]
