"""Campaigns, their templates, and who was assigned to what."""

from __future__ import annotations

from django.db import models

from pusula.campaigns import machine
from pusula.consent.models import Channel
from pusula.outbox.candidates import SKIP, WAIT
from pusula.outbox.models import Content
from pusula.profiles.models import Profile
from pusula.segments.models import Segment


class Template(models.Model):
    """Reusable content: Liquid for subject, text and HTML."""

    name = models.CharField(max_length=120, unique=True)
    subject = models.TextField()
    text = models.TextField()
    html = models.TextField()
    updated_at = models.BigIntegerField()


class Goal(models.TextChoices):
    """What a campaign is for."""

    LOYALTY = "loyalty"
    CROSS_SELL = "cross_sell"
    UPSELL = "upsell"


class Arm(models.TextChoices):
    """What a campaign did with a candidate."""

    TREATED = "treated"
    HOLDOUT = "holdout"
    EXCLUDED = "excluded"


class Campaign(models.Model):
    """Goal, audience, exclusions, holdout, window, cost: the unit of plan and measure."""

    key = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=120)
    goal = models.CharField(max_length=12, choices=Goal.choices)
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.EMAIL)
    purpose = models.CharField(max_length=30, default="marketing")
    is_commercial = models.BooleanField(default=True)  # else it tells of what somebody booked
    priority = models.SmallIntegerField(default=5)  # 1 is served first, 9 last
    in_quiet_hours = models.CharField(  # what becomes of a message that would come at night
        max_length=4, choices=[(WAIT, WAIT), (SKIP, SKIP)], default=WAIT
    )
    not_after_hours = models.SmallIntegerField(default=24)  # later than that nobody gets it
    state = models.CharField(
        max_length=8, choices=[(s, s) for s in machine.STATES], default=machine.DRAFT
    )
    audience = models.ManyToManyField(Segment, related_name="audience_of")
    exclusions = models.ManyToManyField(Segment, related_name="excluded_from")
    template = models.ForeignKey(Template, models.PROTECT, null=True, related_name="campaigns")
    content = models.ForeignKey(Content, models.PROTECT, null=True, related_name="+")
    holdout_share = models.FloatField(default=0.1)  # 0..0.9 of the eligible
    # [[name, share of the treated], ...]; empty where there is one way to be treated.
    variants = models.JSONField(default=list)
    window_days = models.SmallIntegerField(default=14)
    # What conversion means: "" for an order placed in the window, else the name of an event.
    conversion_event = models.CharField(max_length=100, blank=True)
    currency = models.CharField(max_length=3)
    message_cost_minor = models.BigIntegerField(default=0)  # of each message sent
    fixed_cost_minor = models.BigIntegerField(default=0)
    margin = models.FloatField(default=1.0)  # share of net revenue that is profit, for ROI
    is_adopted = models.BooleanField(default=False)  # it ran elsewhere; we only measure it
    created_at = models.BigIntegerField()
    started_at = models.BigIntegerField(null=True)
    window_ends_at = models.BigIntegerField(null=True)

    @property
    def origin(self) -> str:
        """How the outbox calls who asked for a message."""
        return f"campaign:{self.pk}"


class Assignment(models.Model):
    """What a campaign decided about one candidate, once: treated, holdout, or excluded and why."""

    campaign = models.ForeignKey(
        Campaign, models.CASCADE, related_name="assignments", db_index=False
    )
    profile = models.ForeignKey(Profile, models.CASCADE, related_name="assignments")
    origin_id = models.BigIntegerField(null=True)  # see profiles.models.Identifier
    arm = models.CharField(max_length=8, choices=Arm.choices)
    variant = models.CharField(max_length=40, blank=True)
    reason = models.CharField(max_length=100, blank=True)  # why excluded; "segment:" and its key
    assigned_at = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "profile"], name="assignment_once"),
        ]
