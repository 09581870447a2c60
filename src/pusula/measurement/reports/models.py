"""The rules of attribution, results that were computed in the background, and reports by mail."""

from __future__ import annotations

from django.db import models

from pusula.campaigns.models import TeamAddress


class AttributionRules(models.Model):
    """A version of how orders are ascribed where nobody says otherwise; the highest holds."""

    number = models.IntegerField(unique=True)
    definition = models.JSONField()  # see credit.Rules.plain
    applied_at = models.BigIntegerField()
    applied_by = models.CharField(max_length=150, blank=True)  # a login; empty: the command line


class Answer(models.Model):
    """What a report said when it was computed; of a question that takes too long for a page."""

    digest = models.CharField(max_length=64, unique=True)  # of kind and question
    kind = models.CharField(max_length=20)
    question = models.JSONField()
    asked_at = models.BigIntegerField()  # the last time somebody wanted it
    wanted = models.BooleanField(default=True)  # it is to be computed (again)
    # After so many crashes in a row not before then, unless somebody asks for it.
    n_crashes = models.SmallIntegerField(default=0)
    not_before_at = models.BigIntegerField(default=0)
    made_at = models.BigIntegerField(null=True)
    took_ms = models.IntegerField(null=True)
    result = models.JSONField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["asked_at"], condition=models.Q(wanted=True), name="report_wanted"
            ),
        ]


class Schedule(models.Model):
    """A report that goes to people of the team every week, or every day."""

    title = models.CharField(max_length=120)
    parts = models.JSONField()  # what it tells, in this order: see letters.PARTS
    days = models.SmallIntegerField()  # it is about so many days up to the day before it leaves
    language = models.CharField(max_length=5)
    weekday = models.SmallIntegerField(null=True)  # 0: Monday; null: every day
    hour = models.SmallIntegerField()  # on the company's clock
    recipients = models.ManyToManyField(TeamAddress, related_name="report_schedules")
    created_at = models.BigIntegerField()
    created_by = models.CharField(max_length=150, blank=True)
    since_at = models.BigIntegerField()  # what was due before is not sent
    ended_at = models.BigIntegerField(null=True)


class Issue(models.Model):
    """A report of a schedule for one of its moments, as it was sent; never changed."""

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="issues", db_index=False)
    due_at = models.BigIntegerField()
    from_on = models.DateField()
    until_on = models.DateField()  # the day behind the last
    made_at = models.BigIntegerField()
    results = models.JSONField()  # by part

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["schedule", "due_at"], name="report_issue_once"),
        ]


class Letter(models.Model):
    """An issue on its way to one address: taken just before the final dot, and never again."""

    issue = models.ForeignKey(Issue, models.CASCADE, related_name="letters", db_index=False)
    to = models.ForeignKey(TeamAddress, models.CASCADE, related_name="report_letters")
    n_tries = models.SmallIntegerField(default=0)
    tried_at = models.BigIntegerField(null=True)
    taken_at = models.BigIntegerField(null=True)
    sent_at = models.BigIntegerField(null=True)  # the server said yes
    problem = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issue", "to"], name="report_letter_once")]
        indexes = [
            models.Index(
                fields=["issue"], condition=models.Q(taken_at__isnull=True), name="report_in_line"
            ),
        ]
