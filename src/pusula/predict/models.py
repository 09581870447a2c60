"""Versions of the models that predict, what they recommend, and what agents made of it."""

from __future__ import annotations

from django.db import models

from pusula.profiles.models import Profile


class ModelVersion(models.Model):
    """One training of a model: its numbers and its card; the newest of a model is current."""

    model = models.CharField(max_length=60)  # as in profiles.models.Score
    number = models.IntegerField()
    as_of_on = models.DateField()  # nothing of this day or later was seen
    parameters = models.JSONField(default=dict)
    card = models.JSONField()  # predict.cards.Card
    withheld = models.CharField(max_length=40, blank=True)  # the reason's code; empty: published
    made_at = models.BigIntegerField()
    is_current = models.BooleanField(default=True)
    scored_at = models.BigIntegerField(null=True)  # the moment its scores carry
    n_scored = models.IntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="model_version_once"),
            models.UniqueConstraint(
                fields=["model"],
                condition=models.Q(is_current=True),
                name="model_version_current_once",
            ),
        ]
        indexes = [models.Index(fields=["made_at"], name="model_version_by_time")]


class Recommendation(models.Model):
    """What a version recommends to a profile, the best first; only those of current versions stay.

    ``reason_code``: what the profile has that goes with it; empty where nothing does.
    """

    version = models.ForeignKey(
        ModelVersion, models.CASCADE, related_name="recommendations", db_index=False
    )
    profile = models.ForeignKey(Profile, models.CASCADE, related_name="recommendations")
    origin_id = models.BigIntegerField(null=True)  # see profiles.models.Identifier
    rank = models.SmallIntegerField()  # from 1
    code = models.CharField(max_length=120)  # of an item, a hotel, a region, a type of room
    name = models.CharField(max_length=200)  # as people call it, in the company's own words
    reason_code = models.CharField(max_length=120, blank=True)
    reason_name = models.CharField(max_length=200, blank=True)
    score = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "profile", "rank"], name="recommendation_once"
            ),
        ]
        indexes = [models.Index(fields=["version", "code"], name="recommendation_by_code")]


class Companion(models.Model):
    """A thing that is often bought in one order with another, the most frequent first."""

    version = models.ForeignKey(
        ModelVersion, models.CASCADE, related_name="companions", db_index=False
    )
    with_code = models.CharField(max_length=120)
    with_name = models.CharField(max_length=200)
    rank = models.SmallIntegerField()  # from 1
    code = models.CharField(max_length=120)
    name = models.CharField(max_length=200)
    together = models.IntegerField()  # orders with both
    support = models.FloatField()  # of all orders
    confidence = models.FloatField()  # of the orders with ``with_code``
    lift = models.FloatField()  # times as often as chance would bring them together

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "with_code", "rank"], name="companion_once"),
        ]
        indexes = [models.Index(fields=["version", "together"], name="companion_by_frequency")]


class Verdict(models.TextChoices):
    """What an agent did with a suggestion."""

    ACCEPTED = "accepted"
    DECLINED = "declined"


class Answer(models.Model):
    """An agent's answer to the next best action that was suggested for a profile."""

    profile = models.ForeignKey(Profile, models.CASCADE, related_name="answers", db_index=False)
    origin_id = models.BigIntegerField(null=True)  # see profiles.models.Identifier
    suggestion = models.CharField(max_length=60)  # the key of its rule
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    answered_by = models.CharField(max_length=150)  # a login
    answered_at = models.BigIntegerField()

    class Meta:
        indexes = [
            models.Index(fields=["profile", "answered_at"], name="answer_by_profile"),
            models.Index(fields=["suggestion", "answered_at"], name="answer_by_suggestion"),
        ]


class LifeDue(models.Model):
    """When time alone next changes the lifecycle stage of a profile."""

    profile = models.OneToOneField(
        Profile, models.CASCADE, primary_key=True, related_name="life_due"
    )
    due_at = models.BigIntegerField(db_index=True)
